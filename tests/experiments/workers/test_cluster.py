"""A local Dask cluster of real processes: the bytes of one process, whoever is killed or comes late."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from dynmech.experiments.runs.loading import make_workers
from dynmech.sim.core.errors import InputError
from tests.builders.runs import ROOT, Command, bytes_below, call, planted

STUDY = """
environment = "repeated-auction:bidders=3,values=3,horizon=3"
mechanisms = ["pivot", "pay-your-report"]
episodes = 600
log = "episodes"
[strategies]
truth = "truthful"
down = "misreport:map=down"
noisy = { use = "truthful", noise = 0.3 }
"""

pytestmark = pytest.mark.skipif(find_spec("distributed") is None, reason="distributed is not installed")


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        file = folder / "scheduler.json"
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.file = file

    @property
    def address(self) -> str:
        return str(json.loads(self.file.read_text(encoding="utf-8"))["address"])

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-W", "ignore", "-m", "distributed.cli.dask_" + words[0], *words[1:]]
        process = subprocess.Popen(
            command, cwd=self.folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.processes.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        """A new worker of one thread, without a nanny that would bring it back."""
        return self._start("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.end()


def wait_for(journal: Path, size: int, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not (journal.exists() and journal.stat().st_size > size):
        assert time.monotonic() < deadline, "nothing was played"
        time.sleep(0.005)


@pytest.mark.slow
def test_workers_that_die_or_come_late_change_no_byte(cluster: Cluster, tmp_path: Path) -> None:
    """Begun without any worker; one comes, is killed in the midst of it, and two others finish."""
    planted(tmp_path / "study.toml", STUDY)
    assert call(["tournament", "study.toml", "--out", "one"], tmp_path)[0] == 0
    command = Command(["tournament", "study.toml", "--out", "many", "--cluster", cluster.address], tmp_path)
    first = cluster.worker()
    wait_for(tmp_path / "many" / "shards.jsonl", 2000)
    first.send_signal(signal.SIGKILL)
    cluster.worker()
    cluster.worker()
    code, _, err = command.wait(150)
    assert code == 0, err
    assert bytes_below(tmp_path / "many") == bytes_below(tmp_path / "one")


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_run_in_one_line_and_the_run_resumes(cluster: Cluster, tmp_path: Path) -> None:
    planted(tmp_path / "study.toml", STUDY)
    command = Command(["tournament", "study.toml", "--out", "run", "--cluster", cluster.address], tmp_path)
    cluster.worker()
    wait_for(tmp_path / "run" / "shards.jsonl", 2000)
    cluster.processes[0].send_signal(signal.SIGKILL)
    code, _, err = command.wait(120)
    assert code == 2
    assert "Traceback" not in err
    assert "scheduler is gone" in err
    assert call(["tournament", "study.toml", "--out", "run"], tmp_path)[0] == 0


def test_an_address_where_nobody_answers_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import distributed

    def nobody(*_: object, **__: object) -> None:
        raise OSError("Timed out trying to connect\nto tcp://127.0.0.1:9")

    monkeypatch.setattr(distributed, "Client", nobody)
    with pytest.raises(InputError) as caught:
        make_workers(1, 20.0, 1.0, "tcp://127.0.0.1:9")
    assert str(caught.value) == (
        "cluster tcp://127.0.0.1:9: nobody answers (Timed out trying to connect to tcp://127.0.0.1:9)"
    )
