"""Small changes of the code, each of which some test of its room must notice.

    python -m tests.mutants --room agents/oracle --room mechanisms/virtual --count 400 --seed 1

Draws so many of all changes of the rooms (default: the oracle's and those that make payments): those that come first
when all are ordered by a digest of the seed and their name, so that the draw stays when other code is edited. The tests
of a room (`tests/` and the same path) run in a copy of the repository, never in the checkout: twice without a change,
where they must pass, to see which of them execute which lines, and how long each takes; then, for each change, those
that execute its statement, until one fails: fastest first, and those first that noticed other changes of the module.
Where a line is also executed as modules are imported, all do, in modules imported anew; elsewhere the function's code
is put in place. Where no test executes the line, that is said, and counts as surviving; so does what is not noticed
within `--seconds` of tests. What takes much longer than without the change counts as noticed. Survivors are listed with
their difference, but for those that `explained.txt` explains: a line `change | reason` each. Results are kept in a
file, line by line, and hold until the function is edited; the same command goes on where it was stopped. A value that
is kept from test to test is computed in the first that wants it: `--again` runs all tests of the room, however long
they take, against what survived so far. Exit code 1 where more than one in twenty survives unexplained.
"""

import argparse
import ast
import hashlib
import json
import math
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.mutants.forking import Forks
from tests.mutants.mutations import Mutant, difference, files, mutants, mutated

ROOT = Path(__file__).resolve().parents[2]
EXPLAINED = Path(__file__).with_name("explained.txt")

ROOMS = (
    "agents/oracle",
    "mechanisms/auctions",
    "mechanisms/balanced",
    "mechanisms/contingent",
    "mechanisms/groves",
    "mechanisms/revenue",
    "mechanisms/rules",
    "mechanisms/virtual",
)
"""The oracle, and who pays what."""

PYTEST = (
    "-q",
    "-p",
    "no:cacheprovider",
    "-o",
    "addopts=",
    "-m",
    "not slow",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)
"""What is not ours is imported before pytest could rewrite its assertions."""

SURVIVING = ("survives", "not executed")

MOST = 0.05
"""Share of mutants that may survive unexplained."""

SLOWER = 4
"""With a mutant, a test may take so many times the CPU that it takes without one, and `SPARE` seconds."""

SPARE = 10.0


@dataclass(frozen=True)
class Tests:
    """What the tests of a room do without a change.

    Attributes:
        seconds: of CPU, by test.
        lines: by module and line, the tests that execute it.
        imported: by module, lines that are executed outside every test.
        noticed: by module, how many of its changes each test noticed.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, set[str]]]
    imported: dict[str, set[int]]
    noticed: dict[str, Counter[str]] = field(default_factory=dict)

    def of(self, one: Mutant, every: bool = False, budget: float = math.inf) -> list[str]:
        """Those that a change can concern: fastest first, and what noticed changes of this module before.

        As many as take so many seconds of CPU together, and one more.
        """
        numbers = range(one.lines[0], one.lines[1] + 1)
        lines = self.lines.get(one.path, {})
        concerned = set[str]().union(*(lines.get(number, ()) for number in numbers))
        rest = set(self.seconds) - concerned if every or self.is_imported(one) else set[str]()
        noticed = self.noticed.get(one.path, Counter())

        def turn(test: str) -> tuple[float, str]:
            return self.seconds[test] / (1 + noticed[test]), test

        order = sorted(concerned, key=turn) + sorted(rest, key=turn)
        before = accumulate((self.seconds[test] for test in order), initial=0.0)
        return [test for test, spent in zip(order, before, strict=False) if spent <= budget]

    def is_imported(self, one: Mutant) -> bool:
        """Whether what changes is executed as modules are imported."""
        return not self.imported.get(one.path, set()).isdisjoint(range(one.lines[0], one.lines[1] + 1))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, and say what survived."""
    options = _options(arguments)
    drawn = draw(options.room or list(ROOMS), options.count, options.seed)
    found = dict(_kept(options.out))
    left = [one for one in missing(drawn, found, options) if any(part in one.name for part in options.name or [""])]
    # Room by room, as each has a run without a change of its own; the largest first, so that none is left alone.
    rooms: dict[str, list[Mutant]] = {}
    for one in left[: options.most]:
        rooms.setdefault(str(Path(one.path).parent), []).append(one)
    with ThreadPoolExecutor(options.workers) as pool:
        tasks = sorted(rooms, key=lambda room: -len(rooms[room]))
        for results in pool.map(lambda room: attack_room(room, rooms[room], options), tasks):
            found.update(results)
    return report([one for one in drawn if key(one) in found], found)


def missing(
    drawn: Sequence[Mutant], found: dict[tuple[str, str], str], options: argparse.Namespace
) -> Sequence[Mutant]:
    """What has not been run; or, to be run once more, what survives and is not explained."""
    if not (options.again or options.survivors):
        return [one for one in drawn if key(one) not in found]
    known = explained()
    return [one for one in drawn if found.get(key(one)) in SURVIVING and one.name not in known]


def key(one: Mutant) -> tuple[str, str]:
    """What a result is of: the change, and the function's code."""
    return one.name, one.within


def attack_room(room: str, changes: Sequence[Mutant], options: argparse.Namespace) -> dict[tuple[str, str], str]:
    """The results of changes of a room, each kept as soon as it is known."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        copy = Path(place) / "copy"
        _copy(copy)
        with Forks(copy) as forks:
            only = [test for test in options.tests or () if test.startswith(f"tests/{room}/")]
            if options.tests and not only:
                return {}
            tests = control(forks, copy, room, options.out, only)
            for k, one in enumerate(changes):
                result, test = attack(
                    forks, copy, one, tests, options.again, math.inf if options.again else options.seconds
                )
                if test:
                    tests.noticed.setdefault(one.path, Counter())[test] += 1
                if not only or result not in SURVIVING:
                    found[key(one)] = result
                    _keep(options.out, one, result, test)
                sys.stderr.write(f"{room} {k + 1}/{len(changes)} {result}: {one.name}\n")
    return found


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("--room", action="append", help="a folder of modules, or one module; may be repeated")
    parser.add_argument("--count", type=int, default=400, help="how many are drawn (400)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (1)")
    parser.add_argument("--most", type=int, help="how many to run now")
    parser.add_argument("--name", action="append", help="run only those whose name holds this; may be repeated")
    parser.add_argument("--survivors", action="store_true", help="run what survives unexplained once more")
    parser.add_argument("--again", action="store_true", help="the same, with all tests of the room")
    parser.add_argument(
        "--tests", action="append", help="only these, a file or a test: what they do not notice is left"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of CPU for the tests of a change (60)")
    parser.add_argument("--workers", type=int, default=1, help="rooms at a time (1)")
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"), help="where results are kept")
    return parser.parse_args(arguments)


def draw(rooms: Sequence[str], count: int, seed: int, root: Path = ROOT) -> list[Mutant]:
    """So many changes of the rooms' modules, drawn with a seed."""
    every = [
        one for room in rooms for path in files(root, room) for one in mutants(path, (root / path).read_text("utf-8"))
    ]
    return sorted(every, key=lambda one: hashlib.sha256(f"{seed} {one.name}".encode()).digest())[:count]


def _copy(place: Path) -> None:
    """Everything that git knows of, as it stands in the checkout."""
    known = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True
    )
    for name in filter(None, known.stdout.decode().split("\0")):
        source, target = ROOT / name, place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(os.readlink(source))
        elif source.is_file():
            target.write_bytes(source.read_bytes())


def control(forks: Forks, copy: Path, room: str, out: Path, only: Sequence[str] = ()) -> Tests:
    """What a room's tests, or these, do without any change; raise SystemExit where they fail.

    All of them are seen once for this code.
    """
    kept = out.with_name(f"{out.stem}.{room.replace('/', '.')}.json")
    places, digest = only or [f"tests/{room}"], _digest(copy, f"tests/{room}")
    executed = json.loads(kept.read_text("utf-8")) if kept.exists() and not only else {}
    if executed.get("digest") != digest:
        executed = _passing(forks.pytest([*PYTEST, *places], trace=room), places)
        names = list(executed["seconds"])
        forks.load(executed["modules"])
        forks.collect([*PYTEST, *places])
        again = forks.pytest([*PYTEST, *places], tests=sorted(names, key=executed["seconds"].__getitem__))
        executed |= {"digest": digest, "names": names, "seconds": _passing(again, places)["seconds"]}
        if not only:
            kept.write_text(json.dumps(executed), "utf-8")
    else:
        forks.load(executed["modules"])
        forks.collect([*PYTEST, *places])
    names = executed["names"]
    lines = {
        path: {int(line): {names[k] for k in tests} for line, tests in of_path.items()}
        for path, of_path in executed["lines"].items()
    }
    return Tests(executed["seconds"], lines, {path: set(lines) for path, lines in executed["imported"].items()})


def _passing(answer: dict[str, Any], places: Sequence[str]) -> dict[str, Any]:
    """What was kept of tests that pass."""
    if answer["code"] != 0:
        raise SystemExit(f"without any change, {' '.join(places)} fails:\n{answer['said'][-3000:]}")
    kept: dict[str, Any] = answer["kept"]
    return kept


def _digest(copy: Path, place: str) -> str:
    """Of all code but other rooms' tests."""
    digest = hashlib.sha256()
    for path in sorted(copy.rglob("*.py")):
        others = path.name.startswith("test_") or path.is_relative_to(copy / "tests" / "mutants")
        if others and not path.is_relative_to(copy / place):
            continue
        digest.update(str(path.relative_to(copy)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def attack(
    forks: Forks, copy: Path, one: Mutant, tests: Tests, every: bool = False, budget: float = math.inf
) -> tuple[str, str]:
    """What became of a change: `noticed`, `too slow`, `survives` or `not executed`; and the test that noticed it."""
    concerned = tests.of(one, every, budget)
    if not concerned:
        return "not executed", ""
    path = copy / one.path
    source, stat = path.read_text("utf-8"), path.stat()
    change = {"path": one.path, "after": mutated(source, one.index)}
    if not tests.is_imported(one):
        change["before"] = ast.unparse(ast.parse(source))
    try:
        # In the file, too: for processes that tests start. Bytecode goes by the file's time.
        path.write_text(change["after"], "utf-8")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1000 * 10**9))
        limits = [SLOWER * tests.seconds[test] + SPARE for test in concerned]
        modules = sorted({test.partition("::")[0] for test in concerned})
        answer = forks.pytest([*PYTEST, "-x", *modules], tests=concerned, limits=limits, change=change)
    finally:
        path.write_text(source, "utf-8")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    result = {None: "too slow", 0: "survives"}.get(answer["code"], "noticed")
    return result, answer["kept"].get("failed", "")


def _kept(out: Path) -> Iterator[tuple[tuple[str, str], str]]:
    """Results of earlier runs."""
    if out.exists():
        for line in out.read_text("utf-8").splitlines():
            entry: dict[str, Any] = json.loads(line)
            yield (entry["mutant"], entry["within"]), entry["result"]


def _keep(out: Path, one: Mutant, result: str, test: str) -> None:
    entry = {"mutant": one.name, "within": one.within, "result": result, "test": test}
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")


def explained(path: Path = EXPLAINED) -> dict[str, str]:
    """Survivors that change nothing that is promised, each with the reason."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    return {change.strip(): reason.strip() for change, _, reason in (line.rpartition(" | ") for line in lines)}


def report(drawn: Sequence[Mutant], found: dict[tuple[str, str], str]) -> int:
    """Say what survived; 1 where that is too much."""
    known = explained()
    surviving = [one for one in drawn if found[key(one)] in SURVIVING]
    open_ones = [one for one in surviving if one.name not in known]
    for one in open_ones:
        shown = difference((ROOT / one.path).read_text("utf-8"), one.index)
        sys.stdout.write(f"{found[key(one)]}: {one.name}\n{shown}\n\n")
    slow = sum(found[key(one)] == "too slow" for one in drawn)
    sys.stdout.write(
        f"{len(drawn)} mutants: {len(drawn) - len(surviving)} noticed{f' ({slow} as too slow)' if slow else ''}, "
        f"{len(surviving) - len(open_ones)} explained, {len(open_ones)} survive.\n"
    )
    return int(len(open_ones) > MOST * len(drawn))


if __name__ == "__main__":
    sys.exit(main())
