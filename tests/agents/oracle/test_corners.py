"""Corners of the search, each worked out by hand or in plain loops: leaving, states nobody reaches, single messages."""

from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.oracle import patience_thresholds, policy
from dynmech.agents.oracle.gains import participation, search_deviator
from dynmech.agents.oracle.merging import Unmerged, merge_one, merge_repeated
from dynmech.agents.oracle.patience_thresholds import sufficient
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.witness import Witness
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment


def lone(horizon: int | None = None) -> TableEnvironment:
    """One agent, one decision, δ = ½: a day brings 2 or costs 1, evenly; a signal that never comes costs 10."""
    law = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    return from_arrays(np.array([[[2.0, -1.0, -10.0]]]), [law[None]], law[0], 0.5, horizon=horizon)


def posed(environment: TableEnvironment, mechanism: str = "team", **options: Any) -> Problem:
    return build_problem(FiniteGame(environment, make_mechanism(mechanism, environment)), (0,), **options)


@pytest.mark.parametrize("information", list(Information))
def test_who_may_leave_leaves_on_the_first_bad_day(information: Information) -> None:
    """X = ½ (2 + ½ X) + ½ 0, so X = 4/3; staying for ever is worth 1. A step that is the same everywhere says 2."""
    days, even = np.array([[[2.0, -1.0]]]), np.full((1, 2, 2), 0.5)
    problem = posed(from_arrays(days, [even], even[0, 0], 0.5), exit=True)
    assert solve(problem, Family.BEST_RESPONSE, information).ex_ante == pytest.approx(4 / 3, abs=1e-9)
    assert solve(problem, Family.PRESCRIBED, information).ex_ante == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("horizon", "deposit"), [(None, 0.5), (3, 1.0)])
def test_the_deposit_is_over_states_that_play_leads_to(horizon: int | None, deposit: float) -> None:
    """A bad day costs 1, and ½ times 1 is still to come (nothing on the last day); the worst signal never comes."""
    assert search_deviator(posed(lone(horizon), exit=True)).deposit == pytest.approx(deposit, abs=1e-9)


def test_participation_is_the_worst_state_that_play_leads_to() -> None:
    game = FiniteGame(lone(), Team(lone()))
    assert {kind: row[0].value for kind, row in participation(game).items()} == pytest.approx(
        {"ex_ante": 1, "at_the_start": -0.5, "interim": -0.5, "ex_post": -0.5}, abs=1e-9
    )
    assert participation(game, all_states=True)["ex_post"][0].value == pytest.approx(-20, abs=1e-9)


def reached_in_loops(problem: Problem) -> list[set[tuple[int, int]]]:
    """(memory, profile) of every period that some messages lead to, by its tables alone; eight of an endless game."""
    first = problem.periods[0]
    now = {(int(first.merged[0]), int(k)) for k in np.flatnonzero(problem.prior > 0)}
    out = [now]
    for t in range(7 if problem.stationary else len(problem.periods) - 1):
        entry = min(t, 1) if problem.stationary else t
        period, law = problem.periods[entry], problem.law_into(1 if problem.stationary else t + 1)
        now = {
            (int(period.following[c, s, r, k]), int(after))
            for c, s in now
            for r, k in product(range(period.flow.shape[2]), range(period.flow.shape[3]))
            for after in np.flatnonzero(law.row(int(period.decision[c, s, r, k]), s) > 0)
        }
        out.append(now)
    return [out[0], set[tuple[int, int]]().union(*out[1:])] if problem.stationary else out


@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize(
    ("economy", "mechanism"),
    [
        ("oil-leases-prior", "cremer-mclean"),
        ("oil-leases-prior", "linked"),
        ("repeated-auction:values=2", "balanced"),
    ],
)
def test_what_can_be_reached_is_what_plain_loops_reach(economy: str, mechanism: str, merge: bool) -> None:
    environment = load(economy)
    assert isinstance(environment, TableEnvironment)
    problem = posed(environment, mechanism, merge=merge)
    for (states, _), expected in zip(problem.reachable, reached_in_loops(problem), strict=True):
        assert {(int(c), int(s)) for c, s in np.argwhere(states)} == expected
    assert merge or any(len({c for c, _ in part}) > 1 for part in reached_in_loops(problem))


def test_the_entry_after_each_entry() -> None:
    assert [posed(lone(3)).after(t) for t in range(3)] == [1, 2, None]
    assert [posed(lone()).after(t) for t in range(2)] == [1, 1]


def raw(charge: list[float], remember: list[int], chance: list[list[float]] | None = None) -> Unmerged:
    """A period with one profile and one message, by memory."""
    count, draws = len(charge), 1 if chance is None else 2
    odds = np.ones((count, 1)) if chance is None else np.array(chance)
    return Unmerged(
        decide=np.tile(np.arange(draws), (count, 1, 1, 1)),
        chance=odds.reshape(count, 1, 1, draws),
        charge=np.broadcast_to(np.array(charge).reshape(count, 1, 1, 1, 1), (count, 1, 1, draws, 1)).copy(),
        remember=np.broadcast_to(np.array(remember).reshape(count, 1, 1, 1, 1), (count, 1, 1, draws, 1)).copy(),
        truth=np.zeros((count, 1), np.intp),
        due=np.zeros((count, 1)),
    )


def test_memories_that_differ_two_steps_later_are_told_apart() -> None:
    """A row of memories 0 → 1 → 2 → 3 → 3 where only the last charges: all differ; a copy of the first does not."""
    assert merge_repeated(raw([0, 0, 0, 1, 0], [1, 2, 3, 3, 1])).tolist() == [0, 1, 2, 3, 0]
    assert merge_repeated(raw([0, 0], [1, 0])).tolist() == [0, 0]


def test_memories_that_differ_in_odds_alone_are_told_apart() -> None:
    """Also of a deviator that has but one message."""
    odds = [[0.5, 0.5], [0.9, 0.1], [0.5, 0.5]]
    assert merge_one(raw([0, 0, 0], [0, 0, 0], odds), None, None).tolist() == [0, 1, 0]


def test_periods_without_a_choice_are_no_rows_of_a_policy() -> None:
    """Firm 1 signals in the first two periods of the oil leases; in the third there is nothing to say."""
    assert set(dm.audit("oil-leases-prior", "cremer-mclean").policy["period"]) == {0, 1}


def test_who_has_no_acts_to_choose_replies_as_prescribed() -> None:
    environment = load("oil-leases-prior")
    assert isinstance(environment, TableEnvironment)
    witness = Witness(posed(environment, "cremer-mclean"), Family.BEST_RESPONSE)
    view: Any = SimpleNamespace(space=Finite(("pay", "withhold")), prescribed=np.array([0, 1, 0]))
    assert witness.reply(view).tolist() == [0, 1, 0]


def test_the_papers_constant_as_printed_divides_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four agents, C = 6 and M = 8: K = 2 · 6/3 + 8/4 as printed, 2 · 6 + 8/4 mended."""
    run = SimpleNamespace(excess=lambda _: np.array([6.0, -1.0]), average=np.array([1.0, 1.0]))
    monkeypatch.setattr(patience_thresholds, "enforced", lambda _: SimpleNamespace(environment=None))
    monkeypatch.setattr(patience_thresholds, "long_run", lambda _: run)
    club: Any = SimpleNamespace(agents=("a", "b", "c", "d"), utility_bound=lambda: 8.0)
    assert sufficient(club, printed=True).constant == pytest.approx(6)
    assert sufficient(club).constant == pytest.approx(14)


def test_a_policy_of_too_many_situations_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "MOST", 3)
    with pytest.raises(Refusal, match="more than 3 situations"):
        _ = dm.audit("oil-leases-prior", "cremer-mclean").policy
