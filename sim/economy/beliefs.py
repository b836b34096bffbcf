"""What kernels say about the *others*: laws of the others' next signals, and beliefs about their current ones.

"Others" are all axes of a profile but agent i's own, a public state included. O'_i is their number next period.
"""

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel


def others_next(environment: TableEnvironment, t: int, agent: int) -> FloatArray:
    """P(θ′_{−i} = y | a, θ), `(D, *A, O'_i)`: the marginal of the kernel out of period t.

    Its slices at fixed (a, θ_{−i}), transposed, are the belief matrices M^i(a, θ_{−i}) `(O'_i, K_i)` of Liu.
    """
    return environment.kernel(t).others(environment.stage(t + 1).offset + agent)


def belief_matrices(environment: TableEnvironment, t: int, agent: int) -> FloatArray:
    """M^i(a, o)[y, k] = P(θ′_{−i} = y | a, (k, o)), `(D, O_i, O'_i, K_i)`: columns are the agent's own signals."""
    stage = environment.stage(t)
    law = others_next(environment, t, agent)
    own_last = np.moveaxis(law, 1 + stage.offset + agent, -1)
    width = stage.axes[stage.offset + agent]
    return own_last.reshape(len(stage.decisions), stage.size // width, law.shape[-1], width)


def alike_for_all(environment: TableEnvironment, t: int, agent: int) -> FloatArray | None:
    """Return one of the belief matrices, `(O'_i, K_i)`, where each has equal columns; None where they may differ.

    Where signals move independently, the others' next ones do not depend on the agent's own: what its signals tell
    about them is the same nothing after every decision and profile.
    """
    kernel, axis = environment.kernel(t), environment.stage(t + 1).offset + agent
    if not isinstance(kernel, IndependentKernel):
        return None
    law = np.ones(1)
    for j, factor in enumerate(kernel.factors):
        if j != axis:
            law = np.multiply.outer(law, factor[0, 0]).reshape(-1)
    return np.repeat(law[:, None], kernel.factors[axis].shape[1], axis=1)


def condition(law: FloatArray, axis: int, leading: int) -> FloatArray:
    """P(others | own signal) from joint laws: `(*leading axes, *A')` to `(*leading axes, K'_i, O'_i)`.

    `axis` is the own signal's place within A', `leading` the number of axes before A'. Where the own
    signal has probability 0 the row is all zeros.
    """
    moved = np.moveaxis(law, leading + axis, leading)
    table = moved.reshape(*moved.shape[: leading + 1], -1)
    mass = table.sum(axis=-1, keepdims=True)
    return np.divide(table, mass, out=np.zeros_like(table), where=mass > 0)


def prior_belief(environment: TableEnvironment, agent: int) -> FloatArray:
    """P(θ_{0,−i} | θ_{0,i}), `(K_i, O_i)`."""
    return condition(environment.prior, environment.stage(0).offset + agent, 0)


def next_belief(environment: TableEnvironment, t: int, agent: int) -> FloatArray:
    """P(θ_{t+1,−i} | θ_{t+1,i}, a_t, θ_t), `(D, S, K'_i, O'_i)`: beliefs about the others' current signals."""
    following = environment.stage(t + 1)
    rows = environment.kernel(t).rows()
    law = rows.reshape(*rows.shape[:2], *following.axes)
    return condition(law, following.offset + agent, 2)
