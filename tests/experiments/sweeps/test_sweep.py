"""A sweep's figures are those of the audit, point by point; it resumes, and takes what `audit` takes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech import SweepResult, audit, load, simulate
from dynmech.experiments.runs.results import read_result
from dynmech.experiments.runs.simulation import Sampling
from dynmech.experiments.sweeps.simulated_play import gains_verdict, simulated_figures, simulated_gains
from dynmech.experiments.sweeps.sweeping import sweep
from dynmech.experiments.workers.pool import Workers
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game

SMALL = "repeated-auction:horizon=2"
GRID: dict[str, list[Any]] = {"discount": [0.5, 0.9], "values": [2, 3]}


def loaded(text: str) -> TableEnvironment:
    """A shipped economy in tables."""
    economy = load(text)
    assert isinstance(economy, TableEnvironment)
    return economy


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    return sweep(SMALL, GRID, ["pivot", "pay-your-report"], out=tmp_path_factory.mktemp("sweep") / "grid")


def test_every_point_is_what_the_audit_says(grid: SweepResult) -> None:
    assert len(grid.figures) == 8
    for row in grid.figures.to_dict("records"):
        found = audit(f"{SMALL},discount={row['discount']},values={row['values']}", row["mechanism"])
        ex_ante = found.gains[found.gains["information"] == "ex_ante"].groupby("family")["gain"].max()
        for family in ("one_shot", "belief_manipulation", "best_response"):
            assert row[family] == pytest.approx(ex_ante[family], abs=1e-12)
            assert np.isnan(row[f"{family}_half_width"])
        assert row["welfare"] == pytest.approx(found.truth.welfare)
        assert row["revenue"] == pytest.approx(found.truth.revenue)
        assert row["net_revenue"] == pytest.approx(found.truth.net_revenue)
        assert row["budget"] == pytest.approx(found.budget["ex_post"].value)
        assert found.largest_transfer is not None
        assert row["largest_transfer"] == pytest.approx(abs(found.largest_transfer.value))
        assert (row["backend"], row["verdict"]) == ("exact", found.verdict)
    interim = grid.table("interim")
    assert (interim["best_response"] >= grid.figures["best_response"] - 1e-12).all()
    assert interim["best_response"].max() > grid.figures["best_response"].max()
    with pytest.raises(InputError, match="information 'all': one of ex_ante"):
        grid.table("all")


def test_what_one_holds(grid: SweepResult) -> None:
    assert repr(grid).splitlines() == [
        "sweep of repeated-auction:horizon=2: discount (2 values), values (2 values)",
        "pivot: no deviation gains anything ex ante at any of 4 points",
        f"pay-your-report: {grid.told_by_mechanism['pay-your-report']}",
    ]
    assert "most at discount=0.9, values=3: bidder 1 gains" in grid.told_by_mechanism["pay-your-report"]
    data = json.loads(grid.to_json())
    assert data == json.loads(json.dumps(grid.to_dict()))
    assert data["schema"] == 2
    assert [cell["mechanism"] for cell in data["cells"]] == ["pivot", "pay-your-report"] * 4
    assert grid.to_dict()["cells"] == read_result(grid.folder)["cells"]
    assert "<table" in grid._repr_html_()
    assert len(grid.gains) == 8 * 3 * 2 * 4  # cells, families, agents, informations
    assert grid.complete


def test_the_same_call_resumes_and_workers_change_nothing(grid: SweepResult, tmp_path: Path) -> None:
    again = sweep(SMALL, GRID, ["pivot", "pay-your-report"], out=grid.folder)
    assert again.reused
    assert again.to_dict()["cells"] == grid.to_dict()["cells"]
    journal = (grid.folder / "shards.jsonl").read_bytes()
    two = sweep(SMALL, GRID, ["pivot", "pay-your-report"], out=tmp_path / "two", workers=Workers(2))
    assert (two.folder / "shards.jsonl").read_bytes() == journal
    (two.folder / "shards.jsonl").write_bytes(b"".join(journal.splitlines(keepends=True)[:5]))
    told: list[tuple[str, int]] = []

    def watch(name: str, _: int) -> Callable[[int], None]:
        return lambda done: told.append((name, done))

    healed = sweep(SMALL, GRID, ["pivot", "pay-your-report"], out=two.folder, progress=watch)
    assert not healed.reused
    assert [done for name, done in told if name == "sweeping"] == [5, 1, 1, 1]
    assert (two.folder / "shards.jsonl").read_bytes() == journal
    with pytest.raises(InputError, match=r"holds another run: varied\.discount"):
        sweep(SMALL, {"discount": [0.5]}, ["pivot", "pay-your-report"], out=grid.folder)


def test_classes_and_objects_are_taken(grid: SweepResult, tmp_path: Path) -> None:
    classes = sweep(SMALL, GRID, [Pivot, PayYourReport], out=tmp_path / "classes")
    assert classes.figures.drop(columns="mechanism").equals(grid.figures.drop(columns="mechanism"))
    assert classes.command is None
    assert grid.command is not None
    assert "--vary=discount=0.5,0.9" in grid.command
    economy = loaded(f"{SMALL},values=3")
    given = sweep(economy, {"discount": [0.5, 0.9]}, Pivot, out=tmp_path / "object")
    same = grid.figures[(grid.figures["values"] == 3) & (grid.figures["mechanism"] == "pivot")]
    np.testing.assert_allclose(given.figures["revenue"], same["revenue"])
    made = sweep(economy, {"balanced:base": ["pivot", "team"]}, ["balanced", Pivot(economy)], out=tmp_path / "made")
    assert made.figures["balanced:base"].fillna("").tolist() == ["pivot", "team", ""]
    assert made.figures["mechanism"].tolist() == ["balanced:base=pivot", "balanced:base=team", "pivot"]


@pytest.mark.parametrize(
    ("economy", "vary", "mechanisms", "why"),
    [
        (SMALL, {"weather": [1]}, "pivot", "unknown option 'weather'"),
        (SMALL, {"discount": [0.5, 1.5]}, "pivot", "discount: 1.5 is not in"),
        (SMALL, {"horizon": [2]}, "pivot", "option 'horizon' is given twice"),
        (SMALL, {"balanced:weather": [1]}, "balanced", "unknown option 'weather'"),
        (SMALL, {"balanced:base": ["team", "magic"]}, "balanced", "unknown mechanism 'magic'"),
        (SMALL, {"contingent-spanning:lags": [1, 0]}, "contingent-spanning", "lags"),
        (SMALL, {"discount": [0.5]}, "magic", "unknown mechanism 'magic'"),
        (SMALL, {"values": range(100_001)}, "pivot", "100,001 economies times mechanisms are more than 100,000"),
    ],
)
def test_what_is_wrong_is_said_before_anything_begins(
    economy: str, vary: dict[str, list[object]], mechanisms: str, why: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as error:
        sweep(economy, vary, mechanisms, out=tmp_path / "none")
    assert why in str(error.value)
    assert not (tmp_path / "none").exists()


def test_an_object_varies_in_its_discount_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'values': of an economy that is no scenario by name only"):
        sweep(load(SMALL), {"values": [2, 3]}, "pivot", out=tmp_path / "a")
    with pytest.raises(InputError, match="discount: 'x' is no number"):
        sweep(load(SMALL), {"discount": ["x"]}, "pivot", out=tmp_path / "a")
    with pytest.raises(InputError, match="it was made for another environment"):
        sweep(SMALL, {"discount": [0.5, 0.9]}, Pivot(loaded(SMALL)), out=tmp_path / "a")
    with pytest.raises(InputError, match="pivot:x: the mechanism is made already"):
        sweep(load(SMALL), {"pivot:x": [1]}, Pivot(loaded(SMALL)), out=tmp_path / "a")
    with pytest.raises(InputError, match="episodes: 1 is below 2"):
        sweep(SMALL, {"discount": [0.5]}, "pivot", episodes=1, out=tmp_path / "a")


def test_what_does_not_fit_a_point_is_a_row_with_its_reason(tmp_path: Path) -> None:
    varied = {"informativeness": [0.4, 0.0]}
    named = sweep("common-state", varied, ["contingent-spanning", "static-vcg"], out=tmp_path / "a")
    assert not named.complete
    assert named.figures["refused"].ne("").tolist() == [False, False, True, False]
    (cell,) = named.refused
    assert "no spanning for agent 'crew 1'" in cell["refused"]
    assert named.figures["largest_transfer"].isna().tolist() == [False, False, True, False]


def test_where_nobody_names_a_mechanism_only_those_that_fit_are_shown(tmp_path: Path) -> None:
    found = sweep(load("oil-leases"), {"discount": [0.5]}, out=tmp_path / "a")
    assert found.complete
    assert "balanced" in found.unfit
    assert "linked" in found.figures["mechanism"].tolist()
    assert "balanced" not in found.figures["mechanism"].tolist()
    assert (found.figures["refused"] == "").all()


def test_simulated_figures_are_the_exact_ones_within_their_intervals() -> None:
    """Where no exact audit fits: tried where one does. No deviation found gains more than the exact best response."""
    economy = loaded(f"{SMALL},values=3,discount=0.9")
    exact = audit(economy, "pay-your-report")
    game = make_game(economy, PayYourReport(economy))
    sampling = Sampling(4000, 1)
    figures = simulated_figures(game, sampling)
    for name in ("welfare", "revenue", "net_revenue"):
        mean, half = figures[name]
        assert half is not None
        assert abs(mean - getattr(exact.truth, name)) < 2 * half
    assert figures["budget"] == (exact.budget["ex_post"].value, None)
    assert exact.largest_transfer is not None
    assert figures["largest_transfer"] == (abs(exact.largest_transfer.value), None)
    best = exact.gains[exact.gains["information"] == "ex_ante"].set_index(["agent", "family"])["gain"]
    rows = simulated_gains(game, sampling)
    assert len(rows) == 2 * 3
    for row in rows:
        assert row["lower"] <= best[row["agent"], row["family"]]
        assert row["gain"] > 0.5 * best[row["agent"], row["family"]]
    assert gains_verdict(game.mechanism, rows) == "not_promised"  # type: ignore[arg-type]
    assert gains_verdict(Pivot(economy), rows) == "breaks"
    assert gains_verdict(Pivot(economy), [{**row, "lower": 0.0} for row in rows]) == "not_refuted"
    played = simulate(economy, "pay-your-report", {rows[0]["agent"]: rows[0]["strategy"]}, episodes=2000)
    assert played.agents["gain"].iloc[0] == pytest.approx(rows[0]["gain"], abs=3 * rows[0]["half_width"])


def test_a_continuous_economy_is_simulated_with_intervals(tmp_path: Path) -> None:
    found = sweep("trading-game-continuous", {"clipped": [True]}, "continuous-trade", episodes=300, out=tmp_path / "a")
    (row,) = found.figures.to_dict("records")
    assert row["backend"] == "simulated"
    assert row["welfare_half_width"] > 0
    assert row["best_response_half_width"] > 0
    assert row["verdict"] == "not_refuted"
    assert found.told_by_mechanism == {"continuous-trade": "nothing that was tried is sure to gain anything ex ante"}
    assert found.gains["upper"].isna().all()
    more = sweep("trading-game-continuous", {"clipped": [True]}, "continuous-trade", episodes=3000, out=tmp_path / "b")
    assert more.figures["welfare_half_width"].iloc[0] < row["welfare_half_width"]


def test_transfers_up_to_epsilon_are_a_case(tmp_path: Path) -> None:
    found = sweep(
        "continuous-licence",
        {"contingent-density:ridge": [0.1, 0.001]},
        "contingent-density:method=ridge",
        episodes=50,
        out=tmp_path / "a",
    )
    table = found.table("ex_post")
    assert table["epsilon_everywhere"].is_monotonic_decreasing
    assert table["largest_transfer"].is_monotonic_increasing
    assert table["best_response"].notna().all()
    assert found.figures["best_response"].isna().all()
    exact = audit("continuous-licence", "contingent-density:method=ridge,ridge=0.1")
    assert table["epsilon"].iloc[0] == pytest.approx(exact.details["approximate"]["epsilon"])
