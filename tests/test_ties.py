"""What is said does not hang on the last bit: not of the inputs, so not of what a processor makes of them."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from agents.problem import build_problem
from experiments.audit_screen import show_audit
from experiments.auditing import audit, audit_data
from experiments.catalog import MECHANISMS, make_environment, make_mechanism
from experiments.exact import story
from experiments.frozen_audit import too_large
from mechanisms.virtual_pivot import VirtualPivot
from sim.arrays import FloatArray
from sim.environment import Environment, TableEnvironment
from sim.errors import DynmechError
from sim.kernels import IndependentKernel, JointKernel
from sim.separable import SeparableEnvironment, separable_environment
from sim.stage import Stage
from tests.homes import ECONOMIES

SHAKE = 1e-14
"""Relative size of a perturbation: some fifty units in the last place, more than sums in another order move."""

FEW = (
    ("bilateral-trade:values=2,discount=0.9", "pivot-with-fees:collect=instalments"),
    ("oil-leases-prior", "contingent-spanning"),
    ("oil-leases-prior", "team"),
    ("repeated-auction:values=2", "balanced"),
    ("repeated-auction:horizon=4", "pivot"),
    ("random", "team"),
)
"""The quick suite's sample; the first two are those in which processors disagreed."""


def shaken(rng: np.random.Generator, table: FloatArray) -> FloatArray:
    """Every number off by a relative `SHAKE` at most; 0 stays 0."""
    return np.asarray(table * (1 + SHAKE * rng.uniform(-1, 1, table.shape)))


def shaken_law(rng: np.random.Generator, table: FloatArray, axes: int) -> FloatArray:
    """The same of laws over the last axes, which add up to 1 again."""
    moved = shaken(rng, table)
    return np.asarray(moved / moved.sum(axis=tuple(range(-axes, 0)), keepdims=True))


def shaken_stage(rng: np.random.Generator, stage: Stage) -> Stage:
    """All tables of a period."""
    kernel = stage.kernel
    if isinstance(kernel, JointKernel):
        table = shaken_law(rng, kernel.table, len(kernel.next_axes))
        kernel = JointKernel(table, kernel.axes, kernel.next_axes)
    elif isinstance(kernel, IndependentKernel):
        kernel = IndependentKernel(tuple(shaken_law(rng, factor, 1) for factor in kernel.factors))
    cost = None if stage.cost is None else shaken(rng, stage.cost)
    return replace(stage, utility=shaken(rng, stage.utility), kernel=kernel, cost=cost)


def shaken_economy(env: TableEnvironment, seed: int) -> TableEnvironment:
    """All inputs of an economy; of a separable one, those of which it is made."""
    rng = np.random.default_rng(seed)
    if isinstance(env, SeparableEnvironment):
        later = tuple(
            replace(
                period,
                slope=tuple(shaken(rng, table) for table in period.slope),
                intercept=tuple(shaken(rng, table) for table in period.intercept),
                cost=shaken(rng, period.cost),
                kernel=tuple(shaken_law(rng, table, 1) for table in period.kernel),
            )
            for period in env.economy.later
        )
        grids = [replace(grid, masses=shaken_law(rng, grid.masses, 1)) for grid in env.grids]
        return separable_environment(replace(env.economy, later=later), grids)
    stages = tuple(shaken_stage(rng, stage) for stage in env.stages)
    return replace(env, stages=stages, prior=shaken_law(rng, env.prior, env.prior.ndim))


def said(env: TableEnvironment, mechanism: str) -> list[str]:
    """All that an audit says: screen, data to the printed digits, what best responses do; or the refusal."""
    try:
        made = make_mechanism(mechanism, env)
        found = audit(env, made)
    except DynmechError as error:
        return [str(error)]
    screen = io.StringIO()
    show_audit(found, Console(file=screen, width=200), "audit")
    witnesses = []
    for agent in range(len(env.agents)):
        try:
            witnesses.append(story(build_problem(env, made, (agent,))))
        except DynmechError as error:
            witnesses.append(str(error))
    return [*screen.getvalue().splitlines(), *leaves(audit_data(found)), *witnesses]


def leaves(data: Any, path: str = "") -> Iterator[str]:
    """A line per number or word of some JSON; rounding is 0."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, f"{path}.{key}")
    elif isinstance(data, float):
        digits = 1 if path.endswith("bound") else 6
        yield f"{path} {data:.{digits}g}" if digits == 1 or abs(data) > 1e-9 else f"{path} 0"
    else:
        yield f"{path} {data}"


def difference(env: TableEnvironment, mechanism: str, seeds: range) -> list[tuple[str, str]]:
    """What is said otherwise of a shaken economy."""
    plain = said(env, mechanism)
    for seed in seeds:
        other = said(shaken_economy(env, seed), mechanism)
        if other != plain:
            lines = [(a, b) for a, b in zip(plain, other, strict=False) if a != b]
            return lines or [(f"{len(plain)} lines", f"{len(other)} lines")]
    return []


@pytest.mark.parametrize(("where", "mechanism"), FEW)
def test_the_last_bit_decides_nothing(where: str, mechanism: str) -> None:
    env = make_environment(where)
    assert isinstance(env, TableEnvironment)
    assert difference(env, mechanism, range(2)) == []


SMALL = 5_000
"""Profiles × memories up to which a mechanism is audited here."""


@pytest.mark.slow
@pytest.mark.parametrize("where", ECONOMIES)
def test_the_last_bit_decides_nothing_anywhere(where: str) -> None:
    """Every scenario with every mechanism that fits it."""
    env: Environment = make_environment(where)
    if not isinstance(env, TableEnvironment):
        pytest.skip("it is simulated, not audited")
    wrong = {name: lines for name in MECHANISMS.all() if fits(env, name) and (lines := difference(env, name, range(3)))}
    assert wrong == {}


def fits(env: TableEnvironment, name: str) -> bool:
    """Whether it takes the economy and its audit is short."""
    try:
        made = make_mechanism(name, env)
        if isinstance(made, VirtualPivot) and too_large(made):
            return False
        return max(made.memory_size(t) * env.stage(t).size for t in range(env.horizon or 2)) <= SMALL
    except DynmechError:
        return False
