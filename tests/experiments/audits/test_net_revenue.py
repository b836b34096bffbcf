"""Revenue before and after the designer's costs: the bound, the audit, the run and the stress test say both alike."""

import json
from pathlib import Path

import numpy as np
import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.audits.revenue_bound import bound
from dynmech.experiments.catalog.names import load
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.running import run
from dynmech.experiments.runs.stressing import stress
from dynmech.mechanisms.revenue.dynamic_program import dynamic_revenue, relaxed_revenue
from dynmech.mechanisms.revenue.revenue_optimal import RevenueOptimal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.files import save_environment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

COSTLY = "ar1-additive:horizon=2,buyers=1"
"""An economy in which an item costs something, for both programs."""

VALUES = (0.25, 0.75, 1.25, 1.75, 2.25, 2.75)
"""Of a flight: leisure travellers draw from the two in the middle, business travellers from the others."""


def flight(cost: float = 1.0) -> TableEnvironment:
    """Courty and Li's ticket sale on a grid: a traveller learns its kind, then its value; a seat costs 1."""
    business = np.array([1, 1, 0, 0, 1, 1]) / 4
    leisure = np.array([0, 0, 1, 1, 0, 0]) / 2
    wait = Stage(
        (("business", "leisure"),),
        ("wait",),
        np.zeros((1, 1, 2)),
        IndependentKernel((np.array([[business, leisure]]),)),
    )
    utility = np.zeros((1, 2, 6))
    utility[0, 1] = VALUES
    fly = Stage((tuple(map(str, VALUES)),), ("stay", "fly"), utility, cost=np.array([0.0, cost]))
    return TableEnvironment("flight", ("traveller",), np.array([2 / 3, 1 / 3]), (wait, fly), 1.0, 2)


def test_the_bound_is_after_costs_and_says_what_is_taken_in() -> None:
    """All surplus can be had: 1/3 · 0.5 + 1/3 · 1.5 = 2/3; two thirds of the travellers fly, each for a cost of 1."""
    found = bound(flight())
    assert found.first_best == pytest.approx(2 / 3, abs=1e-9)
    assert found.optimum.net_revenue == pytest.approx(2 / 3, abs=1e-8)
    assert found.optimum.revenue == pytest.approx(4 / 3, abs=1e-8)
    assert found.data()["net_revenue"] == found.optimum.net_revenue
    assert found.data()["revenue"] == found.optimum.revenue
    assert found.sentence == (
        "flight: no mechanism earns more than 0.66666667 after the designer's costs, 100.0% of the first best."
    )
    free = bound(flight(0.0))
    assert free.optimum.net_revenue == pytest.approx(free.optimum.revenue, abs=1e-12)
    assert "costs" not in free.sentence


def test_both_programs_split_revenue_alike() -> None:
    """The other program; where all surplus is had, what is sold is settled, and so is what it costs."""
    dynamic = dynamic_revenue(flight())
    assert (dynamic.net_revenue, dynamic.revenue) == pytest.approx((2 / 3, 4 / 3), abs=1e-8)


def test_the_relaxed_program_splits_revenue_too() -> None:
    costly, free = (load(f"{COSTLY},cost={cost}") for cost in (0.3, 0.0))
    assert isinstance(costly, TableEnvironment)
    assert isinstance(free, TableEnvironment)
    found, without = relaxed_revenue(costly), relaxed_revenue(free)
    periods = 1 + costly.discount
    assert 0.01 < found.revenue - found.net_revenue <= 0.3 * periods + 1e-9  # an item a period at most
    assert without.revenue == pytest.approx(without.net_revenue, abs=1e-12)


def test_bound_audit_run_and_stress_test_agree(tmp_path: Path) -> None:
    environment = flight()
    mechanism = RevenueOptimal(environment)
    truth = audit(environment, mechanism).truth
    assert (truth.revenue, truth.net_revenue) == pytest.approx((4 / 3, 2 / 3), abs=1e-8)
    played = run(environment, mechanism, episodes=4000, log="summary", out=tmp_path / "run").summary
    tested = stress(environment, [mechanism], episodes=4000, log="summary", out=tmp_path / "stress")
    for figures in (played, tested.mechanisms.iloc[0]):
        for key, exact in (("revenue", 4 / 3), ("net_revenue", 2 / 3)):
            assert abs(figures[key] - exact) < 2 * figures[f"{key}_half_width"] + 1e-9
        assert figures["revenue"] - figures["net_revenue"] == pytest.approx(2 / 3, abs=0.03)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    assert stop.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_every_screen_says_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_environment(flight(), "flight.json")
    few = ("--episodes", "50", "--log", "summary")
    assert "takes in a revenue of 1.3333333 and bears costs of 0.66666667" in said(capsys, "bound", "flight.json")
    assert "net revenue The mechanism found that earns it takes in" in said(
        capsys, "bound", f"{COSTLY},cost=0.3", "--relaxed"
    )
    keys = json.loads(said(capsys, "bound", f"{COSTLY},cost=0.3", "--relaxed", "--json"))
    assert 0.01 < keys["revenue"] - keys["net_revenue"] < 0.6
    assert "less the designer's costs" in said(capsys, "run", "flight.json", "revenue-optimal", *few)
    stressed = said(capsys, "stress", "flight.json", "--mechanism", "revenue-optimal", *few)
    assert "revenue (before and after the designer's costs)" in stressed
    assert "net revenue 0.666667, less the designer's costs" in said(capsys, "audit", "flight.json", "revenue-optimal")
