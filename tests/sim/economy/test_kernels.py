"""Kernels: expectations against plain loops and dense products, draws against the law they claim."""

import os
import tracemalloc
from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.random import Generator
from scipy.stats import chisquare

from dynmech.sim.core import memory_budget as memory
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy import kernels
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel, cumulate, invert

WIDTHS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=1, max_size=3)
SEEDS = st.integers(0, 2**32 - 1)
ALMOST_1 = float(np.nextafter(1, 0))
"""The largest number that a uniform draw can be."""


def sparse_laws(generator: Generator, *shape: int) -> FloatArray:
    """Random laws along the last axis, about a third of their outcomes impossible."""
    weights = generator.random(shape) * (generator.random(shape) > 0.35)
    weights[..., generator.integers(shape[-1])] += 0.01  # at least one outcome is possible
    laws: FloatArray = weights / weights.sum(axis=-1, keepdims=True)
    return laws


def independent(seed: int, decisions: int, widths: list[tuple[int, int]]) -> tuple[IndependentKernel, FloatArray]:
    """A random independent kernel and a random value of its next profiles."""
    generator = np.random.default_rng(seed)
    kernel = IndependentKernel(tuple(sparse_laws(generator, decisions, now, then) for now, then in widths))
    return kernel, generator.normal(size=kernel.next_axes)


def profiles(axes: tuple[int, ...]) -> list[tuple[int, ...]]:
    """All profiles in C order."""
    return list(product(*map(range, axes)))


# Expectations.


@given(SEEDS, st.integers(1, 3), WIDTHS)
def test_independent_expectation_is_a_sum_over_next_profiles(
    seed: int, decisions: int, widths: list[tuple[int, int]]
) -> None:
    kernel, value = independent(seed, decisions, widths)
    ahead = kernel.expect(value)
    assert ahead.shape == (decisions, *kernel.axes)
    for a in range(decisions):
        for now in profiles(kernel.axes):
            by_loops = sum(
                prod(float(f[a, k, y]) for f, k, y in zip(kernel.factors, now, then, strict=True)) * value[then]
                for then in profiles(kernel.next_axes)
            )
            assert ahead[(a, *now)] == pytest.approx(by_loops, abs=1e-12)


def test_independent_expectation_equals_einsum_with_a_public_axis_and_other_sizes_next_period() -> None:
    # Public state 2 → 3 values, agents 3 → 2 and 2 → 4 signals.
    kernel, value = independent(7, 2, [(2, 3), (3, 2), (2, 4)])
    public, first, second = kernel.factors
    expected = np.einsum("dax,dby,dcz,xyz->dabc", public, first, second, value)
    np.testing.assert_allclose(kernel.expect(value), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("batch", [1, 30, kernels.BATCH])
def test_batches_of_decisions_change_nothing(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """A decision at a time, two at a time (the last batch is short) or all at once; and only those that are taken."""
    monkeypatch.setattr(kernels, "BATCH", batch)
    kernel, value = independent(5, 5, [(2, 3), (3, 2), (2, 2)])
    assert len(kernel._batches) == {1: 5, 30: 3}.get(batch, 1)
    joint = JointKernel(kernel.rows().reshape(5, *kernel.axes, *kernel.next_axes), kernel.axes, kernel.next_axes)
    expected = (kernel.rows() @ value.reshape(-1)).reshape(5, *kernel.axes)
    policy = np.random.default_rng(1).choice([0, 3, 4], kernel.axes)
    followed = np.take_along_axis(expected, policy[None], axis=0)[0]
    for one in (kernel, joint):
        np.testing.assert_allclose(one.expect(value), expected, rtol=0, atol=1e-14)
        pieces = np.concatenate([piece.copy() for _, piece in one.ahead(value)])
        np.testing.assert_allclose(pieces, expected, rtol=0, atol=1e-14)
        follow = one.under(policy)
        for _ in range(2):  # its working room is used again
            np.testing.assert_allclose(follow(value), followed, rtol=0, atol=1e-14)


@given(SEEDS, st.integers(1, 3), WIDTHS)
def test_rows_row_and_expect_agree(seed: int, decisions: int, widths: list[tuple[int, int]]) -> None:
    kernel, value = independent(seed, decisions, widths)
    joint = JointKernel(
        kernel.rows().reshape(decisions, *kernel.axes, *kernel.next_axes), kernel.axes, kernel.next_axes
    )
    for a in range(decisions):
        for s, now in enumerate(profiles(kernel.axes)):
            by_outer = np.ones(())
            for factor, k in zip(kernel.factors, now, strict=True):
                by_outer = np.multiply.outer(by_outer, factor[a, k])
            np.testing.assert_allclose(kernel.row(a, s), by_outer, atol=1e-15)
            np.testing.assert_allclose(joint.row(a, s), by_outer, atol=1e-15)
            np.testing.assert_allclose(kernel.rows()[a, s], by_outer.reshape(-1), atol=1e-15)
    np.testing.assert_allclose(kernel.expect(value), joint.expect(value), atol=1e-13)


def test_joint_expectation_equals_plain_loops() -> None:
    generator = np.random.default_rng(3)
    axes, next_axes = (2, 3), (3, 1, 2)
    kernel = JointKernel(sparse_laws(generator, 2, 6, 6).reshape(2, *axes, *next_axes), axes, next_axes)
    value = generator.normal(size=next_axes)
    ahead = kernel.expect(value)
    for a, now in product(range(2), profiles(axes)):
        by_loops = sum(kernel.table[(a, *now, *then)] * value[then] for then in profiles(next_axes))
        assert ahead[(a, *now)] == pytest.approx(by_loops, abs=1e-14)


@pytest.mark.parametrize(("agents", "signals"), [(4, 6), (6, 8)])
def test_independent_expectation_never_forms_the_product_over_agents(agents: int, signals: int) -> None:
    size, decisions = signals**agents, 2
    kernel = IndependentKernel((np.full((decisions, signals, signals), 1 / signals),) * agents)
    value = np.random.default_rng(0).random(kernel.next_axes)
    tracemalloc.start()
    try:
        ahead = kernel.expect(value)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Two working copies of (D, S) numbers; the product would be (D, S, S): 27 MB, or a terabyte, against 42 kB or 8 MB.
    assert decisions * size * 8 <= peak < 4 * decisions * size * 8 + 20_000
    np.testing.assert_allclose(ahead, value.mean(), atol=1e-12)  # uniform laws: the mean everywhere


# Inversion.


def test_a_uniform_number_on_a_boundary_belongs_to_the_next_outcome() -> None:
    steps = cumulate(np.array([[0.25, 0.5, 0.25]]))
    assert steps.tolist() == [[0.25, 0.75, 1.0]]
    uniforms = np.array([0, np.nextafter(0.25, 0), 0.25, np.nextafter(0.75, 0), 0.75, ALMOST_1])
    assert invert(steps, np.zeros(6, np.intp), uniforms).tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("width", [3, 16, 17, 40])
@pytest.mark.parametrize("seed", range(5))
def test_impossible_outcomes_are_never_drawn(width: int, seed: int) -> None:
    generator = np.random.default_rng([seed, width])
    laws = sparse_laws(generator, 50, width)
    laws[:25, -1] = 0  # half of the rows end on an impossible outcome
    laws[:25, 0] += 1e-3
    laws /= laws.sum(axis=1, keepdims=True)
    steps = cumulate(laws)
    # Every boundary itself, its neighbours, and both ends: where rounding could go wrong.
    for row in range(50):
        edges = np.concatenate([steps[row], np.nextafter(steps[row], 0), np.nextafter(steps[row], 1), [0, ALMOST_1]])
        edges = edges[(edges >= 0) & (edges < 1)]
        drawn = invert(steps, np.full(len(edges), row), edges)
        assert (laws[row, drawn] > 0).all()


def test_rounding_never_reaches_an_impossible_last_outcome() -> None:
    # Ten times 0.1 sums to 1 − 1.1e-16 in floating point, so the largest uniform number lies on or beyond the sum.
    law = np.array([[0.1] * 10 + [0.0]])
    assert np.cumsum(law)[-1] <= ALMOST_1
    assert invert(cumulate(law), np.zeros(1, np.intp), np.array([ALMOST_1])).tolist() == [9]
    wide = np.array([[0.1] * 10 + [0.0] * 20])
    assert invert(cumulate(wide), np.zeros(1, np.intp), np.array([ALMOST_1])).tolist() == [9]


@pytest.mark.parametrize("width", [1, 2, 15, 16, 17, 31, 32, 33, 64, 100])
def test_inversion_equals_numpy_searchsorted_on_both_sides_of_the_switch(width: int) -> None:
    generator = np.random.default_rng(width)
    steps = cumulate(sparse_laws(generator, 4, width))
    uniforms = np.concatenate([generator.random(500), steps.ravel()[steps.ravel() < 1], [0, ALMOST_1]])
    rows = generator.integers(0, 4, len(uniforms))
    expected = [int(np.searchsorted(steps[r], u, side="right")) for r, u in zip(rows, uniforms, strict=True)]
    assert invert(steps, rows, uniforms).tolist() == expected


# Draws.


def test_joint_draws_have_the_law_of_the_table() -> None:
    generator = np.random.default_rng(11)
    axes, next_axes, draws = (2, 2), (2, 3), 60_000
    kernel = JointKernel(sparse_laws(generator, 2, 4, 6).reshape(2, *axes, *next_axes), axes, next_axes)
    assert kernel.streams == 1
    decision, profile = np.ones(draws, np.intp), np.full(draws, 2)  # profile 2 is (1, 0)
    out = kernel.draw(decision, profile, np.zeros((2, draws), np.intp), generator.random((draws, 1)))
    counts = np.zeros(next_axes)
    np.add.at(counts, (out[0], out[1]), 1)
    _fits(counts, kernel.table[1, 1, 0])


def test_independent_draws_have_the_product_law_one_stream_per_axis() -> None:
    generator = np.random.default_rng(12)
    draws = 60_000
    kernel = IndependentKernel((sparse_laws(generator, 2, 2, 3), sparse_laws(generator, 2, 3, 20)))
    assert kernel.streams == 2
    decision = np.zeros(draws, np.intp)
    axes = np.array([np.full(draws, 1), np.full(draws, 2)])
    out = kernel.draw(decision, np.full(draws, 5), axes, generator.random((draws, 2)))
    counts = np.zeros((3, 20))
    np.add.at(counts, (out[0], out[1]), 1)
    _fits(counts, np.outer(kernel.factors[0][0, 1], kernel.factors[1][0, 2]))


def test_each_episode_is_drawn_at_its_own_decision_and_profile() -> None:
    # Deterministic moves: the next signal is (signal + decision) mod 3 for both agents, so no luck is involved.
    move = np.stack([np.roll(np.eye(3), a, axis=1) for a in range(3)])
    kernel = IndependentKernel((move, move))
    joint = JointKernel(kernel.rows().reshape(3, 3, 3, 3, 3), (3, 3), (3, 3))
    cases = np.array(list(product(range(3), range(3), range(3))))
    decision, axes = cases[:, 0], cases[:, 1:].T
    expected = (axes + decision) % 3
    uniforms = np.random.default_rng(0).random((27, 2))
    profile = axes[0] * 3 + axes[1]
    assert kernel.draw(decision, profile, axes, uniforms).tolist() == expected.tolist()
    assert joint.draw(decision, profile, axes, uniforms[:, :1]).tolist() == expected.tolist()


def test_moving_one_agent_leaves_the_others_luck_alone() -> None:
    generator = np.random.default_rng(5)
    kernel = IndependentKernel((sparse_laws(generator, 1, 3, 4), sparse_laws(generator, 1, 3, 4)))
    uniforms, zero = generator.random((200, 2)), np.zeros(200, np.intp)
    here = kernel.draw(zero, zero, np.array([zero, zero]), uniforms)
    there = kernel.draw(zero, zero + 6, np.array([zero + 2, zero]), uniforms)
    assert here[1].tolist() == there[1].tolist()
    assert here[0].tolist() != there[0].tolist()


def _fits(counts: FloatArray, law: FloatArray) -> None:
    """Frequencies agree with the law: nothing where it is 0, else a chi-square test at one in ten thousand."""
    assert counts[law == 0].sum() == 0
    possible = law > 0
    assert chisquare(counts[possible], counts.sum() * law[possible]).pvalue > 1e-4


# What does not fit.


def test_a_product_that_does_not_fit_is_refused_with_its_size() -> None:
    kernel = IndependentKernel((np.full((7, 8, 8), 1 / 8),) * 6)
    text = r"^the law of motion written out \(7 decisions × 262,144 profiles × 262,144 next ones\) would need 7.7 TB"
    with pytest.raises(Refusal, match=text):
        kernel.rows()
    text = (
        r"^the law of the others' next signals \(7 decisions × 262,144 profiles × 32,768 next ones\) would need 481 GB"
    )
    with pytest.raises(Refusal, match=text):
        kernel.others(2)
    assert kernel.expect(np.ones((8,) * 6)).max() == pytest.approx(1)


def test_room_is_a_share_of_the_machine_or_of_its_container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = memory.SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    monkeypatch.setattr(memory, "LIMITS", (tmp_path / "none", tmp_path / "limit"))
    for written, expected in (("max\n", whole), ("8000000\n", memory.SHARE * 8e6), (f"{10**18}\n", whole)):
        (tmp_path / "limit").write_text(written)
        assert memory.room() == expected
    (tmp_path / "limit").write_text("8000000\n")
    memory.require_room("this", 750_000)
    with pytest.raises(Refusal, match=r"^this would need 6 MB, more than the 6 MB that this machine can give it$"):
        memory.require_room("this", 750_001)
    monkeypatch.delattr(os, "sysconf")
    assert memory.room() == float("inf")
