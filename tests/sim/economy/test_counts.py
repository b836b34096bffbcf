"""Counts, the frequencies that they come to, and the sets that hold the true law as often as they say."""

import json
from dataclasses import replace
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.counts import Counts, frequencies, profile_radii, radii, row_radius, unseen
from dynmech.sim.economy.estimated import EstimatedEnvironment, estimated_environment
from dynmech.sim.economy.files import environment_to_data, load_environment, save_environment

DRAWS = np.random.default_rng(3)


def drawn(laws: FloatArray, n: int, replications: int) -> FloatArray:
    """Counts of n draws a row, `(replications, *laws)`."""
    return DRAWS.multinomial(n, laws, size=(replications, *laws.shape[:-1])).astype(float)


@pytest.mark.parametrize(("n", "outcomes"), [(1, 2), (30, 3), (200, 9), (50, 40)])
def test_a_radius_is_where_the_bound_has_used_up_its_share(n: int, outcomes: int) -> None:
    radius = float(row_radius(np.array([float(n)]), outcomes, log(1 / 0.01))[0])
    if radius < 2:
        assert (2.0**outcomes - 2) * exp(-n * radius**2 / 2) == pytest.approx(0.01)
    else:
        assert (2.0**outcomes - 2) * exp(-n * 2**2 / 2) >= 0.01


def test_what_was_never_seen_may_be_anything_and_a_sure_thing_is_known() -> None:
    assert row_radius(np.zeros(2), 3, 1.0).tolist() == [2.0, 2.0]
    assert row_radius(np.zeros(2), 1, 1.0).tolist() == [0.0, 0.0]
    counts = Counts((((np.array([[[3.0, 0.0], [0.0, 0.0]]])),),), joint=True)
    assert list(unseen(counts, 0)) == [(0, 0, 1)]


@pytest.mark.parametrize("smoothing", [0.0, 2.0])
def test_the_sets_cover_all_laws_at_once_where_every_row_is_drawn_equally_often(smoothing: float) -> None:
    laws = DRAWS.dirichlet(np.full(3, 0.4), size=(2, 5))
    covered, replications = 0, 400
    for table in drawn(laws, 40, replications):
        counts = Counts(((table,),), joint=True, smoothing=smoothing)
        (radius,) = radii(counts, 0, 0.9, along_play=False)
        covered += bool((np.abs(frequencies(table, smoothing) - laws).sum(axis=-1) <= radius).all())
    assert covered >= 0.9 * replications


def test_the_sets_cover_along_play_where_how_often_a_row_is_seen_is_luck() -> None:
    laws = np.array([[[0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.98, 0.01, 0.01]]])
    covered, replications, steps = 0, 300, 120
    uniforms = DRAWS.random((replications, steps))
    cumulative = laws[0].cumsum(axis=-1)
    for lots in uniforms:
        table, state = np.zeros((1, 3, 3)), 0
        for lot in lots:
            after = int((cumulative[state, :2] <= lot).sum())
            table[0, state, after] += 1
            state = after
        (radius,) = radii(Counts(((table,),), joint=True), 0, 0.9)
        covered += bool((np.abs(frequencies(table) - laws).sum(axis=-1) <= radius).all())
    assert covered >= 0.9 * replications


def test_half_the_radius_does_not_cover() -> None:
    """The tests above can fail: sets that are too small miss laws far more often than they may."""
    laws = DRAWS.dirichlet(np.full(3, 2.0), size=(4, 25))
    missed = 0
    for table in drawn(laws, 40, 100):
        (radius,) = radii(Counts(((table,),), joint=True), 0, 0.9, along_play=False)
        missed += bool((np.abs(frequencies(table) - laws).sum(axis=-1) > 0.4 * radius).any())
    assert missed > 50


def test_along_play_a_radius_pays_for_every_number_of_times() -> None:
    table = np.array([[[60.0, 40.0], [10.0, 0.0]]])
    counts = Counts(((table,),), joint=True)
    (radius,) = radii(counts, 0, 0.95)
    assert radius[0, 0] == pytest.approx(sqrt(2 * (log(2) + log(2 * 110 / 0.05)) / 100))
    assert radii(counts, 0, 0.95, along_play=False)[0][0, 0] < radius[0, 0]


def test_smoothing_moves_the_centre_and_widens_the_set_by_as_much() -> None:
    table = np.array([[[8.0, 0.0]]])
    raw, smooth = (radii(Counts(((table,),), joint=True, smoothing=a), 0)[0][0, 0] for a in (0.0, 1.0))
    assert smooth - raw == pytest.approx(0.2)


def test_radii_of_independent_axes_add_up() -> None:
    tables = (np.full((2, 2, 2), 500.0), np.full((2, 3, 3), 400.0))
    counts = Counts((tables,), joint=False)
    own = radii(counts, 0)
    joint = profile_radii(counts, 0, (2, 3))
    assert joint[1].reshape(2, 3)[1, 2] == pytest.approx(own[0][1, 1] + own[1][1, 2])


def estimated(joint: bool) -> EstimatedEnvironment:
    """A random economy, estimated from draws of its own law."""
    environment = random_environment(np.random.default_rng(5), correlation=float(joint), independent=not joint)
    kernel = environment.kernel(0)
    laws = [kernel.rows()] if joint else list(kernel.factors)  # type: ignore[union-attr]
    tables = tuple(DRAWS.multinomial(50, law).astype(float) for law in laws)
    return estimated_environment(environment, Counts((tables,), joint=joint, smoothing=0.5))


@pytest.mark.parametrize("joint", [True, False])
def test_an_environment_file_keeps_the_counts(joint: bool, tmp_path: Path) -> None:
    environment = estimated(joint)
    save_environment(environment, tmp_path / "env.json")
    again = load_environment(tmp_path / "env.json")
    assert isinstance(again, EstimatedEnvironment)
    assert again.counts.joint is joint
    assert again.counts.smoothing == 0.5
    assert environment_to_data(again) == environment_to_data(environment)
    assert np.array_equal(again.radii(0, 0.9), environment.radii(0, 0.9))
    assert json.loads((tmp_path / "env.json").read_text())["schema"] == 1
    assert isinstance(replace(again, discount=0.5), EstimatedEnvironment)


def hostile(data: dict[str, Any], what: str) -> str:
    """Break the counts of a file and return what should be said."""
    stage = data["counts"]["stages"][0]
    match what:
        case "negative":
            stage["joint"][0][0][0] = -1
            return "count is not a whole number"
        case "half":
            stage["joint"][0][0][0] += 0.5
            return "count is not a whole number"
        case "other":
            stage["joint"][0][0][0] += 40
            return "not what the counts come to"
        case "shape":
            stage["joint"] = stage["joint"][:1]
            return "shape"
        case "flat":
            stage["joint"] = [1, 2]
            return "axes"
        case "none":
            data["counts"]["stages"] = [None]
            return "no counts"
        case "two":
            data["counts"]["stages"] *= 2
            return "stages"
        case "text":
            stage["joint"][0][0][0] = "many"
            return "not a number"
        case "both":
            stage["independent"] = [[[[1]]]]
            return "either"
        case _:
            data["counts"]["smoothing"] = -1
            return "smoothing"


@pytest.mark.parametrize(
    "what", ["negative", "half", "other", "shape", "flat", "none", "two", "text", "both", "smoothing"]
)
def test_counts_that_are_wrong_are_one_line(what: str, tmp_path: Path) -> None:
    data = environment_to_data(estimated(True))
    said = hostile(data, what)
    (tmp_path / "env.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=said) as error:
        load_environment(tmp_path / "env.json")
    assert "\n" not in str(error.value)
