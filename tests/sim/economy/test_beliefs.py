"""What an agent can infer about the others, against explicit loops over profiles."""

from itertools import product

import numpy as np
import pytest
from numpy.random import Generator

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.beliefs import belief_matrices, condition, next_belief, others_next, prior_belief
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

NOW, THEN = (2, 3), (3, 2)
"""Signals of the two agents in the first and in the second period."""


def sparse_law(generator: Generator, shape: tuple[int, ...]) -> FloatArray:
    """A random law over all axes, in which some profiles, and one signal of every agent's three, cannot happen."""
    weights = generator.random(shape) * (generator.random(shape) > 0.3)
    for axis, width in enumerate(shape[-2:], start=len(shape) - 2):
        if width == 3:
            np.moveaxis(weights, axis, 0)[1] = 0
    weights[(0,) * len(shape)] += 0.1
    law: FloatArray = weights / weights.sum()
    return law


def labels(*widths: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"s{k}" for k in range(width)) for width in widths)


def economy(public: bool, *, independent: bool = False) -> TableEnvironment:
    """Two periods, two agents, three decisions, different signals in each period; public states 2, then 3."""
    generator = np.random.default_rng(int(public))
    now, then = ((2, *NOW), (3, *THEN)) if public else (NOW, THEN)
    kernel: JointKernel | IndependentKernel
    if independent:
        kernel = IndependentKernel(
            tuple(generator.dirichlet(np.ones(b), (3, a)) for a, b in zip(now, then, strict=True))
        )
    else:
        table = np.empty((3, *now, *then))
        for place in product(range(3), *map(range, now)):
            table[place] = sparse_law(generator, then)
        kernel = JointKernel(table, now, then)
    first = Stage(labels(*NOW), ("a", "b", "c"), np.zeros((2, 3, *now)), kernel, ("dry", "wet") if public else ())
    second = Stage(labels(*THEN), ("x",), np.zeros((2, 1, *then)), public=("low", "middle", "high") if public else ())
    prior = sparse_law(generator, now)
    return TableEnvironment("two periods", ("A", "B"), prior, (first, second), 0.9, 2)


def without(profile: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """The profile with one coordinate left out."""
    return (*profile[:axis], *profile[axis + 1 :])


def flat(profile: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """C order, spelled out."""
    index = 0
    for k, width in zip(profile, axes, strict=True):
        index = index * width + k
    return index


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("agent", [0, 1])
def test_law_of_the_others_next_signals(public: bool, agent: int, independent: bool) -> None:
    environment = economy(public, independent=independent)
    axes, then = environment.stage(0).axes, environment.stage(1).axes
    own, others = public + agent, without(then, public + agent)
    expected = np.zeros((3, *axes, int(np.prod(others))))
    for a, *now in product(range(3), *map(range, axes)):
        law = environment.kernel(0).row(a, flat(tuple(now), axes))
        for profile in product(*map(range, then)):
            expected[(a, *now, flat(without(profile, own), others))] += law[profile]
    law = others_next(environment, 0, agent)
    np.testing.assert_allclose(law, expected, atol=1e-15)
    np.testing.assert_allclose(law.sum(axis=-1), 1, atol=1e-12)


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("agent", [0, 1])
def test_belief_matrices_have_a_column_for_each_own_signal(public: bool, agent: int) -> None:
    environment = economy(public)
    axes = environment.stage(0).axes
    own = public + agent
    matrices = belief_matrices(environment, 0, agent)
    others = without(axes, own)
    assert matrices.shape[:2] == (3, int(np.prod(others)))
    assert matrices.shape[3] == NOW[agent]
    law = others_next(environment, 0, agent)
    for a, *now in product(range(3), *map(range, axes)):
        profile = tuple(now)
        column = matrices[a, flat(without(profile, own), others), :, profile[own]]
        assert column.tolist() == law[(a, *profile)].tolist()


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("agent", [0, 1])
def test_prior_belief_is_bayes_rule(public: bool, agent: int) -> None:
    environment = economy(public)
    _check_bayes(prior_belief(environment, agent), environment.prior, public + agent)


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("agent", [0, 1])
def test_next_belief_is_bayes_rule_at_every_decision_and_profile(public: bool, agent: int) -> None:
    environment = economy(public)
    size = environment.stage(0).size
    belief = next_belief(environment, 0, agent)
    assert belief.shape[:3] == (3, size, THEN[agent])
    for a, s in product(range(3), range(size)):
        _check_bayes(belief[a, s], environment.kernel(0).row(a, s), public + agent)


def test_rows_of_impossible_own_signals_are_zero_not_nan() -> None:
    environment = economy(False)
    # Agent B's middle signal of three cannot happen at the start, agent A's cannot next period.
    assert environment.prior[:, 1].sum() == 0
    assert prior_belief(environment, 1)[1].tolist() == [0, 0]
    belief = next_belief(environment, 0, 0)
    assert (belief[:, :, 1] == 0).all()
    mass = belief.sum(axis=-1)
    assert np.isclose(mass, 1).any()
    assert (np.isclose(mass, 1) | (mass == 0)).all()


def test_under_an_independent_kernel_the_own_signal_says_nothing() -> None:
    environment = economy(True, independent=True)
    kernel = environment.kernel(0)
    assert isinstance(kernel, IndependentKernel)
    belief = next_belief(environment, 0, 0)
    for a, profile in product(range(3), product(*map(range, environment.stage(0).axes))):
        public, _, other = profile
        expected = np.outer(kernel.factors[0][a, public], kernel.factors[2][a, other]).reshape(-1)
        for own in range(THEN[0]):
            np.testing.assert_allclose(belief[a, flat(profile, environment.stage(0).axes), own], expected, atol=1e-14)


def test_the_worked_example_of_two_urns() -> None:
    # P(A high, B high) = 0.4, P(high, low) = 0.1, …: B is high with 0.8 given A high, with 0.2 given A low.
    law = np.array([[0.4, 0.1], [0.1, 0.4]])
    np.testing.assert_allclose(condition(law, 0, 0), [[0.8, 0.2], [0.2, 0.8]])
    np.testing.assert_allclose(condition(np.stack([law, law.T]), 1, 1)[0], [[0.8, 0.2], [0.2, 0.8]])


def _check_bayes(belief: FloatArray, law: FloatArray, own: int) -> None:
    """P(others | own) = P(own, others) / P(own), a row of zeros where P(own) = 0."""
    others = without(law.shape, own)
    expected = np.zeros((law.shape[own], int(np.prod(others))))
    for profile in product(*map(range, law.shape)):
        mass = sum(law[p] for p in product(*map(range, law.shape)) if p[own] == profile[own])
        if mass > 0:
            expected[profile[own], flat(without(profile, own), others)] = law[profile] / mass
    np.testing.assert_allclose(belief, expected, atol=1e-14)
