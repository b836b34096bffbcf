"""The designer among the agents: an agent more, the last one, that knows nothing privately and bears the costs.

An economy with a designer's seat is the same economy; the designer's cost is now the last agent's utility, so that
welfare is what it was, and a mechanism can pay revenue out to that agent and let it choose.
"""

from dataclasses import replace

import numpy as np

from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

DESIGNER = "designer"

SILENT = ("-",)
"""The one signal, and the one action, of the designer."""


def with_designer(environment: TableEnvironment) -> TableEnvironment:
    """Return the economy with the designer as its last agent.

    >>> from dynmech.sim.economy.builders import single_object
    >>> sale = single_object([[0.2, 0.8]], [np.eye(2)], np.array([0.5, 0.5]), 0.9)
    >>> with_designer(sale).agents
    ('bidder 1', 'designer')
    """
    return TableEnvironment(
        environment.name,
        (*environment.agents, DESIGNER),
        environment.prior[..., None],
        tuple(_seated(stage) for stage in environment.stages),
        environment.discount,
        environment.horizon,
        outside=(*environment.outside, 0.0) if environment.outside else (),
    )


def has_designer(environment: TableEnvironment) -> bool:
    """Return whether the last agent is the designer: so called, and without private information or a choice."""
    alone = all(len(s.signals[-1]) == 1 and len((s.private_actions or (SILENT,))[-1]) == 1 for s in environment.stages)
    return len(environment.agents) > 1 and environment.agents[-1] == DESIGNER and alone


def without_designer(environment: TableEnvironment) -> TableEnvironment:
    """Return the economy without the designer's seat; its utility is the cost again."""
    return TableEnvironment(
        environment.name,
        environment.agents[:-1],
        environment.prior[..., 0],
        tuple(_left(stage) for stage in environment.stages),
        environment.discount,
        environment.horizon,
        outside=environment.outside[:-1],
    )


def _seated(stage: Stage) -> Stage:
    """Return a stage with the designer's seat."""
    cost = stage.cost_table.reshape(len(stage.decisions), *(stage.axes[:1] if stage.public else ()))
    spread = np.broadcast_to(-cost.reshape(*cost.shape, *(1,) * len(stage.signals)), stage.utility.shape[1:])
    kernel: JointKernel | IndependentKernel | None = stage.kernel
    if isinstance(stage.kernel, JointKernel):
        axes, after = (*stage.axes, 1), (*stage.kernel.table.shape[1 + len(stage.axes) :], 1)
        kernel = JointKernel(stage.kernel.table.reshape(len(stage.decisions), *axes, *after), axes, after)
    elif isinstance(stage.kernel, IndependentKernel):
        kernel = IndependentKernel((*stage.kernel.factors, np.ones((len(stage.decisions), 1, 1))))
    return replace(
        stage,
        signals=(*stage.signals, SILENT),
        utility=np.concatenate([stage.utility, spread[None]])[..., None],
        kernel=kernel,
        cost=None,
        private_actions=(*stage.private_actions, SILENT) if stage.private_actions else (),
    )


def _left(stage: Stage) -> Stage:
    """Return a stage without the designer's seat."""
    flat = -stage.utility[-1].reshape(len(stage.decisions), len(stage.public) or 1, -1)[:, :, 0]
    cost = None if not flat.any() else flat if stage.public else flat[:, 0]
    kernel: JointKernel | IndependentKernel | None = stage.kernel
    if isinstance(stage.kernel, JointKernel):
        table = stage.kernel.table
        after = table.shape[1 + len(stage.axes) : -1]
        kernel = JointKernel(table.reshape(len(stage.decisions), *stage.axes[:-1], *after), stage.axes[:-1], after)
    elif isinstance(stage.kernel, IndependentKernel):
        kernel = IndependentKernel(stage.kernel.factors[:-1])
    return replace(
        stage,
        signals=stage.signals[:-1],
        utility=stage.utility[:-1, ..., 0],
        kernel=kernel,
        cost=cost,
        private_actions=stage.private_actions[:-1] if stage.private_actions else (),
    )
