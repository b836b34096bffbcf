"""A deviator's choices after the decision, where the mechanism acts on them: private actions, and replies.

Each own agent has its actions and, where it is asked, its replies: a finite set is searched, one choice more beside the
action. Replies from an interval are not: they must not move what the deviator itself pays or what is remembered (a
realised payoff by which only others are paid), and then it may as well give the prescribed one. That is checked at the
ends of the interval, its middle and a third of it.

Axes: M memories, S profiles, R own messages, L draws of a lottery (see `RuleTables`), B = own actions × own replies,
the last own agent's reply fastest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from dynmech.mechanisms.rules.actions import Settled, action_of, settle
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.spaces import Finite, Interval
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import State, TableEnvironment
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.roles import Situation

ROUNDING = 1e-12
"""Largest effect of a reply on its author's payment, relative to the largest transfer, that counts as none."""


@dataclass(frozen=True, eq=False)
class ActTables:
    """Charge and memory by memory, profile, own message, drawn decision and own act.

    Attributes:
        charge: of the deviator, `(M, S, R, L, B)`.
        remember, done: next memory, and what is done, `(M, S, R, L, B)`.
        obey: the prescribed act, `(M, S, R, L)`.
    """

    charge: FloatArray
    remember: IntArray
    done: IntArray
    obey: IntArray


@dataclass(frozen=True, eq=False)
class _Cases:
    """Cases after the decision: situation, true signals, messages `(n, N)`, decision `(n,)`, bound on transfers."""

    mechanism: Mechanism
    who: tuple[int, ...]
    now: Situation
    signals: IntArray
    messages: IntArray
    decision: IntArray
    bound: float

    def settled(self, done: IntArray | None, replied: Mapping[int, Array]) -> Settled:
        """Return charges and next memories of the cases."""
        return settle(
            self.mechanism,
            self.now,
            self.signals,
            self.messages,
            self.decision,
            bound=self.bound,
            performed=done,
            replies=replied,
        )


def read_acts(game: FiniteGame, t: int, who: tuple[int, ...], case: IntArray) -> ActTables:
    """Return the tables; `case` `(M, S, R)` is the flat (memory, message profile) of each own message.

    Raises:
        Refusal: too large, or a reply on an interval moves what it must not move.
    """
    environment, mechanism = game.environment, game.mechanism
    sizes = [len(labels) for labels in environment.actions(t)] or [1] * len(environment.agents)
    own = [sizes[i] for i in who] + [game.tables[t].replies[i] for i in who]
    acts, draws = prod(own), game.tables[t].draws
    shape = (*case.shape, draws, acts)
    names = " + ".join(environment.agents[i] for i in who)
    require_room(f"what {names} can do after the decision under mechanism {mechanism.name!r}", prod(shape) * 50.0)
    cases = _cases(game, t, who, case, acts)
    chosen = np.unravel_index(np.tile(np.arange(acts), case.size * draws), own)
    actions = action_of(environment, t, cases.decision)
    for i, action in zip(who, chosen, strict=False):
        actions[:, i] = action
    done = cases.decision // prod(sizes) * prod(sizes) + np.ravel_multi_index(list(actions.T), sizes)
    own_replies = zip(who, chosen[len(who) :], strict=True)
    replied = {i: reply for i, reply in own_replies if isinstance(mechanism.asks(t, i), Finite)}
    settled = cases.settled(done, replied)
    _require_idle(cases, done, replied, settled)
    return ActTables(
        charge=np.sum([settled.charge[:, i] for i in who], axis=0).reshape(shape),
        remember=settled.memory.reshape(shape),
        done=done.reshape(shape),
        obey=_prescribed(environment, cases, own).reshape(shape)[..., 0],
    )


def _cases(game: FiniteGame, t: int, who: tuple[int, ...], case: IntArray, acts: int) -> _Cases:
    """Return flat cases `(M, S, R)` with every draw and every act, in this order."""
    stage, tables = game.environment.stage(t), game.tables[t]
    _, at, _, draw, _ = np.indices((*case.shape, tables.draws, acts)).reshape(5, -1)
    memory, sent = np.divmod(np.repeat(case.reshape(-1), tables.draws * acts), prod(tables.shape))
    profile = np.array(np.unravel_index(at, stage.axes))
    public = profile[0] if stage.public else np.zeros(len(sent), np.intp)
    messages = np.array(np.unravel_index(sent, tables.shape))[1:].T
    decision = tables.decide[memory, sent, draw]
    now, signals = Situation(t, memory, public), profile[stage.offset :].T
    return _Cases(game.mechanism, who, now, signals, messages, decision, tables.bound)


def _require_idle(cases: _Cases, done: IntArray, replied: Mapping[int, Array], settled: Settled) -> None:
    """Raise a Refusal where a reply from an interval changes what the deviator pays or what is remembered."""
    mechanism, who = cases.mechanism, list(cases.who)
    slack = ROUNDING * scale_of(money_scale(mechanism.environment), cases.bound)
    for i in who:
        space = mechanism.asks(cases.now.t, i)
        for share in (0, 1 / 3, 1 / 2, 1) if isinstance(space, Interval) else ():
            assert isinstance(space, Interval)
            number = np.full(len(done), space.low + share * (space.high - space.low))
            other = cases.settled(done, {**replied, i: number})
            moved = np.abs(other.charge - settled.charge)[:, who].max(initial=0.0)
            if moved > slack or (other.memory != settled.memory).any():
                raise mechanism.refuse(
                    f"the number that agent {mechanism.environment.agents[i]!r} replies moves what it pays itself, or "
                    "what is remembered; the search takes such replies from a finite set only"
                )


def _prescribed(environment: TableEnvironment, cases: _Cases, own: list[int]) -> IntArray:
    """Return the prescribed own act, `(n,)`: the recommended actions and the replies prescribed after them."""
    t, who, mechanism = cases.now.t, cases.who, cases.mechanism
    utility = environment.utility(t, State(cases.now.public, cases.signals), cases.decision)
    actions = action_of(environment, t, cases.decision)
    parts = [actions[:, i] for i in who]
    for i in who:
        is_asked = isinstance(mechanism.asks(t, i), Finite)
        reply = (
            mechanism.prescribed_reply(cases.now, i, cases.messages, cases.decision, utility[:, i])
            if is_asked
            else np.zeros(len(cases.decision), np.intp)
        )
        parts.append(np.asarray(reply).astype(np.intp))
    return np.ravel_multi_index(parts, own).astype(np.intp)
