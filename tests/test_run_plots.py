"""One call draws all of a run folder: pictures that show something, the same every time, whatever names there are."""

from pathlib import Path

import pytest

from experiments import write_plots
from experiments.results import read_result, save_result
from sim.errors import InputError
from tests.test_plots import pixels
from tests.test_report import ODD, folders, renamed

__all__ = ["folders"]

GAMES = ("1-pivot", "2-pay-your-report")

EXPECTED = {
    "stress": ["gains.png", "tradeoff.png"],
    "run": ["payoffs.png"],
    "learner": ["payoffs.png", "learning.png"],
    "tournament": [
        "deviations.png",
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
    assert len(drawn) == len(set(drawn)) == 1 + 4 * 3


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
