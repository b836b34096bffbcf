"""Private actions beside contingent transfers: which ones do no harm, and what they make of utilities.

Contingent transfers are paid by the public part of a decision and by what the others report later. They stay right
where agents act in private if

1. no action moves the next signals, so that the others' reports say as much as before, and
2. no action concerns anybody but who takes it: neither another agent's utility, nor the designer's cost.

Then the economy is that of the public parts x, with utilities of best actions

    û^i(x, θ) = max over α_i of u^i(x, α_i, θ),

which is what an agent gets from x whatever action was recommended to it, after a lie too: recommendations are made for
reported signals, and who has lied knows better. Targets are therefore those of û, never of the action recommended
(with a share λ < 1 of the surplus a lie would pay otherwise, by the action that it makes the transfer ignore).

The first condition is Liu's, who states no other. Without the second, nothing that is paid depends on what an agent
does to the others, so that it does what is best for itself; no transfer of this kind can change that.

Source: Liu 2014, §6, "Private Actions".
"""

from dataclasses import replace
from math import prod

import numpy as np

from dynmech.mechanisms.numerics.lags import MOVED
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.ties import largest_place, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


def moving_action(environment: TableEnvironment) -> str | None:
    """Return in words where a private action moves the next signals; None: nowhere."""
    for t, stage in _acting(environment):
        kernel = stage.kernel
        if kernel is None:
            continue
        tables = kernel.factors if isinstance(kernel, IndependentKernel) else (kernel.rows(),)
        for table in tables:
            found = _effect(stage, table, range(len(stage.private_actions)), 1.0)
            if found is not None:
                change, agent, decisions = found
                return (
                    f"{_when(environment, t)}what agent {environment.agents[agent]!r} does in private moves the next "
                    f"signals, which are to pay it: a probability changes by {change:.3g} between {decisions}"
                )
    return None


def action_that_concerns_others(environment: TableEnvironment) -> str | None:
    """Return in words where a private action changes another agent's utility or the cost; None: nowhere."""
    for t, stage in _acting(environment):
        scale = scale_of(stage.utility)
        for j, name in enumerate(environment.agents):
            others = [i for i in range(len(environment.agents)) if i != j]
            found = _effect(stage, stage.utility[j], others, scale)
            if found is not None:
                change, agent, decisions = found
                return (
                    f"{_when(environment, t)}what agent {environment.agents[agent]!r} does in private changes the "
                    f"utility of {name!r}, by {change:.6g} between {decisions}, and no transfer depends on it"
                )
        found = _effect(stage, stage.cost_table, range(len(environment.agents)), scale)
        if found is not None:
            change, agent, decisions = found
            return (
                f"{_when(environment, t)}what agent {environment.agents[agent]!r} does in private changes the "
                f"designer's cost, by {change:.6g} between {decisions}, and no transfer depends on it"
            )
    return None


def with_best_actions(environment: TableEnvironment) -> TableEnvironment:
    """Return the economy with utilities of best own actions, û^i, at every decision."""
    if not any(stage.private_actions for stage in environment.stages):
        return environment
    return replace(environment, stages=tuple(_best(stage) for stage in environment.stages))


def held_public_part(stage: Stage, decision: int) -> IntArray:
    """Return by profile the best decision with the public part of the one given, `(S,)`."""
    actions = prod(len(labels) for labels in stage.private_actions)
    first = decision // actions * actions
    welfare = stage.welfare.reshape(len(stage.decisions), -1)[first : first + actions]
    near = welfare >= welfare.max(axis=0) - MOVED * scale_of(welfare)
    return first + near.argmax(axis=0)


def _acting(environment: TableEnvironment) -> list[tuple[int, Stage]]:
    """Return the stages in which agents act in private, each with the first period that it serves."""
    return [(t, stage) for t, stage in enumerate(environment.stages) if stage.private_actions]


def _when(environment: TableEnvironment, t: int) -> str:
    return f"in period {t} " if len(environment.stages) > 1 else ""


def _by_action(stage: Stage, table: FloatArray) -> FloatArray:
    """Return a table `(D, …)` with the decision split: `(public, actions of agent 0, …, rest)`."""
    return table.reshape(-1, *(len(labels) for labels in stage.private_actions), int(table[0].size))


def _effect(stage: Stage, table: FloatArray, agents: range | list[int], scale: float) -> tuple[float, int, str] | None:
    """Return the first agent whose action changes a table `(D, …)`: by how much, who, between which decisions."""
    split = _by_action(stage, table)
    labels = np.arange(len(stage.decisions)).reshape(split.shape[:-1])
    for i in agents:
        change = np.abs(split - split.take([0], axis=1 + i))
        if change.max() > MOVED * scale:
            *place, _ = largest_place(change, scale)
            other = list(place)
            other[1 + i] = 0
            names = [stage.decisions[int(labels[tuple(at)])] for at in (other, place)]
            return float(change.max()), i, f"decisions {names[0]!r} and {names[1]!r}"
    return None


def _best(stage: Stage) -> Stage:
    """Return the stage with every utility at the best own action."""
    if not stage.private_actions:
        return stage
    out = np.empty_like(stage.utility)
    for i, utility in enumerate(stage.utility):
        split = _by_action(stage, utility)
        out[i] = np.broadcast_to(split.max(axis=1 + i, keepdims=True), split.shape).reshape(utility.shape)
    return replace(stage, utility=out)
