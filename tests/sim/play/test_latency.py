"""Deadlines: what is on time, what is late, who is silent, and what then counts."""

from math import log1p
from typing import Any

import numpy as np
import pytest

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.spaces import SILENT
from dynmech.sim.core.streams import Streams
from dynmech.sim.log.tables import outcomes_table
from dynmech.sim.play.designer import Designer
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.messages import Inbox, Message
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Situation, StrategyProtocol, View

EPISODES = 60


def game_with(deadline: float, *latency: Latency) -> Game:
    """The oil leases under `team`, the house rules given."""
    environment = OilLeasesPrior().build()
    return make_game(environment, Team(environment), ProtocolOptions(deadline, latency))


def play(game: Game, *strategies: StrategyProtocol, episodes: int = EPISODES, block: int = 16) -> Record:
    streams = Streams(0, "test", 0, episodes, game.periods + game.closing)
    return play_shard(game, list(strategies) or [Truthful(), Truthful()], streams, episodes=episodes, block=block)


# On time or late


@pytest.mark.parametrize("deadline", [0.1, 0.25, 0.3, 0.7, 0.9])
def test_a_message_exactly_at_the_deadline_is_on_time_in_every_period(deadline: float) -> None:
    environment = RandomEconomy(seed=1, signals=2, discount=0.8).build()
    game = make_game(
        environment,
        PayYourReport(environment),
        ProtocolOptions(deadline, (Latency("constant", deadline),) * 2),
        tail=0.05,
    )
    assert game.periods >= 20  # clocks that add up 0.1 drift
    record = play(game, episodes=8)
    assert not record.late.any()
    assert not record.defaulted.any()
    assert np.array_equal(record.counted, record.signal)
    assert (record.latency == deadline).all()


@pytest.mark.parametrize("deadline", [0.0, 0.1, 0.3])
def test_a_message_just_after_the_deadline_is_late(deadline: float) -> None:
    after = float(np.nextafter(deadline, 1))
    record = play(game_with(deadline, Latency("constant", after), Latency("constant", deadline)))
    assert record.late[:, 0].all()
    assert record.defaulted[:, 0].all()
    assert (record.counted[:, 0] == 0).all()  # the default is the first message
    assert np.array_equal(record.report, record.signal)  # but what was sent is logged
    assert not record.late[:, 1].any()
    assert np.array_equal(record.counted[:, 1], record.signal[:, 1])


def test_without_latency_everything_is_on_time_at_deadline_0() -> None:
    record = play(game_with(0.0))
    assert not record.late.any()
    assert not record.defaulted.any()
    assert (record.latency == 0).all()


def test_latencies_are_drawn_from_the_stream_of_the_agent() -> None:
    """Uniform and exponential by inversion, recomputed from the uniform numbers, one by one."""
    game = game_with(0.5, Latency("uniform", 0.8), Latency("exponential", 0.4))
    record = play(game)
    streams = Streams(0, "test", 0, EPISODES, 3)
    for t in range(3):
        one, two = (streams.tape(f"latency {i}", 1, 0, EPISODES).at(t)[:, 0] for i in range(2))
        assert record.latency[t, 0].tolist() == [0.8 * u for u in one]
        assert record.latency[t, 1].tolist() == [-0.4 * log1p(-u) for u in two]


def test_latencies_have_the_law_they_say() -> None:
    # P(late): 1 − 0.5/0.8 = 0.375 for the uniform one, exp(−0.5/0.4) = 0.2865 for the exponential one.
    record = play(game_with(0.5, Latency("uniform", 0.8), Latency("exponential", 0.4)), episodes=4000, block=4000)
    for i, (chance, mean) in enumerate(((0.375, 0.4), (float(np.exp(-1.25)), 0.4))):
        draws = record.latency[:, i].size
        assert abs(record.late[:, i].mean() - chance) <= 5 * np.sqrt(chance * (1 - chance) / draws)
        assert abs(record.latency[:, i].mean() - mean) <= 5 * record.latency[:, i].std() / np.sqrt(draws)


class LastByDefault(Team):
    """A mechanism whose default is not 0, and depends on period, agent and memory row by row."""

    def memory_size(self, t: int) -> int:
        return 2

    def remember(self, now: Situation, messages: Array, decision: Array, acts: object) -> Array:
        return np.arange(len(messages)) % 2

    def default(self, now: Situation, agent: int) -> Array:
        return np.minimum(now.memory, len(self.environment.stage(now.t).signals[agent]) - 1)


def test_what_is_late_is_replaced_episode_by_episode_within_a_block() -> None:
    environment = OilLeasesPrior().build()
    protocol = ProtocolOptions(0.5, (Latency("uniform", 1.0), Latency("exponential", 0.5)))
    game = make_game(environment, LastByDefault(environment), protocol)
    record = play(game, block=EPISODES)
    for t in range(3):
        for i in range(2):
            memory = np.arange(EPISODES) % 2 if t else np.zeros(EPISODES)
            default = np.minimum(memory, len(environment.stage(t).signals[i]) - 1)
            late = record.latency[t, i] > 0.5
            assert 0 < late.sum() < EPISODES
            assert record.late[t, i].tolist() == late.tolist()
            assert record.defaulted[t, i].tolist() == late.tolist()
            assert record.counted[t, i].tolist() == np.where(late, default, record.signal[t, i]).tolist()
    # What counted is what decided and what was paid for, not what was sent.
    decided = game.mechanism.decide(Situation(1, np.zeros(EPISODES, np.intp), record.public[1]), record.counted[1].T)
    assert record.decision[1].tolist() == decided.tolist()


def test_the_log_tells_late_from_on_time() -> None:
    record = play(game_with(0.5, Latency("uniform", 1.0), Latency()))
    rows = outcomes_table(record, 0, ["truthful", "truthful"]).to_pylist()
    assert len(rows) == EPISODES * 3 * 2
    for row in rows:
        assert row["late"] == (row["latency"] > 0.5)
        assert row["defaulted"] == row["late"]
        assert row["report"] == row["signal"]
        first = {"firm 1": ("0", "4", "-"), "firm 2": ("-", "4", "4")}[row["agent"]][row["period"]]
        assert row["counted"] == (first if row["late"] else row["report"])
    assert {row["late"] for row in rows if row["agent"] == "firm 1"} == {True, False}
    assert {row["latency"] for row in rows if row["agent"] == "firm 2"} == {0.0}


@pytest.mark.parametrize(("latency", "arrivals"), [(0.5, 1), (0.75, 0)])
def test_the_designer_settles_after_what_arrives_at_the_deadline_and_gets_nothing_late(
    monkeypatch: pytest.MonkeyPatch, latency: float, arrivals: int
) -> None:
    events: list[tuple[float | None, str]] = []
    settle, put_message = Designer._settle, Inbox.put_message

    def watched_settle(self: Any, now: Situation) -> Array:
        events.append((self._clock.now, "settled"))
        return settle(self, now)

    def watched_put(self: Inbox, agent: int, message: Message) -> None:
        events.append((None, f"{agent} delivered"))
        put_message(self, agent, message)

    monkeypatch.setattr(Designer, "_settle", watched_settle)
    monkeypatch.setattr(Inbox, "put_message", watched_put)
    play(game_with(0.5, Latency("constant", latency), Latency()), episodes=4, block=4)
    delivered = [(None, "1 delivered"), *[(None, "0 delivered")] * arrivals]
    assert events == [event for t in range(3) for event in (*delivered, (t + 0.5, "settled"))]


def test_a_letter_that_arrives_at_the_next_deadline_is_not_taken_for_the_next_message() -> None:
    """Sent in period 0 and 1.5 periods under way, it arrives just when period 1 is settled."""
    record = play(game_with(0.5, Latency("constant", 1.5), Latency()))
    assert record.late[:, 0].all()
    assert (record.counted[:, 0] == 0).all()
    assert (record.report[:2, 0] == 1).any()


def test_latency_moves_nobody_elses_luck() -> None:
    """Nature's draws of period 0, and what agents draw, are the same with and without it."""
    prompt, slow = (play(game_with(0.5, *latency)) for latency in ((), (Latency("uniform", 1.0), Latency())))
    assert np.array_equal(prompt.signal, slow.signal)  # decisions do not move the oil
    assert not np.array_equal(prompt.decision, slow.decision)


# Silence


class Shy(Strategy):
    """Says nothing in the episodes where its signal is 1."""

    name = "shy"
    source = "a test double"
    silent = True

    def message(self, view: View) -> Array:
        return np.where(view.signal == 1, SILENT, view.signal)


class Mumbler(Shy):
    """The same, without having said that it may be silent."""

    name = "mumbler"
    silent = False


def test_a_silent_agent_gets_the_default_where_it_is_silent() -> None:
    record = play(game_with(0.0), Shy(), Truthful())
    silent = record.signal[:, 0] == 1
    assert silent.any()
    assert np.array_equal(record.defaulted[:, 0], silent)
    assert not record.late.any()
    assert np.array_equal(record.report[:, 0], np.where(silent, SILENT, record.signal[:, 0]))
    assert (record.counted[:, 0] == 0).all()
    row = outcomes_table(record, 0, ["shy", "truthful"]).to_pylist()[0::2]
    assert [r["report"] is None for r in row] == silent.T.reshape(-1).tolist()


def test_silence_and_lateness_add_up() -> None:
    record = play(game_with(0.5, Latency("uniform", 1.0), Latency()), Shy(), Truthful())
    silent, late = record.signal[:, 0] == 1, record.latency[:, 0] > 0.5
    assert np.array_equal(record.late[:, 0], late)
    assert np.array_equal(record.defaulted[:, 0], silent | late)
    assert (silent & ~late).any()
    assert (late & ~silent).any()


def test_a_strategy_that_did_not_declare_silence_is_stopped() -> None:
    with pytest.raises(PlayError) as caught:
        play(game_with(0.0), Mumbler(), Truthful(), block=EPISODES)
    row = int(np.argmax(play(game_with(0.0)).signal[0, 0] == 1))
    assert str(caught.value) == (
        f"strategy 'mumbler' of agent 'firm 1' in period 0: message returned -1 (row {row} of the block), "
        "outside 0..1: '0', '1'"
    )


def test_silence_is_the_only_value_outside_that_a_silent_strategy_may_send() -> None:
    class Beyond(Shy):
        def message(self, view: View) -> Array:
            return np.full(view.size, -2)

    with pytest.raises(PlayError, match=r"'shy' of agent 'firm 1' in period 0: message returned -2 \(row 0 of the bl"):
        play(game_with(0.0), Beyond(), Truthful())


# What can be written


@pytest.mark.parametrize(
    ("text", "latency"),
    [
        ("0.2", Latency("constant", 0.2)),
        ("0", Latency()),
        ("constant:1.5", Latency("constant", 1.5)),
        ("uniform:0.5", Latency("uniform", 0.5)),
        ("exponential:2", Latency("exponential", 2.0)),
    ],
)
def test_latencies_are_read_from_text(text: str, latency: Latency) -> None:
    assert Latency.parse(text) == latency


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fast", "latency: 'fast' is not a number"),
        ("uniform:", "latency: '' is not a number"),
        ("", "latency: '' is not a number"),
        ("gauss:0.2", "latency: 'gauss' is none of constant, uniform, exponential"),
        ("-0.1", "latency: -0.1 is not a number of at least 0"),
        ("exponential:inf", "latency: inf is not a number of at least 0"),
        ("nan", "latency: nan is not a number of at least 0"),
        (
            "uniform:0.1:0.2",
            "latency: 'uniform:0.1' is none of constant, uniform, exponential; did you mean 'uniform'?",
        ),
    ],
)
def test_a_latency_that_makes_no_sense_gets_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Latency.parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("deadline", [-0.1, 1.0, float("nan"), float("inf")])
def test_a_deadline_is_within_the_period(deadline: float) -> None:
    with pytest.raises(InputError) as caught:
        ProtocolOptions(deadline)
    assert str(caught.value) == f"deadline: {deadline:g} is not in [0, 1)"


def test_an_unknown_policy_of_disclosure_gets_one_line() -> None:
    with pytest.raises(InputError) as caught:
        ProtocolOptions(disclosure="nothing")
    assert str(caught.value) == "disclosure: 'nothing' is none of everything, announced, decisions, own"
