"""Work that is done in a child of ours, and what must not be left behind."""

import os
import random
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from dynmech.experiments.workers.pool import Call, Workers
from dynmech.experiments.workers.sandbox import Limits

QUICK = Limits(seconds=20, memory=300 << 20)


def children() -> set[int]:
    """Processes that this one has started, the dead that nobody has buried among them."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(stat.parent.name))
    return found


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def state() -> list[Any]:
    """What a child could have changed if it were not one."""
    return [
        *(
            {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
            os.getcwd(),
            list(sys.path),
            np.geterr(),
            random.getstate(),
            sys.getrecursionlimit(),
        ),
        *(str(np.random.get_state()), signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)),  # noqa: NPY002
        *(resource.getrlimit(resource.RLIMIT_AS), threading.active_count(), os.umask(os.umask(0o22))),
    ]


def fork(write: int) -> None:
    if os.fork() == 0:
        os.write(write, f"{os.getpid()} ".encode())
        time.sleep(60)
        os._exit(0)


def asked(workers: Workers, call: Call) -> Any:
    """One call's value."""
    (done,) = workers.run([call])
    if done.answer.error is not None:
        raise done.answer.error
    return done.answer.value
