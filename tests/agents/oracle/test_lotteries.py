"""The exact search of mechanisms that decide by lottery, against trees over full histories, programs and play."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dynmech.agents.oracle.gains import ex_ante_gain, worst_gain
from dynmech.agents.oracle.policy import policy_rows
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.restricted import obedient, truthful
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.audits.auditing import audit
from dynmech.mechanisms.balanced.balanced_base import Balanced
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import FalseDeclaration, Refusal
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.best_play import ANYTHING, DONE, Tree, occupation_value, outcomes, tree_gain
from tests.builders.exact import tree_payoffs
from tests.builders.generators import generator
from tests.builders.lottery_mechanisms import FineAfterTails, PayYourBidByLot, Raffle, TiesByLot
from tests.builders.played_witness import assert_witness_earns
from tests.builders.random_economies import working

FAMILIES = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE)


def economy(seed: int, horizon: int | None, decisions: int = 3) -> TableEnvironment:
    """Two agents with two correlated signals and values of every kind."""
    base = random_environment(generator(seed), agents=2, signals=2, decisions=decisions)
    return TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.85, horizon)


def auction(horizon: int | None = 2) -> TableEnvironment:
    """Two bidders worth 1 or 2, independent and redrawn; decision k gives the good to bidder k."""
    worth, utility = np.array([1.0, 2.0]), np.zeros((2, 2, 2, 2))
    utility[0, 0], utility[1, 1] = worth[:, None], worth[None, :]
    law = np.full((2, 2, 2, 2, 2), 0.25)
    stage = Stage((("1", "2"),) * 2, ("Ann", "Bob"), utility, JointKernel(law, (2, 2), (2, 2)))
    return TableEnvironment("a lot", ("Ann", "Bob"), np.full((2, 2), 0.25), (stage,), 0.8, horizon)


def gains(mechanism: Mechanism, agent: int, family: Family, information: Information) -> float:
    """The gain of a family ex ante."""
    environment = mechanism.environment
    assert isinstance(environment, TableEnvironment)
    problem = build_problem(FiniteGame(environment, mechanism), (agent,))
    return ex_ante_gain(solve(problem, family, information), solve(problem, Family.PRESCRIBED, information)).gain


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("horizon", [2, 3])
def test_finite_games_agree_with_the_tree(horizon: int, family: Family) -> None:
    """No merging there, transfers counted when they are paid, every draw gone through."""
    for seed in range({2: 3, 3: 1}[horizon]):
        mechanism = Raffle(environment := economy(seed, horizon), seed)
        assert {rules.draws for rules in FiniteGame(environment, mechanism).tables} <= {2, 3}
        for agent, spy in product(range(2), (False, True)):
            information = Information.EX_POST if spy else Information.INTERIM
            expected = tree_gain(environment, mechanism, agent, family, spy=spy)
            assert gains(mechanism, agent, family, information) == pytest.approx(expected, abs=1e-10)
            assert expected > 0.01 or family is Family.ONE_SHOT  # else nothing was compared


def test_prescribed_play_agrees_with_every_path_of_nature_and_of_the_lot() -> None:
    for seed in range(3):
        mechanism = Raffle(environment := economy(seed, 3), seed)
        values = FiniteGame(environment, mechanism).truthful
        payoffs, revenue = tree_payoffs(environment, mechanism)
        np.testing.assert_allclose(values.utility - values.transfer, payoffs, atol=1e-12)
        assert values.transfer.sum() == pytest.approx(revenue, abs=1e-12)


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_endless_games_agree_with_a_program_over_occupation_measures(seed: int) -> None:
    mechanism = Raffle(environment := economy(seed, None), seed)
    game = FiniteGame(environment, mechanism)
    for agent in range(2):
        best = solve(build_problem(game, (agent,)), Family.BEST_RESPONSE, Information.EX_POST)
        assert best.ex_ante == pytest.approx(occupation_value(environment, mechanism, agent), abs=1e-7)


def test_merging_memories_changes_nothing() -> None:
    mechanism = Raffle(environment := economy(4, None), 4)
    game = FiniteGame(environment, mechanism)
    for information, family in product(Information, FAMILIES):
        found = []
        for merge in (True, False):
            problem = build_problem(game, (0,), merge=merge)
            best, truth = solve(problem, family, information), solve(problem, Family.PRESCRIBED, information)
            found.append((ex_ante_gain(best, truth).gain, worst_gain(problem, best, truth).gain))
        assert found[0] == pytest.approx(found[1], abs=1e-8)


def test_memories_with_other_odds_are_other_states() -> None:
    """All else equal: two memories that decide alike but for the chances are not one state."""

    class Odds(Raffle):
        def __init__(self, environment: TableEnvironment) -> None:
            super().__init__(environment)
            self.prices[:], self.late[:] = 0, 0
            tilt = np.linspace(0.1, 0.4, len(self.odds))
            self.odds = np.broadcast_to(
                np.stack([tilt, 0.5 - tilt, 0.5 + 0 * tilt], axis=-1)[:, None], self.odds.shape
            ).copy()

    environment = economy(0, None)
    assert build_problem(FiniteGame(environment, Odds(environment)), (0,)).periods[1].states == 13


class Wages(Raffle):
    """The same where agents act unseen: charges and memory go by the public part of what is drawn."""

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return super().charge(now, messages, decision // 4 * 4, acts)


def test_private_actions_are_chosen_knowing_what_was_drawn() -> None:
    """Against the tree, and truth or obedience alone gain less."""
    environment = working(0, 2)
    mechanism = Wages(environment)
    game = FiniteGame(environment, mechanism)
    for agent, spy in product(range(2), (False, True)):
        information = Information.EX_POST if spy else Information.INTERIM
        tree = Tree(environment, mechanism, agent, respond=False, spy=spy)
        best, truth = (tree.value(0, environment.prior, 0, phase) for phase in (ANYTHING, DONE))
        problem = build_problem(game, (agent,))
        found = solve(problem, Family.BEST_RESPONSE, information).ex_ante
        assert found == pytest.approx(best, abs=1e-10)
        assert solve(problem, Family.PRESCRIBED, information).ex_ante == pytest.approx(truth, abs=1e-10)
        for held in (obedient(problem), truthful(problem)):
            assert solve(held, Family.PRESCRIBED, information).ex_ante == pytest.approx(truth, abs=1e-10)
            part = solve(held, Family.BEST_RESPONSE, information).ex_ante
            assert truth - 1e-10 <= part <= found + 1e-10


class Watched(Wages):
    """What is done is seen, charged for and remembered."""

    name = "watched raffle"

    def sees(self, t: int, agent: int) -> Array:
        return np.arange(2)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return super().charge(now, messages, decision, acts) * (1 + acts.seen) / 2

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        kept = super().remember(now, messages, decision, acts)
        return np.where(acts.seen.sum(axis=1) % 2 == 1, kept, 1)


def test_acts_that_are_seen_after_the_draw_agree_with_recursion() -> None:
    """Ex post, two periods: a plain recursion over memory and profile, every draw and every act gone through."""
    environment = working(3, 2)
    mechanism = Watched(environment, 3)
    stage = environment.stage(0)

    def value(t: int, memory: int, profile: tuple[int, ...], agent: int, free: bool) -> float:
        options = []
        for report in range(2) if free else (profile[agent],):
            sent = np.array([profile])
            sent[0, agent] = report
            now, total = Situation(t, np.array([memory]), np.array([0])), 0.0
            for chance, drawn in outcomes(mechanism.decide(now, sent)):
                acts = list(np.unravel_index(drawn % 4, (2, 2)))
                worth = []
                for own in range(2) if free else (int(acts[agent]),):
                    taken = [own if i == agent else int(act) for i, act in enumerate(acts)]
                    done, seen = drawn // 4 * 4 + taken[0] * 2 + taken[1], Acts(np.array([taken]), np.zeros((1, 2)))
                    price = mechanism.charge(now, sent, np.array([drawn]), seen) + mechanism.due(now, sent)
                    flow = float(stage.utility[(agent, done, *profile)] - price[0, agent])
                    if t == 0:
                        after = int(mechanism.remember(now, sent, np.array([drawn]), seen)[0])
                        law = environment.kernel(0).row(done, profile[0] * 2 + profile[1])
                        flow += environment.discount * sum(
                            float(law[k]) * value(1, after, k, agent, free) for k in np.ndindex(2, 2)
                        )
                    worth.append(flow)
                total += chance * max(worth)
            options.append(total)
        return max(options)

    for agent, free in product(range(2), (False, True)):
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        family = Family.BEST_RESPONSE if free else Family.PRESCRIBED
        brute = sum(float(environment.prior[k]) * value(0, 0, k, agent, free) for k in np.ndindex(2, 2))
        assert solve(problem, family, Information.EX_POST).ex_ante == pytest.approx(brute, abs=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_witness_earns_its_figure_on_the_event_loop(family: Family) -> None:
    mechanism = Raffle(environment := economy(7, 3), 7)
    _earns(environment, mechanism, family)


def test_the_witness_disobeys_by_what_was_drawn() -> None:
    environment = working(1, 3)
    _earns(environment, Wages(environment, 1), Family.BEST_RESPONSE)


def _earns(environment: TableEnvironment, mechanism: Mechanism, family: Family) -> None:
    """Assert that each agent's witness earns its exact gain, and that there is one."""
    for exact, error in assert_witness_earns(environment, mechanism, family, 6000):
        assert exact > 5 * error or family is Family.ONE_SHOT


def test_what_was_drawn_is_known_afterwards() -> None:
    """δ (1 − 0.4)/2 by who knows what fell; a deviator that did not could gain δ (0.5 − 0.4) only."""
    stage = Stage(
        (("-",),) * 2, ("heads", "tails"), np.zeros((2, 2, 1, 1)), JointKernel(np.ones((2, 1, 1, 1, 1)), (1, 1), (1, 1))
    )
    environment = TableEnvironment("a coin", ("Ann", "Bob"), np.ones((1, 1)), (stage,), 0.8, 2)
    mechanism = FineAfterTails(environment)
    for information in Information:
        assert gains(mechanism, 0, Family.BEST_RESPONSE, information) == pytest.approx(0.8 * 0.3, abs=1e-12)
    problem = build_problem(FiniteGame(environment, mechanism), (0,))
    rows = policy_rows(problem, solve(problem, Family.BEST_RESPONSE, Information.INTERIM))
    sent = {(row["public"].rsplit(" ", 1)[-1], row["message"]) for row in rows if row["period"] == 1}
    assert sent == {("heads", "a"), ("tails", "b")}
    result = audit(environment, mechanism)
    assert "in period 1" in result.sentence
    assert "reports b instead of a" in result.sentence


def test_ties_by_lot_hold_and_a_planted_price_is_caught() -> None:
    environment = auction()
    held, broken = audit(environment, TiesByLot), audit(environment, PayYourBidByLot)
    assert held.backend == broken.backend == "exact"
    assert held.verdict == "holds"
    assert held.truth.welfare == pytest.approx(1.75 * 1.8)  # the larger of two, twice
    assert held.truth.revenue == pytest.approx(1.25 * 1.8)  # the smaller of two
    assert broken.verdict == "breaks"
    # Worth 2 and bidding 1: the good with chance 1/4 for 1 instead of for 2, in each of two periods.
    _, worst = broken.worst(Family.BEST_RESPONSE, "interim")
    assert worst.gain == pytest.approx(0.25 + 0.8 * 0.125)
    assert "reports 1 instead of 2" in broken.sentence


def test_budgets_are_by_what_is_drawn() -> None:
    """Ex post over the draws; expected over what may be drawn next."""
    mechanism = Raffle(environment := economy(5, 2), 5)
    result = audit(environment, mechanism)
    seen, later, largest = [], [], 0.0
    for first in np.ndindex(2, 2):
        now, sent = Situation(0, np.zeros(1, np.intp), np.zeros(1, np.intp)), np.array([first])
        nobody = Acts(np.zeros((1, 2), np.intp), np.zeros((1, 2)))
        for _, drawn in outcomes(mechanism.decide(now, sent)):
            paid = mechanism.charge(now, sent, np.array([drawn]), nobody)
            seen.append(paid.sum())
            largest = max(largest, float(np.abs(paid).max()))
            memory = mechanism.remember(now, sent, np.array([drawn]), nobody)
            law, expected = environment.kernel(0).row(drawn, first[0] * 2 + first[1]), 0.0
            for second in np.ndindex(2, 2):
                then, said = Situation(1, memory, np.zeros(1, np.intp)), np.array([second])
                for chance, again in outcomes(mechanism.decide(then, said)):
                    paid = mechanism.charge(then, said, np.array([again]), nobody) + mechanism.due(then, said)
                    seen.append(paid.sum())
                    largest = max(largest, float(np.abs(paid).max()))
                    expected += float(law[second]) * chance * paid.sum()
            later.append(expected)
    start = FiniteGame(environment, mechanism).truthful.periods[0].transfer.sum(axis=0)[0] @ environment.prior.reshape(
        -1
    )
    assert result.budget["ex_post"].value == pytest.approx(min(seen), abs=1e-12)
    assert result.budget["expected_period"].value == pytest.approx(min(start, *later), abs=1e-12)
    assert result.largest_transfer is not None
    assert abs(result.largest_transfer.value) == pytest.approx(largest, abs=1e-12)
    assert result.budget["ex_post"].where["drawn decision"] in environment.stage(0).decisions


class Crooked(Raffle):
    """Planted: a lottery that does not sum to 1."""

    def decide(self, now: Situation, messages: Array) -> Array:
        return super().decide(now, messages) * 0.9


class Moody(Raffle):
    """Planted: a lottery that depends on the company in which cases come."""

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.roll(super().decide(now, messages), int(messages[0].sum()), axis=1)


@pytest.mark.parametrize(("rule", "words"), [(Crooked, "does not sum to 1"), (Moody, "decide answers otherwise")])
def test_what_is_no_lottery_is_refused(rule: type[Raffle], words: str) -> None:
    environment = economy(0, None)
    with pytest.raises(FalseDeclaration, match=words):
        audit(environment, rule(environment))


def test_a_base_that_decides_by_lottery_is_not_balanced() -> None:
    environment = auction(None)
    with pytest.raises(Refusal, match="its base 'ties-by-lot' decides by lottery"):
        assert FiniteGame(environment, Balanced(environment, TiesByLot(environment))).tables
