"""Every pure strategy of firm 1 in the economy of two oil leases."""

from collections.abc import Iterator
from itertools import product

from tests.builders.exact import Report

Image = tuple[int, ...]


def firm_1_strategies() -> Iterator[tuple[Image, Image, Report]]:
    """All pure strategies that matter: r_0 by θ_0, r_1 by (θ_0, θ_1); the second auction leaves it no choice."""
    for first in product(range(2), repeat=2):
        for second in product(range(2), repeat=4):
            yield first, second, two_reports(first, second)


def two_reports(first: Image, second: Image) -> Report:
    """Firm 1 reports first[θ_0], then second[2 θ_0 + θ_1]; firm 2 the truth."""

    def play(t: int, agent: int, signals: Image, _sent: Image) -> int:
        if agent == 1 or t == 2:
            return signals[-1]
        return first[signals[0]] if t == 0 else second[2 * signals[0] + signals[1]]

    return play
