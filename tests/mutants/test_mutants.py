"""The command that holds tests against small changes of the code: what it changes, finds and leaves alone."""

import ast
import subprocess
from pathlib import Path

import pytest

from tests.mutants import __main__ as command
from tests.mutants.mutations import Mutant, difference, mutants, mutated

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


SHOP = {
    "room/__init__.py": "",
    "room/shop.py": """
from functools import cache


def price(n):
    return 3 * n


def rebate(n):
    return n - 1


def fee(n):
    return (
        2 *
        n
    )


FEE = fee(2)


@cache
def postage():
    return 5
""",
    "tests/room/test_shop.py": """
from room.shop import FEE, postage, price


def test_price():
    assert price(2) == 6


def test_fee():
    assert FEE == 4


def test_postage_is_an_amount():
    assert postage() > 0


def test_postage():
    assert postage() == 5
""",
}


def test_guarded_code_is_told_from_unguarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planted: tests of the price, of the fee (computed on import) and of the postage (kept), of no rebate."""
    root, out = tmp_path / "shop", tmp_path / "kept.jsonl"
    for name, text in SHOP.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    monkeypatch.setattr(command, "ROOT", root)
    monkeypatch.setattr(command, "draw", lambda room, count, seed: original(room, count, seed, root))
    words = ["--room", "room", "--out", str(out)]
    assert command.main([*words, "--most", "1"]) in (0, 1)
    assert command.main(words) == 1
    said = capsys.readouterr().out
    assert "not executed: room/shop.py: rebate: n - 1 → n + 1\n" in said
    assert "-    return n - 1\n+    return n + 1\n" in said
    assert "survives: room/shop.py: postage: 5 → 6\n" in said
    assert "7 mutants: 4 noticed, 0 explained, 3 survive." in said
    assert len(out.read_text("utf-8").splitlines()) == 7
    assert (root / "room/shop.py").read_text("utf-8") == SHOP["room/shop.py"]
    assert command.main([*words, "--again"]) == 1
    said = capsys.readouterr().out
    assert "7 mutants: 5 noticed, 0 explained, 2 survive." in said
    (root / "tests/room/test_shop.py").write_text("def test_price():\n    assert False\n", encoding="utf-8")
    out.unlink()
    with pytest.raises(SystemExit, match="without any change, tests/room fails"):
        command.main(words)


def test_only_tests_that_execute_a_line_are_chosen_fastest_first() -> None:
    tests = command.Tests({"a": 3.0, "b": 1.0, "c": 2.0}, {"m.py": {4: {"a", "c"}, 6: {"b"}}}, {"m.py": {6}})
    assert tests.of(Mutant("m.py", 0, "", (3, 5))) == ["c", "a"]
    assert tests.of(Mutant("m.py", 0, "", (3, 5)), every=True) == ["c", "a", "b"]
    assert tests.of(Mutant("m.py", 0, "", (6, 6))) == ["b", "c", "a"]
    assert tests.of(Mutant("m.py", 0, "", (7, 7))) == tests.of(Mutant("other.py", 0, "", (4, 4))) == []


def test_a_change_stands_on_the_lines_of_its_statement() -> None:
    loop = ["while True:", "    y = (", "        x", "        + 1", "    )", "    if y:", "        return y"]
    source = "def f(x):\n    " + "\n    ".join(loop) + "\n"
    lines = {one.name.removeprefix("a.py: f: "): one.lines for one in mutants("a.py", source)}
    assert lines == {
        "True → not True": (2, 3),
        "True → False": (2, 3),
        "x + 1 → x - 1": (3, 6),
        "1 → 2": (3, 6),
        "y → not y": (7, 8),
    }


original = command.draw
