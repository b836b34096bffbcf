"""Small changes of the code, each of which some test of its room must notice.

    python -m tests.mutants --room agents/oracle --room mechanisms/virtual --count 400 --seed 1

Draws so many of all changes of the rooms (default: the oracle's and those that make payments). The tests of a room
(`tests/` and the same path) run in a copy of the repository, never in the checkout: once without a change, where they
must pass and it is seen which of them execute which lines, then, for each change, those that execute its statement,
fastest first, until one fails. Where a line is also executed as modules are imported, all do; where none executes it,
that is said, and counts as surviving. What takes much longer than without the change counts as noticed. Survivors are
listed with their difference, but for those that `explained.txt` explains: a line `change | reason` each. Results are
kept in a file, line by line; the same command goes on where it was stopped. A value that is kept from test to test is
computed in the first that wants it: `--again` runs all tests of the room against what survived so far. Exit code 1
where more than one in twenty survives unexplained.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
"""A mutant may take so many times what the room's tests take without one, and `SPARE` seconds."""

SPARE = 60.0


@dataclass(frozen=True)
class Tests:
    """What the tests of a room do without a change.

    Attributes:
        seconds: by test.
        lines: by module and line, the tests that execute it.
        imported: by module, lines that are executed outside every test.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, set[str]]]
    imported: dict[str, set[int]]

    def of(self, one: Mutant, every: bool = False) -> list[str]:
        """Those that a change can concern, fastest first."""
        numbers = range(one.lines[0], one.lines[1] + 1)
        lines = self.lines.get(one.path, {})
        concerned = set[str]().union(*(lines.get(number, ()) for number in numbers))
        rest = set(self.seconds) - concerned
        everywhere = every or not self.imported.get(one.path, set()).isdisjoint(numbers)
        return sorted(concerned, key=self.seconds.__getitem__) + everywhere * sorted(rest, key=self.seconds.__getitem__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, and say what survived."""
    options = _options(arguments)
    drawn = draw(options.room or list(ROOMS), options.count, options.seed)
    found = dict(_kept(options.out))
    left = [one for one in drawn if (found.get(one.name) in SURVIVING if options.again else one.name not in found)]
    # Room by room, as each has a run without a change of its own.
    missing = sorted(left[: options.most], key=lambda one: Path(one.path).parent)
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        copy = Path(place) / "copy"
        _copy(copy)
        with Forks(copy) as forks:
            tests: dict[str, Tests] = {}
            for k, one in enumerate(missing):
                room = str(Path(one.path).parent)
                if room not in tests:
                    tests[room] = control(forks, copy, room)
                result = attack(forks, copy, one, tests[room], options.again)
                found[one.name] = result
                _keep(options.out, one.name, result)
                sys.stderr.write(f"{k + 1}/{len(missing)} {result}: {one.name}\n")
    return report([one for one in drawn if one.name in found], found)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.partition("\n")[0])
    parser.add_argument("--room", action="append", help="a folder of modules, or one module; may be repeated")
    parser.add_argument("--count", type=int, default=400, help="how many are drawn (400)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (1)")
    parser.add_argument("--most", type=int, help="how many to run now")
    parser.add_argument("--again", action="store_true", help="all tests of the room, against what survived")
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"), help="where results are kept")
    return parser.parse_args(arguments)


def draw(rooms: Sequence[str], count: int, seed: int, root: Path = ROOT) -> list[Mutant]:
    """So many changes of the rooms' modules, drawn with a seed."""
    every = [
        one for room in rooms for path in files(root, room) for one in mutants(path, (root / path).read_text("utf-8"))
    ]
    return random.Random(seed).sample(every, min(count, len(every)))


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


def control(forks: Forks, copy: Path, room: str) -> Tests:
    """Run a room's tests without any change; raise SystemExit where they fail."""
    kept, place = copy / "executed.json", f"tests/{room}"
    code, said = forks.pytest([*PYTEST, place], room=room, kept=str(kept))
    if code != 0:
        raise SystemExit(f"without any change, {place} fails:\n{said[-3000:]}")
    executed = json.loads(kept.read_text("utf-8"))
    forks.load(executed["modules"])
    names = list(executed["seconds"])
    lines = {
        path: {int(line): {names[k] for k in tests} for line, tests in of_path.items()}
        for path, of_path in executed["lines"].items()
    }
    return Tests(executed["seconds"], lines, {path: set(lines) for path, lines in executed["imported"].items()})


def attack(forks: Forks, copy: Path, one: Mutant, tests: Tests, every: bool = False) -> str:
    """What became of a change: `noticed`, `too slow`, `survives` or `not executed`."""
    concerned = tests.of(one, every)
    if not concerned:
        return "not executed"
    path = copy / one.path
    source = path.read_text("utf-8")
    try:
        path.write_text(mutated(source, one.index), "utf-8")
        code, _ = forks.pytest(
            [*PYTEST, "-x", *concerned], SLOWER * sum(tests.seconds[test] for test in concerned) + SPARE
        )
    finally:
        path.write_text(source, "utf-8")
    return {None: "too slow", 0: "survives"}.get(code, "noticed")


def _kept(out: Path) -> Iterator[tuple[str, str]]:
    """Results of earlier runs."""
    if out.exists():
        for line in out.read_text("utf-8").splitlines():
            entry: dict[str, Any] = json.loads(line)
            yield entry["mutant"], entry["result"]


def _keep(out: Path, name: str, result: str) -> None:
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"mutant": name, "result": result}, ensure_ascii=False) + "\n")


def explained(path: Path = EXPLAINED) -> dict[str, str]:
    """Survivors that change nothing that is promised, each with the reason."""
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    return {change.strip(): reason.strip() for change, _, reason in (line.rpartition(" | ") for line in lines)}


def report(drawn: Sequence[Mutant], found: dict[str, str]) -> int:
    """Say what survived; 1 where that is too much."""
    known = explained()
    surviving = [one for one in drawn if found[one.name] in SURVIVING]
    open_ones = [one for one in surviving if one.name not in known]
    for one in open_ones:
        shown = difference((ROOT / one.path).read_text("utf-8"), one.index)
        sys.stdout.write(f"{found[one.name]}: {one.name}\n{shown}\n\n")
    sys.stdout.write(
        f"{len(drawn)} mutants: {len(drawn) - len(surviving)} noticed, {len(surviving) - len(open_ones)} explained, "
        f"{len(open_ones)} survive.\n"
    )
    return int(len(open_ones) > MOST * len(drawn))


if __name__ == "__main__":
    sys.exit(main())
