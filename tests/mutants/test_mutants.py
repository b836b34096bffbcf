"""The command that holds tests against small changes of the code: what it changes, finds and leaves alone."""

import ast
import subprocess
from pathlib import Path

import pytest

from tests.mutants import __main__ as command
from tests.mutants.mutations import difference, mutants, mutated

SOURCE = '''
"""A module's docstring, 1 + 1."""

SIZE = 10


class Shop:
    """What it is."""

    def price(self, count: int, member: bool = False) -> float:
        """Count times 3, less what members get."""
        if count < 0 or not isinstance(count, int):
            raise ValueError(f"{count + 1} is none")
        assert count >= 0, "checked"
        return max(3 * count - (1 if member else 0), 0)
'''


def test_results_are_changed_and_words_are_not() -> None:
    names = [one.name.removeprefix("shop.py: Shop.price: ") for one in mutants("shop.py", SOURCE)]
    assert "count < 0 → count <= 0" in names
    assert "3 * count → 3 / count" in names
    assert "1 if member else 0 → 1 if not member else 0" in names
    assert "max → min" in names
    assert "3 → 4" in names
    assert not any("SIZE" in name or "count + 1" in name or "count >= 0" in name for name in names)
    assert len(set(names)) == len(names)


def test_every_change_is_one_and_is_code() -> None:
    plain = ast.unparse(ast.parse(SOURCE))
    for one in mutants("shop.py", SOURCE):
        changed = mutated(SOURCE, one.index)
        assert changed != plain
        compile(changed, "shop.py", "exec")
        lines = difference(SOURCE, one.index).splitlines()
        assert sum(line.startswith("-") for line in lines) == sum(line.startswith("+") for line in lines) == 1


def test_a_draw_is_the_same_every_time_and_of_the_rooms_asked_for() -> None:
    drawn = command.draw(["agents/oracle", "mechanisms/groves/pivot.py"], 30, 5)
    assert drawn == command.draw(["agents/oracle", "mechanisms/groves/pivot.py"], 30, 5)
    assert drawn != command.draw(["agents/oracle", "mechanisms/groves/pivot.py"], 30, 6)
    assert len(drawn) == 30
    assert all(one.path.startswith(("agents/oracle/", "mechanisms/groves/pivot.py")) for one in drawn)


def test_what_is_explained_is_still_there() -> None:
    """A line of the file whose change no longer exists explains nothing."""
    for change, reason in command.explained().items():
        path = change.partition(":")[0]
        assert change in {one.name for one in mutants(path, (command.ROOT / path).read_text("utf-8"))}, change
        assert len(reason.split()) >= 3, change


def test_guarded_code_is_told_from_unguarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planted: a test that looks at the price of two, and at nobody's rebate."""
    root, out = tmp_path / "shop", tmp_path / "kept.jsonl"
    for name, text in {
        "room/shop.py": "def price(n):\n    return 3 * n\n\n\ndef rebate(n):\n    return n - 1\n",
        "room/__init__.py": "",
        "tests/room/test_shop.py": "from room.shop import price\n\n\ndef test_price():\n    assert price(2) == 6\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    monkeypatch.setattr(command, "ROOT", root)
    monkeypatch.setattr(command, "draw", lambda room, count, seed: original(room, count, seed, root))
    words = ["--room", "room", "--out", str(out)]
    assert command.main([*words, "--most", "1"]) in (0, 1)
    assert command.main(words) == 1
    said = capsys.readouterr().out
    assert "survives: room/shop.py: rebate: n - 1 → n + 1\n" in said
    assert "-    return n - 1\n+    return n + 1\n" in said
    assert "4 mutants: 2 noticed, 0 explained, 2 survive." in said
    assert len(out.read_text("utf-8").splitlines()) == 4
    assert (root / "room/shop.py").read_text("utf-8").startswith("def price(n):\n    return 3 * n\n")
    (root / "tests/room/test_shop.py").write_text("def test_price():\n    assert False\n", encoding="utf-8")
    out.unlink()
    with pytest.raises(SystemExit, match="without any change, tests/room fails"):
        command.main(words)


original = command.draw
