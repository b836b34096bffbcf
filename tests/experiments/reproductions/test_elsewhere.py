"""Numbers of other papers: every row comes out, and scheduling is worked out by trying all orders."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from dynmech.experiments.reproductions import elsewhere as module
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.claims import reproduce
from dynmech.experiments.reproductions.elsewhere import DELTA, _pivot_payments


@pytest.fixture(scope="module")
def rows() -> list[Claim]:
    return reproduce("elsewhere")


def test_no_claim_fails(rows: list[Claim]) -> None:
    assert [(row.claim, row.right, row.exact) for row in rows if row.verdict == "fails"] == []
    counts = Counter(row.verdict for row in rows)
    assert counts["agrees"] >= 12
    assert counts["derived"] >= 5


@pytest.mark.parametrize(
    ("text", "printed", "exact"),
    [
        ("profit (2 − δ)²/(4 (4 − 3δ))", 0.225, 0.225),
        ("with commitment: profit", 0.25, 0.25),
        ("cutting a price of ½", None, 1 / 32),
        ("values 4, 3, 2, δ = ½: p_1", 2, 2),
        ("share 1: the best shading", None, 9),
        ("the seller's profit", None, 10.221457),
        ("quantity after 2 lows", 9 / 7, 9 / 7),
        ("what one empty block gains", None, 0.056875),
        ("skills 3 and 1: price", None, 2.196751),
        ("second price: bid in round 1", 0.5, 0.5),
        ("δ = 0.4, below ½", None, 0.429218),
    ],
)
def test_figures_come_out(rows: list[Claim], text: str, printed: float | None, exact: float) -> None:
    (row,) = [row for row in rows if text in row.claim]
    assert row.printed == (None if printed is None else pytest.approx(printed, rel=1e-12))
    assert row.exact == pytest.approx(exact, abs=1e-3)


def by_orders(values: tuple[float, ...]) -> list[float]:
    """The externality of each task when it is served, from the best of all orders with it and without it."""

    def best(left: tuple[float, ...]) -> float:
        return max(sum(DELTA**t * v for t, v in enumerate(order)) for order in permutations(left))

    out = []
    for k in range(len(values)):
        others = values[k + 1 :]
        out.append(best(others) - DELTA * best(others))
    return out


def test_scheduling_against_all_orders() -> None:
    draw = np.random.default_rng(2010)
    for count in (2, 3, 4):
        values = tuple(sorted(draw.uniform(0.5, 5, count), reverse=True))
        np.testing.assert_allclose(_pivot_payments(values), by_orders(values), atol=1e-9)


def test_the_other_contract_is_worth_no_more_to_either_traveller() -> None:
    """Courty and Li: leisure would lose a quarter by the refundable fare, business is indifferent."""
    assert module._menu(((1.5, 0.0), (1.75, 1.0)))[1] == pytest.approx([0, 0])
    assert module._menu(((1.75, 1.0),))[1] == pytest.approx([-0.25, 0])
    assert module._menu(((1.5, 0.0),))[1] == pytest.approx([0, 0])
    draw = np.random.default_rng(2000)
    values = np.where(draw.uniform(size=200_000) < 0.5, draw.uniform(0, 1, 200_000), draw.uniform(2, 3, 200_000))
    flown = values > 1
    assert np.mean(np.where(flown, values, 1.0)) - 1.75 == pytest.approx(0, abs=0.01)
    assert np.mean(1.75 - flown - (1.0 - flown)) == pytest.approx(0.75)


def test_unequal_values_change_no_switch_but_a_sure_gain_does() -> None:
    """Athey and Miller assume that there is sometimes nothing to gain: where there always is, less patience will do."""
    costs, chances = np.array([0.0, 0.5]), (np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    assert module._worst_stay(costs, np.array([0.4, 2.0]), chances, 0.45) < 0
    assert module._worst_stay(costs, np.array([1.0, 2.0]), chances, 0.45) > 0
    gain = np.maximum(np.array([0.4, 2.0])[None, :] - costs[:, None], 0).mean()
    by_hand = -gain / 2 + 0.45 / 0.55 * gain / 2
    assert module._worst_stay(costs, np.array([0.4, 2.0]), chances, 0.45) == pytest.approx(by_hand)
