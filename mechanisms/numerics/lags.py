"""Belief matrices of the others' signals over the next L periods, for payments that fall due later.

With M_l(a, o)[y, k] = P(θ_{t+l}^{−i} = y | a, (k, o)), payments p_1, …, p_L due after 1, …, L periods have the present
value Σ_l δ^l M_lᵀ p_l = Mᵀ p for the stacked M = (δ M_1; …; δ^L M_L).

Beyond the first step M_l needs a law of motion that decisions do not move.
"""

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.ties import largest_place
from dynmech.sim.economy.beliefs import belief_matrices
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage, labels_text

MOVED = 1e-12
"""Change of a probability that counts as none."""


def split_profiles(stage: Stage, agent: int) -> tuple[IntArray, IntArray]:
    """Return every flat profile's others' part (public state included) and own signal, `(S,)` each."""
    own = stage.offset + agent
    coordinates = list(np.unravel_index(np.arange(stage.size), stage.axes))
    rest = [width for j, width in enumerate(stage.axes) if j != own]
    others = [coordinate for j, coordinate in enumerate(coordinates) if j != own]
    flat = np.ravel_multi_index(others, rest) if rest else np.zeros(stage.size)
    return flat.astype(np.intp), coordinates[own].astype(np.intp)


def lagged_beliefs(environment: TableEnvironment, t: int, agent: int, lags: int) -> list[FloatArray]:
    """Return M_1, …, M_L out of period t, `(D, O_i, O_i(t + l), K_i)` each."""
    matrices = [belief_matrices(environment, t, agent)]
    stage = environment.stage(t)
    own = stage.offset + agent
    for lag in range(2, lags + 1):
        ahead = _others_indicator(environment.stage(t + lag), agent)
        for step in range(t + lag - 1, t, -1):
            ahead = environment.kernel(step).rows()[0] @ ahead
        law = environment.kernel(t).rows() @ ahead
        by_own = np.moveaxis(law.reshape(len(law), *stage.axes, -1), 1 + own, -1)
        matrices.append(by_own.reshape(len(law), -1, ahead.shape[1], stage.axes[own]))
    return matrices


def _others_indicator(stage: Stage, agent: int) -> FloatArray:
    """Return 1 where a profile has that others' part, else 0, `(S, O_i)`."""
    others, _ = split_profiles(stage, agent)
    return np.eye(stage.size // stage.axes[stage.offset + agent])[others]


def moved_by_decisions(environment: TableEnvironment, lags: int) -> str | None:
    """Return in words where decisions move signals so that beliefs over several lags are not known; None: nowhere.

    Under a finite horizon the law out of period 0 may depend on the decision: it is only ever a first step.
    """
    if lags == 1:
        return None
    if environment.horizon is None:
        steps = range(1)
    elif len(environment.stages) == 1:
        steps = range(min(1, max(0, environment.horizon - 2)))
    else:
        steps = range(1, environment.horizon - 1)
    for t in steps:
        stage, kernel = environment.stage(t), environment.kernel(t)
        tables = kernel.factors if isinstance(kernel, IndependentKernel) else (kernel.rows(),)
        for axis, table in enumerate(tables):
            change = np.abs(table - table[:1])
            if change.max() > MOVED:
                decision, place, _ = largest_place(change, 1.0)
                labels = [stage.labelled_axes[axis]] if len(tables) > 1 else stage.labelled_axes
                return (
                    f"{f'in period {t} ' if len(environment.stages) > 1 else ''}decision {stage.decisions[decision]!r} "
                    f"instead of {stage.decisions[0]!r} changes a probability of the next signals by "
                    f"{float(change.max()):.3g} after ({labels_text(labels, place)})"
                )
    return None
