"""A plug-in of pytest that keeps which test executes which lines of a room, and how long it takes.

It runs in the copy and imports nothing of ours. Found are: `seconds` by test, `lines` by module and line (the numbers
of the tests, in the order of `seconds`), `imported` (lines executed outside every test) and `modules` (what was
imported from elsewhere, in order).
"""

import sys
import threading
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

OUTSIDE = -1
"""In place of a test's number, while modules are imported and tests collected."""


class Executed:
    """What is executed, line by line, while a test runs: below `top`, in a folder or module of it."""

    def __init__(self, top: Path, room: str) -> None:
        self.top, self.room = top.resolve(), room
        self.seconds: dict[str, float] = {}
        self.lines: dict[str, dict[int, set[int]]] = {}
        self.known: dict[str, dict[int, set[int]] | None] = {}
        self.test = OUTSIDE

    def start(self) -> None:
        """From now on, in this thread and those to come."""
        threading.settrace(self.calls)
        sys.settrace(self.calls)

    def of_file(self, name: str) -> dict[int, set[int]] | None:
        """The lines of a file as Python calls it; None outside the room."""
        path = Path(name).resolve()
        inside = path.is_relative_to(self.top / self.room)
        return self.lines.setdefault(str(path.relative_to(self.top)), defaultdict(set)) if inside else None

    def is_ours(self, module: object) -> bool:
        """Whether a module may be changed: whether it lies in the copy."""
        file = getattr(module, "__file__", None)
        return isinstance(file, str) and Path(file).resolve().is_relative_to(self.top)

    def calls(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        """Follow a function of the room line by line, and others not."""
        name = frame.f_code.co_filename
        try:
            lines = self.known[name]
        except KeyError:
            lines = self.known[name] = self.of_file(name)
        if lines is None:
            return None

        def follow(frame: FrameType, event: str, _argument: Any) -> Any:
            if event == "line":
                lines[frame.f_lineno].add(self.test)
            return follow

        return follow

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        """Count lines for this test, its fixtures included."""
        self.test = len(self.seconds)
        self.seconds[item.nodeid] = 0.0
        yield
        self.test = OUTSIDE

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the time of a phase of a test."""
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Stop."""
        sys.settrace(None)

    def found(self) -> dict[str, object]:
        """What was found, to be written as JSON."""
        return {
            "seconds": self.seconds,
            "lines": {
                path: {line: sorted(tests - {OUTSIDE}) for line, tests in lines.items()}
                for path, lines in self.lines.items()
            },
            "imported": {
                path: [line for line, tests in lines.items() if OUTSIDE in tests] for path, lines in self.lines.items()
            },
            "modules": [name for name, module in list(sys.modules.items()) if not self.is_ours(module)],
        }
