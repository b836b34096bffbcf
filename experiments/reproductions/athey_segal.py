"""Athey and Segal, "An Efficient Dynamic Mechanism" (draft of February 2007): its examples in numbers.

The paper prints formulas and statements, few numbers. What it says nothing of is derived twice; where one of its
statements is wrong as printed, the row says so and shows the corrected number.
"""

from collections.abc import Iterator

from dynmech.experiments.reproductions.athey_segal_correlation import correlated_balance
from dynmech.experiments.reproductions.athey_segal_enforcement import enforcement
from dynmech.experiments.reproductions.athey_segal_examples import (
    balanced_example_1,
    example_1,
    hidden_actions,
    variations,
)
from dynmech.experiments.reproductions.athey_segal_theorems import limits_of_balancing, theorems
from dynmech.experiments.reproductions.base import Claim

PAPER = "athey-segal"
TITLE = "Athey and Segal, An Efficient Dynamic Mechanism (2007)"


def claims() -> Iterator[Claim]:
    """Yield the claims: Example 1, the mechanisms of §§4–5, the variations, hidden actions, §6, §7 in one period."""
    yield from example_1()
    yield from balanced_example_1()
    yield from theorems()
    yield from variations()
    yield from hidden_actions()
    yield from limits_of_balancing()
    yield from correlated_balance()
    yield from enforcement()
