"""Run folders of every kind with hostile names in them, and their pages."""

from pathlib import Path
from typing import Any

import pytest

from dynmech.experiments.report.page import report
from dynmech.experiments.runs.results import read_result, save_result
from dynmech.experiments.runs.running import run
from dynmech.experiments.runs.stressing import stress
from dynmech.experiments.tournament.loading import check_tournament
from dynmech.experiments.tournament.playing import tournament
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.small_economies import independent

HOSTILE = "<script>console.error('run')</script><img src=x onerror=console.error(1)>\"'&"
"""A name that wants to be run."""


ODD = (HOSTILE, '"><img onerror=console.error(2) src=y>', "long-" * 60, "\u202eright to left: שלום", "{{ 7 * 7 }}")
"""Names that want to be run, or to spoil the page."""


KINDS = ("stress", "run", "learner", "tournament", "sweep")


def hostile_economy() -> TableEnvironment:
    """Two bidders alike, the first with a name that wants to be run."""
    made = independent((0.8, 0.8))
    return TableEnvironment("planted", (HOSTILE, "b"), made.prior, (made.stages[0],) * 2, 0.9, 2)


def study(out: Path, **more: Any) -> dict[str, Any]:
    """Two bidders, two strategies, two mechanisms."""
    return {
        "title": HOSTILE,
        "environment": "repeated-auction:bidders=2,horizon=2",
        "mechanisms": ["pivot", "pay-your-report"],
        "strategies": {"truth": "truthful", "down": "misreport:map=down"},
        "roles": {HOSTILE: {"agents": ["bidder 1", "bidder 2"]}},
        "coalitions": {"cartel": ["0", "1"]},
        "episodes": 40,
        "out": str(out),
        **more,
    }


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run folder of each kind, with what is hostile in it."""
    base = tmp_path_factory.mktemp("pages")
    stress("oil-leases-prior", ["cremer-mclean", "linked"], episodes=400, log="summary", out=base / "stress")
    run(hostile_economy(), "pivot", {"0": "misreport:map=flip"}, episodes=100, out=base / "run")
    run("oil-leases-prior", "cremer-mclean", {"0": "q-learning:rounds=50"}, episodes=60, out=base / "learner")
    tournament(check_tournament(study(base / "tournament"), "s"))
    swept = {"use": "repeated-auction:bidders=2,horizon=2", "sweep": {"fatigue": [0.0, 0.5]}}
    tournament(check_tournament(study(base / "sweep", environment=swept), "s"))
    return {kind: base / kind for kind in KINDS}


@pytest.fixture(scope="session")
def pages(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of each."""
    base = tmp_path_factory.mktemp("html")
    return {kind: report(folder, base / f"{kind}.html") for kind, folder in folders.items()}


def renamed(data: Any, names: dict[str, str]) -> Any:
    """Plain data with every text, and every key, that is one of some names exchanged for another."""
    if isinstance(data, dict):
        return {names.get(key, key): renamed(value, names) for key, value in data.items()}
    if isinstance(data, list):
        return [renamed(value, names) for value in data]
    return names.get(data, data) if isinstance(data, str) else data


@pytest.fixture(scope="session")
def odd_pages(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pages of results in which agents, mechanisms, strategies and economies bear odd names."""
    base = tmp_path_factory.mktemp("odd")
    victims = ("cremer-mclean", "firm 1", "oil-leases-prior", "q-learning:rounds=50,explore=0.5,horizon=8,patience=4.0")
    out = []
    for k, kind in enumerate(kind for kind in ("stress", "learner") for _ in ODD):
        turned = [*ODD[k % len(ODD) :], *ODD[: k % len(ODD)]]
        folder = base / f"{k}"
        folder.mkdir()
        (folder / "run.json").write_bytes((folders[kind] / "run.json").read_bytes())
        result = renamed(read_result(folders[kind]), dict(zip(victims, turned, strict=False)))
        save_result(folder, result["kind"], result)
        out.append(report(folder, base / f"{k}.html"))
    return out
