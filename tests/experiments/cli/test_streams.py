"""Standard streams that are full, closed, or read by somebody who stops: no traceback, and never exit code 1."""

import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import typer

from dynmech.experiments.cli.app import app
from dynmech.experiments.cli.streams import PIPE_CLOSED, OutputLostError, careful_streams
from tests.builders.cli_calls import CALLS, CODES, enter, exit_code
from tests.builders.runs import ROOT

FULL = "dynmech: standard output: cannot be written: No space left on device"

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined] # a group


@pytest.fixture(autouse=True)
def here(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(prepared, tmp_path, monkeypatch)
    return tmp_path


def test_every_command_is_called() -> None:
    assert sorted(CALLS) == COMMANDS


@contextmanager
def standard_output(descriptor: int) -> Iterator[None]:
    """A file that is standard output, buffered as Python's own is."""
    before = sys.stdout
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(descriptor, "w")), encoding="utf-8")
    try:
        yield
    finally:
        sys.stdout.close()  # fails if something is left that cannot be written
        sys.stdout = before


def nobody_reads() -> int:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("way", ["screen", "json", "help"])
def test_output_that_is_lost_ends_the_command_without_exit_code_1(
    command: str, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*CALLS[command], "--json"] if way == "json" else list(CALLS[command])
    words = [command, "--help"] if way == "help" else words
    with standard_output(os.open("/dev/full", os.O_WRONLY)):
        assert exit_code(words) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1] == FULL
    assert "Traceback" not in error
    if command == "new" and way != "help":
        return  # its files are there now
    with standard_output(nobody_reads()):
        assert exit_code(words) == PIPE_CLOSED
    assert "dynmech" not in capsys.readouterr().err, "who closed the pipe knows"


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in CODES])
def test_standard_output_that_takes_it_is_left_alone(command: str, here: Path) -> None:
    # Else the calls above could end for another reason.
    out = here / "screen.txt"
    with standard_output(os.open(out, os.O_WRONLY | os.O_CREAT)):
        assert exit_code(CALLS[command]) == 0
    assert out.read_text(encoding="utf-8")


def shell(line: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which `dynmech` is the command."""
    command = f'dynmech() {{ "{sys.executable}" -m dynmech "$@"; }}; {line}'
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_reader_who_has_seen_enough(tmp_path: Path) -> None:
    done = shell("dynmech list | head -1; echo ${PIPESTATUS[0]}", tmp_path)
    assert (done.stdout, done.stderr) in [(f"scenarios\n{code}\n", "") for code in (0, PIPE_CLOSED)]
    done = shell("dynmech list | true; echo ${PIPESTATUS[0]}", tmp_path)
    assert (done.stdout, done.stderr) == (f"{PIPE_CLOSED}\n", "")


def test_completion_into_a_full_disk(tmp_path: Path) -> None:
    words = {"_DYNMECH_COMPLETE": "complete_bash", "COMP_WORDS": "dynmech audit oil", "COMP_CWORD": "2"}
    done = shell("dynmech > /dev/full", tmp_path, **words)
    assert (done.returncode, done.stderr.strip()) == (2, FULL)
    done = shell("dynmech | true; exit ${PIPESTATUS[0]}", tmp_path, **words)
    assert (done.returncode, done.stderr) == (PIPE_CLOSED, "")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("dynmech list nothing 2>&-", 2),
        ("dynmech list >/dev/full 2>/dev/full", 2),
        ("dynmech run oil-leases linked --episodes 20 --out r <&- >&- 2>&-", 0),
    ],
)
def test_closed_streams_change_no_exit_code(line: str, code: int, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")
    assert (tmp_path / "r" / "run.json").is_file() is ("run" in line)


def test_what_is_printed_into_a_closed_stream_lands_in_no_file(tmp_path: Path) -> None:
    # Without standard output, the next file that is opened would be it.
    script = (
        "import os\nfrom dynmech.experiments.cli.streams import careful_streams\n"
        "with careful_streams(), open('notes.txt', 'w') as notes:\n    os.write(1, b'lost')\n    notes.write('kept')\n"
    )
    done = shell(f'"{sys.executable}" -c "{script}" >&-', tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "kept"


def test_lost_results_pass_every_handler_of_errors() -> None:
    error = OutputLostError(OSError(errno.EIO, "Input/output error"))
    assert not isinstance(error, Exception)
    assert (error.code, error.line) == (2, "standard output: cannot be written: Input/output error")
    with standard_output(os.open("/dev/full", os.O_WRONLY)), pytest.raises(OutputLostError), careful_streams():
        print("kept in a buffer until the block ends")  # noqa: T201
