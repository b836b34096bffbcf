"""Processes and threads that work in the sandbox has started end with it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dynmech.experiments.workers.sandbox import confined
from tests.builders.processes import alive, gone
from tests.builders.runs import ROOT
from tests.builders.sandboxed import QUICK, fork

pytestmark = pytest.mark.usefixtures("nothing_is_left_behind")


def test_a_thread_that_never_ends_does_not_hold_the_result() -> None:
    def work() -> int:
        threading.Thread(target=time.sleep, args=(100,)).start()
        return 7

    start = time.monotonic()
    assert confined(work, QUICK).opened().value == 7
    assert time.monotonic() - start < 3


# What it may start


def started(how: Callable[[int], None]) -> int:
    """Run `how` in a child; the process id that it has reported of a grandchild."""

    def work() -> int:
        read, write = os.pipe()
        how(write)
        return int(os.read(read, 20).split()[0])

    answer = confined(work, QUICK)
    assert answer.error is None, answer.error
    return int(answer.opened().value)


def shell(write: int) -> None:
    os.write(write, f"{subprocess.Popen(['sleep', '60']).pid} ".encode())


def daemon(write: int) -> None:
    """Twice forked, with a session of its own: not in the child's group any more."""
    if os.fork() == 0:
        os.setsid()
        fork(write)
        os._exit(0)


@pytest.mark.parametrize("how", [fork, shell, daemon])
def test_what_it_has_started_ends_with_it(how: Callable[[int], None]) -> None:
    assert gone(started(how))


def test_a_process_that_holds_the_line_open_is_not_waited_for() -> None:
    def work() -> int:
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        os._exit(4)

    start = time.monotonic()
    assert str(confined(work, QUICK).error) == "ended its process (exit code 4)"
    assert time.monotonic() - start < 3


def test_ten_processes_that_fork_are_all_ended(tmp_path: Path) -> None:
    def work() -> None:
        for _ in range(10):
            if os.fork() == 0:
                (tmp_path / str(os.getpid())).touch()
                while True:
                    time.sleep(1)
        while len(list(tmp_path.iterdir())) < 10:
            time.sleep(0.02)
        raise ValueError("enough")

    assert "ValueError: enough" in str(confined(work, QUICK).error)
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) == 10
    assert all(gone(pid) for pid in pids)


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """The parent is killed: nobody is left to end the child but the system."""
    script = (
        "import os, time\n"
        "from dynmech.experiments.workers.sandbox import Limits, confined\n"
        "def work():\n"
        "    open('child', 'w').write(f'{os.getpid()} ')\n"
        "    time.sleep(60)\n"
        "confined(work, Limits())\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=env)
    while not (tmp_path / "child").exists() or not (child := (tmp_path / "child").read_text()):
        time.sleep(0.02)
    assert alive(int(child))
    parent.kill()
    parent.wait()
    assert gone(int(child))
