"""Every command that plays, killed again and again: equal bytes, or exit code 1 and what failed is named.

`KILLS` in the environment says how many kills a command gets.
"""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.builders.runs import Command, bytes_below, call, command_line

STUDY = """
environment = "oil-leases"
mechanisms = ["linked", "team"]
episodes = 400
[strategies]
truth = "truthful"
lie = "misreport:map=flip"
"""

OUT = ["--shard", "10", "--workers", "2", "--out", "out"]

KINDS = {
    "run": ["run", "oil-leases", "linked", "--strategy", "0=random", "--episodes", "400", *OUT],
    "stress": ["stress", "oil-leases", "--mechanism", "linked", "--mechanism", "team", "--episodes", "60", *OUT],
    "tournament": ["tournament", "study.toml", "--workers", "2", "--out", "out"],
    "sweep": [
        *("sweep", "repeated-auction:horizon=3", "--vary", "discount=0.5,0.6,0.7,0.8,0.9"),
        *("--mechanism", "pivot", "--mechanism", "team"),
        *("--workers", "2", "--out", "out"),
    ],
}

KILLS = int(os.environ.get("KILLS", "6"))


def begin(kind: str, folder: Path) -> Command:
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return Command(KINDS[kind], folder)


def kill(command: Command, victim: str, luck: random.Random, seconds: float) -> bool:
    """Kill the program or one of its workers at some moment; False where it had ended, or had no workers."""
    time.sleep(luck.uniform(0, seconds))
    workers = [pid for pid in command.everybody() if "popen_loky" in command_line(pid)]
    pid = command.process.pid if victim == "program" else luck.choice(workers or [0])
    if not pid or command.process.poll() is not None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return True


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_moment_it_ends_with_equal_bytes_or_says_so(kind: str, tmp_path: Path) -> None:
    luck, kills, round_ = random.Random(kind), 0, 0
    whole = tmp_path / "whole"
    whole.mkdir()
    start = time.monotonic()
    assert begin(kind, whole).wait()[0] == 0
    seconds = time.monotonic() - start
    expected = bytes_below(whole / "out", beside=["gains.png"])
    while kills < KILLS and round_ < 4 * KILLS:
        round_ += 1
        folder = tmp_path / str(round_)
        folder.mkdir()
        command = begin(kind, folder)
        if round_ % 2:
            kills += kill(command, "program", luck, seconds)
            command.wait()
            code = call(KINDS[kind], folder)[0]
            assert code == 0
        else:  # workers, without resuming: twice, a second apart
            kills += sum(kill(command, "worker", luck, part * seconds) for part in (0.7, 0.3))
            code, out, err = command.wait()
            assert "Traceback" not in err
            assert code == 0 or (code == 1 and "its worker process died" in out + err), (code, err)
        if code == 0:
            assert bytes_below(folder / "out", beside=["gains.png"]) == expected
    print(f"{kind}: {kills} kills in {round_} rounds")  # noqa: T201 - shown with -rP
    assert kills >= KILLS // 2
