"""An audit takes as long as there are periods, and says how far it is."""

import time
from collections.abc import Callable

import pytest

from dynmech.experiments.audits.auditing import audit


def seconds(periods: int) -> tuple[float, int]:
    """CPU seconds of an audit, and how often it told of progress."""
    told = 0

    def progress(_what: str, _count: int) -> Callable[[int], None]:
        def advance(_done: int) -> None:
            nonlocal told
            told += 1

        return advance

    start = time.process_time()
    audit(f"repeated-auction:horizon={periods}", "pivot", progress=progress)
    return time.process_time() - start, told


@pytest.mark.slow
def test_it_is_linear_in_the_horizon_and_tells_of_progress() -> None:
    seconds(5)  # imports
    short, _ = seconds(100)
    long, told = seconds(800)
    assert told >= 800
    assert long < 16 * short, (short, long)
