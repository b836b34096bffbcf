"""Every result of the face says itself in a few lines and hands out JSON and tables."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import dynmech as dm
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.claims import Claims
from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.experiments.tournament.loading import check_tournament
from tests.builders.runs import strategy

HOSTILE = "<b>&\"'"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where runs lie."""
    return tmp_path_factory.mktemp("results")


LIE = {"firm 1": "misreport:map=flip"}

STUDY = {
    "environment": "oil-leases-prior",
    "mechanisms": ["cremer-mclean", "linked"],
    "strategies": {"truth": "truthful", "flip": "misreport:map=flip"},
    "episodes": 20,
}


def proved(base: Path) -> object:
    """A certificate that is checked."""
    dm.certify(dm.audit("oil-leases-prior", "linked"), base / "proof.json")
    return dm.verify(base / "proof.json")


def checked(base: Path) -> object:
    """A plug-in that keeps its word."""
    (base / "mine.py").write_text(strategy("mine", "return view.prescribed", head="width = 0"), encoding="utf-8")
    return dm.check_plugins([base / "mine.py"], "oil-leases")


MADE: dict[str, Callable[[Path], object]] = {
    "run": lambda base: dm.run("oil-leases-prior", "cremer-mclean", LIE, episodes=20, out=base / "r"),
    "simulate": lambda _: dm.simulate("oil-leases-prior", "cremer-mclean", LIE, episodes=20),
    "stress": lambda base: dm.stress("oil-leases-prior", "linked", episodes=20, log="summary", out=base / "s"),
    "sweep": lambda base: dm.sweep("repeated-auction:horizon=2", {"discount": [0.5, 0.9]}, "pivot", out=base / "w"),
    "tournament": lambda base: dm.tournament(check_tournament({**STUDY, "out": str(base / "t")}, "s")),
    "audit": lambda _: dm.audit("oil-leases-prior", "cremer-mclean"),
    "bound": lambda _: dm.bound(dm.load("two-period-sale:grid=2")),
    "relaxation": lambda _: dm.relaxation(dm.load("two-period-sale:grid=2")),
    "replay": lambda base: dm.replay(
        dm.run("oil-leases-prior", "cremer-mclean", LIE, episodes=20, out=base / "r").folder, "deviation"
    ),
    "equilibrium": lambda _: dm.equilibrium("oil-leases-prior", "cremer-mclean"),
    "design": lambda _: dm.design("oil-leases", memory="none"),
    "estimate": lambda base: dm.estimate(
        dm.run("oil-leases-prior", "cremer-mclean", LIE, episodes=20, out=base / "r").folder,
        environment="oil-leases-prior",
    ),
    "robust": lambda base: dm.robust(
        "repeated-auction:horizon=2,values=2", "pivot", draws=[30], replications=2, out=base / "b"
    ),
    "verify": proved,
    "check": checked,
    "reproduce": lambda _: Claims([Claim("p", "one", 1.0, 1.0), Claim("p", HOSTILE, 1.0, 2.0)]),
}


@pytest.mark.parametrize("name", MADE)
def test_a_result_can_be_held(name: str, base: Path) -> None:
    result = MADE[name](base)
    text = repr(result)
    assert 1 <= text.count("\n") + 1 <= 4
    assert "object at 0x" not in text
    assert type(result).__name__ not in text, "a repr of all fields is no few lines"
    data = result.to_dict()  # type: ignore[attr-defined]
    assert data["schema"] == 2
    assert json.loads(result.to_json()) == json.loads(json.dumps(data))  # type: ignore[attr-defined]
    html = result._repr_html_()  # type: ignore[attr-defined]
    assert "<table" in html
    assert '<div class="dynmech notebook"><style>' in html, "as the page"
    assert HOSTILE not in html
    if isinstance(result, ShownResult):
        frames = result.frames()
        assert frames
        assert all(isinstance(frame, pd.DataFrame) and len(frame) for frame in frames.values())
    else:
        assert isinstance(result.gains, pd.DataFrame)  # type: ignore[attr-defined]


def test_reproduce_returns_claims() -> None:
    assert dm.reproduce.__annotations__["return"] is Claims


def test_a_class_without_lines_is_caught() -> None:
    with pytest.raises(NotImplementedError):
        repr(ShownResult())


def test_a_run_reads_its_own_log(base: Path) -> None:
    result = dm.run("oil-leases-prior", "cremer-mclean", LIE, episodes=20, out=base / "r")
    gains = result.gains()
    assert len(result.outcomes()) == 20 * len(result.agents) * result.summary["periods"]
    assert gains.groupby("agent", observed=True)["gain"].mean()["firm 1"] == pytest.approx(result.agents["gain"][0])
    assert (result.episodes()["strategy"] == "misreport:map=flip").sum() == 20
    brief = dm.run("oil-leases-prior", "linked", episodes=20, log="summary", out=base / "brief")
    with pytest.raises(dm.InputError, match="keeps no outcomes"):
        brief.outcomes()


def test_a_tournament_has_its_payoffs(base: Path) -> None:
    found = dm.tournament(check_tournament({**STUDY, "out": str(base / "t")}, "s"))
    payoffs = found.payoffs
    assert payoffs["mechanism"].unique().tolist() == STUDY["mechanisms"]
    for part in found.parts:
        mine = payoffs[payoffs["mechanism"] == part.mechanism]
        assert mine["payoff"].tolist() == part.game.mean.tolist()
        assert mine["error"].tolist() == part.game.error.tolist()
    profiles = found.profiles_table
    assert len(profiles) == sum(len(part.game.profiles) for part in found.parts)
    assert profiles.columns[:3].tolist() == ["environment", "mechanism", "profile"]


@pytest.mark.parametrize("name", ["run", "tournament"])
def test_a_result_draws_itself(name: str, base: Path, tmp_path: Path) -> None:
    result = MADE[name](base)
    first = result.plot(tmp_path / "a.svg")  # type: ignore[attr-defined]
    second = result.plot(str(tmp_path / "b.svg"))  # type: ignore[attr-defined]
    assert first.read_bytes() == second.read_bytes()
    said = first.read_text(encoding="utf-8")
    assert "seed=0" in said
    assert "dynmech run" in said or "dynmech tournament" in said
    assert hasattr(result.plot(), "savefig")  # type: ignore[attr-defined]


def test_certified_stands_beside_the_figures_that_a_certificate_proves() -> None:
    plain = dm.audit("oil-leases-prior", "linked")
    assert "certified" not in plain._repr_html_().split("</style>")[1]
    proved = {gain.family for gain in plain.figures if gain.family == "best_response"}
    marked = replace(plain, figures=[replace(gain, certified=gain.family in proved) for gain in plain.figures])
    html = marked._repr_html_().split("</style>")[1]
    assert html.count("<small>certified</small>") == sum(gain.family in proved for gain in plain.figures) > 0
