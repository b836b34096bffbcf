"""A machine that lacks something, and ends from outside: one line, the exit code that says so, nothing half done."""

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dynmech.experiments.catalog.names import load
from dynmech.experiments.cli.app import main
from dynmech.experiments.cli.endings import told_endings
from dynmech.experiments.runs.running import run
from dynmech.experiments.workers import pool
from dynmech.experiments.workers.interrupts import uninterrupted
from dynmech.experiments.workers.sandbox import Limits, confined
from dynmech.sim.core import memory_budget
from dynmech.sim.core.errors import InputError, StorageError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.files import save_environment
from tests.builders.runs import Command, bytes_below

SMALL = ["run", "oil-leases", "linked", "--episodes", "6", "--out"]


def ends(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[str]]:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    assert isinstance(stop.value.code, int)
    return stop.value.code, [line for line in capsys.readouterr().err.splitlines() if line.startswith("dynmech: ")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_end_is_heard_once_and_tidily(number: int) -> None:
    with told_endings() as heard:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # while it tidies up
        assert confined(lambda: os.kill(os.getpid(), number), Limits(seconds=20)).error is not None, "its children end"
    assert heard == [number]
    assert signal.getsignal(number) is signal.SIG_DFL


@pytest.mark.parametrize("ctrl_c", [signal.default_int_handler, signal.SIG_IGN], ids=["heard", "ignored"])
def test_it_waits_for_the_end_of_what_must_not_be_interrupted(ctrl_c: Any) -> None:
    """Also where Ctrl-C is ignored, as in what a script starts in the background."""
    done, before = [], signal.signal(signal.SIGINT, ctrl_c)

    def work() -> None:
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append(1)

    try:
        with told_endings() as heard, pytest.raises(KeyboardInterrupt):
            work()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (done, heard) == ([1], [signal.SIGTERM])


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_ended_from_outside_it_says_so_and_leaves_no_half_files(number: int, code: int, tmp_path: Path) -> None:
    command = Command(
        ["run", "oil-leases", "linked", "--episodes", "100000", "--shard", "50", "--out", "out"], tmp_path
    )
    command.says("playing")
    os.kill(command.process.pid, number)
    ended, _, err = command.wait()
    assert ended == code
    assert err.splitlines()[-1] == "dynmech: interrupted; the same line resumes"
    assert "Traceback" not in err
    assert list(tmp_path.rglob(".*.p*")) == []


def test_a_finished_run_can_be_repeated_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run("oil-leases", "linked", episodes=6, out=tmp_path / "out").folder
    before = bytes_below(folder)

    def refuses(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("tempfile.mkstemp", refuses)
    assert run("oil-leases", "linked", episodes=6, out=folder).reused
    assert bytes_below(folder) == before


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "none")
    code, (line,) = ends(capsys, *SMALL, str(tmp_path / "out"))
    assert (code, line) == (2, f"dynmech: {tmp_path}/out: a link that leads nowhere; choose another --out")


def test_what_is_not_finite_is_written_to_no_file(tmp_path: Path) -> None:
    economy = load("bilateral-trade-continuous")
    assert not isinstance(economy, TableEnvironment)
    with pytest.raises(InputError, match=f"environment '{economy.name}': only a finite one"):
        save_environment(economy, tmp_path / "x.json")  # type: ignore[arg-type] # what is tested
    assert list(tmp_path.iterdir()) == []


def test_no_room_for_what_processes_share_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pool, "get_reusable_executor", refuses)
    with pytest.raises(StorageError, match=r"processes cannot be started: No space left on device \(is /dev/shm"):
        pool.Loky(2).submit(len, "x")  # type: ignore[arg-type] # it is never called


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("x.so: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
    ],
)
def test_too_little_memory_is_one_line(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("dynmech.experiments.runs.running.execute", fails)
    code, (line,) = ends(capsys, *SMALL, str(tmp_path / "out"))
    assert (code, line.startswith("dynmech: the machine: "), "memory" in line) == (2, True, True)


def test_other_errors_are_not_taken_for_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ImportError("no module named x")

    monkeypatch.setattr("dynmech.experiments.runs.running.execute", fails)
    with pytest.raises(ImportError):
        main([*SMALL, str(tmp_path / "out")])


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [150_000, 400_000, 550_000, 1_000_000, 1_200_000])
def test_a_tight_limit_on_memory(kilobytes: int, tmp_path: Path) -> None:
    """Less than is needed, whatever that is: one line, and no library that waits for memory for ever."""
    line = f"ulimit -v {kilobytes}; exec {sys.executable} -m dynmech {' '.join(SMALL)} out"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stderr
    said = [text for text in done.stderr.splitlines() if text.startswith("dynmech: the machine: not enough memory")]
    assert (done.returncode, len(said)) in ((0, 0), (2, 1))
    assert done.returncode == 2 or kilobytes * 1024 >= memory_budget.ADDRESSES


def test_too_few_addresses_are_said_before_anything_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (512_000_000, resource.RLIM_INFINITY))
    code, (line,) = ends(capsys, *SMALL, str(tmp_path / "out"))
    said = "dynmech: the machine: not enough memory: `ulimit -v` leaves 512 MB, at least 1 GB is needed"
    assert (code, line) == (2, said)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr("resource.getrlimit", lambda _: (memory_budget.ADDRESSES, resource.RLIM_INFINITY))
    memory_budget.require_addresses()


@pytest.mark.parametrize("words", [None, ["--version"]])
def test_a_program_ends_its_workers_before_it_leaves(words: list[str] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who calls `main` with words keeps them; a worker that is still starting would end with a traceback of its own."""
    ended: list[dict[str, bool]] = []

    class Pool:
        def shutdown(self, **how: bool) -> None:
            ended.append(how)

    monkeypatch.setattr(pool, "EXECUTORS", [Pool()])
    monkeypatch.setattr(sys, "argv", ["dynmech", "--version"])
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 0
    assert ended == ([{"wait": True, "kill_workers": True}] if words is None else [])
