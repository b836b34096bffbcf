"""Every command that plays, killed again and again: equal bytes, or exit code 1 and what failed is named.

    python -m tests.kills --count 300 --seed 1 --out kills.jsonl

Plays lives of `run`, `stress`, `tournament` and `sweep`, and of a run with a plug-in, until so many processes have been
killed (SIGKILL) at random moments. In a life either the program is killed, up to eight times in a row, each time
resumed, and then left to finish; or its workers are, up to six of them, and nobody resumes; or first workers and then
the program. Every life must end in the bytes of an undisturbed run, or with exit code 1 and a line that says what was
not played: then the same line must mend it. Nothing may hang, write a traceback or stay behind. Lives are kept in a
file, a line each; the same command goes on where it was stopped. What a life left that went wrong stays beside that
file. Exit code 1 where one did.
"""

import argparse
import importlib
import json
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.builders.runs import bytes_below, strategy
from tests.kills.forked import Forked, single_threads

STUDY = """
environment = "oil-leases"
mechanisms = ["linked", "team"]
episodes = 60
[strategies]
truth = "truthful"
lie = "misreport:map=flip"
"""

SHADE = strategy("shade", "return np.where(view.uniforms[:, 0] < 0.5, view.prescribed, 0)", head="width = 1")

OUT = ("--out", "out")

RUN = ("run", "oil-leases", "linked", "--episodes", "100", "--shard", "10")

KINDS = {
    "run": (*RUN, "--strategy", "0=random", *OUT),
    "stress": (
        *("stress", "oil-leases", "--mechanism", "linked", "--mechanism", "team"),
        *("--episodes", "20", "--shard", "10", *OUT),
    ),
    "tournament": ("tournament", "study.toml", *OUT),
    "sweep": (
        *("sweep", "repeated-auction:horizon=2", "--vary", "discount=0.5,0.9"),
        *("--mechanism", "pivot", "--mechanism", "team", *OUT),
    ),
    "plug-in": (*RUN, "--strategy", "0=shade", "--plugin", "shade.py", *OUT),
}

STORIES = ("program", "program", "workers", "both")

FAILED = "its worker process died"
"""What is said of a piece whose workers were killed too often."""

BESIDE = ("gains.png",)
"""Pictures are drawn anew, and promised to nobody byte by byte."""


class Wrong(Exception):
    """A life that ended in neither way."""


class Lives:
    """Lives of the commands, and what undisturbed ones leave."""

    def __init__(self, seed: int, place: Path) -> None:
        self.seed, self.place = seed, place
        self._whole: dict[str, dict[str, bytes]] = {}
        self._lasts: dict[str, tuple[int, float]] = {}

    def live(self, number: int) -> dict[str, Any]:
        """One life: what was killed, and how it ended."""
        luck = random.Random(f"{self.seed}/{number}")
        kind, story = luck.choice(list(KINDS)), luck.choice(STORIES)
        self._undisturbed(kind)
        folder = self._begin(f"life {number}")
        entry: dict[str, Any] = {"life": number, "kind": kind, "story": story, "killed": []}
        try:
            entry["ended"] = self._lived(kind, story, folder, luck, entry["killed"])
            shutil.rmtree(folder)
        except (Wrong, TimeoutError) as error:
            entry["wrong"] = str(error)
        return entry

    def _lived(self, kind: str, story: str, folder: Path, luck: random.Random, killed: list[str]) -> str:
        words = (*KINDS[kind], "--workers", str(luck.choice((1, 1, 1, 2)) if story == "program" else 2))
        for _ in range(luck.randint(3, 8) if story == "program" else int(story == "both")):
            command = Forked(words, folder)
            if story == "both":
                self._kill_workers(command, folder, kind, luck, killed, 2)
            self._wait_for_moment(command, folder, kind, luck)
            if command.kill(command.pid):
                killed.append("program")
            code, said = command.wait()
            self._see(code in (0, 1, -9), code, said)
            self._see_nobody_left(command)
        command = Forked(words, folder)
        if story == "workers":
            self._kill_workers(command, folder, kind, luck, killed, luck.randint(2, 6))
        code, said = command.wait()
        self._see_nobody_left(command)
        return self._judged(kind, words, folder, code, said)

    def _judged(self, kind: str, words: tuple[str, ...], folder: Path, code: int, said: str) -> str:
        """How a life ended, in words."""
        self._see(code == 0 or (code == 1 and FAILED in said), code, said)
        if code == 0:
            self._see_equal(kind, folder)
            return "equal bytes"
        again = Forked(words, folder)
        code, said = again.wait()
        self._see(code == 0, code, said)
        self._see_equal(kind, folder)
        return "exit code 1, and equal bytes once tried again"

    def _kill_workers(
        self, command: Forked, folder: Path, kind: str, luck: random.Random, killed: list[str], times: int
    ) -> None:
        """Kill workers of a command, one after the other."""
        for _ in range(times):
            if not command.until(command.workers, 60.0):
                return
            self._wait_for_moment(command, folder, kind, luck, 1 / times)
            with suppress(IndexError):
                if command.kill(luck.choice(command.workers())):
                    killed.append("worker")

    def _wait_for_moment(
        self, command: Forked, folder: Path, kind: str, luck: random.Random, share: float = 1.0
    ) -> None:
        """Wait until some share of what is missing has been recorded, and then a little longer."""
        lines, seconds = self._lasts[kind]
        here = _recorded(folder)
        wanted = here + luck.randrange(0, max(1, round(share * (lines - here))))
        command.until(lambda: _recorded(folder) >= wanted, 60.0)
        command.until(lambda: False, luck.uniform(0.0, 2 * seconds / lines))

    def _undisturbed(self, kind: str) -> None:
        """See what an undisturbed command leaves, how many lines its journal has, and how long its workers work."""
        if kind in self._whole:
            return
        folder = self._begin(f"whole {kind}")
        command = Forked((*KINDS[kind], "--workers", "2"), folder)
        command.until(command.workers, 60.0)
        first = time.monotonic()
        code, said = command.wait()
        self._see(code == 0, code, said)
        self._whole[kind] = bytes_below(folder / "out", beside=BESIDE)
        end = time.monotonic()
        self._lasts[kind] = _recorded(folder), end - first

    def _begin(self, name: str) -> Path:
        folder = self.place / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "study.toml").write_text(STUDY, encoding="utf-8")
        (folder / "shade.py").write_text(SHADE, encoding="utf-8")
        return folder

    @staticmethod
    def _see(good: bool, code: int, said: str) -> None:
        if not good or "Traceback" in said:
            raise Wrong(f"exit code {code}: {said[-1500:]}")

    @staticmethod
    def _see_nobody_left(command: Forked) -> None:
        if left := command.left(60.0):
            command.end()
            raise Wrong(f"left running: {left}")

    def _see_equal(self, kind: str, folder: Path) -> None:
        expected, there = self._whole[kind], bytes_below(folder / "out", beside=BESIDE)
        differ = sorted(name for name in expected.keys() | there.keys() if expected.get(name) != there.get(name))
        if differ:
            raise Wrong(f"exit code 0, but other bytes: {differ[:5]}")


def _recorded(folder: Path) -> int:
    """How many pieces of work have been recorded."""
    journal = folder / "out" / "shards.jsonl"
    try:
        return journal.read_bytes().count(b"\n")
    except OSError:
        return 0


def import_all(place: Path) -> None:
    """Import what the commands import, so that forks need not."""
    for kind, words in KINDS.items():
        folder = place / f"imports {kind}"
        folder.mkdir(parents=True)
        (folder / "study.toml").write_text(STUDY, encoding="utf-8")
        (folder / "shade.py").write_text(SHADE, encoding="utf-8")
        listing = folder / "modules.json"
        command = Forked((*words, "--workers", "1"), folder, listing)
        code, said = command.wait()
        if code != 0:
            raise SystemExit(f"undisturbed, {kind} ends with exit code {code}:\n{said[-3000:]}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in json.loads(listing.read_text("utf-8")):
                with suppress(Exception):
                    importlib.import_module(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Live what is missing, and say how many kills there were and what went wrong."""
    options = _options(arguments)
    lives = _kept(options.out)
    place = options.out.with_suffix(".lives").resolve()
    with single_threads(), tempfile.TemporaryDirectory(prefix="kills-") as imports:
        if _kills(lives) < options.count:
            import_all(Path(imports))
        world = Lives(options.seed, place)
        while _kills(lives) < options.count:
            lives.append(world.live(len(lives)))
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(lives[-1]) + "\n")
            sys.stderr.write(f"{_kills(lives)}/{options.count} {lives[-1]}\n")
    return report(lives)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=300, help="how many kills (300)")
    parser.add_argument("--seed", type=int, default=1, help="of whom, when (1)")
    parser.add_argument("--out", type=Path, default=Path("kills.jsonl"), help="where lives are kept")
    return parser.parse_args(arguments)


def _kept(out: Path) -> list[dict[str, Any]]:
    """Lives of earlier calls."""
    return [json.loads(line) for line in out.read_text("utf-8").splitlines()] if out.exists() else []


def _kills(lives: Sequence[dict[str, Any]]) -> int:
    return sum(len(life["killed"]) for life in lives)


def report(lives: Sequence[dict[str, Any]]) -> int:
    """Say how it went; 1 where a life ended in neither way."""
    for kind in KINDS:
        of_kind = [life for life in lives if life["kind"] == kind]
        victims = [victim for life in of_kind for victim in life["killed"]]
        named = sum(life.get("ended", "").startswith("exit") for life in of_kind)
        sys.stdout.write(
            f"{kind}: {len(victims)} kills ({victims.count('program')} of the program) in {len(of_kind)} lives, "
            f"{named} ended with exit code 1\n"
        )
    wrong = [life for life in lives if "wrong" in life]
    for life in wrong:
        sys.stdout.write(f"wrong: {life}\n")
    sys.stdout.write(f"{_kills(lives)} kills: {len(wrong)} lives ended wrongly\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
