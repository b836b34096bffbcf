"""Decisions that are worth the most under the other goals: Myerson and Satterthwaite's trade, and what theory says."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import linprog

import dynmech as dm
from dynmech.experiments.designs.designing import design
from dynmech.mechanisms.design.free_program import FreeProgram
from dynmech.mechanisms.design.free_seeking import first_best, free_task
from dynmech.mechanisms.design.goals import Goals, Memory
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.designs import check, economy


def trade(values: int) -> TableEnvironment:
    """One trade between two whose values are uniform on the midpoints of `values` cells of [0, 1]."""
    env = dm.load(f"bilateral-trade:values={values},midpoints=true,persistence=0,horizon=1")
    assert isinstance(env, TableEnvironment)
    return env


def second_best(values: int) -> float:
    """The most that trade is worth if budgets balance: a program of interim expectations, written down by hand.

    Unknowns: the chance of trade q(c, v), and what seller and buyer expect to pay, c by c and v by v. A balanced budget
    ex post is one in expectation: any two schedules of expected payments that cancel on average are those of payments
    that cancel everywhere, pay(c, v) = seller(c) − buyer(v) − E seller.
    """
    n, x = values, (np.arange(values) + 0.5) / values
    size = n * n + 2 * n
    q = np.arange(n * n).reshape(n, n)
    rows, equal = [], np.zeros(size)
    for one in range(n):
        for told in range(n):
            for agent in range(2):
                row = np.zeros(size)  # what the lie is worth less what truth is worth
                cells, own = (q, -x) if agent == 0 else (q.T, x)
                pays = n * n + agent * n
                if told != one:
                    row[cells[told]] += own[one] / n
                    row[pays + told] -= 1
                row[cells[one]] -= own[one] / n
                row[pays + one] += 1
                rows.append(row)  # told == one: staying away in place of a lie
    equal[n * n :] = 1 / n
    worth = np.zeros(size)
    worth[: n * n] = (x[None, :] - x[:, None]).reshape(-1) / n**2
    bounds = [(0, 1)] * (n * n) + [(None, None)] * (2 * n)
    found = linprog(-worth, np.array(rows), np.zeros(len(rows)), equal[None], [0.0], bounds)
    assert found.fun is not None
    return -found.fun


@pytest.mark.parametrize("values", [4, 6, 8])
def test_the_second_best_of_trade_is_that_of_a_program_by_hand(values: int) -> None:
    found = design(trade(values), rule="free", incentive="bayesian", budget="balanced")
    assert found.objective == pytest.approx(second_best(values), abs=1e-9)
    check(found)
    efficient = design(trade(values), incentive="bayesian", participation="interim", budget="balanced", memory="none")
    forbidden = values > 4  # Myerson and Satterthwaite 1983: on a grid as fine as this no efficient trade balances
    assert efficient.possible is not forbidden
    assert ("which these goals forbid" in found.sentence) is forbidden
    assert found.goals.objective == "welfare"


def test_on_the_continuum_it_is_nine_sixtyfourths() -> None:
    """Chatterjee and Samuelson's double auction trades where v ≥ c + 1/4: worth 9/64; the grid comes down to it."""
    worth = [second_best(values) for values in (8, 16, 32)]
    gaps = np.array(worth) - 9 / 64
    assert (gaps > 0).all()
    assert (gaps[1:] < 0.6 * gaps[:-1]).all()


@settings(max_examples=3)
@given(seed=st.integers(0, 10_000), horizon=st.sampled_from([1, 2]))
def test_without_participation_a_balanced_budget_forbids_nothing(seed: int, horizon: int) -> None:
    """Arrow 1979, d'Aspremont and Gérard-Varet 1979; Athey and Segal 2013 for the periods: with private values and
    independent types the efficient rule is Bayesian truthful and balanced."""
    env = economy(2 * seed + 1, horizon=horizon, interdependence=0.0)  # odd: signals move independently
    found = design(env, rule="free", incentive="bayesian", participation="none", budget="balanced")
    assert found.objective == pytest.approx(efficient_worth(env), abs=1e-7 * env.scale)
    check(found)


@settings(max_examples=3)
@given(seed=st.integers(0, 10_000), level=st.sampled_from(["ex-ante", "period"]))
def test_more_goals_are_never_worth_more(seed: int, level: str) -> None:
    """Nested goals, first best at the top; a surplus expected at the start can be handed back."""
    env = economy(seed, horizon=2)

    def worth(**asked: str) -> float:
        found = design(env, rule="free", maximise="welfare", **asked)  # type: ignore[arg-type]
        assert found.objective is not None, found.reason
        return found.objective

    weak = worth(incentive="bayesian", participation="ex-ante")
    budget = worth(incentive="bayesian", participation="ex-ante", budget="no-deficit", budget_level=level)
    balanced = worth(incentive="bayesian", participation="ex-ante", budget="balanced", budget_level=level)
    strong = worth(participation="ex-ante", budget="balanced", budget_level=level)
    order = [efficient_worth(env), weak, budget, balanced, strong]
    assert all(more >= less - 1e-7 * env.scale for more, less in pairwise(order)), order
    if level == "ex-ante":
        assert budget == pytest.approx(balanced, abs=1e-7 * env.scale)


def efficient_worth(env: TableEnvironment) -> float:
    """What the planner's decisions are worth."""
    return float(np.sum(env.prior * plan(env).value[0]))


def test_the_first_best_is_the_planner_s() -> None:
    env = economy(3, horizon=2)
    asked = free_task(env, Goals(Memory("history", None), "bayesian", "interim", objective="welfare"))
    assert first_best(asked) == pytest.approx(efficient_worth(env), abs=1e-9 * env.scale)


def test_without_the_rows_of_truth_more_is_promised_than_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted error: decisions sought without incentives are efficient, and no transfers go with them."""
    own = FreeProgram._of_agent

    def forgetful(self: FreeProgram, i: int, start_only: bool) -> None:
        goals, self.goals = self.goals, Goals(self.goals.memory, "none", self.goals.participation, objective="welfare")
        own(self, i, start_only)
        self.goals = goals

    monkeypatch.setattr(FreeProgram, "_of_agent", forgetful)
    found = design(trade(6), rule="free", incentive="bayesian", budget="balanced")
    assert not found.possible


def test_welfare_is_sought_with_decisions_alone() -> None:
    with pytest.raises(InputError, match="maximise welfare: decisions are given"):
        design(trade(4), maximise="welfare", participation="interim")
    with pytest.raises(InputError, match="leaves none"):
        design(trade(4), rule="free", maximise="revenue", budget="balanced")
