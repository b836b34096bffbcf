"""The picture of a sweep: every figure is drawn where it is, against what was asked for."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from dynmech.experiments.sweeps.sweep_plots import _tells, draw_sweep, without_rounding
from dynmech.experiments.sweeps.sweep_result import SweepResult
from dynmech.experiments.sweeps.sweeping import sweep
from dynmech.sim.core.errors import InputError

SMALL = "repeated-auction:horizon=2,values=2"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    folder = tmp_path_factory.mktemp("sweep") / "a"
    varied: dict[str, list[Any]] = {"discount": [0.5, 0.9], "balanced:base": ["pivot", "team"]}
    return sweep(SMALL, varied, ["balanced", "pivot"], out=folder)


def lines(figure: Figure, title: str) -> dict[str, tuple[list[float], list[float]]]:
    (axes,) = [axes for axes in figure.axes if axes.get_title(loc="left").startswith(title)]
    drawn, labels = axes.get_legend_handles_labels()
    out = {}
    for line, label in zip(drawn, labels, strict=True):
        data: Any = line[0] if isinstance(line, tuple) else line
        out[label] = ([float(x) for x in data.get_xdata()], [float(y) for y in data.get_ydata()])
    return out


def colour(figure: Figure, label: str) -> object:
    """The colour that a line has in the first panel."""
    drawn, labels = figure.axes[0].get_legend_handles_labels()
    line: Any = drawn[labels.index(label)]
    return (line[0] if isinstance(line, tuple) else line).get_color()


def test_every_mechanism_is_a_line(found: SweepResult) -> None:
    drawn = lines(draw_sweep(found), "revenue")
    assert list(drawn) == ["balanced:base=pivot", "balanced:base=team", "pivot"]
    pivot = found.figures[found.figures["mechanism"] == "pivot"]
    assert drawn["pivot"] == ([0.5, 0.9], pivot["revenue"].tolist())


def test_a_mechanisms_option_may_be_on_the_axis(found: SweepResult) -> None:
    figure = draw_sweep(found, "balanced:base")
    drawn = lines(figure, "largest transfer")
    assert set(drawn) == {f"{name} (discount={value})" for name in ("balanced", "pivot") for value in (0.5, 0.9)}
    (legend,) = figure.legends
    texts, colours = [text.get_text() for text in legend.get_texts()], [line.get_color() for line in legend.get_lines()]
    assert dict(zip(texts, colours, strict=True)) == {label: colour(figure, label) for label in drawn}
    assert drawn["balanced (discount=0.5)"][0] == [0.0, 1.0]
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["pivot", "team"]
    assert len(set(drawn["pivot (discount=0.5)"][1])) == 1  # a level line


def test_one_panel_fills_the_picture(found: SweepResult) -> None:
    """What is drawn is what is named, in that order; what there is not is said."""
    one = found.plot(panels=["best_response"])
    assert isinstance(one, Figure)
    assert [axes.get_title(loc="left") for axes in one.axes] == ["largest gain of a best response, ex ante"]
    assert one.get_size_inches()[0] == 3.6
    assert len(draw_sweep(found, panels="revenue").axes) == 1, "a name alone is one panel, not its letters"
    two = draw_sweep(found, panels=["revenue", "welfare"])
    assert [axes.get_title(loc="left") for axes in two.axes] == ["revenue", "welfare"]
    with pytest.raises(
        InputError, match="there is no panel 'net_revenue'; there are best_response, welfare, revenue, b"
    ):
        draw_sweep(found, panels=["net_revenue"])


def test_what_is_everywhere_the_same_has_no_panel_unless_it_is_named(found: SweepResult) -> None:
    titles = {axes.get_title(loc="left") for axes in draw_sweep(found).axes if axes.get_visible()}
    assert found.figures["welfare"].nunique() > 1
    assert "welfare" in titles
    table = found.figures.assign(welfare=1.0)
    assert not _tells(table, "welfare")
    assert _tells(table.assign(welfare=[1.0, *[2.0] * (len(table) - 1)]), "welfare")
    assert _tells(table.assign(best_response=0.0), "best_response"), "that nobody gains is worth a panel"


def test_a_gain_that_is_rounding_is_drawn_as_nothing(found: SweepResult) -> None:
    table = found.figures.assign(best_response=[1e-15, 0.2, *[-3e-16] * (len(found.figures) - 2)])
    assert without_rounding(table)["best_response"].tolist() == [0.0, 0.2, *[0.0] * (len(table) - 2)]


def test_against_a_figure_the_axis_is_logarithmic(tmp_path: Path) -> None:
    fading = sweep("common-state", {"informativeness": [0.4, 0.2, 0]}, "contingent-spanning", out=tmp_path / "a")
    figure = draw_sweep(fading, "singular_value")
    played = fading.figures[fading.figures["refused"] == ""].sort_values("singular_value")
    x, y = lines(figure, "largest transfer")["contingent-spanning"]
    np.testing.assert_allclose(x, played["singular_value"])
    np.testing.assert_allclose(y, played["largest_transfer"])
    assert figure.axes[0].get_xscale() == "log"
    first = fading.plot(tmp_path / "a.png", against="singular_value")
    assert isinstance(first, Path)
    assert first.read_bytes().startswith(b"\x89PNG")
    again = fading.plot(tmp_path / "b.png", "singular_value")
    assert isinstance(again, Path)
    assert again.read_bytes() == first.read_bytes()
    assert isinstance(fading.plot(), Figure)


def test_what_cannot_be_drawn_is_said(found: SweepResult, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot draw against 'weather'; there are discount, balanced:base, welfare"):
        found.plot(tmp_path / "a.png", "weather")
    with pytest.raises(InputError, match="cannot be written"):
        found.plot(tmp_path / "nowhere" / "a.png")
    silent = sweep("common-state", {"informativeness": [0]}, "contingent-spanning", out=tmp_path / "s")
    with pytest.raises(InputError, match="nothing to draw; no mechanism could be played"):
        silent.plot(tmp_path / "a.png")
    many = replace(found, cells=[{**cell, "mechanism": f"m{k}"} for k in range(25) for cell in found.cells[:1]])
    with pytest.raises(InputError, match="25 lines are too many for a picture"):
        many.plot(tmp_path / "a.png")


@pytest.mark.parametrize("panels", [3, [3], None])
def test_panels_are_names(found: SweepResult, panels: Any) -> None:
    with pytest.raises(InputError, match=r"is no list of names; there are best_response, |panels: .* a sequence"):
        found.plot(panels=panels)
