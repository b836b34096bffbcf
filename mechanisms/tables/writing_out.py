"""Any finite mechanism written out as tables, its rules asked for every case."""

from itertools import product
from math import prod

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import tabulate
from dynmech.mechanisms.tables.tabulated_mechanism import MechanismTables, PeriodTable, act_axes
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation


def written_out(mechanism: Mechanism) -> MechanismTables:
    """Return a mechanism's rules as tables.

    Raises:
        Refusal: it is not finite or too large, its rules do not do what it declares, or its replies are numbers or
            depend on payoffs, which no table over messages holds.
    """
    environment = mechanism.environment
    if not isinstance(environment, TableEnvironment):
        raise mechanism.refuse("only a mechanism for a finite environment can be written out")
    entries = 2 if environment.horizon is None else environment.horizon
    return MechanismTables(
        name=mechanism.name,
        source=mechanism.source,
        promises=mechanism.promises,
        lags=mechanism.lags,
        bound=float(mechanism.transfer_bound()),
        periods=tuple(_period(mechanism, environment, t) for t in range(entries)),
    )


def _period(mechanism: Mechanism, environment: TableEnvironment, t: int) -> PeriodTable:
    """Return the tables of one period."""
    count = len(environment.agents)
    rules = tabulate(mechanism, t)  # verifies and refuses
    memories, shape = rules.memories, rules.shape
    now, messages = _cases(t, memories, shape)
    sees = tuple(_seen(mechanism, environment, t, i) for i in range(count))
    replies = tuple(_replies(mechanism, t, i) for i in range(count))
    answer = np.asarray(mechanism.decide(now, messages))
    drawn = [answer] if answer.ndim == 1 else [np.full(len(answer), d) for d in range(answer.shape[1])]
    acts = act_axes(sees, replies)
    require_room(
        f"the tables of mechanism {mechanism.name!r}, period {t},",
        len(messages) * len(drawn) * prod(acts) * (count + 1),
    )
    last = environment.horizon is not None and t == environment.horizon - 1
    charge, remember = _after_acts(mechanism, now, messages, drawn, acts)
    if answer.ndim == 2:  # what cannot happen costs nothing and leads nowhere
        possible = (answer > 0)[..., None]
        charge, remember = np.where(possible, charge, 0.0), np.where(possible, remember, 0)
    return PeriodTable(
        publics=shape[0],
        messages=tuple(_labels(mechanism, t, i) for i in range(count)),
        prescribed=rules.prescribed,
        default=tuple(_default(mechanism, t, i, memories, shape[0]) for i in range(count)),
        decide=answer.reshape(memories, -1).astype(np.intp) if answer.ndim == 1 else None,
        lottery=answer.reshape(memories, -1, answer.shape[1]) if answer.ndim == 2 else None,
        charge=charge.reshape(count, memories, -1, len(drawn), prod(acts)),
        due=rules.due,
        remember=(0 * remember if last else remember).reshape(memories, -1, len(drawn), prod(acts)),
        sees=sees,
        replies=replies,
        reply=tuple(
            _reply(mechanism, environment, now, messages, drawn, i).reshape(memories, -1, len(drawn))
            for i in range(count)
        ),
    )


def _cases(t: int, memories: int, shape: tuple[int, ...]) -> tuple[Situation, IntArray]:
    """Return every memory with every message profile, in C order."""
    memory = np.repeat(np.arange(memories), prod(shape))
    axes = np.array(np.unravel_index(np.tile(np.arange(prod(shape)), memories), shape))
    return Situation(t, memory, axes[0]), axes[1:].T


def _after_acts(
    mechanism: Mechanism, now: Situation, messages: IntArray, drawn: list[Array], axes: tuple[int, ...]
) -> tuple[FloatArray, IntArray]:
    """Return charges `(N, n, L, A)` and next memories `(n, L, A)`."""
    cases, count = messages.shape
    charge = np.zeros((count, cases, len(drawn), prod(axes)))
    remember = np.zeros((cases, len(drawn), prod(axes)), np.intp)
    for a, observed in enumerate(product(*(range(size) for size in axes))):
        seen, said = np.array(observed[:count]), np.array(observed[count:], dtype=np.float64)
        acts = Acts(np.broadcast_to(seen, messages.shape), np.broadcast_to(said, messages.shape))
        for k, decision in enumerate(drawn):
            charge[:, :, k, a] = np.asarray(mechanism.charge(now, messages, decision, acts), np.float64).T
            remember[:, k, a] = mechanism.remember(now, messages, decision, acts)
    return charge, remember


def _labels(mechanism: Mechanism, t: int, agent: int) -> tuple[str, ...]:
    space = mechanism.messages(t, agent)
    assert isinstance(space, Finite)
    return space.labels


def _default(mechanism: Mechanism, t: int, agent: int, memories: int, publics: int) -> IntArray:
    """Return what stands in for a missing message, `(M, O)`."""
    memory, public = np.divmod(np.arange(memories * publics), publics)
    return np.asarray(mechanism.default(Situation(t, memory, public), agent), np.intp).reshape(memories, publics)


def _seen(mechanism: Mechanism, environment: TableEnvironment, t: int, agent: int) -> tuple[int, ...] | None:
    """Return what is observed of every action, numbered from 0."""
    seen = mechanism.sees(t, agent) if environment.actions(t) else None
    return None if seen is None else tuple(int(k) for k in seen)


def _replies(mechanism: Mechanism, t: int, agent: int) -> tuple[str, ...] | None:
    space = mechanism.asks(t, agent)
    if space is None:
        return None
    if not isinstance(space, Finite):
        raise mechanism.refuse(
            f"agent {mechanism.environment.agents[agent]!r} replies with a number, which no table holds"
        )
    return space.labels


def _reply(
    mechanism: Mechanism,
    environment: TableEnvironment,
    now: Situation,
    messages: IntArray,
    drawn: list[Array],
    agent: int,
) -> IntArray:
    """Return the prescribed replies, `(n, L)`."""
    if mechanism.asks(now.t, agent) is None:
        return np.zeros((len(messages), len(drawn)), np.intp)
    utilities = np.unique(environment.stage(now.t).utility[agent])
    out = [_one_reply(mechanism, now, messages, decision, agent, utilities) for decision in drawn]
    return np.stack(out, axis=1)


def _one_reply(
    mechanism: Mechanism, now: Situation, messages: IntArray, decision: Array, agent: int, utilities: FloatArray
) -> IntArray:
    """Return the prescribed replies `(n,)` after decisions; refuse where they depend on the agent's utility."""
    first: IntArray | None = None
    for utility in utilities:
        felt = np.full(len(messages), utility)
        reply = np.asarray(mechanism.prescribed_reply(now, agent, messages, decision, felt), np.intp)
        if first is not None and not np.array_equal(first, reply):
            raise mechanism.refuse(f"the replies of agent {mechanism.environment.agents[agent]!r} depend on its payoff")
        first = reply
    assert first is not None
    return first
