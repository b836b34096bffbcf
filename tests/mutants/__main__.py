"""Small changes of the code, each of which some test of its room must notice.

    python -m tests.mutants --room agents/oracle --room mechanisms/virtual --count 400 --seed 1

Draws so many of all changes of the rooms (default: the oracle's and those that make payments). Each is made in a copy
of the repository, never in the checkout, and the tests of its room (`tests/` and the same path) run against it, fastest
first, until one fails; so does a copy without a change, which must pass. What takes much longer than that counts as
noticed. Survivors are listed with their difference, but for those that `explained.txt` explains: a line `change |
reason` each. Results are kept in a file, line by line; the same command goes on where it was stopped. Exit code 1 where
more than one in twenty survives unexplained.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from xml.etree import ElementTree

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

MOST = 0.05
"""Share of mutants that may survive unexplained."""

SLOWER = 4
"""A mutant may take so many times what the room's tests take without one, and `SPARE` seconds."""

SPARE = 60.0


@dataclass(frozen=True)
class Tests:
    """The tests of a room: names, fastest first, and how long all took."""

    names: list[str]
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, and say what survived."""
    options = _options(arguments)
    drawn = draw(options.room or list(ROOMS), options.count, options.seed)
    found = dict(_kept(options.out))
    missing = [one for one in drawn if one.name not in found][: options.most]
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        copy = Path(place) / "copy"
        _copy(copy)
        tests: dict[str, Tests] = {}
        for k, one in enumerate(missing):
            room = str(Path(one.path).parent)
            if room not in tests:
                tests[room] = control(copy, room)
            result = attack(copy, one, tests[room])
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


def control(copy: Path, room: str) -> Tests:
    """Run a room's tests without any change; raise SystemExit where they fail."""
    report_file, begin = copy / "control.xml", monotonic()
    place = f"tests/{room}"
    code, said = run_tests(copy, [place, f"--junitxml={report_file}"], None)
    if code != 0:
        raise SystemExit(f"without any change, {place} fails:\n{said[-3000:]}")
    cases = ElementTree.parse(report_file).getroot().iter("testcase")
    timed = [(float(case.attrib["time"]), _node(case.attrib)) for case in cases if not len(case)]
    return Tests([name for _, name in sorted(timed)], monotonic() - begin)


def _node(case: dict[str, str]) -> str:
    return f"{case['classname'].replace('.', '/')}.py::{case['name']}"


def attack(copy: Path, one: Mutant, tests: Tests) -> str:
    """What became of a change: `noticed`, `too slow` or `survives`."""
    path = copy / one.path
    source = path.read_text("utf-8")
    try:
        path.write_text(mutated(source, one.index), "utf-8")
        code, _ = run_tests(copy, ["-x", *tests.names], SLOWER * tests.seconds + SPARE)
    finally:
        path.write_text(source, "utf-8")
    return {None: "too slow", 0: "survives"}.get(code, "noticed")


def run_tests(copy: Path, words: Sequence[str], seconds: float | None) -> tuple[int | None, str]:
    """Exit code and output of pytest in the copy; no code where it took longer."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
        "-m",
        "not slow",
        *words,
    ]
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    environment = {**os.environ, **single, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, ""
        return process.returncode, said.decode(errors="replace")


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
    surviving = [one for one in drawn if found[one.name] == "survives"]
    open_ones = [one for one in surviving if one.name not in known]
    for one in open_ones:
        shown = difference((ROOT / one.path).read_text("utf-8"), one.index)
        sys.stdout.write(f"survives: {one.name}\n{shown}\n\n")
    sys.stdout.write(
        f"{len(drawn)} mutants: {len(drawn) - len(surviving)} noticed, {len(surviving) - len(open_ones)} explained, "
        f"{len(open_ones)} survive.\n"
    )
    return int(len(open_ones) > MOST * len(drawn))


if __name__ == "__main__":
    sys.exit(main())
