"""One period as tables, state by state: what is decided, enjoyed, paid and remembered where these messages are sent.

Axes: N agents, X states, each with a memory and a profile; all profiles of a memory stand one after the other.
"""

from collections.abc import Callable
from math import prod

import numpy as np

from dynmech.mechanisms.rules.tabulation import RuleTables
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.economy.environment import State, TableEnvironment
from dynmech.sim.play.fused import PeriodTables
from dynmech.sim.play.game import Game


def states_of(game: Game, entry: int, count: int) -> State:
    """Return the states of a period, all profiles `count` times one after the other."""
    environment = game.environment
    assert isinstance(environment, TableEnvironment)
    return environment.state_at(entry, np.tile(np.arange(environment.stage(entry).size), count))


def prescribed_in(game: Game, rules: RuleTables, entry: int, memory: IntArray) -> IntArray:
    """Return the messages that are asked of all agents in every state, `(N, X)`."""
    environment = game.environment
    assert isinstance(environment, TableEnvironment)
    stage = environment.stage(entry)
    axes = np.array(np.unravel_index(np.arange(stage.size), stage.axes))
    public = axes[0] if stage.public else np.zeros(stage.size, np.intp)
    starts = memory.reshape(-1, stage.size)[:, :1]
    signals = axes[stage.offset :]
    return np.array([table[starts, public, signals[j]].reshape(-1) for j, table in enumerate(rules.prescribed)])


def period_tables(
    game: Game,
    rules: RuleTables,
    place: tuple[int, bool],
    memory: IntArray,
    sent: IntArray,
    *,
    following: Callable[[IntArray, IntArray], IntArray],
    first: IntArray,
) -> PeriodTables:
    """Return the tables of a period.

    Args:
        rules: the mechanism's, of this period.
        place: the entry of the economy's periods, and whether it is a closing period.
        memory: of every state, `(X,)`.
        sent: messages, `(N, X)`.
        following: from the next memory and the decision, `(X,)` each, the first state that follows.
        first: as in `PeriodTables`.
    """
    environment, (entry, closing) = game.environment, place
    assert isinstance(environment, TableEnvironment)
    stage = environment.stage(entry)
    state = states_of(game, entry, len(memory) // stage.size)
    assert state.profile is not None
    strides = [prod(rules.shape[k + 1 :]) for k in range(len(rules.shape))]
    message = state.public * strides[0] + sum(one * stride for one, stride in zip(sent, strides[1:], strict=True))
    case = memory * prod(rules.shape) + message
    decision = rules.decide.reshape(-1).take(case)
    paid = rules.due if closing else np.add(rules.charge[..., 0], rules.due)
    return PeriodTables(
        sent=sent,
        decision=decision,
        utility=None if closing else np.ascontiguousarray(environment.utility(entry, state, decision).T),
        transfer=paid.reshape(len(paid), -1).take(case, axis=1),
        cost=environment.cost(entry, state, decision),
        following=following(rules.remember.reshape(-1).take(case), decision),
        first=first,
        move=environment.move_from(entry, decision, state.profile) if stage.kernel is not None else None,
    )
