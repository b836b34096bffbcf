"""The command that holds tests against small changes of the code: what it changes, finds and leaves alone."""

import ast
import subprocess
import weakref
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants import __main__ as command
from tests.mutants.mutations import Mutant, difference, mutants, mutated
from tests.mutants.replacing import replace

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
    rooms = ["agents/oracle/witness.py", "mechanisms/groves"]
    drawn = command.draw(rooms, 30, 5)
    assert drawn == command.draw(rooms, 30, 5)
    assert drawn != command.draw(rooms, 30, 6)
    assert len(drawn) == 30
    assert {str(Path(one.path).parent) for one in drawn} == {"agents/oracle", "mechanisms/groves"}
    assert {one.path for one in drawn if one.path.startswith("agents")} == {"agents/oracle/witness.py"}


def test_a_draw_stays_when_other_code_is_edited(tmp_path: Path) -> None:
    """Planted: a function edited, which leaves and adds 3 changes at most, and all functions in another order."""
    functions = [f"def f{k}(x):\n    return x + {k} if x > {k} else 0\n" for k in range(20)]
    path = tmp_path / "room" / "shop.py"
    path.parent.mkdir()
    path.write_text("\n".join(functions), "utf-8")
    before = command.draw(["room"], 40, 1, tmp_path)
    functions[7] = "def f7(x):\n    return x * x\n"
    path.write_text("\n".join(reversed(functions)), "utf-8")
    after = command.draw(["room"], 40, 1, tmp_path)
    assert len(before) == len(after) == 40
    assert len({command.key(one) for one in before} - {command.key(one) for one in after}) <= 7
    assert len({one.name for one in before} & {one.name for one in after}) >= 33


def test_a_result_is_one_of_the_code_around_it() -> None:
    now = {one.name: one.within for one in mutants("a.py", "def f(x):\n    return x + 1\n\ndef g(x):\n    return -x\n")}
    then = {
        one.name: one.within
        for one in mutants("a.py", "def f(x):\n    x += 1\n    return x + 1\n\ndef g(x): return -x\n")
    }
    changed = {name for name in now if then[name] != now[name]}
    assert changed == {"a.py: f: x + 1 → x - 1", "a.py: f: 1 → 2"}


def test_what_is_explained_is_still_there() -> None:
    """A line of the file whose change no longer exists explains nothing."""
    known = command.explained()
    paths = {change.partition(":")[0] for change in known}
    names = {one.name for path in paths for one in mutants(path, (command.ROOT / path).read_text("utf-8"))}
    assert sorted(set(known) - names) == []
    assert [change for change, reason in known.items() if len(reason.split()) < 3] == []


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


def last(n):
    while n > 0:
        n -= 1
    return n
""",
    "tests/room/test_shop.py": """
from room.shop import FEE, last, postage, price


def test_price():
    assert price(2) == 6


def test_fee():
    assert FEE == 4


def test_postage_is_an_amount():
    assert postage() > 0


def test_postage():
    assert postage() == 5


def test_last():
    assert last(3) == 0
""",
}


def test_guarded_code_is_told_from_unguarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Planted: tests of the price, the fee (computed on import), the postage (kept) and a loop; none of the rebate."""
    root, out = tmp_path / "shop", tmp_path / "kept.jsonl"
    for name, text in SHOP.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    monkeypatch.setattr(command, "ROOT", root)
    monkeypatch.setattr(command, "SPARE", 0.5)
    monkeypatch.setattr(command, "draw", lambda room, count, seed: original(room, count, seed, root))
    words = ["--room", "room", "--out", str(out)]
    assert command.main([*words, "--most", "1"]) in (0, 1)
    assert command.main(words) == 1
    said = capsys.readouterr().out
    assert "not executed: room/shop.py: rebate: n - 1 → n + 1\n" in said
    assert "-    return n - 1\n+    return n + 1\n" in said
    assert "survives: room/shop.py: postage: 5 → 6\n" in said
    assert "12 mutants: 9 noticed (1 as too slow), 0 explained, 3 survive." in said
    assert len(out.read_text("utf-8").splitlines()) == 12
    assert (root / "room/shop.py").read_text("utf-8") == SHOP["room/shop.py"]
    assert command.main([*words, "--again"]) == 1
    said = capsys.readouterr().out
    assert "12 mutants: 10 noticed (1 as too slow), 0 explained, 2 survive." in said
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


def test_what_noticed_changes_of_a_module_comes_first() -> None:
    lines = {"m.py": {4: {"a", "b"}}, "n.py": {4: {"a", "b"}}}
    tests = command.Tests({"a": 3.0, "b": 1.0}, lines, {}, {"m.py": Counter({"a": 3})})
    assert tests.of(Mutant("m.py", 0, "", (4, 4))) == ["a", "b"]
    assert tests.of(Mutant("n.py", 0, "", (4, 4))) == ["b", "a"]


def test_tests_are_run_until_the_seconds_are_spent() -> None:
    """And one more: that which alone takes longer is run, too."""
    tests = command.Tests({"a": 3.0, "b": 1.0, "c": 2.0}, {"m.py": {4: {"a", "b", "c"}}}, {})
    one = Mutant("m.py", 0, "", (4, 4))
    assert [len(tests.of(one, budget=budget)) for budget in (0.0, 0.9, 1.0, 2.9, 3.0, 60.0)] == [1, 1, 2, 2, 3, 3]


LOADED = """
from functools import cache, cached_property


def twice(x):
    return x + x


@cache
def kept(x):
    return [y + 1 for y in range(x)]


class Shop:
    @property
    def price(self):
        return 1

    @cached_property
    def fee(self):
        return 2


def named(x):
    return 1


named_before = named


def named(x):
    return 2
"""


@pytest.mark.parametrize(
    ("function", "said"),
    [("twice", "twice(3)"), ("kept", "kept(2)"), ("Shop.price", "Shop().price"), ("Shop.fee", "Shop().fee")],
)
def test_a_loaded_function_is_given_the_changed_code(tmp_path: Path, function: str, said: str) -> None:
    path = tmp_path / "shop.py"
    path.write_text(LOADED, "utf-8")
    changes = [one for one in mutants("shop.py", LOADED) if one.name.startswith(f"shop.py: {function}: ")]
    assert changes
    for one in changes:
        loaded: dict[str, object] = {}
        exec(compile(LOADED, str(path), "exec"), loaded)
        after: dict[str, object] = {}
        exec(compile(mutated(LOADED, one.index), str(path), "exec"), after)
        assert replace(path, ast.unparse(ast.parse(LOADED)), mutated(LOADED, one.index))
        assert eval(said, loaded) == eval(said, after)


def test_a_dead_proxy_is_no_function(tmp_path: Path) -> None:
    path = tmp_path / "shop.py"
    path.write_text(LOADED, "utf-8")
    dead = weakref.proxy(_Gone())
    loaded: dict[str, object] = {}
    exec(compile(LOADED, str(path), "exec"), loaded)
    one = next(one for one in mutants("shop.py", LOADED) if one.name.startswith("shop.py: twice: "))
    assert replace(path, ast.unparse(ast.parse(LOADED)), mutated(LOADED, one.index))
    with pytest.raises(ReferenceError):
        isinstance(dead, int)


class _Gone:
    """What nobody holds."""


def test_what_cannot_be_put_in_place_is_said(tmp_path: Path) -> None:
    """Two functions of one name; and one that nobody has loaded."""
    plain = ast.unparse(ast.parse(LOADED))
    loaded: dict[str, object] = {}
    exec(compile(LOADED, str(tmp_path / "shop.py"), "exec"), loaded)
    of_name = {one.name: one.index for one in mutants("shop.py", LOADED)}
    assert not replace(tmp_path / "shop.py", plain, mutated(LOADED, of_name["shop.py: named: 1 → 2"]))
    assert not replace(tmp_path / "other.py", plain, mutated(LOADED, of_name["shop.py: twice: x + x → x - x"]))
    assert not replace(tmp_path / "shop.py", plain, plain)


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
