"""A long horizon takes as long as there are periods, in seconds; `test_horizon` counts the work."""

import time

import pytest

from dynmech.experiments.audits.auditing import audit


def seconds(periods: int) -> float:
    """CPU seconds of an audit."""
    start = time.process_time()
    audit(f"repeated-auction:horizon={periods}", "pivot")
    return time.process_time() - start


@pytest.mark.slow
def test_it_is_linear_in_the_horizon() -> None:
    seconds(5)  # imports
    short = seconds(100)
    assert seconds(800) < 16 * short
    assert seconds(2000) < 40 * short
