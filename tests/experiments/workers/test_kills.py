"""Killed and interrupted at any moment, parent or workers: what is left resumes to the bytes of an undisturbed run."""

import io
import os
import random
import signal
import time
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.cli.app import main
from dynmech.sim.log.journal import Journal
from dynmech.sim.log.run_folder import DATASETS
from tests.builders.runs import Command, bytes_below, call, command_line, planted, strategy

OUT = ["--shard", "20", "--out", "out"]
RUN = ["run", "oil-leases", "linked", "--strategy", "0=random", "--episodes", "500", *OUT]
STRESS = ["stress", "oil-leases", "--mechanism", "linked", "--mechanism", "team", "--episodes", "60", *OUT]
SHADE = strategy("shade", "return np.where(view.uniforms[:, 0] < 0.5, view.prescribed, 0)", head="width = 1")
KINDS = {
    "run 1": [*RUN, "--workers", "1"],
    "run 2": [*RUN, "--workers", "2"],
    "stress 1": [*STRESS, "--workers", "1"],
    "stress 2": [*STRESS, "--workers", "2"],
    "plug-in 2": [*STRESS, "--workers", "2", "--plugin"],
}


@pytest.fixture(scope="module", autouse=True)
def _one_plugin(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One file for all: two that define the same name are not let in."""
    KINDS["plug-in 2"].append(str(planted(tmp_path_factory.mktemp("plug-in") / "shade.py", SHADE)))


WHOLE: dict[str, dict[str, bytes]] = {}
"""By kind, without the number of workers: what an undisturbed run leaves."""


def here(words: list[str], folder: Path) -> str:
    """Call the command in this process, which is quicker, and see it succeed; its standard output."""
    out, err, before = io.StringIO(), io.StringIO(), os.getcwd()
    try:
        os.chdir(folder)
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stopped:
            main(words)
    finally:
        os.chdir(before)
        for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
            registry._added.clear()
    assert stopped.value.code == 0, err.getvalue()
    return out.getvalue()


def undisturbed(kind: str, folder: Path) -> dict[str, bytes]:
    name = kind.partition(" ")[0]
    if name not in WHOLE:
        place = folder / f"whole {name}"
        place.mkdir()
        here(KINDS[kind], place)
        WHOLE[name] = bytes_below(place / "out", beside=["gains.png"])
    return WHOLE[name]


def readable(folder: Path) -> None:
    """Whatever a reader of the datasets would pick up is a whole file, and no row is there twice."""
    for kind in DATASETS:
        for path in (folder / kind).rglob("*"):
            if path.is_file() and not path.name.startswith((".", "_")):
                assert path.suffix == ".parquet"
                assert pq.read_table(path, partitioning=None).num_rows > 0
        if (folder / kind).is_dir():
            table = ds.dataset(folder / kind, partitioning="hive", exclude_invalid_files=False)
            keys = [name for name in ("mechanism", "case", "episode", "period", "agent") if name in table.schema.names]
            rows = table.to_table(columns=keys).to_pandas()
            assert not rows.duplicated().any()


def recorded(folder: Path) -> dict[str, int]:
    """Files that the journal vouches for, with their times."""
    journal = Journal(folder / "shards.jsonl")
    names = (name for key in journal for name in journal.read(key).get("files", {}))
    return {name: (folder / name).stat().st_mtime_ns for name in names}


def workers(command: Command) -> list[int]:
    """Its workers, and the children in which users' code runs; not what cleans up after them."""
    there = [pid for pid in command.everybody() if pid != command.process.pid]
    return [pid for pid in there if "popen_loky" in command_line(pid)]


def kill_once(kind: str, luck: random.Random, folder: Path, seconds: float) -> str:
    """Kill the command, or one of its workers, at a moment of its life; what was done, in words.

    A worker is killed while its parent goes on; then the parent is killed too, half of the time.
    """
    command = Command(KINDS[kind], folder)
    time.sleep(luck.uniform(0, 1.1 * seconds))
    others, done = workers(command), []
    if others and luck.random() < 0.5:
        victim = luck.choice(others)
        done.append(f"killed {victim} of {others}")
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        time.sleep(luck.uniform(0, 0.3))
    if not done or luck.random() < 0.5:
        done.append("killed the parent")
        command.process.kill()
    code, _, err = command.wait()
    assert code in (0, -signal.SIGKILL), (done, code, err)
    assert "Traceback" not in err, err
    assert command.left(30.0) == [], (done, "orphans end by themselves")
    return f"{', '.join(done)}, code {code}"


def kill_and_resume(kind: str, seed: int, folder: Path, times: int, seconds: float) -> None:
    """Kill several times in a row, each time within so many seconds, then let it finish."""
    whole = undisturbed(kind, folder.parent)
    luck = random.Random(seed)
    story = []
    for _ in range(times):
        story.append(kill_once(kind, luck, folder, seconds))
        if (folder / "out").is_dir():
            readable(folder / "out")
    before = recorded(folder / "out") if (folder / "out/shards.jsonl").exists() else {}
    if "the same line tries it again" in here(KINDS[kind], folder):
        raise AssertionError(f"nothing of ours fails: {story}")
    assert bytes_below(folder / "out", beside=["gains.png"]) == whole, story
    after = recorded(folder / "out")
    assert all(after[name] == time for name, time in before.items()), "what was recorded is not played again"
    assert (folder / "out/gains.png").exists() == kind.startswith(("stress", "plug-in"))


@pytest.mark.parametrize(("kind", "seed"), [("run 1", 1), pytest.param("plug-in 2", 4, marks=pytest.mark.slow)])
def test_killed_at_some_moments_it_resumes_to_the_same_bytes(kind: str, seed: int, tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    kill_and_resume(kind, seed, tmp_path / "killed", times=3, seconds=2.0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_moment_it_resumes_to_the_same_bytes(kind: str, tmp_path: Path) -> None:
    """Eleven lives with two kills each: 110 in all, and more where a worker goes before its parent."""
    undisturbed(kind, tmp_path)
    start = time.monotonic()
    (tmp_path / "timed").mkdir()
    assert call(KINDS[kind], tmp_path / "timed")[0] == 0
    seconds = time.monotonic() - start
    for seed in range(100, 111):
        folder = tmp_path / str(seed)
        folder.mkdir()
        kill_and_resume(kind, seed, folder, 2, seconds)


# Interrupted


def interrupt(words: list[str], folder: Path, phase: str, delay: float) -> bool:
    """Ctrl-C, to all of its group, some time after a phase has begun; whether it came before the end."""
    command = Command(words, folder)
    command.says(phase)
    time.sleep(delay)
    os.killpg(command.process.pid, signal.SIGINT)
    code, out, err = command.wait(60)
    if code == 0:
        return False
    assert code == 130, (code, err)
    assert out == ""
    progress = ("playing", "looking for deviations", "searching exactly", "checking")
    lines = [line for line in err.splitlines() if line.partition(":")[0] not in progress]
    assert lines == ["dynmech: interrupted; the same line resumes"]
    assert command.left(2.0) == [], "nobody is left"
    readable(folder / "out")
    return True


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        pytest.param("run 1", "playing", marks=pytest.mark.slow),
        ("run 2", "playing"),
        ("stress 1", "looking"),
        pytest.param("stress 2", "looking", marks=pytest.mark.slow),
        pytest.param("plug-in 2", "playing", marks=pytest.mark.slow),
    ],
)
def test_interrupted_it_ends_with_one_line_and_can_be_resumed(kind: str, phase: str, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    folder.mkdir()
    whole = undisturbed(kind, tmp_path)
    delays = {"run 1": [0.05], "run 2": [0.3], "stress 1": [0.1], "stress 2": [0.05, 0.8], "plug-in 2": [0.1]}
    for delay in delays[kind]:
        assert interrupt(KINDS[kind], folder, phase, delay), "else nothing was shown"
    here(KINDS[kind], folder)
    assert bytes_below(folder / "out", beside=["gains.png"]) == whole


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_interrupted_at_any_moment_of_its_work(kind: str, tmp_path: Path) -> None:
    """Also while workers start."""
    whole = undisturbed(kind, tmp_path)
    luck, caught = random.Random(kind), 0
    for k in range(8):
        folder = tmp_path / str(k)
        folder.mkdir()
        phase = "playing" if kind.startswith("run") or k % 2 else "looking"
        caught += interrupt(KINDS[kind], folder, phase, luck.uniform(0, 1.5))
        here(KINDS[kind], folder)
        assert bytes_below(folder / "out", beside=["gains.png"]) == whole
    assert caught >= 4


# Two programs


def test_a_second_program_is_refused_while_the_first_goes_on(tmp_path: Path) -> None:
    words = ["run", "oil-leases", "linked", "--episodes", "1000000", *OUT]
    first = Command(words, tmp_path)
    first.says("playing")
    said = refused(words, tmp_path)
    assert first.process.poll() is None, "else nothing was shown"
    assert said == "dynmech: out: in use by another program; wait for it, or choose another --out\n"
    os.killpg(first.process.pid, signal.SIGINT)
    assert first.wait()[0] == 130


def refused(words: list[str], folder: Path) -> str:
    """What is said to a program that ends with exit code 2; in this process."""
    err, before = io.StringIO(), os.getcwd()
    try:
        os.chdir(folder)
        with redirect_stderr(err), pytest.raises(SystemExit) as stopped:
            main(words)
    finally:
        os.chdir(before)
    assert stopped.value.code == 2
    return err.getvalue()


def test_the_lock_goes_with_the_program(tmp_path: Path) -> None:
    """Killed, not ended: and the next one is let in at once, though workers may still be ending."""
    first = Command(KINDS["run 2"], tmp_path)
    first.says("playing")
    first.process.kill()
    first.wait()
    here(KINDS["run 2"], tmp_path)
    assert bytes_below(tmp_path / "out") == undisturbed("run 2", tmp_path)
