"""The event loop: what happens in which order, what it pays on average, and what it does not forgive a mechanism."""

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dynmech.agents.strategies.belief_manipulation import BeliefManipulation
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.scenarios.oil_leases import OilLeases
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.log.tables import outcomes_table
from dynmech.sim.play.agent import Agent
from dynmech.sim.play.block import Block
from dynmech.sim.play.designer import Designer
from dynmech.sim.play.game import ProtocolOptions, make_game, shortened
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.nature import Nature
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Situation
from tests.builders.exact import payoffs_of_truth, tree_payoffs
from tests.builders.played_games import play


def identical(one: Record, other: Record) -> bool:
    """Whether two records hold the same bytes."""
    pairs = ((value, getattr(other, name)) for name, value in vars(one).items() if isinstance(value, np.ndarray))
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


# A play-through a person can read

# θ_0 = 4 is worth 7 to firm 1 and 6 to firm 2, θ = 6 is worth 11 and 12. Firm 2 pays 11 for the second lease; firm 1,
# having lost the first, receives 4 or 16 when firm 2 then reports 4 or 6.
TRUTH_AT_6_6 = [
    # period, agent, signal, report, decision, utility, transfer
    (0, "firm 1", "6", "6", "2", 0, 0),
    (0, "firm 2", "-", "-", "2", 12, 0),
    (1, "firm 1", "-", "-", "2", 0, -16),
    (1, "firm 2", "6", "6", "2", 12, 11),
]
TRUTH_AT_6_4 = [
    (0, "firm 1", "6", "6", "2", 0, 0),
    (0, "firm 2", "-", "-", "2", 12, 0),
    (1, "firm 1", "-", "-", "1", 7, -4),
    (1, "firm 2", "4", "4", "1", 0, 0),
]
FIRM_1_SAYS_4_AT_6_6 = [
    (0, "firm 1", "6", "4", "1", 11, 0),
    (0, "firm 2", "-", "-", "1", 0, 0),
    (1, "firm 1", "-", "-", "2", 0, 0),
    (1, "firm 2", "6", "6", "2", 12, 11),
]
FIRM_2_SAYS_6_AT_4_4 = [
    (0, "firm 1", "4", "4", "1", 7, 0),
    (0, "firm 2", "-", "-", "1", 0, 0),
    (1, "firm 1", "-", "-", "2", 0, 0),
    (1, "firm 2", "4", "6", "2", 6, 11),
]


@pytest.mark.parametrize(
    ("oil", "scripts", "expected"),
    [
        ((1, 1), ("*", "*"), TRUTH_AT_6_6),
        ((1, 0), ("*", "*"), TRUTH_AT_6_4),
        ((1, 1), ("4/*", "*"), FIRM_1_SAYS_4_AT_6_6),
        ((0, 0), ("*", "*/6"), FIRM_2_SAYS_6_AT_4_4),
    ],
)
def test_the_linked_auctions_play_through(
    oil: tuple[int, int], scripts: tuple[str, str], expected: list[tuple[Any, ...]]
) -> None:
    environment = OilLeases().build()
    record = play(make_game(environment, Linked(environment)), *map(Scripted, scripts))
    episode = int(np.flatnonzero((record.signal[0, 0] == oil[0]) & (record.signal[1, 1] == oil[1]))[0])
    table = outcomes_table(record, 0, scripts).to_pylist()
    columns = ("period", "agent", "signal", "report", "decision", "utility", "transfer")
    rows = [tuple(row[c] for c in columns) for row in table if row["episode"] == episode]
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        assert row == wanted


# Means


def errors_of(samples: FloatArray) -> FloatArray:
    """Standard errors of the means along the last axis."""
    return samples.std(axis=-1, ddof=1) / np.sqrt(samples.shape[-1])


@pytest.mark.parametrize("rule", [Team, Pivot, CremerMcLean, Linked, PayYourReport])
def test_means_on_the_oil_leases_are_the_exact_ones(rule: type[DirectMechanism]) -> None:
    environment = OilLeasesPrior().build()
    mechanism = rule(environment)
    record = play(make_game(environment, mechanism), episodes=20_000)
    exact, revenue = tree_payoffs(environment, mechanism)
    assert (np.abs(record.payoffs.mean(axis=1) - exact) <= 5 * errors_of(record.payoffs) + 1e-9).all()
    paid = record.discounted(record.transfer.sum(axis=1))
    assert abs(paid.mean() - revenue) <= 5 * errors_of(paid) + 1e-9


def test_the_mean_of_a_deviation_is_the_exact_one() -> None:
    # Flipping both reports gains 2 (Liu §3.1): 3.5 under truth, 5.5 with the lie.
    environment = OilLeasesPrior().build()
    record = play(make_game(environment, CremerMcLean(environment)), BeliefManipulation(), Truthful(), episodes=20_000)
    assert abs(record.payoffs[0].mean() - 5.5) <= 5 * errors_of(record.payoffs[0])


def small_infinite(discount: float = 0.6) -> TableEnvironment:
    """Two agents with two signals each, correlated and interdependent."""
    return RandomEconomy(seed=3, signals=2, discount=discount, singular_value=0.1).build()


@pytest.mark.parametrize("rule", [Team, Pivot, ContingentSpanning, PayYourReport])
def test_means_of_an_infinite_economy_are_the_fixed_point(rule: type[DirectMechanism]) -> None:
    environment = small_infinite()
    mechanism = rule(environment)
    game = make_game(environment, mechanism, tail=1e-3)
    record = play(game, episodes=8000)
    exact = payoffs_of_truth(environment, mechanism) @ environment.prior.reshape(-1)  # nothing is due in period 0
    error = errors_of(record.payoffs)
    assert (np.abs(record.payoffs.mean(axis=1) - exact) <= 5 * error + game.tail + 1e-9).all()
    if rule is not PayYourReport:  # whose payoff is 0 in every episode
        assert (error < 0.05).all()


def truthful_laws(environment: TableEnvironment, mechanism: DirectMechanism, periods: int) -> list[FloatArray]:
    """The law of the profile in periods 0, 1, … under truth, each `(S,)`, by forward iteration."""
    policy = mechanism.plan.policy[0].reshape(-1)
    law = environment.kernel(0).rows()[policy, np.arange(policy.size)]
    laws = [environment.prior.reshape(-1)]
    while len(laws) < periods:
        laws.append(laws[-1] @ law)
    return laws


class NothingAfterTheEnd(ContingentSpanning):
    """Contingent transfers that forget to say that they fall due a period later."""

    @property
    def lags(self) -> int:
        return 0


def test_the_last_report_is_paid_for_in_the_closing_period() -> None:
    """By construction δ E[due at t + 1 | θ_t] = −Σ_{j≠i} u^j(θ_t): with the closing period, and only with it,
    everybody's payoff over T periods is exactly the expected welfare of those T periods."""
    environment = small_infinite()
    mechanism = ContingentSpanning(environment)
    policy = mechanism.plan.policy[0].reshape(-1)
    flows = environment.stage(0).utility.reshape(2, len(environment.stage(0).decisions), -1)[
        :, policy, np.arange(policy.size)
    ]
    games = {
        rule: shortened(make_game(environment, rule(environment)), 0.3)
        for rule in (ContingentSpanning, NothingAfterTheEnd)
    }
    periods = games[ContingentSpanning].periods
    assert [(g.periods, g.closing) for g in games.values()] == [(3, 1), (3, 0)]  # 0.6³ ≤ 0.3 < 0.6²
    laws = truthful_laws(environment, mechanism, periods)
    welfare = sum(environment.discount**t * float(laws[t] @ flows.sum(axis=0)) for t in range(periods))
    # Without it, agent i keeps what it owes for period T − 1: δ^{T−1} E[−Σ_{j≠i} u^j].
    kept = environment.discount ** (periods - 1) * -(flows.sum(axis=0) - flows) @ laws[-1]
    assert np.abs(kept).max() > 0.1
    for rule, expected in ((ContingentSpanning, np.full(2, welfare)), (NothingAfterTheEnd, welfare + kept)):
        payoffs = play(games[rule], episodes=20_000).payoffs
        assert (np.abs(payoffs.mean(axis=1) - expected) <= 5 * errors_of(payoffs)).all()
    assert np.abs(payoffs.mean(axis=1) - welfare).max() > 5 * errors_of(payoffs).max()  # the forgetful one is caught


def test_closing_periods_have_transfers_and_nothing_else() -> None:
    environment = small_infinite()
    game = make_game(environment, ContingentSpanning(environment), tail=0.5)
    record = play(game)
    assert game.closing == 1
    assert (record.report[-1] == -1).all()
    assert (record.decision[-1] == -1).all()
    assert (record.utility[-1] == 0).all()
    assert (record.transfer[-1] != 0).all()


def test_a_game_is_cut_where_its_tail_is_small_enough_and_not_later() -> None:
    environment = small_infinite()
    mechanism = Team(environment)
    bound = (environment.utility_bound() + mechanism.transfer_bound()) / (1 - environment.discount)
    for tail in (1.0, 1e-2, 1e-4):
        game = make_game(environment, mechanism, tail=tail)
        left = tail * environment.scale
        assert environment.discount**game.periods * bound <= left < environment.discount ** (game.periods - 1) * bound
        assert game.tail == pytest.approx(environment.discount**game.periods * bound)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"tail": 0.0}, "tail: 0 is not a number of at least 1e-12"),
        ({"tail": float("nan")}, "tail: nan is not a number of at least 1e-12"),
        ({"protocol": ProtocolOptions(latency=(Latency(),))}, "latency: 1 given for 2 agents"),
    ],
)
def test_a_game_that_cannot_be_is_refused(what: dict[str, Any], message: str) -> None:
    environment = OilLeases().build()
    with pytest.raises(InputError) as caught:
        make_game(environment, Linked(environment), **what)
    assert str(caught.value) == message


# Order


@pytest.mark.parametrize(
    "protocol",
    [
        ProtocolOptions(),
        ProtocolOptions(0.4, (Latency("exponential", 0.3), Latency("uniform", 1.0), Latency("constant", 0.4))),
    ],
)
def test_the_order_in_which_processes_are_created_plays_no_part(protocol: ProtocolOptions) -> None:
    environment = RandomEconomy(seed=1, agents=3, signals=2, horizon=4).build()
    game = make_game(environment, PayYourReport(environment), protocol)
    profile = (RandomReport(), Truthful(), RandomReport())
    first = play(game, *profile, order=(0, 1, 2))
    for order in ((2, 1, 0), (1, 2, 0), (0, 2, 1)):
        assert identical(first, play(game, *profile, order=order))
    assert not identical(first, play(game, Truthful(), Truthful(), RandomReport()))


# Lotteries


class Lottery(DirectMechanism):
    """Decides by lot: (0.2, 0, 0.8) when agent 0 reports 0, else (0.5, 0.5, 0)."""

    name = "lottery"
    source = "a test double"
    odds = np.array([[0.2, 0.0, 0.8], [0.5, 0.5, 0.0]])

    def decide(self, now: Situation, messages: Array) -> Array:
        return self.odds[messages[:, 0]]

    def transfer_bound(self) -> float:
        return 0.0


def test_a_lottery_is_drawn_with_its_odds_and_the_same_for_every_block_size() -> None:
    environment = RandomEconomy(seed=2, signals=2, decisions=3, horizon=2).build()
    game = make_game(environment, Lottery(environment))
    whole = play(game, episodes=4000)
    for t in range(2):
        for k in range(2):
            drawn = whole.decision[t][whole.report[t, 0] == k]
            share = np.bincount(drawn, minlength=3) / len(drawn)
            spread = np.sqrt(Lottery.odds[k] * (1 - Lottery.odds[k]) / len(drawn))
            assert (np.abs(share - Lottery.odds[k]) <= 5 * spread).all()  # and never one of probability 0
    assert not np.array_equal(whole.decision[0], whole.decision[1])
    small = play(game, episodes=200)
    assert np.array_equal(small.decision, whole.decision[:, :200])
    for block in (1, 7):
        assert identical(small, play(game, episodes=200, block=block))


@pytest.mark.parametrize(
    "protocol", [ProtocolOptions(), ProtocolOptions(0.25, (Latency("exponential", 2.0), Latency("constant", 0.5)))]
)
def test_a_block_that_was_played_is_gone_at_once(protocol: ProtocolOptions) -> None:
    """Without waiting for the garbage collector, letters still under way or not; else records would pile up."""
    environment = RandomEconomy(seed=2, signals=2, horizon=3).build()
    game = make_game(environment, PayYourReport(environment), protocol)
    gc.collect()
    gc.disable()
    try:
        records = [weakref.ref(play(game, RandomReport(), Truthful(), block=16)) for _ in range(3)]
        # By `type`: `isinstance` asks a weak proxy, which a library may hold, for the class of what it lost.
        parts = [thing for thing in gc.get_objects() if issubclass(type(thing), Block | Nature | Agent | Designer)]
    finally:
        gc.enable()
    assert [record() for record in records] == [None] * 3
    assert parts == []


def test_costs_are_booked_and_payoffs_are_discounted_sums() -> None:
    environment = RandomEconomy(seed=5, signals=2, horizon=3, discount=0.5).build()
    priced = replace(environment, stages=tuple(replace(s, cost=np.array([0.25, 4.0])) for s in environment.stages))
    record = play(make_game(priced, PayYourReport(priced)), RandomReport(), Truthful(), episodes=6)
    assert record.cost.tolist() == np.where(record.decision == 1, 4.0, 0.25).tolist()
    for i in range(2):
        for e in range(6):
            net = [float(record.utility[t, i, e] - record.transfer[t, i, e]) for t in range(3)]
            assert record.payoffs[i, e] == pytest.approx(net[0] + net[1] / 2 + net[2] / 4, abs=1e-12)
