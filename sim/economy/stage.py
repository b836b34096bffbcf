"""One period's economy: signals, decisions, utilities, and the kernel to the next period. Axes: see `environment`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from dynmech.sim.core.arrays import FloatArray, IntArray, readonly
from dynmech.sim.core.checks import check_finite, check_law, check_names, check_shape
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel


def labels_text(axes: Sequence[Sequence[str]], index: int) -> str:
    """A flat index (C order) over labelled axes, in words.

    >>> labels_text([("dry", "wet"), ("4", "6")], 3)
    'wet, 6'
    """
    places = np.unravel_index(index, tuple(len(axis) for axis in axes)) if axes else ()
    return ", ".join(axis[int(k)] for axis, k in zip(axes, places, strict=True))


@dataclass(frozen=True, eq=False)
class Stage:
    """One period's economy; the module docstring gives the axes."""

    signals: tuple[tuple[str, ...], ...]
    decisions: tuple[str, ...]
    utility: FloatArray
    kernel: JointKernel | IndependentKernel | None = None
    public: tuple[str, ...] = ()
    cost: FloatArray | None = None
    private_actions: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "utility", readonly(self.utility))
        if self.cost is not None:
            object.__setattr__(self, "cost", readonly(self.cost))

    @cached_property
    def axes(self) -> tuple[int, ...]:
        """A, the public state first."""
        own = tuple(len(labels) for labels in self.signals)
        return (len(self.public), *own) if self.public else own

    @property
    def labelled_axes(self) -> list[tuple[str, ...]]:
        """The labels of every axis of A."""
        return ([self.public] if self.public else []) + list(self.signals)

    @property
    def size(self) -> int:
        """S, the number of profiles."""
        return prod(self.axes)

    @property
    def offset(self) -> int:
        """Where agent 0's axis stands in A: 1 with a public state, else 0."""
        return 1 if self.public else 0

    @cached_property
    def cost_table(self) -> FloatArray:
        """The designer's cost, `(D, O)` (O = 1 without a public state)."""
        publics = max(len(self.public), 1)
        if self.cost is None:
            return np.zeros((len(self.decisions), publics))
        table = self.cost if self.cost.ndim == 2 else self.cost[:, None]
        return np.ascontiguousarray(np.broadcast_to(table, (len(self.decisions), publics)))

    @cached_property
    def welfare(self) -> FloatArray:
        """Σ_i u^i − c, `(D, *A)`."""
        return self.utility.sum(axis=0) - self.spread_cost

    @cached_property
    def spread_cost(self) -> FloatArray:
        """The cost, broadcast to `(D, *A)` where it has more than one value, else shaped to broadcast."""
        ones = (1,) * len(self.signals)
        table = self.cost_table
        return table.reshape(len(self.decisions), *(table.shape[1:] if self.public else ()), *ones)

    def flat(self, public: IntArray, signals: IntArray) -> IntArray:
        """The profile's index: `(n,)` and `(n, N)` to `(n,)`."""
        index: IntArray = np.add.reduce(signals.T * self._steps[1:], axis=0)
        return index + public * self._steps[0] if self.public else index

    @cached_property
    def _steps(self) -> IntArray:
        """What a step along the public state's axis, and along every agent's, adds to the index: `(1 + N, 1)`."""
        sizes = [len(labels) for labels in self.signals]
        return np.array([prod(sizes[k:]) for k in range(len(sizes) + 1)], np.intp)[:, None]

    def others_flat(self, agent: int, public: IntArray, signals: IntArray) -> IntArray:
        """The index of the profile with the agent's axis left out: `(n,)`."""
        index = public if self.public else np.zeros(len(signals), np.intp)
        for j, labels in enumerate(self.signals):
            if j != agent:
                index = index * len(labels) + signals[:, j]
        return index


def check_stage(stage: Stage, where: str, count: int) -> None:
    """Raise InputError at the first bad field of a stage for `count` agents."""
    if len(stage.signals) != count:
        raise InputError(f"{where}.signals: {len(stage.signals)} lists for {count} agents, expected one each")
    for i, labels in enumerate(stage.signals):
        check_names(labels, f"{where}.signals[{i}]")
    check_names(stage.decisions, f"{where}.decisions")
    if stage.public:
        check_names(stage.public, f"{where}.public")
    decisions = len(stage.decisions)
    check_shape(stage.utility, (count, decisions, *stage.axes), f"{where}.utility")
    check_finite(stage.utility, f"{where}.utility")
    if stage.cost is not None:
        shapes = [[decisions], [decisions, len(stage.public)]][: 1 + stage.offset]
        if list(stage.cost.shape) not in shapes:
            expected = " or ".join(str(shape) for shape in shapes)
            raise InputError(f"{where}.cost: shape {list(stage.cost.shape)}, expected {expected}")
        check_finite(stage.cost, f"{where}.cost")
    if stage.private_actions:
        if len(stage.private_actions) != count:
            raise InputError(
                f"{where}.private_actions: {len(stage.private_actions)} lists for {count} agents, expected one each"
            )
        for i, labels in enumerate(stage.private_actions):
            check_names(labels, f"{where}.private_actions[{i}]")
        combinations = prod(len(labels) for labels in stage.private_actions)
        if decisions % combinations:
            raise InputError(
                f"{where}.decisions: {decisions} decisions are no multiple of the {combinations} combinations "
                "of private actions"
            )


def check_kernel(stage: Stage, following: Stage, where: str, needed: bool) -> None:
    """Raise InputError unless the kernel leads from the stage to the following one, if one is needed."""
    kernel = stage.kernel
    if kernel is None:
        if needed:
            raise InputError(f"{where}: missing, but another period follows")
        return
    decisions = len(stage.decisions)
    if isinstance(kernel, JointKernel):
        check_shape(kernel.table, (decisions, *stage.axes, *following.axes), f"{where}.joint")
        if (kernel.axes, kernel.next_axes) != (stage.axes, following.axes):
            raise InputError(
                f"{where}.joint: declares axes {list(kernel.axes)} to {list(kernel.next_axes)}, "
                f"expected {list(stage.axes)} to {list(following.axes)}"
            )
        check_law(kernel.table, f"{where}.joint", len(following.axes))
        return
    if len(stage.axes) != len(following.axes):
        raise InputError(f"{where}.independent: the public state comes or goes, so the kernel must be joint")
    if len(kernel.factors) != len(stage.axes):
        raise InputError(f"{where}.independent: {len(kernel.factors)} tables, expected {len(stage.axes)}")
    for j, (factor, now, then) in enumerate(zip(kernel.factors, stage.axes, following.axes, strict=True)):
        check_shape(factor, (decisions, now, then), f"{where}.independent[{j}]")
        check_law(factor, f"{where}.independent[{j}]", 1)


def check_outside(outside: tuple[float, ...], agents: int, where: str) -> None:
    """Raise InputError unless there is a finite number for each agent, or none at all."""
    if not outside:
        return
    check_shape(np.asarray(outside, np.float64), (agents,), where)
    check_finite(np.asarray(outside, np.float64), where)
