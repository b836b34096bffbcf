"""One call draws all of a run folder: pictures that show something, the same every time, whatever names there are."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, strategies as st
from matplotlib.figure import Figure

from dynmech import write_plots
from dynmech.experiments.figures import heat_map
from dynmech.experiments.figures.columns import Column
from dynmech.experiments.figures.heat_map import draw_gains
from dynmech.experiments.figures.texts import wrapped
from dynmech.experiments.plots import run_plots
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


@pytest.mark.parametrize("kind", EXPECTED)
def test_everything_is_drawn_and_nothing_is_cut_off(kind: str, folders: dict[str, Path], tmp_path: Path) -> None:
    drawn = write_plots(folders[kind], tmp_path / "a" / "b")
    assert [path.name for path in drawn] == EXPECTED[kind]
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == sorted(EXPECTED[kind])
    for path in drawn:
        picture = pixels(path)
        assert len({tuple(pixel) for pixel in picture.reshape(-1, 3)[::7]}) > 10
        for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
            assert (edge == 1).all(), f"{path.name} is cut off"


def test_the_same_run_gives_the_same_bytes(folders: dict[str, Path], tmp_path: Path) -> None:
    first, second = (write_plots(folders["tournament"], tmp_path / name) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_several_economies_are_drawn_together(folders: dict[str, Path], tmp_path: Path) -> None:
    drawn = [path.name for path in write_plots(folders["sweep"], tmp_path)]
    assert len(drawn) == len(set(drawn)) == 2 + 4 * 3
    assert {"profiles-1-pivot-fatigue-0.0.png", "payoffs-4-pay-your-report-fatigue-0.5.png"} <= set(drawn)


def test_rows_of_a_sweep_are_named_by_what_is_swept(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[pd.DataFrame, pd.DataFrame]] = []

    def keep(table: pd.DataFrame, title: str, note: str, exact: pd.DataFrame) -> Figure:
        drawn.append((table, exact))
        return draw_gains(table, title, note, exact)

    monkeypatch.setattr(heat_map, "draw_gains", keep)
    write_plots(folders["sweep"], tmp_path)
    ((table, exact),) = drawn
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
    write_plots(folders["tournament"], tmp_path)
    assert "the 1 of 3 profiles with the least regret" in columns["profiles-1-pivot.png"][3]
    assert "the first 2 of 4 rows" in columns["payoffs-1-pivot.png"][3]


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


@pytest.mark.parametrize("name", [*ODD, "$x$ and $\\frac{1}{0}$", "100 $"])
def test_names_are_shown_as_they_are(name: str, folders: dict[str, Path], tmp_path: Path) -> None:
    for kind in ("stress", "learner"):
        folder = tmp_path / kind
        folder.mkdir()
        (folder / "run.json").write_bytes((folders[kind] / "run.json").read_bytes())
        names = {"firm 1": name, "oil-leases-prior": name, "cremer-mclean": f"m {name}"}
        save_result(folder, read_result(folders[kind])["kind"], renamed(read_result(folders[kind]), names))
        assert [path.name for path in write_plots(folder)] == EXPECTED[kind]


def test_what_cannot_be_drawn_is_one_line(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such run folder"):
        write_plots(tmp_path / "absent")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be made"):
        write_plots(folders["run"], tmp_path / "file")
