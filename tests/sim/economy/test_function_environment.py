"""Economies on numbers: posted prices, and Athey and Segal's trading game, simulated against their closed forms."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.misreport import Misreport
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.runs.shards import make_job, play_jobs, totals
from dynmech.experiments.runs.simulation import Case, Sampling, silent
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.experiments.workers.pool import Workers
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import PlayError, Refusal
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.log.run_folder import RunFolder
from dynmech.sim.log.tables import episodes_table, outcomes_table
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Acts, Situation, StrategyProtocol, View
from tests.builders.small_economies import UNIT, shop


def play(game: Game, *strategies: StrategyProtocol, episodes: int = 50, block: int = 4096) -> Record:
    streams = Streams(0, "test", 0, episodes, game.periods + game.closing)
    profile = list(strategies) or [Truthful()] * len(game.environment.agents)
    return play_shard(game, profile, streams, episodes=episodes, block=block)


def covers(samples: FloatArray, exact: float) -> bool:
    """Whether a closed form is within five standard errors of the mean, and the mean says something."""
    moments = Moments.of(samples)
    return float(moments.error) < 0.02 and abs(float(moments.mean) - exact) <= 5 * float(moments.error)


# A posted price


class PostedPrice(Mechanism):
    """Sells to whoever reports at least the price, at the price."""

    name = "posted-price"
    source = "a textbook"

    def __init__(self, environment: FunctionEnvironment, price: float = 0.5) -> None:
        super().__init__(environment)
        self.price = price

    def messages(self, t: int, agent: int) -> Space:
        return UNIT

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return signal

    def decide(self, now: Situation, messages: Array) -> Array:
        return (messages[:, 0] >= self.price).astype(np.intp)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return self.price * decision[:, None]

    def transfer_bound(self) -> float:
        return self.price


class TakeItOrLeaveIt(PostedPrice):
    """The same, but the buyer only says yes or no; the answer picks a row of a table."""

    name = "take-it-or-leave-it"

    def messages(self, t: int, agent: int) -> Space:
        return Finite(("no", "yes"))

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return (signal >= self.price).astype(np.intp)

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.array([0, 1])[messages[:, 0]]


@pytest.mark.parametrize("rule", [PostedPrice, TakeItOrLeaveIt])
def test_a_posted_price_earns_its_closed_form(rule: type[PostedPrice]) -> None:
    # ∫_½^1 (v − ½) dv = 1/8 for the buyer, ½ · ½ = 1/4 for the designer.
    environment = shop()
    record = play(make_game(environment, rule(environment)), episodes=8000)
    assert covers(record.payoffs[0], 1 / 8)
    assert covers(record.transfer[0, 0], 1 / 4)


def test_for_ever_it_earns_it_again_and_again() -> None:
    # (1/8) / (1 − ½) and (1/4) / (1 − ½), but for a tail of at most 1e-3.
    environment = shop(None, 0.5)
    game = make_game(environment, PostedPrice(environment), tail=1e-3)
    record = play(game, episodes=8000)
    assert 0.5**game.periods * 3 == game.tail <= 1e-3
    assert covers(record.payoffs[0] + game.tail / 2, 1 / 4)
    assert covers(record.discounted(record.transfer[:, 0]), 1 / 2)


@given(price=st.floats(0, 1), episodes=st.integers(1, 20))
def test_each_buyer_gets_the_excess_of_its_value_over_the_price(price: float, episodes: int) -> None:
    environment = shop()
    record = play(make_game(environment, PostedPrice(environment, price)), episodes=episodes)
    values = Streams(0, "test", 0, episodes, 1).tape("nature 0", 1, 0, episodes).at(0)[:, 0]
    assert record.signal[0, 0].tolist() == values.tolist()
    assert record.payoffs[0].tolist() == np.maximum(values - price, 0).tolist()


@pytest.mark.parametrize(
    ("strategy", "payoff"),
    [
        # Always buying is worth E v − ½ = 0, never buying 0; flipped, those with v ≤ ½ buy: ∫_0^½ (v − ½) dv = −1/8.
        (Misreport("high"), 0.0),
        (Misreport("flip"), -1 / 8),
        (Scripted("0.75"), 0.0),
        # At random half buy, whatever their value.
        (RandomReport(), 0.0),
    ],
)
def test_lies_on_an_interval_earn_theirs(strategy: Strategy, payoff: float) -> None:
    environment = shop()
    assert covers(play(make_game(environment, PostedPrice(environment)), strategy, episodes=8000).payoffs[0], payoff)


def test_who_never_buys_gets_nothing() -> None:
    environment = shop()
    record = play(make_game(environment, PostedPrice(environment)), Misreport("low"))
    assert record.payoffs.tolist() == [[0.0] * 50]
    assert record.report.tolist() == [[[0.0] * 50]]


# Two periods of trade


M, S = 1 / 2, 7 / 3
"""E θ_1 and 1 + E θ_2² for θ_1 uniform on [0, 1], θ_2 on [0, 2]."""


def trading() -> FunctionEnvironment:
    """Athey–Segal 2007, Example 1: the seller's cost of x is x²/(2 θ_1) in both periods; x is worth 1 · x to the
    buyer at first, then θ_2 · x. Efficient: x = θ_1, then θ_1 θ_2. No discounting."""

    def law(t: int, last: Array | None, _decision: Array | None, uniforms: FloatArray) -> Array:
        seller = uniforms[:, 0] if last is None else last[:, 0]
        buyer = np.ones(len(uniforms)) if t == 0 else 2 * uniforms[:, 1]
        return np.stack([seller, buyer], axis=1)

    def payoff(_t: int, signals: Array, x: Array) -> FloatArray:
        cost = np.divide(x * x, 2 * signals[:, 0], out=np.zeros(len(x)), where=signals[:, 0] > 0)
        return np.stack([-cost, signals[:, 1] * x], axis=1)

    return FunctionEnvironment(
        name="trading",
        agents=("seller", "buyer"),
        discount=1.0,
        horizon=2,
        signals=(UNIT, Interval(0, 2)),
        decisions=Interval(0, 2),
        law=law,
        payoff=payoff,
        bound=4.0,
    )


class ExpectedExternality(Mechanism):
    """Each pays what its report costs the other *in expectation*: the seller is paid γ_1 = θ_1 S in period 0, and
    the buyer pays it (m/2)(1 + θ_2²) in period 1."""

    name = "expected-externality"
    source = "Athey–Segal 2007, Example 1"

    def messages(self, t: int, agent: int) -> Space:
        return (UNIT, Interval(0, 2))[agent]

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return signal

    def decide(self, now: Situation, messages: Array) -> Array:
        return messages[:, 0] * messages[:, 1]

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        price = messages[:, 0] * S if now.t == 0 else M / 2 * (1 + messages[:, 1] ** 2)
        return np.stack([-price, price], axis=1)

    def transfer_bound(self) -> float:
        return S


class Informed(Strategy):
    """The buyer, who has heard θ_1 when it reports θ_2: r = θ_1 θ_2 / m, at most 2, beats the truth."""

    name = "informed"
    source = "Athey–Segal 2007 §2"
    memory_periods = 1

    def message(self, view: View) -> Array:
        if view.t == 0:
            return view.prescribed
        reports = view.past[-1].reports
        assert reports is not None
        return np.minimum(reports[:, 0] * view.signal / M, 2.0)


def market(protocol: ProtocolOptions | None = None) -> Game:
    environment = trading()
    return make_game(environment, ExpectedExternality(environment), protocol)


def test_truthful_trade_earns_its_closed_form_and_the_budget_balances() -> None:
    # Buyer: value m S, pays m S + m S / 2; seller: is paid that, at a cost of m S / 2. Together m S / 2 = 7/12.
    record = play(market(), episodes=30_000)
    assert covers(record.payoffs[0], M * S)
    assert covers(record.payoffs[1], -M * S / 2)
    assert covers(record.utility.sum(axis=(0, 1)), 7 / 12)
    assert (record.transfer.sum(axis=1) == 0).all()


def test_the_informed_buyer_gains_what_the_integral_says() -> None:
    # Reports at most 2: ln 2 / 6 − 1/36 = 0.0877 (1/9 without that limit).
    honest, informed = play(market(), episodes=20_000), play(market(), Truthful(), Informed(), episodes=20_000)
    gain = informed.payoffs[1] - honest.payoffs[1]
    assert covers(gain, np.log(2) / 6 - 1 / 36)
    assert not covers(gain, 1 / 9)
    assert float(gain.min()) >= -1e-12  # it knows θ_1 when it lies, so it never loses


def test_the_integral_of_the_informed_buyers_gain() -> None:
    """The same number on a grid of midpoints, from the payoffs alone: max over r in [0, 2] of θ_1 θ_2 r − m r²/2."""
    k = (np.arange(400) + 0.5) / 400
    one, two = k[:, None], 2 * k[None, :]
    best = np.minimum(one * two / M, 2)
    gain = two * one * (best - two) - M / 2 * (best**2 - two**2)
    assert gain.mean() == pytest.approx(np.log(2) / 6 - 1 / 36, abs=1e-5)


# Blocks, deadlines, the log


@pytest.mark.parametrize("block", [1, 7])
def test_on_numbers_too_blocks_change_nothing(block: int) -> None:
    late = ProtocolOptions(0.5, (Latency("exponential", 0.5), Latency("uniform", 1.0)))
    for game in (market(), market(late)):
        for profile in ((Truthful(), Informed()), (RandomReport(), Misreport())):
            whole, cut = play(game, *profile), play(game, *profile, block=block)
            for name, values in vars(whole).items():
                if isinstance(values, np.ndarray):
                    assert values.tobytes() == getattr(cut, name).tobytes()


def test_what_is_late_becomes_the_lowest_number() -> None:
    late = ProtocolOptions(0.5, (Latency(), Latency("uniform", 1.0)))
    record = play(market(late))
    missing = record.latency[:, 1] > 0.5
    assert missing.any()
    assert not missing.all()
    assert np.array_equal(record.counted[:, 1], np.where(missing, 0.0, record.signal[:, 1]))


def types(table: Any) -> dict[str, Any]:
    return {field.name: field.type for field in table.schema}


def test_the_log_of_numbers_has_columns_of_numbers() -> None:
    record = play(market(), episodes=3)
    table = outcomes_table(record, 0, ["truthful", "truthful"])
    kinds = types(table)
    assert {name for name in ("signal", "report", "counted", "decision") if kinds[name] == pa.float64()} == {
        "signal",
        "report",
        "counted",
        "decision",
    }
    assert pa.types.is_dictionary(kinds["public"])
    row = table.to_pylist()[2 * 2 * 1 + 2 * 1 + 1]  # episode 1, period 1, the buyer
    assert (row["episode"], row["period"], row["agent"]) == (1, 1, "buyer")
    assert row["signal"] == row["report"] == row["counted"] == record.signal[1, 1, 1]
    assert row["decision"] == record.decision[1, 1] == record.signal[1, 0, 1] * record.signal[1, 1, 1]
    payoffs = episodes_table(record, 0, ["truthful", "truthful"]).to_pylist()
    assert payoffs[3]["payoff"] == record.payoffs[1, 1]


def test_labels_and_numbers_stand_side_by_side() -> None:
    """Values are numbers; what is decided, and what the buyer may say, are words."""
    environment = shop(2)
    priced, asked = (
        outcomes_table(play(make_game(environment, r(environment))), 0, ["-"]) for r in (PostedPrice, TakeItOrLeaveIt)
    )
    assert set(priced["decision"].to_pylist()) == {"keep", "sell"}
    assert types(priced)["report"] == pa.float64()
    assert asked["signal"].to_pylist() == priced["signal"].to_pylist()
    assert types(asked)["signal"] == pa.float64()
    assert asked["report"].to_pylist() == ["yes" if v >= 0.5 else "no" for v in asked["signal"].to_pylist()]
    assert asked["decision"].to_pylist() == priced["decision"].to_pylist()


def test_a_run_on_numbers_is_logged_and_added_up(tmp_path: Any) -> None:
    folder = RunFolder(tmp_path / "run", {"seed": 1}, {})
    case = Case("informed", (Truthful(), Informed()))
    job = make_job(market(), "expected-externality", [case], Sampling(400, seed=1, shard=150), folder, "full")
    play_jobs([job], folder, Workers(), silent("", 0))
    assert folder.failures() == []
    tallies = totals(job, folder)
    assert float(tallies["informed"].gain.mean[1]) > 0
    assert float(tallies["informed"].gain.mean.sum()) < 0  # together they lose: the quantity is not the efficient one
    assert tallies["informed"].payoff.count.tolist() == [400, 400]
    assert len(list((tmp_path / "run").rglob("*.parquet"))) == 2 * 3 * 3


# Signals that are words, messages that are numbers


class Bids(Mechanism):
    """Bids 0.25 or 0.75 by signal; everybody pays its own bid and the highest of the period before."""

    name = "bids"
    source = "a test double"

    @property
    def lags(self) -> int:
        return 1

    def memory_size(self, t: int) -> None:
        return None

    def messages(self, t: int, agent: int) -> Space:
        return UNIT

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return 0.25 + 0.5 * signal

    def decide(self, now: Situation, messages: Array) -> Array:
        return (messages.sum(axis=1) > 1).astype(np.intp)

    def due(self, now: Situation, messages: Array) -> FloatArray:
        last = np.repeat(now.memory[:, None], messages.shape[1], axis=1)
        return last + messages

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return messages.max(axis=1)

    def transfer_bound(self) -> float:
        return 2.0


def test_bids_are_numbers_also_in_the_closing_period() -> None:
    """Where signals are words, a bid of 0.75 must not be cut to 0 once the reports are over."""
    environment = RandomEconomy(seed=3, signals=2, discount=0.5).build()
    game = make_game(environment, Bids(environment), tail=1.0)
    record = play(game)
    assert game.closing == 1
    bids = 0.25 + 0.5 * record.signal
    assert np.array_equal(record.counted[:-1], bids[:-1])
    assert set(bids[-1].ravel().tolist()) == {0.25, 0.75}
    assert np.array_equal(record.transfer[-1], bids[-2].max(axis=0) + bids[-1])


# What does not fit


def test_a_mechanism_of_tables_refuses_an_economy_of_numbers() -> None:
    with pytest.raises(Refusal) as caught:
        Team(shop())
    assert str(caught.value) == (
        "mechanism 'team' does not fit environment 'shop': it needs finitely many signals and decisions"
    )


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (lambda messages: messages[:, 0] + 2, "decide returned 2."),
        (lambda messages: np.where(messages[:, 0] >= 0, np.nan, 0), "decide returned nan (row 0 of the block), outsid"),
        (lambda messages: messages, "decide returned an array of shape (50, 2), expected (50,)"),
    ],
)
def test_a_decision_that_is_no_number_inside_is_stopped(wrong: Any, what: str) -> None:
    class Wrong(ExpectedExternality):
        def decide(self, now: Situation, messages: Array) -> Array:
            return wrong(messages)

    environment = trading()
    with pytest.raises(PlayError) as caught:
        play(make_game(environment, Wrong(environment)))
    assert str(caught.value).startswith(f"mechanism 'expected-externality' in period 0: {what}")
