"""The planner beside QuantEcon's modified policy iteration on the dense kernel, and beside dgemm's rate.

Signals move independently and slowly: each agent's law is 0.9 I + 0.1 × rows drawn evenly from the simplex, for each
decision; utilities are standard normal, δ = 0.95. QuantEcon stops where its bound is as narrow as ours was.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from benchmarks.base import Row, apart, cpu_seconds, median_seconds, memory_of, paired, peak_memory
from dynmech.mechanisms.planning.planner import Plan, plan
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.memory_budget import size_text
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, Operator

DISCOUNT, STICKY = 0.95, 0.9
Size = tuple[int, int, int]
"""Agents, signals, decisions."""

SMALL, MIDDLE, LARGE = (4, 6, 5), (5, 6, 6), (6, 8, 7)


def measure(pairs: int) -> list[Row]:
    """Three sizes: QuantEcon holds the first easily, the second barely, the third not at all."""
    middle, large = apart(beside_quantecon, MIDDLE, pairs), apart(beside_dgemm, LARGE, pairs)
    return [*_small(SMALL, pairs), *_middle(MIDDLE, middle), *_large(LARGE, large)]


def sticky_economy(agents: int, signals: int, decisions: int, seed: int = 0) -> TableEnvironment:
    """Return the economy that is planned for."""
    generator, axes = np.random.Generator(np.random.Philox(key=seed)), (signals,) * agents
    factors = [
        STICKY * np.eye(signals) + (1 - STICKY) * generator.dirichlet(np.ones(signals), (decisions, signals))
        for _ in range(agents)
    ]
    utility = generator.normal(size=(agents, decisions, *axes))
    utility.flags.writeable = False  # then it is not copied
    return from_arrays(utility, factors, np.full(axes, 1 / signals**agents), DISCOUNT)


def planned(environment: TableEnvironment) -> Plan:
    """The plan, worked out anew.

    Plans and welfare are kept by economy and stage, so both are made anew of the same arrays, and checked: that counts.
    """
    return plan(replace(environment, stages=tuple(replace(stage) for stage in environment.stages)))


def _name(size: Size) -> str:
    return "plan, {} agents × {} signals × {} decisions".format(*size)


# QuantEcon


def dense_problem(environment: TableEnvironment) -> Any:
    """A `DiscreteDP` with R `(S, D)` and Q `(S, D, S)`, Q filled in place."""
    from quantecon.markov import DiscreteDP  # here, so that it is in no other process

    stage, kernel = environment.stage(0), environment.kernel(0)
    assert isinstance(kernel, IndependentKernel)
    law = np.empty((stage.size, len(stage.decisions), stage.size))
    for decision in range(len(stage.decisions)):
        product: FloatArray = np.ones((1, 1))
        for factor in kernel.factors[:-1]:
            product = np.kron(product, factor[decision])
        last = kernel.factors[-1][decision]
        for k, row in enumerate(last):
            law[k :: len(last), decision] = np.multiply.outer(product, row).reshape(len(product), -1)
    reward = np.ascontiguousarray(stage.welfare.reshape(len(stage.decisions), -1).T)
    return DiscreteDP(reward, law, environment.discount)


def check_agreement(ours: Plan, theirs: FloatArray, epsilon: float) -> None:
    """Both must have solved the same problem, as exactly as they say."""
    off = float(np.abs(ours.value[0].reshape(-1) - theirs).max())
    if off > ours.bound + epsilon:
        raise AssertionError(f"QuantEcon's values and ours differ by {off:.3g}")


def _small(size: Size, pairs: int) -> list[Row]:
    environment = sticky_economy(*size)
    problem, ours = dense_problem(environment), planned(environment)
    rows = []
    for epsilon, words, least in ((2 * ours.bound, "as exact", 10), (1e-3, "its default ε = 0.001", 0)):

        def solve(epsilon: float = epsilon) -> FloatArray:
            return np.asarray(problem.solve(method="modified_policy_iteration", epsilon=epsilon).v)

        check_agreement(ours, solve(), epsilon)
        mine, other, ratio = paired(lambda: planned(environment), solve, pairs)
        beside = f"QuantEcon, {words}, kernel built before"
        rows.append(
            Row(
                _name(size),
                1e3 * mine,
                "ms",
                beside,
                1e3 * other,
                ratio,
                f"{least} times" if least else "–",
                ratio >= least,
            )
        )
    return rows


@dataclass(frozen=True)
class Beside:
    """CPU seconds and MB, ours and QuantEcon's, measured in one process."""

    ours: float
    our_memory: float
    build: float
    solve: float
    their_memory: float


def beside_quantecon(size: Size, pairs: int) -> Beside:
    """Measure ours several times and QuantEcon, which is slow, once."""
    sticky = sticky_economy(*size)
    planned(sticky_economy(2, 2, 2))
    found, our_memory = memory_of(lambda: planned(sticky))
    ours = median_seconds(lambda: planned(sticky), pairs)
    box: list[Any] = []
    built, build_memory = memory_of(lambda: cpu_seconds(lambda: box.append(dense_problem(sticky))))
    values: list[FloatArray] = []
    warm = dense_problem(sticky_economy(2, 2, 2))  # its machine code is made here, and not counted
    warm.solve(method="modified_policy_iteration", epsilon=1e-6)

    def solve() -> None:
        values.append(np.asarray(box[0].solve(method="modified_policy_iteration", epsilon=2 * found.bound).v))

    seconds, solve_memory = memory_of(lambda: cpu_seconds(solve))
    check_agreement(found, values[0], 2 * found.bound)
    return Beside(ours, our_memory, built, seconds, build_memory + solve_memory)


def _middle(size: Size, seen: Beside) -> list[Row]:
    solve, both = seen.solve / seen.ours, (seen.build + seen.solve) / seen.ours
    less, ours, beside = seen.their_memory / seen.our_memory, 1e3 * seen.ours, "QuantEcon, as exact"
    return [
        Row(
            _name(size),
            ours,
            "ms",
            f"{beside}, kernel built before",
            1e3 * seen.solve,
            solve,
            "100 times",
            solve >= 100,
        ),
        Row("the same", ours, "ms", f"{beside}, building it counted", 1e3 * (seen.build + seen.solve), both, "–", True),
        Row(
            "the same, extra memory",
            seen.our_memory,
            "MB",
            beside,
            seen.their_memory,
            less,
            "100 MB",
            seen.our_memory <= 100,
        ),
    ]


# dgemm


@dataclass(frozen=True, eq=False)
class CountingKernel(IndependentKernel):
    """Notes every contraction of a value with the factors of all decisions."""

    calls: list[str] = field(default_factory=list)

    def expect(self, value: FloatArray) -> FloatArray:
        """Count one contraction."""
        self.calls.append("expect")
        return super().expect(value)

    def ahead(self, value: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
        """Count one contraction."""
        self.calls.append("ahead")
        yield from super().ahead(value)

    def under(self, policy: IntArray) -> Operator:
        """Count every product."""
        follow = super().under(policy)

        def counted(value: FloatArray) -> FloatArray:
            self.calls.append("under")
            return follow(value)

        return counted

    @property
    def operations(self) -> int:
        """Multiplications and additions in all calls, with square factors."""
        return len(self.calls) * sum(2 * factor.shape[2] for factor in self.factors) * self.decisions * prod(self.axes)


@dataclass(frozen=True)
class Largest:
    """CPU seconds, MB, and floating-point operations per CPU second."""

    seconds: float
    memory: float
    peak: float
    rate: float
    dgemm: float


def beside_dgemm(size: Size, runs: int, width: int = 3000) -> Largest:
    """The plan, and matrix products of that width, in turns."""
    environment = sticky_economy(*size)
    planned(sticky_economy(2, 2, 2))
    _, memory = memory_of(lambda: planned(environment))
    peak = peak_memory()
    kernel = environment.kernel(0)
    assert isinstance(kernel, IndependentKernel)
    counting = CountingKernel(kernel.factors)
    plan(replace(environment, stages=(replace(environment.stage(0), kernel=counting),)))
    matrix = np.random.Generator(np.random.Philox(key=0)).random((width, width))
    ours, theirs, _ = paired(lambda: planned(environment), lambda: matrix @ matrix, runs)
    return Largest(ours, memory, peak, counting.operations / ours, 2 * width**3 / theirs)


def _large(size: Size, seen: Largest) -> list[Row]:
    name, (agents, signals, decisions) = _name(size), size
    dense = 8 * decisions * signals ** (2 * agents)
    return [
        Row(name, seen.seconds, "s", "", None, None, "3 s", seen.seconds <= 3),
        Row(
            "the same, floating-point operations",
            seen.rate / 1e9,
            "10⁹/s",
            "dgemm, 3000 × 3000",
            seen.dgemm / 1e9,
            seen.rate / seen.dgemm,
            "–",
            True,
        ),
        Row(
            "the same, extra memory",
            seen.memory,
            "MB",
            f"the kernel alone would be {size_text(dense)}",
            dense / 1e6,
            dense / 1e6 / seen.memory,
            "250 MB",
            seen.memory <= 250,
        ),
        Row("the same, all of the process at its peak", seen.peak, "MB", "", None, None, "–", True),
    ]
