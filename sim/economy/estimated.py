"""An economy whose law of motion was estimated, and that keeps what it was estimated from."""

from dataclasses import dataclass, replace

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.counts import Counts, estimated_kernel, profile_radii
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

APART = 1e-9
"""How far a kernel may be from what the counts beside it come to."""


@dataclass(frozen=True, eq=False)
class EstimatedEnvironment(TableEnvironment):
    """A finite environment with the counts that its kernels come from.

    Parameters
    ----------
    counts : Counts
        Of every stage; the kernels are their smoothed frequencies.
    """

    counts: Counts

    def __post_init__(self) -> None:
        """Check that counts and kernels belong together."""
        super().__post_init__()
        where = f"environment {self.name!r}: counts"
        if len(self.counts.stages) != len(self.stages):
            raise InputError(f"{where}: {len(self.counts.stages)} stages, expected {len(self.stages)}")
        for s, stage in enumerate(self.stages):
            _check_stage(self.counts, s, stage, f"{where}: stages[{s}]")

    def radii(self, s: int = 0, confidence: float = 0.95) -> FloatArray:
        """Return how far the law of the next profile may be from this one in L1, `(D, S)`.

        Parameters
        ----------
        s : int
            The stage.
        confidence : float
            That all laws of the economy are within their radii.
        """
        return profile_radii(self.counts, s, self.stages[s].axes, confidence)

    def require_support(self, what: str) -> None:
        """Raise where laws within the radii lead where nothing was seen, so that nothing is said of what follows.

        Raises
        ------
        InputError
            Something never followed what was seen, and no count was raised.
        """
        counts = self.counts
        for s in range(len(counts.stages) if not counts.smoothing else 0):
            for table in counts.tables(s):
                if ((table == 0) & (table.sum(axis=-1, keepdims=True) > 0)).any():
                    raise InputError(
                        f"{what}: environment {self.name!r}: some next signals never followed what was seen; estimate "
                        "it with --smoothing, so that they count as possible"
                    )


def _check_stage(counts: Counts, s: int, stage: Stage, where: str) -> None:
    """Raise InputError unless a stage's counts give its kernel."""
    tables, kernel = counts.stages[s], stage.kernel
    if tables is None or kernel is None:
        if tables is not None or kernel is not None:
            raise InputError(f"{where}: {'counts' if kernel is None else 'no counts'} where {_there(kernel)}")
        return
    kernels = (kernel.rows(),) if isinstance(kernel, JointKernel) else kernel.factors
    if counts.joint != isinstance(kernel, JointKernel) or [t.shape for t in tables] != [t.shape for t in kernels]:
        raise InputError(f"{where}: not of the shape of its kernel")
    told = estimated_kernel(tables, kernel.axes, kernel.next_axes, joint=counts.joint, smoothing=counts.smoothing)
    laws = (told.rows(),) if isinstance(told, JointKernel) else told.factors
    if max(float(np.abs(law - table).max()) for law, table in zip(laws, kernels, strict=True)) > APART:
        raise InputError(f"{where}: the kernel is not what the counts come to with smoothing {counts.smoothing:g}")


def _there(kernel: object) -> str:
    return "no kernel leads on" if kernel is None else "a kernel leads on"


def estimated_environment(environment: TableEnvironment, counts: Counts) -> EstimatedEnvironment:
    """Return an economy with the kernels that counts come to; all else is that of `environment`."""
    stages = []
    for s, stage in enumerate(environment.stages):
        tables = counts.stages[s]
        if tables is None or stage.kernel is None:
            stages.append(stage)
            continue
        kernel: JointKernel | IndependentKernel = estimated_kernel(
            tables, stage.kernel.axes, stage.kernel.next_axes, joint=counts.joint, smoothing=counts.smoothing
        )
        stages.append(replace(stage, kernel=kernel))
    return EstimatedEnvironment(
        name=environment.name,
        agents=environment.agents,
        prior=environment.prior,
        stages=tuple(stages),
        discount=environment.discount,
        horizon=environment.horizon,
        outside=environment.outside,
        counts=counts,
    )
