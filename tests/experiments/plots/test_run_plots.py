"""One call draws all of a run folder: pictures that show something, the same every time, whatever names there are."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from matplotlib.figure import Figure

from dynmech import write_plots
from dynmech.experiments.figures import heat_map
from dynmech.experiments.figures.columns import Column, draw_columns
from dynmech.experiments.figures.family import DPI, PAGE
from dynmech.experiments.figures.heat_map import draw_gains
from dynmech.experiments.figures.texts import wrapped
from dynmech.experiments.plots import run_plots
from dynmech.experiments.plots.payoff_matrices import draw_matrices, payoff_matrices
from dynmech.experiments.plots.run_plots import line_style
from dynmech.experiments.runs.results import read_result, save_result
from dynmech.sim.core.errors import InputError
from tests.builders.pictures import pixels
from tests.builders.report_pages import ODD, renamed

GAMES = ("1-pivot", "2-pay-your-report")

EXPECTED = {
    "stress": ["gains.png", "tradeoff.png"],
    "run": ["payoffs.png"],
    "learner": ["payoffs.png", "learning.png"],
    "tournament": [
        "deviations.png",
        "coalitions.png",
        *(f"{what}-{game}.png" for game in GAMES for what in ("profiles", "payoffs", "replicator")),
    ],
}


class Swept(NamedTuple):
    """Pictures of a sweep, and the tables that its heat map was drawn from: played and exact."""

    pictures: list[Path]
    tables: list[tuple[pd.DataFrame, pd.DataFrame]]


@pytest.fixture(scope="module")
def drawn(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """Pictures of a run of some kind, in a folder of their own; drawn once."""

    @cache
    def draw(kind: str) -> list[Path]:
        return write_plots(folders[kind], tmp_path_factory.mktemp(kind) / "a" / "b")

    return draw


@pytest.fixture(scope="module")
def swept(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """A sweep, drawn once."""
    tables: list[tuple[pd.DataFrame, pd.DataFrame]] = []

    def keep(table: pd.DataFrame, title: str, note: str, exact: pd.DataFrame) -> Figure:
        tables.append((table, exact))
        return draw_gains(table, title, note, exact)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heat_map, "draw_gains", keep)
        return Swept(write_plots(folders["sweep"], tmp_path_factory.mktemp("swept")), tables)


@pytest.mark.parametrize("kind", EXPECTED)
def test_everything_is_drawn_and_nothing_is_cut_off(kind: str, drawn: Callable[[str], list[Path]]) -> None:
    pictures = drawn(kind)
    assert [path.name for path in pictures] == EXPECTED[kind]
    assert sorted(path.name for path in pictures[0].parent.iterdir()) == sorted(EXPECTED[kind])
    for path in pictures:
        picture = pixels(path)
        assert len({tuple(pixel) for pixel in picture.reshape(-1, 3)[::7]}) > 10
        for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
            assert (edge == 1).all(), f"{path.name} is cut off"


def test_the_same_run_gives_the_same_bytes(
    folders: dict[str, Path], drawn: Callable[[str], list[Path]], tmp_path: Path
) -> None:
    first, second = drawn("tournament"), write_plots(folders["tournament"], tmp_path)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_several_economies_are_drawn_together(swept: Swept) -> None:
    names = [path.name for path in swept.pictures]
    assert len(names) == len(set(names)) == 2 + 4 * 3
    assert all(path.stat().st_size for path in swept.pictures)
    assert {"profiles-1-pivot-fatigue-0.0.png", "payoffs-4-pay-your-report-fatigue-0.5.png"} <= set(names)


def test_rows_of_a_sweep_are_named_by_what_is_swept(swept: Swept) -> None:
    ((table, exact),) = swept.tables
    names = ["pivot (fatigue=0.0)", "pay-your-report (fatigue=0.0)", "pivot (fatigue=0.5)"]
    assert list(table.index)[:3] == names
    assert (table.loc[names[0]] <= 0).all(), "a deviation that was played and loses is a number, not a dash"
    gains = dict(zip(exact.index, exact["any deviation"].to_numpy(float), strict=True))
    assert gains[names[0]] == pytest.approx(0, abs=1e-9)
    assert gains[names[1]] > 0.1


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[list[str], list[Column], list[bool], str]]:
    """What is drawn as columns, by name of the file: names, columns, filled, title."""
    seen: dict[str, tuple[list[str], list[Column], list[bool], str]] = {}

    def keep(*drawn: Any, **_: Any) -> Path:
        seen[drawn[-1].name] = drawn[:-1]
        return Path(drawn[-1])

    monkeypatch.setattr(run_plots, "plot_columns", keep)
    return seen


def test_a_part_of_the_profiles_is_said_to_be_one(
    folders: dict[str, Path], tmp_path: Path, columns: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_plots(folders["tournament"], tmp_path)
    assert not [drawn for drawn in columns.values() if " of " in drawn[3]]
    monkeypatch.setattr(run_plots, "ROWS", 1)
    monkeypatch.setattr(run_plots, "PAYOFFS", 2)
    write_plots(folders["tournament"], tmp_path)
    assert "the 1 of 3 profiles with the least regret" in columns["profiles-1-pivot.png"][3]
    assert "the 2 of 4 rows with the least regret" in columns["payoffs-1-pivot.png"][3]


def test_coalitions_are_drawn_with_their_figures(
    folders: dict[str, Path], tmp_path: Path, columns: dict[str, Any]
) -> None:
    write_plots(folders["tournament"], tmp_path)
    names, (exact, played), filled, _ = columns["coalitions.png"]
    rows = [game["coalitions"][0] for game in read_result(folders["tournament"])["games"]]
    assert names == [f"cartel: bidder 1 + bidder 2, {mechanism}" for mechanism in ("pivot", "pay-your-report")]
    assert exact.values == [row["exact"] for row in rows]
    assert played.values == [row["gain"] for row in rows]
    assert played.ends == [(row["gain"] - row["half_width"], row["gain"] + row["half_width"]) for row in rows]
    assert filled == [True, True]


def test_a_figure_that_is_not_known_is_a_dash(tmp_path: Path) -> None:
    drawn = [run_plots.plot_columns(["a"], [Column("x", [v])], [True], "t", tmp_path / f"{v}.png") for v in (None, 1.0)]
    assert drawn[0].read_bytes() != drawn[1].read_bytes()


def test_a_dozen_lines_look_different() -> None:
    assert len({str(line_style(k)) for k in range(30)}) == 30
    assert len({(line_style(k)["linestyle"], line_style(k)["marker"]) for k in range(30)}) == 30, "in print"


@given(st.text(st.sampled_from("ab ,:_.1-"), max_size=200), st.integers(5, 30))
def test_a_title_is_wrapped_and_never_cut(text: str, most: int) -> None:
    found = wrapped(text, most)
    assert all(len(line) <= most for line in found.split("\n"))
    assert "".join(found.split()) == "".join(text.split())


NAMES = [*ODD, "$x$ and $\\frac{1}{0}$", "100 $"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param(name, kind, marks=[] if "$" in name or k % 2 == j else pytest.mark.slow)
        for k, name in enumerate(NAMES)
        for j, kind in enumerate(("stress", "learner"))
    ],
)
def test_names_are_shown_as_they_are(name: str, kind: str, folders: dict[str, Path], tmp_path: Path) -> None:
    """What could be taken for mathematics in pictures of both kinds, other names in one of them by turns."""
    (tmp_path / "run.json").write_bytes((folders[kind] / "run.json").read_bytes())
    names = {"firm 1": name, "oil-leases-prior": name, "cremer-mclean": f"m {name}"}
    save_result(tmp_path, read_result(folders[kind])["kind"], renamed(read_result(folders[kind]), names))
    assert [path.name for path in write_plots(tmp_path)] == EXPECTED[kind]


def test_what_cannot_be_drawn_is_one_line(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such run folder"):
        write_plots(tmp_path / "absent")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be made"):
        write_plots(folders["run"], tmp_path / "file")


# One family


def some_columns(welfare: list[float]) -> Figure:
    columns = [
        Column("gain", [0.0, 2.0]),
        Column("welfare", list(welfare), mark=("first best, exact", 19.0)),
        Column("budget", [0.0, 0.0]),
    ]
    return draw_columns(["a", "b"], columns, [False, True], "t")


def test_what_is_constant_has_no_panel_and_is_said() -> None:
    figure = some_columns([18.0, 18.0])
    assert [axes.get_title("left") for axes in figure.axes] == ["gain"]
    said = " ".join(figure.get_suptitle().split())
    assert said == "t The same in all rows: welfare 18.00 (first best, exact 19.00), budget 0.00"


def test_the_first_best_is_marked() -> None:
    figure = some_columns([18.0, 17.0])
    welfare = figure.axes[1]
    assert welfare.get_title("left").endswith("first best, exact 19.00")
    assert [19.0, 19.0] in [np.asarray(line.get_xdata()).tolist() for line in welfare.lines]
    low, high = welfare.get_xlim()
    assert low < 19 < high


def test_the_scale_of_gains_is_white_at_nothing_and_has_two_sides() -> None:
    table = pd.DataFrame({"x": [2.0, 0.0, -2.0, float("nan")]}, index=list("abcd"))
    (image,) = draw_gains(table, "t", "n").axes[0].images
    shades = image.to_rgba(np.asarray(image.get_array()))
    gain, nothing, loss, unknown = (shades[k, 0, :3] for k in range(4))
    assert nothing.min() > 0.99
    assert unknown.min() > 0.99
    assert gain[0] > gain[2] + 0.3, "orange"
    assert loss[2] > loss[0] + 0.3, "blue"


def test_gains_are_drawn_exact_first_with_intervals() -> None:
    frames = [pd.DataFrame({"x": [value]}, index=["m"]) for value in (1.64, 2.0, 0.25)]
    figure = draw_gains(frames[0], "t", "n", frames[1], frames[2])
    assert [text.get_text() for text in figure.axes[0].texts] == ["+2.00", "(+1.64 ± 0.25)"]


def test_two_roles_have_a_matrix_each() -> None:
    """Payoffs stand where the profile says; the best reply of each is found by hand."""
    payoffs = {("a", "x"): (1.0, 5.0), ("a", "y"): (2.0, 4.0), ("b", "x"): (3.0, 1.0), ("b", "y"): (0.0, 2.0)}
    game: dict[str, Any] = {
        "roles": [
            {"name": "row", "agents": [0], "strategies": ["a", "b"]},
            {"name": "column", "agents": [1], "strategies": ["x", "y"]},
        ],
        "payoffs": [
            {"profile": f"{s}_{z}", "role": role, "strategy": (s, z)[k], "payoff": payoffs[s, z][k], "error": 0.1}
            for s, z in payoffs
            for k, role in enumerate(("row", "column"))
        ],
    }
    first, second = payoff_matrices(game) or []
    assert (first.role, first.payoffs.tolist()) == ("row", [[1.0, 2.0], [3.0, 0.0]])
    assert (second.role, second.payoffs.tolist()) == ("column", [[5.0, 4.0], [1.0, 2.0]])
    told = [[text.get_text() for text in axes.texts] for axes in draw_matrices([first, second], "t").axes]
    assert [text for text in told[0] if text.endswith("*")] == ["2.00*", "3.00*"]
    assert [text for text in told[1] if text.endswith("*")] == ["5.00*", "2.00*"]
    game["payoffs"] = game["payoffs"][1:]
    assert payoff_matrices(game) is None


@pytest.mark.parametrize("kind", EXPECTED)
def test_all_pictures_fit_a_page(kind: str, drawn: Callable[[str], list[Path]]) -> None:
    for path in drawn(kind):
        assert pixels(path).shape[1] <= PAGE * DPI + 1
