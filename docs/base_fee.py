"""Draw `docs/base-fee.png` and write the tables of `docs/base_fee.md` again: `python -m docs.base_fee`.

The page's words are kept; the tables between lines like `<!-- elasticity -->` and `<!-- end -->` are written anew.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dynmech as dm
from dynmech.agents.oracle.gains import ex_ante_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.figures.saving import save_figure
from dynmech.mechanisms.commitment.base_fee import BaseFee
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.economy.environment import TableEnvironment

PAGE = Path(__file__).resolve().parent / "base_fee.md"
PICTURE = PAGE.with_name("base-fee.png")

NOTHING = 1e-8
"""Gains up to so much are rounding."""

CLOSE = 2e-3
"""How closely a share is told."""

ELASTICITIES = (0.25, 0.5, 1.0, 2.0, 4.0)
DISCOUNTS = (0.8, 0.9, 0.95, 0.99)
HORIZONS = (2, 3, 4, 6, 8, 12, 16, 24, 32)
TIPS = ("clearing", "minimal")
MARKERS = {"clearing": "o-", "minimal": "s--"}
WINDOWS = (1, 2, 3)
SMALL = {"units": 2}
"""Where blocks are remembered, gas in halves of the target: the memory is their product."""

Options = Mapping[str, Any]

Rows = Mapping[tuple[str, float], list[float | None]]
"""Least shares by tips and discount factor."""


def gain(share: float, market: Options, rule: Options) -> float:
    """What one proposer with this share of slots gains by its best response, from the fee that play stays at."""
    environment = dm.load(f"base-fee:shares={share!r}," + ",".join(f"{key}={value}" for key, value in market.items()))
    assert isinstance(environment, TableEnvironment)
    problem = build_problem(FiniteGame(environment, BaseFee(environment, **rule)), (0,))
    truth, best = (solve(problem, one, Information.INTERIM) for one in (Family.PRESCRIBED, Family.BEST_RESPONSE))
    return ex_ante_gain(best, truth).gain


def least_share(market: Options, rule: Options) -> float | None:
    """Return the share of slots from which it pays not to fill blocks, by bisection; None: it never does."""
    low, high = 0.0, 1.0
    if gain(high, market, rule) <= NOTHING:
        return None
    while high - low > CLOSE:
        middle = (low + high) / 2
        low, high = (low, middle) if gain(middle, market, rule) > NOTHING else (middle, high)
    return high


def curves() -> Rows:
    """Return least shares by elasticity, for each kind of tips and discount factor."""
    return {
        (tips, delta): [least_share({"elasticity": e, "discount": delta}, {"tips": tips}) for e in ELASTICITIES]
        for tips in TIPS
        for delta in DISCOUNTS
    }


def horizons() -> dict[str, list[float | None]]:
    """Return least shares by the number of slots, δ = 1, for each kind of tips."""
    return {
        tips: [least_share({"discount": 1.0, "horizon": slots}, {"tips": tips}) for slots in HORIZONS] for tips in TIPS
    }


def averages() -> Rows:
    """Return least shares by the number of blocks that the fee follows, for each kind of tips and discount factor."""
    return {
        (tips, delta): [
            least_share({**SMALL, "discount": delta}, {"tips": tips, "window": window}) for window in WINDOWS
        ]
        for tips in TIPS
        for delta in (0.8, 0.95)
    }


def percent(share: float | None) -> str:
    """Return a share as it is printed.

    >>> percent(0.0625), percent(None)
    ('6.2 %', '–')
    """
    return "–" if share is None else f"{100 * share:.1f} %"


def table(rows: Rows, columns: Sequence[str]) -> str:
    """Return a table of least shares by tips and discount factor."""
    head = ["| tips | δ | " + " | ".join(columns) + " |", "| --- | --- |" + " --- |" * len(columns)]
    lines = [
        f"| {tips} | {delta:g} | " + " | ".join(percent(share) for share in shares) + " |"
        for (tips, delta), shares in rows.items()
    ]
    return "\n".join([*head, *lines])


def apart(ends: Mapping[float, float | None], gap: float = 4.0) -> dict[float, float]:
    """Return heights of labels in per cent, those of lines that end close together moved down.

    >>> apart({0.9: 0.23, 0.95: 0.21, 0.8: None})
    {0.9: 23.0, 0.95: 19.0}
    """
    out: dict[float, float] = {}
    for key, share in sorted(ends.items(), key=lambda one: -(one[1] or 0.0)):
        if share is not None:
            out[key] = min([100 * share, *(height - gap for height in out.values())])
    return out


def draw(by_elasticity: Rows, by_horizon: Mapping[str, list[float | None]]) -> Any:
    """Return the picture: shares by elasticity and discount factor, and by the number of slots."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    colours = dict(zip(TIPS, ("tab:blue", "tab:red"), strict=True))
    shades = dict(zip(DISCOUNTS, (0.35, 0.55, 0.75, 1.0), strict=True))
    for (tips, delta), shares in by_elasticity.items():
        heights = [float("nan") if one is None else 100 * one for one in shares]
        left.plot(ELASTICITIES, heights, MARKERS[tips], ms=4, color=colours[tips], alpha=shades[delta])
    for tips in TIPS:
        ends = {delta: by_elasticity[tips, delta][-1] for delta in DISCOUNTS}
        for delta, height in apart(ends).items():
            left.annotate(f"{delta:g}", (ELASTICITIES[-1], height), (6, -3), textcoords="offset points", size=8)
    for tips, shares in by_horizon.items():
        heights = [float("nan") if one is None else 100 * one for one in shares]
        right.plot(HORIZONS, heights, MARKERS[tips], ms=4, color=colours[tips], label=f"{tips} tips")
    left.set(xscale="log", xlabel="elasticity of demand ε", ylabel="least share of slots, %", ylim=(0, 100))
    left.set_xticks(ELASTICITIES, [f"{e:g}" for e in ELASTICITIES])
    left.minorticks_off()
    left.set_title("for ever, discount factor δ at the line's end", loc="left", size=10)
    right.set(xscale="log", xlabel="number of slots, δ = 1, ε = 1")
    right.set_xticks(HORIZONS, [str(slots) for slots in HORIZONS])
    right.minorticks_off()
    right.set_title("for so many slots", loc="left", size=10)
    right.legend(fontsize=8, frameon=False, loc="upper right")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle("Who has this share of slots, or more, gains by leaving blocks empty", x=0.01, ha="left", size=12)
    return figure


def main() -> None:
    """Work everything out; write picture and page."""
    by_elasticity, by_horizon = curves(), horizons()
    save_figure(draw(by_elasticity, by_horizon), PICTURE)
    parts = {
        "elasticity": table(by_elasticity, [f"ε = {e:g}" for e in ELASTICITIES]),
        "average": table(averages(), ["last block", *(f"mean of {window}" for window in WINDOWS[1:])]),
    }
    page = PAGE.read_text(encoding="utf-8")
    for name, text in parts.items():
        page = re.sub(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", text + "\n", page, count=1, flags=re.DOTALL)
    PAGE.write_text(page, encoding="utf-8")
    by_slots = {tips: [percent(share) for share in shares] for tips, shares in by_horizon.items()}
    sys.stdout.write("\n\n".join([*parts.values(), f"by slots {HORIZONS}: {by_slots}\n"]))


if __name__ == "__main__":
    main()
