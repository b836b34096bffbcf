"""Hidden actions, observed ones and replies, searched together with misreports; the figures of Examples 5 and 6."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.oracle.gains import ex_ante_gain, worst_gain
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.restricted import obedient, truthful
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.disobedience import Disobedience
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.runs.stressing import stress
from dynmech.mechanisms.balanced.balanced_team import BalancedTeam
from dynmech.mechanisms.conditions.dependence import independent_types, private_values
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import Interval
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import State, TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Acts, Situation, View
from tests.builders.planted_mechanisms import Nosy
from tests.builders.random_economies import working


def gain(problem: Problem, information: Information = Information.INTERIM, *, worst: bool = False) -> float:
    """The gain of a best response, ex ante or at the worst state."""
    best, truth = (solve(problem, family, information) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
    return (worst_gain(problem, best, truth) if worst else ex_ante_gain(best, truth)).gain


def problem(environment: str, mechanism: str, agent: int) -> Problem:
    env = load(environment)
    assert isinstance(env, TableEnvironment)
    return build_problem(FiniteGame(env, make_mechanism(mechanism, env)), (agent,))


def simulated(environment: str, mechanism: str, agent: int, strategy: Strategy) -> Moments:
    env = load(environment)
    game = make_game(env, make_mechanism(mechanism, env))
    streams, profile = Streams(2, "test", 0, 20_000, game.periods), [Truthful(), Truthful()]
    honest = play_shard(game, profile, streams)
    profile[agent] = strategy  # type: ignore[call-overload]
    return Moments.of(play_shard(game, profile, streams).payoffs[agent] - honest.payoffs[agent])


# Examples 5 and 6


INVEST = "trading-game:variant=hidden-investment"
BUYER = 1


@pytest.mark.parametrize(
    ("mechanism", "misreport", "disobey", "joint"),
    [
        # Investing costs ½ and raises P(high) by ½. The rent of a high value over a low one is x_1(θ_1, low) = 1 where
        # θ_1 = 1: effort is worth .9 · ½ · 1 = .45 to the buyer, so it saves .05 there by shirking, ½ · .05 ex ante.
        ("minimum-rent", 0, 1 / 40, 1 / 40),
        # It pays what it reports and so keeps nothing: shirking saves ½ where θ_1 = 1.
        ("pay-your-report", 0.4275, 0.25, 0.4525),
        ("team", 0, 0, 0),
        ("balanced-team", 0, 0, 0),
        ("team:reports=payoffs", 0, 0, 0),
    ],
)
def test_hidden_investment(mechanism: str, misreport: float, disobey: float, joint: float) -> None:
    whole = problem(INVEST, mechanism, BUYER)
    assert gain(obedient(whole)) == pytest.approx(misreport, abs=1e-12)
    assert gain(truthful(whole)) == pytest.approx(disobey, abs=1e-12)
    assert gain(whole) == pytest.approx(joint, abs=1e-12)
    if joint == 0:
        assert gain(whole, worst=True) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("mechanism", "strategy", "expected"),
    [
        ("minimum-rent", Disobedience("low"), 1 / 40),
        ("minimum-rent", Disobedience("high"), -(0.5 - 0.9 * 0.5 * 0.5) / 2),  # θ_1 = ½: x_1(½, low) = ½, so −.275
        ("pay-your-report", Disobedience("low"), 0.25),
        ("pay-your-report", Disobedience("low", "low"), 0.25 + 0.5 * 0.9 * 0.3 * (0.5 + 1.0)),
        ("team", Disobedience("low"), -0.5 * (0.9 * 0.5 * 1.5 - 0.5)),  # W(high) − W(low) = 2 − ½ at θ_1 = 1
    ],
)
def test_disobedience_in_play(mechanism: str, strategy: Disobedience, expected: float) -> None:
    got = simulated(INVEST, mechanism, BUYER, strategy)
    assert abs(float(got.mean) - expected) <= 4 * float(got.error) + 1e-12


@pytest.mark.parametrize("mechanism", ["minimum-rent", "pay-your-report"])
def test_the_witness_lies_and_shirks_for_what_it_is_worth(mechanism: str) -> None:
    whole = problem(INVEST, mechanism, BUYER)
    got = simulated(INVEST, mechanism, BUYER, Witness(whole, Family.BEST_RESPONSE))
    assert abs(float(got.mean) - gain(whole)) <= 4 * float(got.error) + 1e-12


def test_a_stress_test_tries_disobedience_where_there_is_something_to_disobey(tmp_path: object) -> None:
    result = stress(INVEST, "minimum-rent", episodes=4000, out=f"{tmp_path}/a")
    row = result.gains[(result.gains["family"] == "disobedience") & (result.gains["agent"] == "buyer")].iloc[0]
    assert row["words"].startswith("disobeys (invest→idle)")
    assert abs(row["gain"] - 1 / 40) < 4 * row["half_width"] / 1.96
    plain = stress("trading-game:variant=correlated-values", "team", episodes=200, out=f"{tmp_path}/b")
    assert "disobedience" not in set(plain.gains["family"])


def test_minimum_rent_is_refused_where_truth_is_not_even_static() -> None:
    env = load("oil-leases")
    with pytest.raises(Refusal, match="in period 0 agent 'firm 1' gains 4 by a misreport at the least rents"):
        make_mechanism("minimum-rent", env)


# Random economies with private actions


@given(st.integers(0, 10_000), st.sampled_from([None, 3]))
def test_truth_and_obedience_together(seed: int, horizon: int | None) -> None:
    """Lies and disobedience, at any time and after each other, gain nothing; every payoff is what it should be."""
    env = working(seed, horizon)
    assert private_values(env).holds
    assert independent_types(env).holds
    surplus = float((plan(env).value[0] * env.prior).sum())
    for rules in (Team(env), Team(env, "payoffs"), BalancedTeam(env)):
        truthful = FiniteGame(env, rules).truthful
        payoff = truthful.utility - truthful.transfer
        np.testing.assert_allclose(payoff, truthful.utility if isinstance(rules, BalancedTeam) else surplus, atol=1e-8)
        for agent in range(2):
            whole = build_problem(FiniteGame(env, rules), (agent,))
            assert gain(whole, worst=True) < 1e-8
            if isinstance(rules, Team):
                assert gain(whole, Information.EX_POST, worst=True) < 1e-8
            else:
                for page in truthful.periods:
                    np.testing.assert_allclose(page.transfer.sum(axis=0), 0, atol=1e-12)


def test_paying_for_reports_alone_loses_to_disobedience() -> None:
    lost = 0
    for seed in range(8):
        env = working(seed, 3)
        rules = make_mechanism("pay-your-report", env)
        lost += max(gain(truthful(build_problem(FiniteGame(env, rules), (i,)))) for i in range(2)) > 1e-3
    assert lost >= 4


# Mechanisms that act on acts, against plain recursion


class Recursion:
    """The best play of a deviator that lies, disobeys and replies as it likes, over plain histories."""

    def __init__(self, rules: Mechanism, agent: int, *, free: bool) -> None:
        self.rules, self.agent, self.free = rules, agent, free
        env = rules.environment
        assert isinstance(env, TableEnvironment)
        self.env = env
        self.known: dict[tuple[int, tuple[int, ...], int, int], float] = {}

    def value(self, t: int, law: FloatArray, memory: int) -> float:
        """Interim: it knows its own signal when it reports, the reports when it acts."""
        total = 0.0
        for own in range(2):
            profiles = [(own, k) if self.agent == 0 else (k, own) for k in range(2)]
            reports = range(2) if self.free else [own]
            total += max(sum(float(law[p]) * self.after(t, p, r, memory) for p in profiles) for r in reports)
        return total

    def after(self, t: int, profile: tuple[int, ...], report: int, memory: int) -> float:
        """The best action and reply, given all reports; histories that come to the same are looked at once."""
        key = (t, profile, report, memory)
        if key not in self.known:
            self.known[key] = self.best(t, profile, report, memory)
        return self.known[key]

    def best(self, t: int, profile: tuple[int, ...], report: int, memory: int) -> float:
        messages = np.array([profile])
        messages[0, self.agent] = report
        now = Situation(t, np.array([memory]), np.zeros(1, np.intp))
        decision = self.rules.decide(now, messages)
        public, *acts = (int(k) for k in np.unravel_index(int(decision[0]), (2, 2, 2)))
        return max(
            self.outcome(now, profile, messages, decision, public, acts, action, reply)
            for action in (range(2) if self.free else [acts[self.agent]])
            for reply in (range(3) if self.free else [None])
        )

    def outcome(
        self, now: Situation, profile: tuple[int, ...], messages: Array, decision: Array, public: int,
        acts: list[int], action: int, reply: int | None,
    ) -> float:  # fmt: skip
        done_acts = [action if i == self.agent else a for i, a in enumerate(acts)]
        done = int(np.ravel_multi_index((public, *done_acts), (2, 2, 2)))
        utility = self.env.utility(now.t, State(now.public, np.array([profile])), np.array([done]))
        said = [
            reply if i == self.agent and reply is not None
            else int(self.rules.prescribed_reply(now, i, messages, decision, utility[:, i])[0])
            for i in range(2)
        ]  # fmt: skip
        what = Acts(np.array([done_acts]), np.array([said], np.float64))
        paid = self.rules.charge(now, messages, decision, what)[0, self.agent]
        worth = float(utility[0, self.agent] - paid)
        if now.t + 1 == self.env.horizon:
            return worth
        following = int(self.rules.remember(now, messages, decision, what)[0])
        law = self.env.kernel(now.t).row(done, int(np.ravel_multi_index(profile, (2, 2))))
        return worth + self.env.discount * self.value(now.t + 1, law, following)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("agent", [0, 1])
def test_acts_are_searched_as_plain_recursion_does(seed: int, agent: int) -> None:
    env = working(seed, 3 if (seed, agent) == (0, 0) else 2)  # three periods take plain recursion long
    rules = Nosy(env)
    whole = build_problem(FiniteGame(env, rules), (agent,))
    truth = solve(whole, Family.PRESCRIBED, Information.INTERIM).ex_ante
    best = solve(whole, Family.BEST_RESPONSE, Information.INTERIM).ex_ante
    assert truth == pytest.approx(Recursion(rules, agent, free=False).value(0, env.prior, 0), abs=1e-12)
    assert best == pytest.approx(Recursion(rules, agent, free=True).value(0, env.prior, 0), abs=1e-12)
    assert best - truth > 0.3
    truthful = FiniteGame(env, rules).truthful
    assert (truthful.utility - truthful.transfer)[agent] == pytest.approx(truth, abs=1e-12)


@pytest.mark.parametrize("horizon", [None, 3])
def test_the_witness_acts_and_replies_for_what_it_is_worth(horizon: int | None) -> None:
    env = working(1, horizon)
    rules = Nosy(env)
    game = make_game(env, rules)
    streams = Streams(2, "test", 0, 6000, game.periods)
    whole = build_problem(FiniteGame(env, rules), (0,))
    honest = play_shard(game, [Truthful(), Truthful()], streams).payoffs[0]
    record = play_shard(game, [Witness(whole, Family.BEST_RESPONSE), Truthful()], streams)
    got = Moments.of(record.payoffs[0] - honest)
    assert gain(whole) > 0.5
    assert abs(float(got.mean) - gain(whole)) <= 4 * float(got.error) + 2 * game.tail


def test_an_audit_covers_replies_and_what_is_seen() -> None:
    found = audit(working(1, None), Nosy(working(1, None)))
    assert found.worst(Family.BEST_RESPONSE, "interim")[1].gain > 0.5


# Team by realised payoffs


@pytest.mark.parametrize("environment", ["repeated-auction", INVEST, "trading-game"])
def test_team_by_payoffs_is_the_same_play_with_less_knowledge(environment: str) -> None:
    env = load(environment)
    games = [make_game(env, make_mechanism(f"team:reports={what}", env), tail=1e-2) for what in ("signals", "payoffs")]
    streams = Streams(1, "test", 0, 200, games[0].periods)
    by_signals, by_payoffs = (play_shard(game, [Truthful(), Truthful()], streams) for game in games)
    assert np.array_equal(by_signals.decision, by_payoffs.decision)
    np.testing.assert_allclose(by_signals.transfer, by_payoffs.transfer, atol=1e-12)
    np.testing.assert_array_equal(by_payoffs.reply, by_payoffs.utility)


class Exaggerates(Strategy):
    """Tells the truth about its signal, and says that it earned as much as can be."""

    name = "exaggerates"
    source = "a test double"

    def message(self, view: View) -> Array:
        return view.prescribed

    def reply(self, view: View) -> Array:
        assert isinstance(view.space, Interval)
        return np.full(view.size, view.space.high)


def test_what_an_agent_says_of_its_payoff_moves_only_the_others_money() -> None:
    env = load("trading-game")
    game = make_game(env, make_mechanism("team:reports=payoffs", env))
    streams = Streams(1, "test", 0, 500, 2)
    honest = play_shard(game, [Truthful(), Truthful()], streams)
    record = play_shard(game, [Exaggerates(), Truthful()], streams)
    assert np.array_equal(record.payoffs[0], honest.payoffs[0])
    assert (record.payoffs[1] > honest.payoffs[1] + 1).all()


def test_team_by_payoffs_needs_private_values_only_for_its_decisions() -> None:
    """With interdependent values the table is moved by the own report; what the others really earned is not."""
    env = load("random:interdependence=1,horizon=1,seed=4")
    assert isinstance(env, TableEnvironment)
    by_signals, by_payoffs = (
        max(
            gain(build_problem(FiniteGame(env, make_mechanism(f"team:reports={what}", env)), (i,)), worst=True)
            for i in range(2)
        )
        for what in ("signals", "payoffs")
    )
    assert by_signals > 0.01
    assert by_payoffs < 1e-12


class PaidByItsOwnWord(Team):
    """Planted: everybody is paid what it says that it earned."""

    name = "paid by its own word"

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return -acts.replies


def test_a_number_that_moves_its_authors_own_payment_is_not_searched() -> None:
    env = load("repeated-auction")
    assert isinstance(env, TableEnvironment)
    with pytest.raises(Refusal, match="the number that agent 'bidder 1' replies moves what it pays itself"):
        build_problem(FiniteGame(env, PaidByItsOwnWord(env, "payoffs")), (0,))


class Overcharges(Nosy):
    """Planted: charges more than it declares, but only after a reply."""

    name = "overcharges"

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return np.where(acts.replies == 2, 5.0, 0.0)


class Forgets(Nosy):
    """Planted: leaves its memory after a reply."""

    name = "forgets"

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return np.where(acts.replies[:, 0] == 2, 9, 0)


@pytest.mark.parametrize(
    ("rule", "why"), [(Overcharges, "a transfer of 5 in period"), (Forgets, "not among the 2 declared")]
)
def test_declarations_are_held_to_after_acts_too(rule: type[Nosy], why: str) -> None:
    env = working(1, 3)
    with pytest.raises(Refusal, match=why):
        build_problem(FiniteGame(env, rule(env)), (0,))
