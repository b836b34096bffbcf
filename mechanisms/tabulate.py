"""A mechanism's rules written out as tables: the finite-state machine, state by state.

For one period: M memories, X message profiles (public state first, then agent 0's message, …, C order). Exact search
works on these tables, so whatever a mechanism's rules do is what is searched; nothing needs to be declared twice.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from mechanisms.base import BaseMechanism
from sim.arrays import FloatArray, IntArray
from sim.environment import TableEnvironment
from sim.roles import Acts, Situation
from sim.spaces import Finite

LARGEST = 20_000_000
"""Cases (memory × message profile) that a period's tables may have."""


@dataclass(frozen=True, eq=False)
class RuleTables:
    """One period of a mechanism.

    Attributes:
        shape: public states, then messages of each agent; X is their product.
        decide: decision, `(M, X)`.
        charge, due: transfers by agent, `(N, M, X)`.
        remember: next memory, `(M, X)`.
        prescribed: per agent, the message asked by memory, public state and signal, `(M, O, K_i)`.
    """

    shape: tuple[int, ...]
    decide: IntArray
    charge: FloatArray
    due: FloatArray
    remember: IntArray
    prescribed: tuple[IntArray, ...]

    @property
    def memories(self) -> int:
        """M."""
        return len(self.decide)


def tabulate(mechanism: BaseMechanism, t: int) -> RuleTables:
    """The tables of period t.

    Raises:
        Refusal: memory or messages are not finite, there are too many cases (the number is given), or a rule
            returns something that its declaration rules out.
    """
    environment = mechanism.environment
    if not isinstance(environment, TableEnvironment):
        raise mechanism.refuse("an exact search needs a finite environment")
    count = len(environment.agents)
    spaces = [mechanism.messages(t, i) for i in range(count)]
    memories = mechanism.memory_size(t)
    if memories is None or not all(isinstance(space, Finite) for space in spaces):
        raise mechanism.refuse("its memory or its messages are not finite")
    if any(mechanism.asks(t, i) is not None for i in range(count)):
        raise mechanism.refuse("it asks for replies after the decision, which the search does not cover")
    publics = environment.public_space(t).size
    shape = (publics, *(space.size for space in spaces if isinstance(space, Finite)))
    cases = memories * prod(shape)
    if cases > LARGEST:
        raise mechanism.refuse(f"its rules have {cases:,} cases in period {t}, more than {LARGEST:,}")
    memory = np.repeat(np.arange(memories), prod(shape))
    axes = np.array(np.unravel_index(np.tile(np.arange(prod(shape)), memories), shape))
    now, messages = Situation(t, memory, axes[0]), axes[1:].T
    nobody = Acts(np.zeros((cases, count), np.intp), np.zeros((cases, count)))
    decision = np.asarray(mechanism.decide(now, messages))
    if decision.shape != (cases,):
        raise mechanism.refuse("it decides by lottery, which the search does not cover")
    return RuleTables(
        shape=shape,
        decide=_within(mechanism, decision, environment.decision_space(t).size, "decide", t).reshape(memories, -1),
        charge=np.asarray(mechanism.charge(now, messages, decision, nobody)).T.reshape(count, memories, -1),
        due=np.asarray(mechanism.due(now, messages)).T.reshape(count, memories, -1),
        remember=_remember(mechanism, t, now, messages, decision, nobody).reshape(memories, -1),
        prescribed=tuple(_prescribed(mechanism, t, i, memories, publics) for i in range(count)),
    )


def _remember(
    mechanism: BaseMechanism, t: int, now: Situation, messages: IntArray, decision: IntArray, acts: Acts
) -> IntArray:
    following = mechanism.memory_size(t + 1)
    if following is None:
        raise mechanism.refuse("its memory is not finite")
    return _within(mechanism, np.asarray(mechanism.remember(now, messages, decision, acts)), following, "remember", t)


def _within(mechanism: BaseMechanism, values: IntArray, size: int, rule: str, t: int) -> IntArray:
    bad = (values < 0) | (values >= size)
    if bad.any():
        raise mechanism.refuse(
            f"{rule} returns {int(values[np.argmax(bad)])} in period {t}, declared are 0 to {size - 1}"
        )
    return values.astype(np.intp)


def _prescribed(mechanism: BaseMechanism, t: int, agent: int, memories: int, publics: int) -> IntArray:
    environment = mechanism.environment
    signals = environment.signal_space(t, agent)
    assert isinstance(signals, Finite)
    cases = (memories, publics, signals.size)
    memory, public, signal = np.array(np.unravel_index(np.arange(prod(cases)), cases))
    sent = np.asarray(mechanism.prescribed(Situation(t, memory, public), agent, signal))
    return sent.astype(np.intp).reshape(cases)
