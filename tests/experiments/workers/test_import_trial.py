"""Opening a plug-in: what does more than define things is told, and never comes into the program itself."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.workers.plugin_opening import open_plugins
from dynmech.experiments.workers.pool import Workers
from dynmech.experiments.workers.sandbox import Limits
from dynmech.sim.core.errors import InputError
from dynmech.sim.log import run_folder

WORKERS = Workers(limits=Limits(seconds=5))

DEFINES = '''
from dynmech.agents.strategies.base import Strategy


class Tried(Strategy):
    """Sends what it should."""

    name = "tried"

    def message(self, view):
        return view.prescribed
'''

DEEDS = {
    "a thread": ("import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()", "starts a thread"),
    "an exit handler": ("import atexit, os\natexit.register(os._exit, 9)", "asks for something to be done at exit"),
    "a process that outlives it": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(60)\n    os._exit(0)",
        "leaves a process running",
    ),
    "a process of a process": (
        "import os, time\nif os.fork() == 0:\n    os.fork() or time.sleep(60)\n    os._exit(0)\nos.wait()",
        "leaves a process running",
    ),
    "a signal ignored": (
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "changes what signal SIGTERM does",
    ),
    "another folder": ("import os\nos.chdir('/')", "changes the working directory"),
    "a function of ours": (
        "from dynmech.sim.log import run_folder\nrun_folder.configuration_hash = lambda _: '0' * 16",
        "replaces dynmech.sim.log.run_folder.configuration_hash",
    ),
    "a method of ours": (
        "from dynmech.sim.log.journal import Journal\nJournal.append = lambda *_: None",
        "replaces dynmech.sim.log.journal.Journal.append",
    ),
    "a function of Python's": ("import json\njson.dumps = str", "replaces json.dumps"),
    "the end of the program": ("import os\nos._exit(0)", r"ended its process \(exit code 0\)"),
    "no end": ("import time\ntime.sleep(60)", "still running after 5 s"),
}


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
        monkeypatch.setattr(registry, "_added", {})


def planted(folder: Path, more: str) -> Path:
    path = folder / "plug_in.py"
    path.write_text(f"{DEFINES}\n{more}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("what", [pytest.param(d, marks=[pytest.mark.slow] if d == "no end" else []) for d in DEEDS])
def test_what_does_more_than_define_is_not_opened_here(what: str, tmp_path: Path) -> None:
    source, said = DEEDS[what]
    before = (os.getcwd(), signal.getsignal(signal.SIGTERM), threading.active_count(), run_folder.configuration_hash)
    with pytest.raises(InputError, match=f"plug-in .*{said}"):
        open_plugins([planted(tmp_path, source)], WORKERS)
    assert "tried" not in STRATEGIES.names()
    assert (
        os.getcwd(),
        signal.getsignal(signal.SIGTERM),
        threading.active_count(),
        run_folder.configuration_hash,
    ) == before


def test_what_defines_things_is_opened_and_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = planted(tmp_path, "import json, atexit, logging.handlers, concurrent.futures")
    open_plugins([path], WORKERS)
    assert "tried" in STRATEGIES.names()
    monkeypatch.setattr("dynmech.experiments.workers.plugin_opening.confined", lambda *_: pytest.fail("tried again"))
    open_plugins([path], WORKERS)


def test_a_flood_at_import_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    open_plugins([planted(tmp_path, "import os\nfor _ in range(50): print('x' * 100_000)\nos.write(1, b'y')")], WORKERS)
    said = capfd.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert "wrote 5,000,051 bytes to standard output or error: 'x" in line
    assert len(line) < 300
    assert sys.stdout.writable()
