"""Progress: what is done of what there is, how fast, and how long it will take; on standard error."""

import io
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from dynmech.experiments.cli import console
from dynmech.experiments.cli.console import PLAIN_EVERY, PlainProgress, progress_bars


class Clock:
    """Seconds, as they are told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was written to standard error; nothing else is written."""
    output = capsys.readouterr()
    assert output.out == ""
    return output.err.splitlines()


def test_a_quick_phase_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    phase = PlainProgress("playing", 40, clock)
    for _ in range(40):
        clock.now += 0.1
        phase.advance(1)
    assert lines(capsys) == ["playing: 40 pieces"]
    PlainProgress("playing", 1, clock)
    PlainProgress("looking", 0, clock)  # it is not known how many
    assert lines(capsys) == ["playing: 1 piece", "looking"]


def test_a_long_phase_says_every_ten_seconds_how_far_how_fast_and_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    phase = PlainProgress("playing", 100, clock)
    for _ in range(16):
        clock.now += 4
        phase.advance(2)
    # 2 pieces in 4 seconds; a line at the first piece that is 10 seconds after the last line: 12, 24, …
    assert lines(capsys) == [
        "playing: 100 pieces",
        "playing: 6 of 100, 2 s each, 0:03:08 left",
        "playing: 12 of 100, 2 s each, 0:02:56 left",
        "playing: 18 of 100, 2 s each, 0:02:44 left",
        "playing: 24 of 100, 2 s each, 0:02:32 left",
        "playing: 30 of 100, 2 s each, 0:02:20 left",
    ]


def test_the_rate_is_that_of_the_whole_phase(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    phase = PlainProgress("looking for deviations", 3000, clock)
    clock.now += 10
    phase.advance(1000)
    clock.now += 90
    phase.advance(1000)
    assert lines(capsys)[1:] == [
        "looking for deviations: 1000 of 3000, 100/s, 0:00:20 left",
        "looking for deviations: 2000 of 3000, 20/s, 0:00:50 left",
    ]


def test_what_was_there_already_is_passed_over_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is done there is no rate, and no time left to be told."""
    clock = Clock()
    phase = PlainProgress("playing", 10, clock)
    clock.now += 2 * PLAIN_EVERY
    phase.advance(0)
    assert lines(capsys)[1:] == ["playing: 0 of 10"]
    phase = PlainProgress("playing", 10, clock)
    phase.advance(7)  # at once
    clock.now += PLAIN_EVERY
    phase.advance(3)
    assert lines(capsys)[1:] == ["playing: 10 of 10, 1/s, 0:00:00 left"]


def test_without_a_terminal_there_are_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars() as progress:
        advance = progress("playing", 3)
        for _ in range(3):
            advance(1)
        progress("checking", 2)(2)
    assert lines(capsys) == ["playing: 3 pieces", "checking: 2 pieces"]


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Bars go to a terminal of 100 columns, which is recorded."""
    screen = io.StringIO()

    def terminal(**options: object) -> Console:
        assert options["stderr"] is True, "results go to standard output, progress does not"
        return Console(file=screen, force_terminal=True, width=100, color_system=None)

    monkeypatch.setattr(console, "HarmlessConsole", terminal)
    return screen


def shown(screen: io.StringIO) -> str:
    """What stood on the screen, escape codes left out."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())


def refresh(advance: Any) -> None:
    """Draw the bars that `advance` moves, now."""
    advance.__closure__[0].cell_contents.bars.refresh()


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass for the bars."""
    clock = Clock()

    def timed(*columns: object, **options: object) -> object:
        return Progress(*columns, **options, get_time=clock, auto_refresh=False)  # type: ignore[arg-type]

    monkeypatch.setattr("dynmech.experiments.cli.console.Progress", timed)

    def pass_by(seconds: float) -> None:
        clock.now += seconds

    return pass_by


def test_on_a_terminal_there_are_bars_with_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, hurry: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    screen = on_a_terminal(monkeypatch)
    with progress_bars() as progress:
        advance = progress("playing", 60)
        for _ in range(10):
            hurry(0.5)
            advance(2)
        refresh(advance)
        assert "playing" in shown(screen)
        assert re.search(r"━.* 20/60 +4/s +0:00:10", shown(screen)), shown(screen)
    assert screen.getvalue().endswith("\x1b[2K"), "it is wiped when it is done"
    assert capsys.readouterr() == ("", "")


def test_every_phase_has_a_bar_of_its_own(monkeypatch: pytest.MonkeyPatch, hurry: Callable[[float], None]) -> None:
    screen = on_a_terminal(monkeypatch)
    with progress_bars() as progress:
        for name in ("looking for deviations", "playing"):
            advance = progress(name, 4)
            hurry(1)
            advance(4)
            refresh(advance)
    assert re.search(r"looking for deviations ━+ 4/4", shown(screen))
    assert re.search(r"playing +━+ 4/4", shown(screen))


def test_bars_end_with_what_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """After Ctrl-C the cursor is back and the line is free for what is said then."""
    screen = on_a_terminal(monkeypatch)

    def stopped() -> None:
        with progress_bars() as progress:
            progress("playing", 9)(1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert "\x1b[?25h" in screen.getvalue()


def test_progress_is_asked_of_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results into a file, progress on the terminal: bars."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bars() as progress:
        progress("playing", 1)(1)
    assert "playing" in terminal.getvalue()
    assert "pieces" not in terminal.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_no_time_left_is_said_before_enough_pieces_are_done(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    phase = PlainProgress("playing", 12, clock)
    for _ in range(6):
        clock.now += 11
        phase.advance(1)
    said = lines(capsys)
    assert said[1] == "playing: 1 of 12, 11 s each"
    assert [k for k, line in enumerate(said) if "left" in line] == [5, 6]


@pytest.mark.parametrize(("done", "told"), [(4, False), (5, True)])
def test_a_bar_shows_no_time_left_before_enough_pieces_are_done(done: int, told: bool) -> None:
    clock = Clock()
    bars = Progress(console._TimeLeft(), console=Console(file=io.StringIO()), get_time=clock)
    task = bars.add_task("playing", total=100)
    for _ in range(done):
        clock.now += 2
        bars.advance(task)
    text = console._TimeLeft().render(bars.tasks[0])
    assert bool(text.plain.strip()) is told
