"""Liu, efficient dynamic mechanisms with interdependent valuations: the draft of 2014 and the slides of 2025."""

from collections.abc import Iterator

from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.liu_conjecture import conjecture
from dynmech.experiments.reproductions.liu_correlation import correlation
from dynmech.experiments.reproductions.liu_leases import leases, leases_with_a_prior
from dynmech.experiments.reproductions.liu_others import auction, conditions, one_dimension
from dynmech.experiments.reproductions.liu_private_actions import private_actions
from dynmech.experiments.reproductions.liu_theorems import misprints, theorems

PAPER = "liu"
TITLE = "Liu (2014, 2025), Efficient dynamic mechanisms in environments with interdependent valuations"


def claims() -> Iterator[Claim]:
    """All of them."""
    yield from leases()
    yield from leases_with_a_prior()
    yield from theorems()
    yield from misprints()
    yield from one_dimension()
    yield from auction()
    yield from conditions()
    yield from private_actions()
    yield from correlation()
    yield from conjecture()
