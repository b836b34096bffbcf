"""A full disk: one line, exit code 2, and with room again the same line ends with the bytes of an undisturbed run."""

import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from dynmech.experiments.cli.app import main
from dynmech.sim.core.errors import StorageError
from dynmech.sim.log.journal import Journal
from tests.builders.folders import entry, everything
from tests.builders.runs import bytes_below, call, no_space

STRESS = ["stress", "oil-leases", "--mechanism", "linked", "--episodes", "60", "--shard", "20", "--out"]
RUN = ["run", "oil-leases", "linked", "--strategy", "0=random", "--episodes", "200", "--shard", "20", "--out"]


def here(words: list[str]) -> tuple[int, str]:
    """Exit code and what stands on standard error, progress aside; in this process."""
    err = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(err), pytest.raises(SystemExit) as stopped:
        main(words)
    phases = ("playing", "looking for deviations", "searching exactly", "checking")
    lines = [line for line in err.getvalue().splitlines() if line.partition(":")[0] not in phases]
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, "\n".join(lines)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, where the machine lets one be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = _mount(place, "size=64k")
    if mounted:
        pytest.skip(f"no file system can be mounted here: {mounted}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _mount(place: Path, options: str) -> str:
    """Mount it; why not."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""


def resize(place: Path, kilobytes: int) -> None:
    assert _mount(place, f"remount,size={kilobytes}k") == ""


@pytest.mark.parametrize(
    ("words", "level", "count"),
    [
        pytest.param(RUN, "full", 1),
        pytest.param(RUN, "summary", 2, marks=pytest.mark.slow),
        pytest.param(STRESS, "full", 2, marks=pytest.mark.slow),
        pytest.param(STRESS, "summary", 1),
        pytest.param(STRESS, "episodes", 1, marks=pytest.mark.slow),
        pytest.param(RUN, "full", 2, marks=pytest.mark.slow),
        pytest.param(STRESS, "full", 1, marks=pytest.mark.slow),
        pytest.param(STRESS, "summary", 2, marks=pytest.mark.slow),
    ],
)
def test_a_disk_that_fills_up_again_and_again(
    words: list[str], level: str, count: int, disk: Path, tmp_path: Path
) -> None:
    """A little more room each time, until it is enough for everything, the plot included."""
    options = ["--log", level, "--workers", str(count)]
    out = disk / "out"
    whole = tmp_path / "whole"
    assert here([*words, str(whole), *options])[0] == 0
    room = sum(-(-len(content) // 4096) * 4 for content in bytes_below(whole).values()) + 64
    failures = 0
    shares = range(8) if count == 1 else (0, 4)  # the pool has to be made anew each time
    for kilobytes in (*(4 + room * k // 8 for k in shares), 4 * room):
        resize(disk, kilobytes)
        code, err = here([*words, str(out), *options])
        if code == 0:
            break
        failures += 1
        assert code == 2, err
        assert err.startswith(f"dynmech: {disk}"), err
        assert err.endswith("cannot be written: No space left on device"), err
        assert len(err.splitlines()) == 1
        assert list(disk.rglob(".*.p*")) == [], "neither half files nor parcels"
    assert code == 0
    assert failures >= (3 if count == 1 else 1)
    assert bytes_below(out) == bytes_below(whole)


def test_in_a_process_of_its_own_it_ends_in_the_same_way(disk: Path) -> None:
    """Nothing of Python's shows, from workers neither."""
    code, out, err = call([*RUN, str(disk / "out"), "--workers", "2"], disk.parent)
    assert (code, out) == (2, "")
    *progress, line = err.splitlines()
    assert all(text.startswith("playing: ") for text in progress)
    assert line.startswith(f"dynmech: {disk}/out/")
    assert line.endswith("cannot be written: No space left on device")


def test_a_journal_on_a_full_disk_stays_as_it_was(disk: Path) -> None:
    """Half a line may fit: it is taken back, and what waited to be written does not come after all."""
    journal = Journal(disk / "j")
    for k in range(3):
        journal.append(entry(str(k), text="x" * 500))
    kept = everything(journal)
    before = (disk / "j").read_bytes()
    (disk / "rest").write_bytes(b"x" * (64 - 4 - 4) * 1024)  # one page is left, and half of the journal's own
    for size in (7000, 9000, 20_000, 200_000):
        with pytest.raises(StorageError, match="j: cannot be written: No space left on device"):
            journal.append(entry("large", text="x" * size))
        assert (disk / "j").read_bytes() == before, size
        assert everything(journal) == everything(Journal(disk / "j")) == kept
    journal.append(entry("small", text="x" * 500))
    assert set(everything(Journal(disk / "j"))) == {"0", "1", "2", "small"}


# Everywhere a file is written


class Full:
    """Lets so many calls through, then says that the disk is full."""

    def __init__(self, does: Any, after: int) -> None:
        self.does, self.after, self.calls = does, after, 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        return no_space() if self.calls > self.after else self.does(*args, **options)


@pytest.mark.parametrize(
    "what",
    [
        "os.replace",
        pytest.param("os.fsync", marks=pytest.mark.slow),
        pytest.param("pyarrow.parquet.write_table", marks=pytest.mark.slow),
    ],
)
def test_wherever_the_disk_is_full_it_is_one_line(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The n-th rename, sync or table of a stress test with its plot: one folder, resumed again and again."""
    words = [*STRESS[:-5], "--episodes", "40", "--shard", "20", "--out"]
    assert here([*words, str(tmp_path / "whole")])[0] == 0
    module, _, name = what.rpartition(".")
    target = sys.modules[module]
    failures = 0
    for step in range(200):
        full = Full(getattr(target, name), 1 + step)  # each call gets a little further
        with monkeypatch.context() as patch:
            patch.setattr(target, name, full)
            code, err = here([*words, str(tmp_path / "out")])
        assert list(tmp_path.rglob(".*.p*")) == []
        if code == 0:
            break
        failures += 1
        assert code == 2, err
        assert err.startswith(f"dynmech: {tmp_path}"), err
        assert err.endswith("cannot be written: No space left on device"), err
    assert failures > 5
    assert here([*words, str(tmp_path / "out")])[0] == 0
    assert bytes_below(tmp_path / "out") == bytes_below(tmp_path / "whole")


def test_a_folder_that_may_not_be_written_is_one_line(disk: Path) -> None:
    assert _mount(disk, "remount,ro") == ""
    code, err = here([*RUN, str(disk / "out")])
    assert code == 2
    assert err == f"dynmech: {disk / 'out'}: cannot be written: Read-only file system"
