"""A finished stress test that is asked for again: found in its folder, the same to the last digit, or made anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from dynmech.experiments.catalog.names import STRATEGIES, take_in_plugins
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs import kept_stress, stressing
from dynmech.experiments.runs.stress_result import StressResult, families_shown, gain_cells, gain_table, gainers
from dynmech.experiments.runs.stressing import stress
from dynmech.experiments.searches import exact_searches
from dynmech.experiments.searches.exact import Exact
from dynmech.sim.log.run_folder import read_manifest

MECHANISMS = ["cremer-mclean", "linked", "pivot"]


def play(out: Path | None, **options: Any) -> StressResult:
    return stress("oil-leases-prior", options.pop("mechanisms", MECHANISMS), **{"episodes": 300, "out": out, **options})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("kept") / "run").folder


class OpenedError(Exception):
    """A mechanism was opened."""


def _opened(*_: Any) -> NoReturn:
    raise OpenedError


@pytest.fixture
def unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever opens a game fails."""
    monkeypatch.setattr(stressing, "open_game", _opened)


def figures(result: StressResult) -> dict[str, Any]:
    return {key: value for key, value in result.to_dict().items() if key not in ("reused", "folder")}


@pytest.mark.usefixtures("unopened")
def test_no_mechanism_is_opened_and_nothing_differs(folder: Path, tmp_path: Path) -> None:
    found = play(folder)
    assert found.reused
    with pytest.raises(OpenedError):
        play(tmp_path / "other")  # nothing there: it has to be played
    kept = found.to_dict()
    assert kept["farthest"] is not None
    assert [row["mechanism"] for row in kept["mechanisms"]][-1] == "linked"


def test_what_is_found_is_what_was_told_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = play(tmp_path / "run")
    again = play(tmp_path / "run")
    monkeypatch.setattr(stressing, "kept_stress", lambda *_: None)
    anew = play(tmp_path / "run")  # from the shards
    assert (first.reused, again.reused, anew.reused) == (False, True, True)
    assert figures(first) == figures(again) == figures(anew)
    assert again.gains.dtypes.to_dict() == first.gains.dtypes.to_dict()
    assert again.mechanisms.dtypes.to_dict() == first.mechanisms.dtypes.to_dict()


def _versions() -> dict[str, str]:
    return {"dynmech": "0"}


@pytest.mark.parametrize(
    "options",
    [{"mechanisms": ["linked"]}, {"seed": 1}, {"episodes": 301}, {"tail": 1e-3}, {"log": "summary"}, {"shard": 100}],
)
@pytest.mark.usefixtures("unopened")
def test_another_question_is_not_answered_by_it(folder: Path, options: dict[str, Any]) -> None:
    with pytest.raises(OpenedError):
        play(folder, **options)


@pytest.mark.usefixtures("unopened")
def test_nor_one_of_another_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_stress, "versions", _versions)
    with pytest.raises(OpenedError):
        play(folder)


@pytest.mark.usefixtures("unopened")
def test_nor_one_that_users_code_has_a_part_in(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's strategy is one more family, whose code may change."""
    monkeypatch.setattr(STRATEGIES, "_added", {})
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from dynmech.agents.strategies.misreport import Misreport\n\n\n"
        "class Mine(Misreport):\n    name = 'mine-and-mine-alone'\n",
        encoding="utf-8",
    )
    take_in_plugins([mine])
    with pytest.raises(OpenedError):
        play(folder)


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: damaged(folder / "result.json"),
        lambda folder: (folder / "result.json").unlink(),
        lambda folder: damaged(min(folder.rglob("*.parquet"))),
        lambda folder: min(folder.rglob("*.parquet")).unlink(),
        lambda folder: damaged(folder / "shards.jsonl"),
    ],
)
def test_nor_one_that_is_not_whole(
    tmp_path: Path, spoil: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = play(tmp_path / "run", mechanisms=["linked"]).folder
    monkeypatch.setattr(stressing, "open_game", _opened)
    assert play(whole, mechanisms=["linked"]).reused
    spoil(whole)
    with pytest.raises(OpenedError):
        play(whole, mechanisms=["linked"])


def test_the_hash_of_a_question_stands_beside_the_configuration(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert len(manifest["request"]) == 16
    assert "request" not in manifest["configuration"]


def test_without_a_folder_the_default_one_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = play(None, mechanisms=["linked"])
    monkeypatch.setattr(stressing, "open_game", _opened)
    again = play(None, mechanisms=["linked"])
    assert (again.folder, again.reused) == (first.folder, True)


def test_the_picture_is_drawn_when_it_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["stress", "oil-leases-prior", "--mechanism", "linked", "--episodes", "300", "--out", str(tmp_path / "r")]

    def called(*more: str) -> str:
        with pytest.raises(SystemExit) as stopped:
            main([*words, *more])
        assert not stopped.value.code
        return capsys.readouterr().out

    called()
    picture = tmp_path / "r" / "gains.png"
    drawn = picture.read_bytes()
    picture.write_bytes(b"mine")
    assert f"plot      {picture}" in called()
    assert picture.read_bytes() == b"mine", "it was not drawn again"
    picture.unlink()
    called()
    assert picture.read_bytes() == drawn
    called("--plot", str(tmp_path / "other.png"))
    assert (tmp_path / "other.png").read_bytes() == drawn


def test_cells_are_those_of_the_table(folder: Path) -> None:
    """Two ways to the same figures: rows in a loop, and the pivot table of pandas."""
    result = play(folder)
    assert len(gain_cells(result, "exact")) > 5
    for column in ("gain", "exact"):
        cells = gain_cells(result, column)
        for agent in result.gains["agent"].unique():
            table = gain_table(result, column, agent)
            assert list(table.columns) == families_shown(result)
            seen = {(m, agent, f): v for m, row in table.to_dict("index").items() for f, v in row.items() if v == v}
            assert seen == {key: value for key, value in cells.items() if key[1] == agent}
    assert gainers(result, "linked") == []
    assert gainers(result, "pivot")[0] == "firm 1"


def test_an_exact_line_says_what_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said: list[str] = []

    class Listening:
        def __call__(self, name: str, _total: int) -> Callable[[int], None]:
            said.append(name)
            return lambda _: None

        def say(self, line: str) -> None:
            said.append(line)

    result = play(tmp_path / "run", progress=Listening())
    assert [line.partition(":")[0] for line in said] == ["searching exactly"] * 4 + [
        "looking for deviations",
        "playing",
    ]
    for row in result.mechanisms.to_dict("records"):
        (line,) = [line for line in said if line.startswith(f"searching exactly: {row['mechanism']}: ")]
        assert ("no deviation gains anything" in line) == row["exact"]
        assert f"{row['worst_gain']:.2f}" in line or row["exact"]
    monkeypatch.setattr(exact_searches, "exact_gains", _refused)
    said.clear()
    play(tmp_path / "other", mechanisms=["linked"], progress=Listening())
    assert said[1] == "searching exactly: linked: not searched: too large"


def _refused(_: Any) -> Exact:
    return Exact({}, {}, "too large")
