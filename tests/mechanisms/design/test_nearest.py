"""The nearest point of a polyhedron: checked by its optimality conditions, and against random feasible points."""

import numpy as np
import pytest

from dynmech.mechanisms.design.least_squares import nearest


@pytest.mark.parametrize("seed", range(5))
def test_no_feasible_point_is_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, inside = rng.normal(size=(8, 4)), 3 * rng.normal(size=4)
    limits = rows @ inside - rng.uniform(0, 1, 8)
    found = nearest(rows, limits)
    assert found is not None
    assert (rows @ found >= limits - 1e-9).all()
    others = inside + rng.normal(size=(20_000, 4)) * rng.choice([0.1, 1.0, 3.0], (20_000, 1))
    feasible = others[(others @ rows.T >= limits).all(axis=1)]
    assert len(feasible)
    assert (np.linalg.norm(feasible, axis=1) >= np.linalg.norm(found) - 1e-9).all()
    assert (feasible @ found >= found @ found - 1e-9).all(), "what a nearest point is: all others lie beyond it"


def test_an_empty_polyhedron_has_none() -> None:
    assert nearest(np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])) is None
