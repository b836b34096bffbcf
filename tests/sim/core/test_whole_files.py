"""Files are written whole or not at all."""

import os
from pathlib import Path

import pytest

from dynmech.sim.core.errors import InputError
from dynmech.sim.core.whole_files import write_whole


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_whole(path, "old")
    write_whole(path, "new ε")
    assert path.read_text(encoding="utf-8") == "new ε"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_it_has_the_mode_that_any_new_file_has(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", "x")
    (tmp_path / "theirs").write_text("x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "theirs").stat().st_mode


def test_a_failure_leaves_what_stood_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.csv"
    write_whole(path, "old")

    def full(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match=r"table\.csv: cannot be written: No space left on device"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_a_folder_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be written: No such file or directory"):
        write_whole(tmp_path / "none" / "table.csv", "x")


def test_a_device_stays_a_device() -> None:
    before = os.stat("/dev/null").st_rdev
    write_whole(Path("/dev/null"), "x")
    assert os.stat("/dev/null").st_rdev == before


def test_a_file_in_the_way_of_the_old_name_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    (tmp_path / ".table.csv.partial").symlink_to(target)
    write_whole(tmp_path / "table.csv", "new")
    assert target.read_text() == "kept"
