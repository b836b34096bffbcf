"""Charges and memory in periods in which actions are observed or replies are asked for.

A mechanism *acts on acts* in a period if it asks somebody for a reply or observes somebody's action. What it charges
and remembers then depends on what was done and said after the decision, so its tables over messages do not tell it; it
is asked case by case, with the true signals, from which the prescribed replies follow.
"""

from collections.abc import Mapping
from math import prod
from typing import NamedTuple

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.ties import TIE, scale_of
from dynmech.sim.economy.environment import State, TableEnvironment
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.roles import Acts, Situation


class Settled(NamedTuple):
    """What is charged, `(n, N)`, and remembered, `(n,)`, after agents have acted; without transfers due from before."""

    charge: FloatArray
    memory: IntArray


def action_of(environment: TableEnvironment, t: int, decision: IntArray) -> IntArray:
    """Return the actions that a decision consists of, `(n, N)`; zeros where there are none."""
    sizes = [len(labels) for labels in environment.actions(t)]
    if not sizes:
        return np.zeros((len(decision), len(environment.agents)), np.intp)
    return np.stack(np.unravel_index(decision % prod(sizes), sizes), axis=1)


def settle(
    mechanism: Mechanism,
    now: Situation,
    signals: Array,
    messages: Array,
    decision: IntArray,
    *,
    bound: float,
    performed: IntArray | None = None,
    replies: Mapping[int, Array] | None = None,
) -> Settled:
    """Charge and remember when all reply as prescribed, except for the replies passed in.

    Args:
        signals: the true ones, `(n, N)`.
        bound: the mechanism's declared bound on transfers.
        performed: the actions really taken, as a decision `(n,)`; None: those that were decided.
        replies: replies by agent, `(n,)`, where they differ from the prescribed ones.

    Raises:
        Refusal: a transfer or a memory is outside of what the mechanism declares.
    """
    environment = mechanism.environment
    assert isinstance(environment, TableEnvironment)
    performed = decision if performed is None else performed
    utility = environment.utility(now.t, State(now.public, signals), performed)
    reply, chosen = np.zeros(messages.shape), replies or {}
    for i in range(messages.shape[1]):
        if i in chosen:
            reply[:, i] = chosen[i]
        elif mechanism.asks(now.t, i) is not None:
            reply[:, i] = mechanism.prescribed_reply(now, i, messages, decision, utility[:, i])
    acts = Acts(_seen(mechanism, now.t, action_of(environment, now.t, performed)), reply)
    return _checked(mechanism, now, messages, decision, acts, bound)


def _checked(
    mechanism: Mechanism, now: Situation, messages: Array, decision: IntArray, acts: Acts, bound: float
) -> Settled:
    """Return charge and memory, held to the declared bound and size."""
    charge = np.asarray(mechanism.charge(now, messages, decision, acts), dtype=np.float64)
    largest = float(np.abs(charge).max(initial=0.0))
    if largest > bound + TIE * scale_of(money_scale(mechanism.environment), bound):
        raise mechanism.false_declaration(
            f"a transfer of {largest:.6g} in period {now.t} exceeds the declared bound {bound:.6g}"
        )
    memory = np.asarray(mechanism.remember(now, messages, decision, acts))
    size = mechanism.memory_size(now.t + 1)
    if size is None or memory.dtype.kind not in "iu" or not ((memory >= 0) & (memory < size)).all():
        raise mechanism.false_declaration(
            f"remember returns values in period {now.t} that are not among the {size} declared"
        )
    return Settled(charge, memory.astype(np.intp))


def _seen(mechanism: Mechanism, t: int, actions: IntArray) -> IntArray:
    """Return what the mechanism observes of each action, `(n, N)`; zeros where it observes nothing."""
    out = np.zeros_like(actions)
    for i in range(actions.shape[1]):
        shown = mechanism.sees(t, i) if mechanism.environment.actions(t) else None
        if shown is not None:
            out[:, i] = shown[actions[:, i]]
    return out
