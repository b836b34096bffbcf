"""Draws laid out for gathers: every outcome is the one that a search by hand finds, for one episode or thousands."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.random import Generator

from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy import draws
from dynmech.sim.economy.draws import Inverse, Move, coordinates, nowhere
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel, cumulate

SEEDS = st.integers(0, 2**32 - 1)
ALMOST_1 = float(np.nextafter(1, 0))
"""The largest number that a uniform draw can be."""


def laws(generator: Generator, *shape: int) -> FloatArray:
    """Random laws along the last axis, some of their outcomes impossible."""
    weights = generator.random(shape) * (generator.random(shape) > 0.35)
    weights[..., generator.integers(shape[-1])] += 0.01
    out: FloatArray = weights / weights.sum(axis=-1, keepdims=True)
    return out


def by_hand(steps: FloatArray, u: float) -> int:
    """k where F[k − 1] ≤ u < F[k]."""
    return next(k for k, step in enumerate(steps) if u < step)


def edges(steps: FloatArray) -> FloatArray:
    """Every step, the numbers next to it, and both ends: where a search could go wrong."""
    near = np.concatenate(
        [steps.ravel(), np.nextafter(steps, 0).ravel(), np.nextafter(steps, 1).ravel(), [0, ALMOST_1]]
    )
    return near[(near >= 0) & (near < 1)]


@given(SEEDS, st.lists(st.tuples(st.integers(1, 5), st.integers(1, 40)), min_size=1, max_size=3))
def test_outcomes_are_those_of_a_search_by_hand(seed: int, sizes: list[tuple[int, int]]) -> None:
    generator = np.random.default_rng(seed)
    functions = [cumulate(laws(generator, *size)) for size in sizes]
    inverse = Inverse(functions)
    uniforms = generator.permuted(np.stack([generator.choice(edges(f), 60) for f in functions]), axis=1)
    rows = np.stack([generator.integers(0, len(f), 60) for f in functions])
    drawn = inverse(rows + inverse.first[:, None], uniforms)
    for j, steps in enumerate(functions):
        assert drawn[j].tolist() == [by_hand(steps[r], u) for r, u in zip(rows[j], uniforms[j], strict=True)]


@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 15, 16, 17, 64, 65])
def test_counting_and_halving_agree_with_a_search_on_both_sides_of_the_switch(width: int) -> None:
    generator = np.random.default_rng(width)
    steps = cumulate(laws(generator, 4, width))
    for row in range(4):
        uniforms = edges(steps[row])
        drawn = Inverse([steps])(np.full((1, len(uniforms)), row), uniforms[None])
        assert drawn[0].tolist() == np.searchsorted(steps[row], uniforms, side="right").tolist()


def cases(kernel: JointKernel | IndependentKernel, decisions: int, seed: int) -> tuple[IntArray, IntArray, IntArray]:
    """Decisions, flat profiles and coordinates of 50 episodes."""
    generator = np.random.default_rng(seed)
    axes = np.stack([generator.integers(0, width, 50) for width in kernel.axes])
    return generator.integers(0, decisions, 50), np.ravel_multi_index(tuple(axes), kernel.axes), axes


def check_shape_and_flat_index(kernel: JointKernel | IndependentKernel, drawn: IntArray, flat: IntArray) -> None:
    assert drawn.shape == (len(kernel.next_axes), len(flat))
    assert flat.tolist() == np.ravel_multi_index(tuple(drawn), kernel.next_axes).tolist()


@given(SEEDS, st.integers(1, 3), st.lists(st.tuples(st.integers(1, 3), st.integers(1, 20)), min_size=1, max_size=3))
def test_independent_moves_draw_each_axis_from_its_own_law(
    seed: int, decisions: int, sizes: list[tuple[int, int]]
) -> None:
    generator = np.random.default_rng(seed)
    kernel = IndependentKernel(tuple(laws(generator, decisions, now, then) for now, then in sizes))
    decision, profile, axes = cases(kernel, decisions, seed)
    uniforms = generator.random((50, len(sizes)))
    drawn, flat = Move(kernel)(decision, profile, axes, uniforms)
    check_shape_and_flat_index(kernel, drawn, flat)
    for j, factor in enumerate(kernel.factors):
        steps = cumulate(factor)[decision, axes[j]]
        assert drawn[j].tolist() == [by_hand(f, u) for f, u in zip(steps, uniforms[:, j], strict=True)]


@given(SEEDS, st.integers(1, 3), st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), min_size=1, max_size=3))
def test_joint_moves_draw_the_profile_from_its_law(seed: int, decisions: int, sizes: list[tuple[int, int]]) -> None:
    generator = np.random.default_rng(seed)
    now, then = (tuple(size[k] for size in sizes) for k in (0, 1))
    table = laws(generator, decisions, int(np.prod(now)), int(np.prod(then)))
    kernel = JointKernel(table.reshape(decisions, *now, *then), now, then)
    decision, profile, axes = cases(kernel, decisions, seed)
    uniforms = generator.random((50, 1))
    drawn, flat = Move(kernel)(decision, profile, axes, uniforms)
    check_shape_and_flat_index(kernel, drawn, flat)
    assert flat.tolist() == [
        by_hand(f, u) for f, u in zip(cumulate(table)[decision, profile], uniforms[:, 0], strict=True)
    ]


@pytest.mark.parametrize("listed", [0, 1 << 16])
@pytest.mark.parametrize("joint", [False, True])
def test_one_episode_alone_is_drawn_as_it_is_among_others(
    joint: bool, listed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With tables that are small enough to be kept as lists, and with tables that are not; on the steps themselves."""
    monkeypatch.setattr(draws, "LISTED", listed)
    generator = np.random.default_rng(3)
    own = laws(generator, 4), laws(generator, 12)  # the same everywhere, so that every step is met
    kernel: JointKernel | IndependentKernel = IndependentKernel(
        (np.broadcast_to(own[0], (2, 3, 4)), np.broadcast_to(own[1], (2, 2, 12)))
    )
    if joint:
        kernel = JointKernel(np.broadcast_to(np.multiply.outer(*own), (2, 3, 2, 4, 12)), (3, 2), (4, 12))
    decision, profile, axes = cases(kernel, 2, 1)
    tables = [kernel.table.reshape(-1, 48)] if isinstance(kernel, JointKernel) else kernel.factors
    uniforms = generator.permuted(np.stack([generator.choice(edges(cumulate(f)), 50) for f in tables], axis=1), axis=0)
    together = Move(kernel)(decision, profile, axes, uniforms)
    for k in range(50):
        one = slice(k, k + 1)
        alone = Move(kernel)(decision[one], profile[one], axes[:, one], uniforms[one])
        for many, few in zip(together, alone, strict=True):
            assert few.dtype == many.dtype
            assert few.tolist() == many[..., one].tolist()


def test_what_is_shared_between_episodes_and_games_cannot_be_written_to() -> None:
    for array in (coordinates((2, 3)), nowhere(4)):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    assert coordinates((2, 3)).tolist() == [[0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2]]
    assert nowhere(4).tolist() == [0, 0, 0, 0]
