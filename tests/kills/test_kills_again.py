"""Whatever plays, killed at random moments: equal bytes, or exit code 1 and what failed is named."""

import json
from pathlib import Path

import pytest

from tests.kills import __main__ as command


@pytest.mark.slow
def test_no_life_ends_in_neither_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Some lives, stopped and gone on with; `python -m tests.kills --count 300` is the whole of it."""
    out = tmp_path / "kills.jsonl"
    assert command.main(["--count", "4", "--seed", "7", "--out", str(out)]) == 0
    before = out.read_text("utf-8")
    assert command.main(["--count", "12", "--seed", "7", "--out", str(out)]) == 0
    assert out.read_text("utf-8").startswith(before)
    assert "kills: 0 lives ended wrongly" in capsys.readouterr().out


def test_a_life_that_ends_in_neither_way_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "kills.jsonl"
    lives = [
        {"life": 0, "kind": "run", "story": "program", "killed": ["program"], "ended": "equal bytes"},
        {"life": 1, "kind": "run", "story": "workers", "killed": ["worker"], "wrong": "exit code 0, but other bytes"},
    ]
    out.write_text("".join(json.dumps(life) + "\n" for life in lives), encoding="utf-8")
    assert command.main(["--count", "2", "--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert "run: 2 kills (1 of the program) in 2 lives" in said
    assert "2 kills: 1 lives ended wrongly" in said


def test_other_bytes_are_noticed(tmp_path: Path) -> None:
    lives = command.Lives(1, tmp_path)
    (tmp_path / "life" / "out").mkdir(parents=True)
    (tmp_path / "life" / "out" / "a").write_bytes(b"1")
    lives._whole["run"] = {"a": b"1"}
    words = command.KINDS["run"]
    assert lives._judged("run", words, tmp_path / "life", 0, "") == "equal bytes"
    for code, said in ((2, ""), (1, "something else"), (-9, ""), (0, "Traceback (most recent call last)")):
        with pytest.raises(command.Wrong, match="exit code"):
            lives._judged("run", words, tmp_path / "life", code, said)
    lives._whole["run"] = {"a": b"2", "b": b"3"}
    with pytest.raises(command.Wrong, match=r"other bytes: \['a', 'b'\]"):
        lives._judged("run", words, tmp_path / "life", 0, "")
