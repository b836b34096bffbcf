"""Environments: who privately learns what, what may be decided, who enjoys it, and what happens next.

Shapes: N agents, D decisions, K_i signals of agent i in this stage. The axes of a profile are `A = (K_0, …, K_{N−1})`,
or `A = (O, K_0, …, K_{N−1})` with a public state of O values; a profile is also one flat index in C order.
Utility `(N, D, *A)` is flow utility before money; a cost `(D,)` or `(D, O)` is the designer's.
With private actions the D decisions are the product of a public part (slowest) and one action per agent.
"""

from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import NamedTuple, Protocol

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray, IntArray, readonly
from dynmech.sim.core.checks import check_law, check_names, check_shape
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.economy.draws import Inverse, Move, StateMove, coordinates, nowhere
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel, cumulate
from dynmech.sim.economy.stage import Stage, check_kernel, check_outside, check_stage


class State(NamedTuple):
    """The state of n episodes in one period.

    Attributes
    ----------
    public : array, shape (n,)
        The public state; zeros where there is none.
    signals : array, shape (n, N)
        The agents' signals.
    profile : array, shape (n,), or None
        The flat index of public state and signals, where it is known.
    """

    public: Array
    signals: Array
    profile: Array | None = None


class Environment(Protocol):
    """What the event loop asks of an environment; `TableEnvironment` answers from arrays.

    Every method is a function of its arguments alone, and elementwise over the n episodes.

    Attributes
    ----------
    name : str
        The environment's name.
    agents : tuple of str
        Names of the N agents.
    discount : float
        The discount factor δ, 0 < δ ≤ 1.
    horizon : int or None
        The number of periods; None for infinitely many.
    """

    @property
    def name(self) -> str:
        """The economy's name."""
        ...

    @property
    def agents(self) -> tuple[str, ...]:
        """The agents' names."""
        ...

    @property
    def discount(self) -> float:
        """The discount factor δ."""
        ...

    @property
    def horizon(self) -> int | None:
        """The number of periods; None for infinitely many."""
        ...

    def streams(self, t: int) -> tuple[str, ...]:
        """Return the names of nature's uniform numbers in period t, one column each."""
        ...

    def draw(self, t: int, previous: State | None, decision: Array | None, uniforms: FloatArray) -> State:
        """Return the state of period t.

        Parameters
        ----------
        t : int
            The period, from 0.
        previous : State or None
            The state of period t - 1; None in period 0.
        decision : array, shape (n,), or None
            The decision of period t - 1, with the actions actually taken; None in period 0.
        uniforms : float array, shape (n, streams)
            Uniform numbers in [0, 1), a column for each of `streams(t)`.
        """
        ...

    def utility(self, t: int, state: State, decision: Array) -> FloatArray:
        """Return flow utilities before transfers, `(n, N)`, of a decision `(n,)` with the actions actually taken."""
        ...

    def cost(self, t: int, state: State, decision: Array) -> FloatArray:
        """Return the designer's cost, `(n,)`."""
        ...

    def signal_space(self, t: int, agent: int) -> Space:
        """Return agent i's signals in period t."""
        ...

    def decision_space(self, t: int) -> Space:
        """Return the decisions of period t."""
        ...

    def public_space(self, t: int) -> Space:
        """Return the public states of period t."""
        ...

    def actions(self, t: int) -> tuple[tuple[str, ...], ...]:
        """Return the labels of each agent's private actions; empty where there are none."""
        ...

    def outcome_classes(self, t: int) -> IntArray | None:
        """Return the first decision that agent i cannot tell from d by what it gets, `(N, D)`; None if not finite."""
        ...

    def utility_bound(self) -> float:
        """Return a bound on |flow utility|."""
        ...


@dataclass(frozen=True, eq=False)
class TableEnvironment:
    """A finite environment given by arrays.

    Parameters
    ----------
    name : str
        The environment's name.
    agents : tuple of str
        Names of the N agents.
    prior : float array, shape (*A)
        Probabilities of the first profile, A the axes of the first stage: the public state, where there is one, and
        each agent's signals.
    stages : tuple of Stage
        One per period, or a single stage that is repeated.
    discount : float
        The discount factor δ in (0, 1]; 1 only with a finite horizon.
    horizon : int or None
        The number of periods; None for infinitely many.
    outside : tuple of float
        What each agent enjoys in a period in which it is excluded, as who has not paid may be; empty: nothing.

    Raises
    ------
    InputError
        A field is wrong; the message names the field and the index of the first bad value.

    Examples
    --------
    One agent with a signal that never changes, two decisions, three periods:

    >>> from dynmech.sim.economy.kernels import IndependentKernel
    >>> stage = Stage(
    ...     signals=(("low", "high"),),
    ...     decisions=("keep", "sell"),
    ...     utility=np.array([[[0.0, 0.0], [1.0, 2.0]]]),
    ...     kernel=IndependentKernel((np.stack([np.eye(2)] * 2),)),
    ... )
    >>> environment = TableEnvironment("sale", ("buyer",), np.array([0.5, 0.5]), (stage,), 0.9, 3)
    >>> environment.stage(2).axes, environment.utility_bound()
    ((2,), 2.0)
    """

    name: str
    agents: tuple[str, ...]
    prior: FloatArray
    stages: tuple[Stage, ...]
    discount: float
    horizon: int | None
    outside: tuple[float, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        """Check all tables, once; they cannot be written to afterwards."""
        object.__setattr__(self, "prior", readonly(self.prior))
        _check_environment(self)

    @property
    def stationary(self) -> bool:
        """Whether one stage is repeated for ever."""
        return self.horizon is None

    @cached_property
    def scale(self) -> float:
        """Largest minus least flow utility, costs included, over all periods, agents, decisions and profiles.

        1 if all are equal. Errors are measured against it.
        """
        tables = [table for stage in self.stages for table in (stage.utility, stage.cost_table)]
        spread = max(float(table.max()) for table in tables) - min(float(table.min()) for table in tables)
        return spread or 1.0

    def stage(self, t: int) -> Stage:
        """Return the stage played in period t."""
        return self.stages[t if len(self.stages) > 1 else 0]

    def kernel(self, t: int) -> JointKernel | IndependentKernel:
        """Return the kernel from period t to t + 1, which must exist."""
        kernel = self.stage(t).kernel
        if kernel is None:
            raise InputError(f"environment {self.name!r}: no kernel leads out of period {t}")
        return kernel

    @cached_property
    def table_stages(self) -> tuple[int, ...]:
        """One period per distinct stage."""
        return tuple(range(len(self.stages)))

    # What the event loop asks for.

    def streams(self, t: int) -> tuple[str, ...]:
        """One stream per axis under an independent kernel, a single one under a joint kernel."""
        return self._streams[t if len(self.stages) > 1 else min(t, 1)]

    @cached_property
    def _streams(self) -> list[tuple[str, ...]]:
        """Return the streams of every period; of a repeated stage, those of the first two periods."""
        own = tuple(f"nature {i}" for i in range(len(self.agents)))
        stages = self.stages if len(self.stages) > 1 else self.stages * 2
        kernels = [stages[0].kernel, *(stage.kernel for stage in stages[:-1])]
        return [
            ("nature",) if isinstance(kernel, JointKernel) else (*(["nature public"] * stage.offset), *own)
            for stage, kernel in zip(stages, kernels, strict=True)
        ]

    def draw(self, t: int, previous: State | None, decision: Array | None, uniforms: FloatArray) -> State:
        """Return the next state; see `draws` for how uniforms are used."""
        if previous is None or decision is None:
            axes, profile = self._draw_prior(uniforms)
        else:
            before, coordinates_before = self.stage(t - 1), previous.signals.T
            if before.public:
                coordinates_before = np.concatenate([previous.public[None], coordinates_before])
            profile = self._profile(before, previous)
            axes, profile = self._move(t - 1)(decision, profile, coordinates_before, uniforms)
        if self.stage(t).public:
            return State(axes[0], axes[1:].T, profile)
        return State(nowhere(len(profile)), axes.T, profile)

    def move_from(self, t: int, decision: IntArray, profile: IntArray) -> StateMove:
        """Return `draw` into period t + 1 from states of period t that are numbered: decision and profile, `(X,)`."""
        return self._move(t).from_states(decision, profile)

    def state_at(self, t: int, profile: IntArray) -> State:
        """Return the state of period t that has these flat profiles, `(n,)`."""
        axes = coordinates(self.stage(t).axes).take(profile, axis=1)
        if self.stage(t).public:
            return State(axes[0], axes[1:].T, profile)
        return State(nowhere(len(profile)), axes.T, profile)

    def _move(self, t: int) -> Move:
        """Return the draw from period t to t + 1."""
        s = t if len(self.stages) > 1 else 0
        move = self._moves.get(s)
        if move is None:
            move = self._moves[s] = Move(self.kernel(t))
        return move

    @cached_property
    def _moves(self) -> dict[int, Move]:
        """Draws out of each stage, made when first used."""
        return {}

    def _draw_prior(self, uniforms: FloatArray) -> tuple[IntArray, IntArray]:
        """Return the first profile from one uniform number, or from one per axis: each axis given those before it."""
        shape = self.prior.shape
        row = np.zeros((1, len(uniforms)), np.intp)
        if uniforms.shape[1] == 1:
            flat = self._prior_steps[-1](row, uniforms.T)[0]
            return coordinates(shape).take(flat, axis=1), flat
        out = np.empty((len(shape), len(uniforms)), np.intp)
        for j, width in enumerate(shape):
            out[j] = self._prior_steps[j](row, uniforms[:, j][None])
            row = row * width + out[j]
        return out, row[0]

    @cached_property
    def _prior_steps(self) -> list[Inverse]:
        """Conditional distribution functions axis by axis, then that of the whole profile."""
        steps = []
        for j in range(self.prior.ndim):
            head = self.prior.sum(axis=tuple(range(j + 1, self.prior.ndim))).reshape(-1, self.prior.shape[j])
            mass = head.sum(axis=1, keepdims=True)
            law = np.where(mass > 0, head / np.where(mass > 0, mass, 1.0), 1 / head.shape[1])
            steps.append(Inverse([cumulate(law)]))
        return [*steps, Inverse([cumulate(self.prior.reshape(1, -1))])]

    def _profile(self, stage: Stage, state: State) -> Array:
        """Return the flat index of a state, `(n,)`."""
        return stage.flat(state.public, state.signals) if state.profile is None else state.profile

    def utility(self, t: int, state: State, decision: Array) -> FloatArray:
        """u^i(a_t, θ_t), `(n, N)`."""
        stage = self.stage(t)
        table, size = self._utilities[t if len(self.stages) > 1 else 0]
        return table.take(decision * size + self._profile(stage, state), axis=1).T

    @cached_property
    def _utilities(self) -> list[tuple[FloatArray, int]]:
        """Return the utilities `(N, D S)` of every stage, and its number of profiles S."""
        return [(stage.utility.reshape(len(self.agents), -1), stage.size) for stage in self.stages]

    def cost(self, t: int, state: State, decision: Array) -> FloatArray:
        """c(a_t, ω_t), `(n,)`."""
        stage = self.stage(t)
        if stage.cost is None:
            return np.zeros(len(decision))
        table = stage.cost_table
        return table.reshape(-1).take(decision * table.shape[1] + state.public if stage.public else decision)

    def signal_space(self, t: int, agent: int) -> Finite:
        """Agent i's signals in period t."""
        return Finite(self.stage(t).signals[agent])

    def decision_space(self, t: int) -> Finite:
        """Return the decisions of period t."""
        return Finite(self.stage(t).decisions)

    def public_space(self, t: int) -> Finite:
        """Return the public states of period t (one nameless state where there are none)."""
        return Finite(self.stage(t).public or ("-",))

    def actions(self, t: int) -> tuple[tuple[str, ...], ...]:
        """Return the private actions of period t."""
        return self.stage(t).private_actions

    def outcome_classes(self, t: int) -> IntArray:
        """Decisions that never make a difference to agent i share a class, named by its first member: `(N, D)`."""
        s = t if len(self.stages) > 1 else 0
        if s not in self._classes:
            utility = self.stages[s].utility
            rows = utility.reshape(utility.shape[0], utility.shape[1], -1)
            classes = np.array([[int(np.argmax((own == row).all(axis=1))) for row in own] for own in rows])
            classes.flags.writeable = False
            self._classes[s] = classes
        return self._classes[s]

    @cached_property
    def _classes(self) -> dict[int, IntArray]:
        """Outcome classes of each stage, made when first used."""
        return {}

    def utility_bound(self) -> float:
        """Return max |u|."""
        return max(float(np.abs(stage.utility).max()) for stage in self.stages)


def check_terms(environment: Environment) -> None:
    """Raise InputError unless agents, discount and horizon are valid, as they must be in every environment."""
    where = f"environment {environment.name!r}"
    check_names(environment.agents, f"{where}: agents")
    if not (isfinite(environment.discount) and 0 < environment.discount <= 1):
        raise InputError(f"{where}: discount: {environment.discount:g} is not in (0, 1]")
    if environment.horizon is None and environment.discount == 1:
        raise InputError(f"{where}: discount: 1 needs a finite horizon; give a horizon or a discount below 1")
    if environment.horizon is not None and environment.horizon < 1:
        raise InputError(f"{where}: horizon: {environment.horizon} is below 1 (null means infinitely many periods)")


def _check_environment(environment: TableEnvironment) -> None:
    """Raise InputError at the first bad field."""
    check_terms(environment)
    where = f"environment {environment.name!r}"
    check_outside(environment.outside, len(environment.agents), f"{where}: outside")
    if not environment.stages:
        raise InputError(f"{where}: stages: none given, at least one is needed")
    if len(environment.stages) > 1 and environment.horizon != len(environment.stages):
        raise InputError(
            f"{where}: stages: {len(environment.stages)} stages with horizon {environment.horizon}; "
            "give one per period, or a single stage that is repeated"
        )
    for s, stage in enumerate(environment.stages):
        last = environment.horizon is not None and s == len(environment.stages) - 1
        following = environment.stages[s + 1] if len(environment.stages) > 1 and not last else stage
        needed = environment.horizon is None or (len(environment.stages) == 1 and environment.horizon > 1) or not last
        check_stage(stage, f"{where}: stages[{s}]", len(environment.agents))
        check_kernel(stage, following, f"{where}: stages[{s}].kernel", needed)
    check_shape(environment.prior, environment.stages[0].axes, f"{where}: prior")
    check_law(environment.prior, f"{where}: prior", environment.prior.ndim)
