"""Yoon's Property A: how far the transfers of a mechanism are from those of a Groves mechanism.

With Z^i(θ) the expected discounted transfers of agent i from θ on and V_{−i}(θ) the others' utilities (less the
designer's cost), all under prescribed play of an efficient mechanism,

    Property A:  Z^i(θ^i, θ^{−i}) + V_{−i}(θ^i, θ^{−i}) does not depend on θ^i.

It holds iff the mechanism is Groves (Lemma 1); the sum is then the discretionary term Φ^i(θ^{−i}). The residual is the
most by which the sum changes along an agent's signals. It is a property of what is paid in equilibrium, so indirect
mechanisms and those with a memory have one too (at every memory that prescribed play can lead to).

Source: Yoon 2021, §3.2, Definition 2 and Lemma 1.
"""

import numpy as np

from dynmech.mechanisms.conditions.places import NamedPlace, place_of
from dynmech.mechanisms.rules.condition import TOLERANCE, Condition
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import TruthfulValues
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import Best, figure, first_largest, first_smallest, largest_place, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage

NAME = "Groves transfers (Property A)"


def property_a(game: FiniteGame) -> Condition:
    """Check whether the mechanism is Groves; the value is the largest residual.

    Raises:
        Refusal: the mechanism is not finite, or too large.
    """
    environment, truthful = game.environment, game.truthful
    scale = scale_of(environment.scale, *(period.stay for period in truthful.periods))
    largest = _largest_residual(environment, truthful, scale)
    worst = max(largest.value, 0.0)
    where, note = largest.named or ({}, "")
    groves = worst <= TOLERANCE * scale + 2 * len(environment.agents) * truthful.bound
    loss = game.first_best - truthful.welfare
    if loss > TOLERANCE * scale + game.plan.bound + (len(environment.agents) + 1) * truthful.bound:
        note = "; ".join(part for part in (note, f"and its decisions lose {loss:.4g} of welfare") if part)
        groves = False
    return Condition(NAME, groves, worst, {} if groves else where, "" if groves else note)


def _largest_residual(environment: TableEnvironment, truthful: TruthfulValues, scale: float) -> Best[NamedPlace]:
    """Return the most by which Z^i + V_{−i} changes along an agent's signals, and where."""
    largest = Best[NamedPlace](scale)
    for t, period in enumerate(truthful.periods):
        stage = environment.stage(t)
        for i, sums in enumerate(discretionary(truthful, t)):
            rows = _along_own(stage, i, sums[period.occurs.any(axis=1)])
            spread = np.ptp(rows, axis=-1)
            if spread.max() > 0:
                at = largest_place(spread, scale)
                own, labels = rows[at], stage.signals[i]
                low, high = first_smallest(own, scale), first_largest(own, scale)
                note = f"{figure(own[low])} at signal {labels[low]}, {figure(own[high])} at {labels[high]}"
                largest.offer(float(spread.max()), (place_of(environment, t, i, None, int(at[1])), note))
    return largest


def discretionary(truthful: TruthfulValues, t: int) -> FloatArray:
    """Return Z^i + V_{−i} under prescribed play from period t on, `(N, M, S)`: Φ^i, if the mechanism is Groves."""
    period = truthful.periods[t]
    others = period.utility_ahead.sum(axis=0) - period.utility_ahead - period.cost_ahead
    return period.transfer_ahead + others


def _along_own(stage: Stage, agent: int, sums: FloatArray) -> FloatArray:
    """Reshape `(M, S)` to `(M, others, K_i)`."""
    table = np.moveaxis(sums.reshape(len(sums), *stage.axes), 1 + stage.offset + agent, -1)
    return table.reshape(len(sums), -1, table.shape[-1])
