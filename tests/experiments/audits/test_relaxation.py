"""What private later signals cost, on the screen and from Python; two revenue programs against each other."""

import json

import pytest
from hypothesis import given, settings, strategies as st

from dynmech import bound, load, relaxation
from dynmech.experiments.cli.app import main
from dynmech.mechanisms.revenue.dynamic_program import dynamic_revenue, relaxed_revenue
from dynmech.mechanisms.revenue.revenue_lp import revenue_optimum
from dynmech.sim.core.errors import Refusal
from tests.builders.two_period_values import two_periods


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and error."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert isinstance(stopped.value.code, int)
    said = capsys.readouterr()
    return stopped.value.code, said.out, said.err


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(1, 2))
def test_two_programs_agree_and_neither_beats_the_relaxed_one(seed: int, agents: int) -> None:
    """One shows the others' first reports and has histories of decisions, one hides them and has values of states."""
    environment = two_periods(seed, agents)
    dynamic, relaxed = dynamic_revenue(environment).net_revenue, relaxed_revenue(environment).net_revenue
    assert dynamic == pytest.approx(revenue_optimum(environment).net_revenue, abs=1e-7)
    assert relaxed >= dynamic - 1e-8


def test_the_gap_is_not_always_nothing() -> None:
    """Planted: of random economies most lose to private later signals; without later values none does."""
    gaps = [relaxation(two_periods(seed, 1)).gap or 0.0 for seed in range(8)]
    assert max(gaps) > 0.05
    assert max(relaxation(two_periods(seed, 1, (1.0, 0.0))).gap or 0.0 for seed in range(8)) < 1e-8


def test_the_gap_on_the_screen_and_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    """2.13636 if only the first signal were private, 1.90909 in truth."""
    code, out, _ = call(capsys, "bound", "non-separable:grid=midpoints", "--relaxed")
    assert code == 0
    assert "no mechanism earns more than 1.9090909; private later signals cost 0.227273." in out
    assert "2.1363636, first signals private" in out
    _, out, _ = call(capsys, "bound", "non-separable:grid=midpoints", "--relaxed", "--json")
    assert json.loads(out)["gap"] == pytest.approx(5 / 22, abs=1e-7)
    assert bound(load("non-separable:grid=midpoints")).optimum.net_revenue == pytest.approx(21 / 11)


def test_separable_economies(capsys: pytest.CaptureFixture[str]) -> None:
    """Continuum and grid; programs as well where there is an end, equal to the grid's bound."""
    _, out, _ = call(capsys, "bound", "ar1-additive:horizon=3,buyers=1")
    assert "private later signals cost nothing" in out
    found = relaxation(load("ar1-additive:horizon=3,buyers=1"))
    assert found.dynamic is not None
    assert found.dynamic.revenue == pytest.approx(found.grid, abs=1e-7)
    _, out, _ = call(capsys, "bound", "single-buyer:nodes=4")
    assert "the relaxed bound" in out
    assert "the revenue program is for a finite horizon" in out
    assert "everybody can be left out of every decision" in out


def test_what_has_no_bound_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Refusals with a reason."""
    code, _, err = call(capsys, "bound", "repeated-auction", "--relaxed")
    assert code == 2
    assert "the revenue program is for a finite horizon" in err
    code, _, err = call(capsys, "bound", "non-separable", "--relaxed", "--leave")
    assert code == 2
    assert "for agents that stay" in err
    with pytest.raises(Refusal, match="is not finite; give a grid of it"):
        relaxation(load("two-period-sale"))
