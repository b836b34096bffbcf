"""Remark 3.3 and hidden states: every row, and economies in which the counts are others."""

import pytest

from dynmech.experiments.reproductions import liu_correlation as module
from dynmech.experiments.reproductions.base import Claim
from dynmech.mechanisms.conditions.correlation import convex_independence, spanning


@pytest.fixture(scope="module")
def rows() -> list[Claim]:
    return list(module.correlation())


def test_every_row_comes_out(rows: list[Claim]) -> None:
    assert [(row.claim, row.right, row.exact) for row in rows if row.verdict == "fails"] == []
    assert len(rows) == 7


def test_more_values_than_signals_span_and_fewer_do_not(rows: list[Claim]) -> None:
    found = {row.claim.partition("hidden state of ")[2]: row.exact for row in rows if "hidden" in row.claim}
    assert list(found.values()) == [module.ECONOMIES, 0, 0]


def test_three_beliefs_on_a_line_are_not_convexly_independent_either() -> None:
    """A hidden state of two values puts all beliefs on a line, where the middle one is a mixture."""
    for seed in range(5):
        assert convex_independence(module._hidden(seed, 2, 3)).holds is False
        assert convex_independence(module._hidden(seed, 2, 2)).holds is True
        assert spanning(module._hidden(seed, 2, 2)).holds is True
