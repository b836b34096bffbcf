"""A plug-in of pytest that runs chosen tests in a given order, and keeps what each took and which failed first.

A test that takes more CPU than it may, or `WAIT` times as long on the wall, ends the process by a signal.

It runs in the copy and imports nothing of ours.
"""

import os
import signal
from collections.abc import Generator, Sequence

import pytest

WAIT = 10.0
"""Seconds on the wall for each one of CPU: others use the machine, too."""


class Chosen:
    """These tests, in this order, whatever others change about it."""

    def __init__(self, tests: Sequence[str], limits: Sequence[float] = ()) -> None:
        self.tests, self.limits = tests, dict(zip(tests, limits, strict=False))
        self.seconds: dict[str, float] = {}
        self.failed = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep those that were chosen; that one is missing is noticed."""
        by_name = {item.nodeid: item for item in items}
        if missing := [test for test in self.tests if test not in by_name]:
            raise pytest.UsageError(f"not collected: {missing[0]}")
        items[:] = [by_name[test] for test in self.tests]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, None, None]:
        """Keep the seconds of CPU that a test takes, its processes included."""
        start = _seconds()
        limit = self.limits.get(item.nodeid, 0.0)
        signal.setitimer(signal.ITIMER_PROF, limit)
        signal.setitimer(signal.ITIMER_REAL, WAIT * limit)
        yield
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        self.seconds[item.nodeid] = _seconds() - start

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first that fails."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
