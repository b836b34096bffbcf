"""The picture: it is there, it shows something, and it is the same every time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from dynmech import plot_stress
from dynmech.experiments.figures.heat_map import draw_leaving
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.sim.core.errors import InputError
from tests.builders.pictures import colour_count, pixels

FAMILIES = ("one-shot", "belief-manipulation", "random")


def result(gains: dict[str, tuple[float, float, float]], tmp_path: Path) -> StressResult:
    """Made up: a gain per mechanism and family; 0 means none was found."""
    rows = [
        {
            "mechanism": mechanism,
            "family": family,
            "complexity": k,
            "agent": "a",
            "gain": gain,
            "found": gain > 0,
            "exact": np.nan,
            "exact_bound": np.nan,
        }
        for mechanism, values in gains.items()
        for k, (family, gain) in enumerate(zip(FAMILIES, values, strict=True))
    ]
    return StressResult(
        gains=pd.DataFrame(rows).sort_values("gain", ascending=False, ignore_index=True),
        mechanisms=pd.DataFrame({"mechanism": list(gains)}),
        refusals={},
        environment="made-up",
        folder=tmp_path,
        comparisons=len(rows),
        reused=False,
    )


SOME = {"bad": (4.0, 2.0, 0.0), "good": (0.0, 0.0, 0.0)}


def test_it_is_a_png_of_sensible_size_that_shows_something(tmp_path: Path) -> None:
    path = plot_stress(result(SOME, tmp_path), tmp_path / "gains.png")
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert 2_000 < path.stat().st_size < 200_000
    picture = pixels(path)
    height, width, _ = picture.shape
    assert 300 < height < width < 2000
    assert colour_count(path) > 50
    # Nothing is cut off: the margin is white all round.
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        assert (edge == 1).all()


def test_larger_gains_are_darker_and_none_is_lightest(tmp_path: Path) -> None:
    picture = pixels(plot_stress(result(SOME, tmp_path), tmp_path / "gains.png"))
    coloured = picture.reshape(-1, 3)
    colours, counts = np.unique(coloured[(coloured < 1).any(axis=1)], axis=0, return_counts=True)
    # The three commonest besides the page: four cells without a gain, then one cell each of 4 and 2.
    order = np.argsort(-counts)[:3]
    none, *gains = colours[order].sum(axis=1)
    assert counts[order[0]] > 3 * counts[order[1]]
    assert none > max(gains)
    row = picture[picture.shape[0] // 3]  # through the upper row, left to right: 4, 2, none
    seen = [float(light) for light in row.sum(axis=1) if any(abs(light - known) < 1e-9 for known in (none, *gains))]
    assert sorted(set(seen), key=seen.index) == sorted({none, *gains})


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    first = plot_stress(result(SOME, tmp_path), tmp_path / "a.png").read_bytes()
    assert plot_stress(result(SOME, tmp_path), tmp_path / "b.png").read_bytes() == first
    other = {**SOME, "bad": (4.0, 2.1, 0.0)}
    assert plot_stress(result(other, tmp_path), tmp_path / "c.png").read_bytes() != first


def test_it_can_show_that_nothing_was_found(tmp_path: Path) -> None:
    assert colour_count(plot_stress(result({"good": (0.0, 0.0, 0.0)}, tmp_path), tmp_path / "gains.png")) > 20


def test_it_replaces_an_older_picture_and_leaves_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "gains.png").write_bytes(b"old")
    plot_stress(result(SOME, tmp_path), tmp_path / "gains.png")
    assert [path.name for path in tmp_path.iterdir()] == ["gains.png"]
    assert (tmp_path / "gains.png").stat().st_size > 3


def test_where_it_cannot_be_written_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gains\.png: cannot be written: No such file or directory"):
        plot_stress(result(SOME, tmp_path), tmp_path / "none" / "gains.png")
    assert list(tmp_path.iterdir()) == []


def words(figure: Figure) -> list[str]:
    """Every text in the panel, cell by cell."""
    return [text.get_text() for text in figure.axes[0].texts]


def test_exact_gains_come_first_and_simulated_ones_stand_in_brackets(tmp_path: Path) -> None:
    made = result({"bad": (1.64, 1.5, 0.5)}, tmp_path)
    exact = made.gains["family"].map({"one-shot": 2.0, "belief-manipulation": 0.0, "random": 9.0})
    figure = replace(made, gains=made.gains.assign(exact=exact, exact_bound=0.0)).draw()
    # `random` has no figure of its own: 9 is that of a best response. An exact 0 is no gain: what was found is luck.
    assert words(figure) == ["+2.00", "(+1.64)", "(+1.50)", "(+0.50)"]
    assert figure.axes[0].get_xlabel().startswith("Exact; in brackets simulated")
    (image,) = figure.axes[0].images
    assert np.asarray(image.get_array()).tolist() == [[2.0, 1.5, 0.5]], "shaded by the exact gain"


def test_without_an_exact_search_the_picture_says_so(tmp_path: Path) -> None:
    figure = result(SOME, tmp_path).draw()
    assert words(figure) == ["+4.00", "+2.00", "–", "–", "–", "–"]
    assert figure.axes[0].get_xlabel().startswith("Simulated, under")
    assert "no exact search" in figure.axes[0].get_xlabel()


def test_of_a_tournament_the_exact_gain_of_any_deviation_comes_first() -> None:
    gains = {"m": {"low": 0.5}, "n": {"low": -1.0}}
    figure = draw_leaving(gains, {"m": 2.0, "n": None}, "truth")
    assert words(figure) == ["+2.00", "(+0.50)", "–", "(−1.00)"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["any deviation", "low"]
    none = draw_leaving(gains, {"m": None, "n": None}, "truth")
    assert words(none) == ["+0.50", "−1.00"]
    assert "no exact search" in none.axes[0].get_xlabel()
    assert words(draw_leaving({"m": {}}, {"m": 0.0}, "truth")) == ["0.00", "–"]
