"""What agents do after the decision: private actions, and replies to what the mechanism asks.

A worker and an owner, three periods. The worker privately rests, shirks or works; next period's output is high if it
works, low otherwise. Work costs it 1, high output is worth 5 to the owner. The designer decides whether the plant is
small or big (big where output is reported high: worth 1 more to the owner) and recommends work.
Decisions are the product of public part (slowest) and actions: index = 3 · size + action.
"""

from typing import Any

import numpy as np
import pytest

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.log.tables import outcomes_table
from dynmech.sim.play.game import ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Acts, Situation, StrategyProtocol, View

REST, SHIRK, WORK = range(3)
EPISODES = 4


def plant() -> TableEnvironment:
    """The economy of the module docstring; it starts with low output."""
    utility = np.zeros((2, 6, 2, 1))
    kernel = np.zeros((6, 2, 1, 2, 1))
    for decision in range(6):
        big, action = divmod(decision, 3)
        utility[0, decision] = -1.0 * (action == WORK)
        utility[1, decision, 1] = 5 + big
        kernel[decision, :, 0, int(action == WORK), 0] = 1
    stage = Stage(
        signals=(("low", "high"), ("-",)),
        decisions=tuple(f"{size}/{action}" for size in ("small", "big") for action in ("rest", "shirk", "work")),
        utility=utility,
        kernel=JointKernel(kernel, (2, 1), (2, 1)),
        private_actions=(("rest", "shirk", "work"), ("-",)),
    )
    return TableEnvironment("plant", ("worker", "owner"), np.array([[1.0], [0.0]]), (stage,), 1.0, 3)


class Foreman(Mechanism):
    """Recommends work always; keeps everything it is told."""

    name = "foreman"
    source = "a test double"

    def __init__(self, environment: TableEnvironment, sees: IntArray | None = None) -> None:
        super().__init__(environment)
        self.shown = sees
        self.diary: list[tuple[str, int, list[Any]]] = []

    def _note(self, rule: str, now: Situation, *told: Array) -> None:
        self.diary.append((rule, now.t, [now.memory.tolist(), *(array.tolist() for array in told)]))

    def messages(self, t: int, agent: int) -> Space:
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return signal

    def decide(self, now: Situation, messages: Array) -> Array:
        self._note("decide", now, messages)
        return 3 * messages[:, 0] + WORK

    def sees(self, t: int, agent: int) -> IntArray | None:
        return self.shown if agent == 0 else None

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        self._note("charge", now, messages, decision, acts.seen, acts.replies)
        transfers: FloatArray = np.zeros(messages.shape)
        transfers[:, 0] = np.where(acts.seen[:, 0] == 1, -2.0, 0.0)  # a wage for what is seen
        return transfers

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        self._note("remember", now, messages, decision, acts.seen, acts.replies)
        return now.memory

    def transfer_bound(self) -> float:
        return 2.0


class Does(Strategy):
    """Reports low always, and does as it is scripted to."""

    name = "does"
    source = "a test double"

    def __init__(self, *script: int) -> None:
        self.script = script
        self.views: list[View] = []

    def message(self, view: View) -> Array:
        return np.zeros(view.size, np.intp)

    def action(self, view: View) -> Array:
        self.views.append(view)
        return np.full(view.size, self.script[view.t] if view.agent == 0 else 0)


def play(
    mechanism: Mechanism, *strategies: StrategyProtocol, block: int = EPISODES, protocol: ProtocolOptions | None = None
) -> Record:
    game = make_game(mechanism.environment, mechanism, protocol)
    return play_shard(game, list(strategies), Streams(0, "test", 0, EPISODES, 3), episodes=EPISODES, block=block)


def one(values: Array) -> list[Any]:
    """The value common to all episodes, period by period."""
    assert (values == values[..., :1]).all()
    return values[..., 0].tolist()


# Obedience


def test_obedience_is_the_default_and_moves_nature() -> None:
    record = play(Foreman(plant()), Truthful(), Truthful())
    assert one(record.action[:, 0]) == [WORK, WORK, WORK]
    assert one(record.signal[:, 0]) == [0, 1, 1]  # low at first, then what work brings
    assert one(record.decision) == [WORK, 3 + WORK, 3 + WORK]
    assert one(record.utility[:, 0]) == [-1, -1, -1]
    assert one(record.utility[:, 1]) == [0, 6, 6]


def test_disobedience_moves_nature_and_own_utility_and_the_decision_stays_what_was_recommended() -> None:
    record = play(Foreman(plant()), Does(SHIRK, WORK, REST), Truthful())
    assert one(record.action[:, 0]) == [SHIRK, WORK, REST]
    assert one(record.signal[:, 0]) == [0, 0, 1]
    assert one(record.utility[:, 0]) == [0, -1, 0]
    assert one(record.utility[:, 1]) == [0, 0, 5]  # it said low all along, so the plant stays small
    assert one(record.decision) == [WORK, WORK, WORK]


def test_what_is_done_in_private_never_reaches_the_mechanism() -> None:
    """Whatever the worker does, as long as it says the same, the mechanism is told the same, word for word."""
    diaries, signals = [], []
    for script in ((WORK, WORK, WORK), (SHIRK, REST, SHIRK), (REST, WORK, REST)):
        foreman = Foreman(plant())
        signals.append(one(play(foreman, Does(*script), Truthful()).signal[:, 0]))
        diaries.append(foreman.diary)
    assert signals == [[0, 1, 1], [0, 0, 0], [0, 0, 1]]
    assert diaries[0] == diaries[1] == diaries[2]
    assert len(diaries[0]) == 9  # three rules in three periods
    assert {str(told[3]) for rule, _, told in diaries[0] if rule == "charge"} == {str([[0, 0]] * EPISODES)}


def test_a_mechanism_sees_the_partition_that_it_declares_and_no_more() -> None:
    """Work from the rest, but not resting from shirking."""
    partition = np.array([0, 0, 1])
    diaries = []
    for script in ((SHIRK, WORK, REST), (REST, WORK, SHIRK), (WORK, WORK, SHIRK)):
        foreman = Foreman(plant(), partition)
        record = play(foreman, Does(*script), Truthful())
        seen = [told[3] for rule, _, told in foreman.diary if rule == "charge"]
        assert seen == [[[int(a == WORK), 0]] * EPISODES for a in script]
        assert one(record.transfer[:, 0]) == [-2.0 * (a == WORK) for a in script]
        diaries.append(foreman.diary)
    assert diaries[0] == diaries[1]
    assert diaries[0] != diaries[2]


@pytest.mark.parametrize("policy", ["everything", "decisions", "own"])
def test_at_the_action_stage_an_agent_sees_the_decision_and_what_is_recommended_to_it(policy: str) -> None:
    worker = Does(WORK, WORK, WORK)
    play(Foreman(plant()), worker, Truthful(), protocol=ProtocolOptions(disclosure=policy))
    for view in worker.views:
        assert view.space == Finite(("rest", "shirk", "work"))
        assert view.prescribed.tolist() == [WORK] * EPISODES
        assert view.utility is None
        assert view.decision is not None
        # To the worker small and big are alike: `own` names the pair by its first member, "small/work".
        assert view.decision.tolist() == [WORK] * EPISODES
        assert not view.decision.flags.writeable


def test_private_actions_are_the_same_in_every_cut() -> None:
    whole, single = (
        play(Foreman(plant(), np.array([0, 0, 1])), Does(SHIRK, WORK, REST), Truthful(), block=b)
        for b in (EPISODES, 1)
    )  # fmt: skip
    for name in ("action", "signal", "utility", "transfer"):
        assert np.array_equal(getattr(whole, name), getattr(single, name))


# Replies


class ByPayoffs(Foreman):
    """The team mechanism by realised payoffs: everybody says what it got, and is paid what the others say."""

    name = "by-payoffs"

    def asks(self, t: int, agent: int) -> Space | None:
        return Interval(-10, 10)

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        return utility

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        self._note("charge", now, acts.replies)
        return acts.replies - acts.replies.sum(axis=1, keepdims=True)

    def transfer_bound(self) -> float:
        return 10.0


class Answers(Does):
    """Obeys, and replies as it is told to."""

    name = "answers"

    def __init__(self, answer: Any) -> None:
        super().__init__(WORK, WORK, WORK)
        self.answer = answer
        self.asked: list[View] = []

    def message(self, view: View) -> Array:
        return view.prescribed

    def reply(self, view: View) -> Array:
        self.asked.append(view)
        return self.answer(view)


def test_by_realised_payoffs_everybody_earns_the_sum() -> None:
    record = play(ByPayoffs(plant()), Truthful(), Truthful())
    total = record.utility.sum(axis=1)
    assert one(total) == [-1, 5, 5]
    for i in range(2):
        assert (record.utility[:, i] - record.transfer[:, i] == total).all()
    assert np.array_equal(record.reply, record.utility)


def test_a_lying_reply_moves_only_the_others_money() -> None:
    honest = play(ByPayoffs(plant()), Truthful(), Truthful())
    record = play(ByPayoffs(plant()), Truthful(), Answers(lambda view: view.prescribed - 3))
    assert one(record.reply[:, 1]) == [-3, 3, 3]
    assert np.array_equal(record.payoffs[1], honest.payoffs[1])
    assert (honest.payoffs[0] - record.payoffs[0] == 9).all()


def test_at_the_reply_stage_an_agent_knows_its_own_utility_and_not_the_others() -> None:
    owner = Answers(lambda view: view.prescribed)
    record = play(ByPayoffs(plant()), Truthful(), owner)
    assert [view.utility.tolist() for view in owner.asked if view.utility is not None] == [
        record.utility[t, 1].tolist() for t in range(3)
    ]
    assert [view.space for view in owner.asked] == [Interval(-10, 10)] * 3
    assert not any(view.utility is not None and view.utility.flags.writeable for view in owner.asked)


class AsksOwner(ByPayoffs):
    """Asks the owner only, and only in period 1."""

    name = "asks-owner"

    def asks(self, t: int, agent: int) -> Space | None:
        return Interval(-10, 10) if (t, agent) == (1, 1) else None


def test_who_is_not_asked_does_not_reply() -> None:
    worker, owner = Answers(lambda view: view.prescribed), Answers(lambda view: view.prescribed)
    foreman = AsksOwner(plant())
    record = play(foreman, worker, owner)
    assert worker.asked == []
    assert [view.t for view in owner.asked] == [1]
    assert np.isnan(record.reply[:, 0]).all()
    assert np.isnan(record.reply[[0, 2], 1]).all()
    assert one(record.reply[1, 1:]) == [6]
    assert [told[1] for rule, _, told in foreman.diary if rule == "charge"] == [
        [[0, 0]] * EPISODES, [[0, 6]] * EPISODES, [[0, 0]] * EPISODES,
    ]  # fmt: skip


# What is stopped


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (lambda view: np.full(view.size, np.nan), "reply returned nan (row 0 of the block), outside [-10, 10]"),
        (lambda _view: np.array([0, 0, 11, 0]), "reply returned 11 (row 2 of the block), outside [-10, 10]"),
        (lambda _view: 0.0, "reply returned float 0.0, expected an array of shape (4,)"),
        (lambda _view: np.zeros((4, 1)), "reply returned an array of shape (4, 1), expected (4,)"),
        (lambda _view: np.array(["?"] * 4), "reply returned type <U1, first value '?', expected elements of [-10, 10]"),
        (lambda view: view.others, "it looked at the others' signals without declaring spies = True"),
        (lambda _view: 1 / 0, "reply raised ZeroDivisionError: division by zero"),
    ],
)
def test_a_wrong_reply_is_stopped_with_one_line(answer: Any, what: str) -> None:
    with pytest.raises(PlayError) as caught:
        play(ByPayoffs(plant()), Truthful(), Answers(answer))
    assert str(caught.value) == f"strategy 'answers' of agent 'owner' in period 0: {what}"


@pytest.mark.parametrize(
    ("action", "what"),
    [
        (3, "action returned 3 (row 0 of the block), outside 0..2: 'rest', 'shirk', 'work'"),
        (-1, "action returned -1 (row 0 of the block), outside 0..2: 'rest', 'shirk', 'work'"),
        (1.0, "action returned type float64, first value 1.0, expected elements of 0..2: 'rest', 'shirk', 'work'"),
        (True, "action returned type bool, first value True, expected elements of 0..2: 'rest', 'shirk', 'work'"),
    ],
)
def test_a_wrong_action_is_stopped_with_one_line(action: Any, what: str) -> None:
    with pytest.raises(PlayError) as caught:
        play(Foreman(plant()), Does(WORK, action, WORK), Truthful())
    assert str(caught.value) == f"strategy 'does' of agent 'worker' in period 1: {what}"


class BadPartition(Foreman):
    """Declares too short a partition."""

    def sees(self, t: int, agent: int) -> IntArray | None:
        return np.array([0, 1]) if agent == 0 else None


class BadReply(ByPayoffs):
    """Prescribes a reply that it does not accept."""

    def prescribed_reply(
        self, now: Situation, agent: int, messages: Array, decision: Array, utility: FloatArray
    ) -> Array:
        return utility + 10


class Unprescribed(Foreman):
    """Asks and does not say what to reply."""

    def asks(self, t: int, agent: int) -> Space | None:
        return Interval(0, 1)

    prescribed_reply = Mechanism.prescribed_reply


class CannotAsk(Foreman):
    """Raises when it is asked what it asks."""

    def asks(self, t: int, agent: int) -> Space | None:
        raise KeyError("question")


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        (BadPartition, "mechanism 'foreman' in period 0: sees raised IndexError: index 2 is out of bounds"),
        (
            BadReply,
            "mechanism 'by-payoffs' in period 1: prescribed_reply for agent 'owner' returned 16.0 (row 0 of the",
        ),
        (Unprescribed, "mechanism 'foreman' in period 0: prescribed_reply raised NotImplementedError: mechanism"),
        (CannotAsk, "mechanism 'foreman' in period 0: asks raised KeyError: 'question'"),
    ],
)
def test_a_mechanism_that_asks_or_sees_wrongly_is_stopped_with_one_line(rule: type[Foreman], what: str) -> None:
    with pytest.raises(PlayError) as caught:
        play(rule(plant()), Truthful(), Truthful())
    assert str(caught.value).startswith(what)
    assert "\n" not in str(caught.value)


# The log


def test_actions_and_replies_are_columns_of_the_log() -> None:
    record = play(ByPayoffs(plant()), Does(SHIRK, WORK, REST), Truthful())
    rows = [row for row in outcomes_table(record, 0, ["does", "truthful"]).to_pylist() if row["episode"] == 2]
    columns = ("period", "agent", "signal", "report", "decision", "action", "reply")
    assert [tuple(row[c] for c in columns) for row in rows] == [
        (0, "worker", "low", "low", "small/work", "shirk", 0.0),
        (0, "owner", "-", "-", "small/work", "-", 0.0),
        (1, "worker", "low", "low", "small/work", "work", -1.0),
        (1, "owner", "-", "-", "small/work", "-", 0.0),
        (2, "worker", "high", "low", "small/work", "rest", 0.0),
        (2, "owner", "-", "-", "small/work", "-", 5.0),
    ]


def test_the_log_leaves_replies_empty_where_nothing_is_asked() -> None:
    table = outcomes_table(play(Foreman(plant()), Scripted(), Truthful()), 0, ["scripted", "truthful"])
    assert table["reply"].null_count == len(table)
    assert table["action"].null_count == 0
