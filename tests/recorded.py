"""What the recorder of figures keeps: which audits beside those of every pair, which runs, which tables."""

import json
from dataclasses import dataclass, field
from typing import Any

SMALL_ADS = "sponsored-search:depth=1,nodes=2"

SMALL_SUPPLY = "supply-chain:nodes=2"

INSTEAD = {
    ("sponsored-search", "balanced"): SMALL_ADS,
    ("sponsored-search", "balanced-team"): SMALL_ADS,
    ("sponsored-search", "contingent-convex"): SMALL_ADS,
    ("sponsored-search", "contingent-spanning"): SMALL_ADS,
    ("supply-chain", "balanced-team"): SMALL_SUPPLY,
    ("supply-chain", "cremer-mclean"): SMALL_SUPPLY,
    ("supply-chain", "once"): f"{SMALL_SUPPLY},most=1",
}
"""Pairs whose search takes more than some five seconds, and on which smaller economy they are audited instead."""

BESIDE = (
    ("audit", "lowest-bid-auction:bidders=2", "lowest-bid"),
    ("audit", "oil-leases-prior", "cremer-mclean", "--all-states"),
    ("audit", "repeated-auction:values=2", "pivot", "--exit"),
    ("audit", "sponsored-search:depth=2,nodes=5", "virtual-pivot"),  # first report by first report
    ("audit", SMALL_ADS, "virtual-index"),
    ("audit", "two-period-sale:grid=3,buyers=2", "pivot"),
    ("audit", "two-period-sale:grid=3,buyers=2", "revenue-optimal"),
    ("audit", "repeated-auction:values=2", "pivot", "--coalition", "bidder 1+bidder 2"),
)
"""Audits beside those of every scenario by every mechanism that fits."""

STUDY = """
mechanisms = ["pivot", "pay-your-report"]
episodes = 24
log = "episodes"
environment = "repeated-auction:bidders=2,values=3,horizon=3"
[strategies]
truth = "truthful"
down = "misreport:map=down"
late = { use = "truthful", noise = 0.3, delay = 1 }
either = { mix = { truth = 0.5, down = 0.5 } }
[coalitions]
cartel = ["bidder 1", "bidder 2"]
"""
"""A tournament with a coalition."""

RUNS: dict[str, tuple[str, ...]] = {
    "a lie": (
        *("run", "oil-leases-prior", "cremer-mclean", "--strategy", "firm 1=misreport:map=flip"),
        *("--episodes", "60", "--shard", "25"),
    ),
    "late messages": (
        *("run", "oil-leases-prior", "linked", "--strategy", "firm 1=one-shot:period=1,map=flip"),
        *("--latency", "all=exponential:0.4", "--deadline", "0.5", "--episodes", "60"),
    ),
    "a learner": (
        *("run", "oil-leases-prior", "cremer-mclean", "--strategy", "firm 1=q-learning:rounds=50"),
        *("--strategy", "firm 2=exp3:rounds=40", "--episodes", "6", "--shard", "3"),
    ),
    "private actions": (
        *("run", "trading-game:variant=hidden-investment", "balanced", "--strategy", "buyer=disobedience"),
        *("--episodes", "50"),
    ),
    "acts without end": ("run", "repeated-trade:discount=0.5", "self-enforcing", "--episodes", "20", "--tail", "0.05"),
    "functions": ("run", "bilateral-trade-continuous", "trading-pivot", "--episodes", "20", "--tail", "0.1"),
    "densities": (
        *("run", "continuous-licence", "contingent-density", "--strategy", "0=random", "--episodes", "16"),
        *("--tail", "0.5"),
    ),
    "without end": (
        *("run", "repeated-auction:discount=0.5", "pivot", "--strategy", "bidder 1=misreport:map=down"),
        *("--tail", "0.01", "--episodes", "30", "--log", "episodes"),
    ),
    "decisions disclosed": (
        *("run", "spectrum", "static-vcg", "--disclosure", "decisions", "--strategy", "carrier 1=random"),
        *("--episodes", "40", "--log", "summary"),
    ),
    "stress": (
        "stress",
        "oil-leases-prior",
        "--mechanism",
        "linked",
        "--mechanism",
        "cremer-mclean",
        "--episodes",
        "40",
    ),
    "stress, summed up": (
        *("stress", "repeated-auction:horizon=3", "--mechanism", "pay-your-report", "--episodes", "40"),
        *("--log", "summary"),
    ),
    "tournament": ("tournament", "study.toml"),
}
"""Runs that are kept, by what is special about them."""

SWEEPS: dict[str, tuple[str, ...]] = {
    "fading correlation": (
        *("common-state", "--vary", "informativeness=0.8,0.2,0.1"),
        *("--mechanism", "contingent-spanning"),
    ),
    "bounded transfers": (
        *("continuous-licence", "--vary", "contingent-density:bound=12,24"),
        *("--mechanism", "contingent-density:method=bounded", "--episodes", "100"),
    ),
}
"""Sweeps that are kept, without the command."""

QUICK = (
    "audit oil-leases-prior cremer-mclean",
    "audit oil-leases pivot",
    "run a lie",
)
"""Lines that the ordinary suite compares."""

Value = float | int | str


@dataclass(frozen=True)
class Line:
    """One audit, run or table.

    Attributes:
        name: `audit ECONOMY MECHANISM …`, `run WHAT`, `sweep WHAT`, `fits SCENARIO`.
        scale: of the economy's money.
        figures: numbers, counts and words by key, a key being words parted by `/`.
        hashes: of every column's decoded values, in order, labels by first place; on one machine only.
    """

    name: str
    scale: float
    figures: dict[str, Value]
    hashes: dict[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """As it stands in the golden file."""
        data = {"name": self.name, "scale": self.scale, "figures": dict(sorted(self.figures.items()))}
        return json.dumps(data, ensure_ascii=False)

    def exact(self) -> dict[str, Any]:
        """Every number to the last bit."""
        shown = {key: value.hex() if isinstance(value, float) else value for key, value in self.figures.items()}
        return {"scale": self.scale.hex(), "figures": shown, "hashes": self.hashes}
