"""A mechanism's rules written out as tables: the finite-state machine, state by state.

What a mechanism declares is verified on the way: its memory stays within `memory_size`, no transfer exceeds
`transfer_bound`, and its rules are functions of what they are shown, whatever the order and the company in which cases
come (up to `EXHAUSTIVE` cases all are asked twice, beyond that a sample). Under an infinite horizon the rules must not
change after period 1.

For one period: M memories, X message profiles (public state first, then agent 0's message, …, C order), L draws. A
mechanism that decides by lottery has as many draws as the widest lottery has possible decisions, each with its chance,
and charges and remembers by the decision that is drawn; where fewer are possible, the first of them stands in with
chance 0. Any other mechanism has one draw. Exact search works on these tables, so whatever a mechanism's rules do is
what is searched; nothing needs to be declared twice.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import TIE, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import cumulate
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.roles import Acts, Situation

EXHAUSTIVE = 1_000_000
"""Cases up to which every one is asked twice."""

PROBABILITY = 1e-9
"""By how much the sum of a lottery may miss 1."""

LARGEST = 20_000_000
"""Cases (memory × message profile) that a period's tables may have."""


@dataclass(frozen=True, eq=False)
class RuleTables:
    """The rules of one period as tables.

    Attributes:
        memories, draws: M and L.
        shape: public states, then messages of each agent; X is their product.
        decide, chance: the decisions that may be drawn and how likely they are, `(M, X, L)`.
        charge: transfers by agent and draw, `(N, M, X, L)`.
        due: transfers by agent, `(N, M, X)`.
        remember: next memory, `(M, X, L)`; like the charge that after no acts, see `dynmech.mechanisms.rules.actions`.
        prescribed: per agent, the message asked by memory, public state and signal, `(M, O, K_i)`.
        acts: whether charges and memories depend on acts, so that their tables do not tell them.
        replies: per agent, how many replies a search tries; 1 where it is not asked, or replies are numbers.
        bound: the declared bound on transfers.
        verified: how the rules were held to what they declare.
    """

    memories: int
    draws: int
    shape: tuple[int, ...]
    decide: IntArray
    chance: FloatArray
    charge: FloatArray
    due: FloatArray
    remember: IntArray
    prescribed: tuple[IntArray, ...]
    acts: bool
    replies: tuple[int, ...]
    bound: float
    verified: str


def tabulate(mechanism: Mechanism, t: int, bound: float | None = None) -> RuleTables:
    """Return the tables of period t.

    Args:
        bound: what `transfer_bound` returned, where the caller has asked already: it may look at every period.

    Raises:
        Refusal: memory or messages are not finite, there are too many cases (the number is given), or a rule
            returns something that its declaration rules out.
    """
    memories, shape = _dimensions(mechanism, t)
    cases, count = memories * prod(shape), len(shape) - 1
    memory = np.repeat(np.arange(memories), prod(shape))
    axes = np.array(np.unravel_index(np.tile(np.arange(prod(shape)), memories), shape))
    now, messages = Situation(t, memory, axes[0]), axes[1:].T
    answers = _ask(mechanism, now, messages)
    draws = answers[0].shape[1]
    sent = [_prescribed(mechanism, t, i, memories, shape[0]) for i in range(count)]
    bound = mechanism.transfer_bound() if bound is None else bound
    _verify(mechanism, now, messages, answers, sent, bound)
    decide, chance, charge, due, remember = answers
    decisions = mechanism.environment.decision_space(t)
    assert isinstance(decisions, Finite)
    return RuleTables(
        memories=memories,
        draws=draws,
        shape=shape,
        decide=_within(mechanism, decide, decisions.size, "decide", t).reshape(memories, -1, draws),
        chance=chance.reshape(memories, -1, draws),
        charge=np.moveaxis(charge, 1, 0).reshape(count, memories, -1, draws),
        due=due.T.reshape(count, memories, -1),
        remember=remember.reshape(memories, -1, draws),
        prescribed=tuple(sent),
        acts=acts_matter(mechanism, t),
        replies=tuple(_replies(mechanism, t, i) for i in range(count)),
        bound=bound,
        verified="exhaustively" if cases <= EXHAUSTIVE else f"on a sample of {EXHAUSTIVE:,} of {cases:,} cases",
    )


def acts_matter(mechanism: Mechanism, t: int) -> bool:
    """Return whether the mechanism asks for replies or observes actions in period t."""
    agents = range(len(mechanism.environment.agents))
    seen = mechanism.environment.actions(t) and any(mechanism.sees(t, i) is not None for i in agents)
    return bool(seen) or any(mechanism.asks(t, i) is not None for i in agents)


def _replies(mechanism: Mechanism, t: int, agent: int) -> int:
    space = mechanism.asks(t, agent)
    return space.size if isinstance(space, Finite) else 1


def _dimensions(mechanism: Mechanism, t: int) -> tuple[int, tuple[int, ...]]:
    """Return M, and the numbers of public states and of messages per agent; refuse unless they are finite and small."""
    environment = mechanism.environment
    if not isinstance(environment, TableEnvironment):
        raise mechanism.refuse("an exact search needs a finite environment")
    count = len(environment.agents)
    spaces = [mechanism.messages(t, i) for i in range(count)]
    memories = mechanism.memory_size(t)
    if memories is None or not all(isinstance(space, Finite) for space in spaces):
        raise mechanism.refuse("its memory or its messages are not finite")
    shape = (environment.public_space(t).size, *(space.size for space in spaces if isinstance(space, Finite)))
    cases = memories * prod(shape)
    if cases > LARGEST:
        raise mechanism.refuse(f"its rules have {cases:,} cases in period {t}, more than {LARGEST:,}")
    require_room(f"the table of the rules of mechanism {mechanism.name!r}, period {t},", cases * (10.0 * count + 6))
    return memories, shape


Answers = tuple[IntArray, FloatArray, FloatArray, FloatArray, IntArray]
"""decide and chance `(n, L)`, charge `(n, N, L)`, due `(n, N)`, remember `(n, L)`."""

RULES = ("decide", "decide", "charge", "due", "remember")
"""The rules that give them."""


def _ask(mechanism: Mechanism, now: Situation, messages: IntArray, draws: int = 1) -> Answers:
    """Return the answers of all rules on a batch of cases, for `draws` draws at least."""
    nobody = Acts(np.zeros(messages.shape, np.intp), np.zeros(messages.shape))
    decide, chance = _drawn(mechanism, now, np.asarray(mechanism.decide(now, messages)), draws)
    drawn = list(decide.T)
    charge = [np.asarray(mechanism.charge(now, messages, one, nobody), dtype=np.float64) for one in drawn]
    due = np.asarray(mechanism.due(now, messages), dtype=np.float64)
    remember = [np.asarray(mechanism.remember(now, messages, one, nobody)) for one in drawn]
    return decide, chance, np.stack(charge, axis=-1), due, np.stack(remember, axis=-1)


def _drawn(mechanism: Mechanism, now: Situation, decision: Array, draws: int) -> tuple[IntArray, FloatArray]:
    """Return the decisions that may be drawn and their chances, `(n, L)` each, from decisions or lotteries."""
    if decision.ndim == 1:
        certain = np.repeat(decision[:, None], draws, axis=1)
        return certain, np.repeat(np.eye(1, draws), len(decision), axis=0)
    decisions = mechanism.environment.decision_space(now.t)
    assert isinstance(decisions, Finite)
    size = decisions.size
    if decision.shape != (len(now.memory), size) or not (decision >= 0).all():
        raise mechanism.false_declaration(f"decide returns no lottery over {size} decisions in period {now.t}")
    if not (np.abs(decision.sum(axis=1) - 1) < PROBABILITY).all():
        raise mechanism.false_declaration(f"decide returns a lottery in period {now.t} that does not sum to 1")
    chance = np.diff(cumulate(decision), axis=1, prepend=0.0)  # as it is drawn from in play
    likely = chance > 0
    draws = max(draws, int(likely.sum(axis=1).max(initial=1)))
    order = np.argsort(~likely, axis=1, kind="stable")[:, :draws]
    chance = np.take_along_axis(chance, order, axis=1)
    return np.where(chance > 0, order, order[:, :1]), np.maximum(chance, 0.0)


def _verify(
    mechanism: Mechanism,
    now: Situation,
    messages: IntArray,
    answers: Answers,
    sent: list[IntArray],
    bound: float,
) -> None:
    """Refuse a mechanism whose rules do not do what it declares."""
    t, cases = now.t, len(messages)
    environment = mechanism.environment
    stationary = isinstance(environment, TableEnvironment) and environment.stationary
    if stationary and t == 1 and mechanism.memory_size(2) != mechanism.memory_size(1):
        raise mechanism.false_declaration(
            "its memory grows after period 1; declare the same memory_size for all later periods"
        )
    if stationary and mechanism.lags == 0 and answers[3].any():
        raise mechanism.false_declaration("transfers fall due later, but it declares lags = 0")
    for i, table in enumerate(sent):
        for later in (t, 2, 3, 10) if stationary and t == 1 else (t,):
            again = _prescribed(mechanism, later, i, *table.shape[:2], backwards=True)
            if not np.array_equal(again, table):
                raise mechanism.false_declaration(
                    f"prescribed answers agent {i} otherwise in another order or in period {later}"
                )
    _within(mechanism, answers[4], _finite_memory(mechanism, t + 1), "remember", t)
    owed = np.abs(answers[2] + answers[3][..., None])
    if (owed > bound + TIE * scale_of(money_scale(mechanism.environment), bound)).any():
        raise mechanism.false_declaration(
            f"a transfer of {owed.max():.6g} in period {t} exceeds the declared bound {bound:.6g}"
        )
    order = np.random.Generator(np.random.Philox(key=t)).permutation(cases)[:EXHAUSTIVE]
    shuffled = Situation(t, now.memory[order], now.public[order])
    _compare(mechanism, shuffled, messages[order], answers, order, "another order")
    if stationary and t == 1:
        for later in (2, 3, 10):
            moved = Situation(later, now.memory[order], now.public[order])
            _compare(mechanism, moved, messages[order], answers, order, f"period {later}, not in period 1")


def _compare(
    mechanism: Mechanism, now: Situation, messages: IntArray, answers: Answers, order: IntArray, what: str
) -> None:
    """Refuse a mechanism that answers otherwise when it is asked again."""
    again = _ask(mechanism, now, messages, answers[0].shape[1])
    for rule, before, after in zip(RULES, answers, again, strict=True):
        if before.shape[1:] != after.shape[1:]:
            raise mechanism.false_declaration(f"{rule} draws from more decisions in {what}")
        if not np.array_equal(before[order], after):
            k = int(np.argmax((before[order] != after).reshape(len(order), -1).any(axis=1)))
            raise mechanism.false_declaration(
                f"{rule} answers otherwise in {what}: memory {int(now.memory[k])}, messages "
                f"{messages[k].tolist()}; its rules are not functions of memory and messages"
            )


def _finite_memory(mechanism: Mechanism, t: int) -> int:
    """Return the number of memories; refuse where it is not finite."""
    size = mechanism.memory_size(t)
    if size is None:
        raise mechanism.refuse("its memory is not finite")
    return size


def _within(mechanism: Mechanism, values: IntArray, size: int, rule: str, t: int) -> IntArray:
    """Return the values as indices; refuse any that is not among the declared ones."""
    if values.dtype.kind not in "iu":
        raise mechanism.false_declaration(f"{rule} returns type {values.dtype} in period {t}, expected whole numbers")
    bad = (values < 0) | (values >= size)
    if bad.any():
        raise mechanism.false_declaration(
            f"{rule} returns {int(values[bad][0])} in period {t}, declared are 0 to {size - 1}"
        )
    return values.astype(np.intp)


def _prescribed(
    mechanism: Mechanism, t: int, agent: int, memories: int, publics: int, *, backwards: bool = False
) -> IntArray:
    """Return the prescribed messages, checked; `backwards` asks for them in the opposite order."""
    environment = mechanism.environment
    signals, messages = environment.signal_space(t, agent), mechanism.messages(t, agent)
    assert isinstance(signals, Finite)
    assert isinstance(messages, Finite)
    cases = (memories, publics, signals.size)
    order = slice(None, None, -1) if backwards else slice(None)
    memory, public, signal = np.array(np.unravel_index(np.arange(prod(cases)), cases))[:, order]
    sent = np.asarray(mechanism.prescribed(Situation(t, memory, public), agent, signal))[order]
    return _within(mechanism, sent, messages.size, "prescribed", t).reshape(cases)
