"""Small tournaments whose games are exported."""

from typing import Any

import pytest

from dynmech.experiments.tournament.found import Tournament
from dynmech.experiments.tournament.loading import check_tournament
from dynmech.experiments.tournament.playing import tournament


def _played(**study: Any) -> Tournament:
    base = {
        "mechanisms": ["pivot", "pay-your-report"],
        "strategies": {"truth": "truthful", "down": "misreport:map=down", "up": "misreport:map=up"},
        "episodes": 40,
    }
    return tournament(check_tournament({**base, **study}, "s"))


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Tournament:
    """Three players: two alike with two strategies, one with three."""
    return _played(
        environment="repeated-auction:bidders=3,horizon=2",
        roles={
            "front": {"agents": ["bidder 1", "bidder 2"], "strategies": ["truth", "down"]},
            "back": {"agents": ["bidder 3"]},
        },
        out=str(tmp_path_factory.mktemp("three") / "t3"),
    )


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Tournament:
    """Two players alike, three strategies, one mechanism."""
    return _played(
        environment="repeated-auction:bidders=2,horizon=2",
        mechanisms=["pay-your-report"],
        out=str(tmp_path_factory.mktemp("two") / "t2"),
    )


@pytest.fixture(scope="session")
def part(tmp_path_factory: pytest.TempPathFactory) -> Tournament:
    """A sample of the profiles of three players."""
    return _played(
        environment="repeated-auction:bidders=3,horizon=1",
        mechanisms=["pivot"],
        profiles=8,
        out=str(tmp_path_factory.mktemp("part") / "tp"),
    )
