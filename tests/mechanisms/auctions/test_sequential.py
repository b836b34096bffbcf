"""Goods one after the other: gains on grids against an enumeration of our own, by disclosure, and 10 % off."""

from itertools import product

import numpy as np
import pytest

import dynmech as dm
from dynmech.sim.core.errors import InputError, Refusal


def gains(text: str, mechanism: str, disclosure: str = "announced") -> dict[str, float]:
    """The first bidder's best gain by information."""
    return {
        one.information: float(one.gain or 0.0)
        for one in dm.audit(text, mechanism, disclosure=disclosure).figures
        if (one.agent, one.family) == ("bidder 1", "best_response")
    }


def bids(values: int, steps: int, share: float) -> list[float]:
    """All bids that can be made, 0 first."""
    corners = [(k + 0.5) / values for k in range(values)]
    return [0.0, *(share * (corners[0] + j / (steps * values)) for j in range((values - 1) * steps + 1))]


def two_rounds(values: int, steps: int, *, first: bool, truthful: bool) -> float:
    """The first of three bidders' expected payoff over two rounds, told the winning bid: its best, or as prescribed."""
    shares = (1 / 3, 1 / 2) if first else (1 / 2, 1.0)
    grids = [bids(values, steps, share) for share in shares]
    total = 0.0
    for own in range(values):
        worth, tries = (own + 0.5) / values, range(len(grids[0]))
        options = []
        for said in [1 + own * steps] if truthful else tries:
            now = 0.0
            told: dict[tuple[int, int], list[tuple[float, int]]] = {}
            for rivals in product(range(values), repeat=2):
                sent = [1 + k * steps for k in rivals]
                best = max(said, *sent)
                tops = [j for j, b in enumerate((said, *sent)) if b == best]
                for winner in tops:
                    chance = 1 / len(tops) / values**2
                    if winner == 0:
                        price = grids[0][said] if first else grids[0][max(sent)]
                        now += chance * (worth - price)
                    else:
                        left = rivals[2 - winner]
                        told.setdefault((winner, best), []).append((chance, left))
            later = 0.0
            for beliefs in told.values():
                answers = []
                for again in [1 + own * steps] if truthful else range(len(grids[1])):
                    worth_of = 0.0
                    for chance, left in beliefs:
                        other = 1 + left * steps
                        wins = 1.0 if again > other else 0.5 if again == other else 0.0
                        worth_of += chance * wins * (worth - (grids[1][again] if first else grids[1][other]))
                    answers.append(worth_of)
                later += max(answers)
            options.append(now + later)
        total += max(options) / values
    return total


@pytest.mark.parametrize(("name", "first"), [("sequential-first-price", True), ("sequential-second-price", False)])
@pytest.mark.parametrize(("values", "steps"), [(3, 1), (3, 4), (5, 2)])
def test_the_best_response_is_that_of_an_enumeration(name: str, first: bool, values: int, steps: int) -> None:
    truth, best = (two_rounds(values, steps, first=first, truthful=one) for one in (True, False))
    found = gains(f"sequential-sale:values={values}", f"{name}:steps={steps}")["ex_ante"]
    assert found == pytest.approx(best - truth, abs=1e-9)


def test_gains_vanish_on_finer_grids() -> None:
    """Second price like 1/m²; first price like 1/m: a bid a step above another's wins what would have been tied."""
    second = [gains(f"sequential-sale:values={m}", "sequential-second-price:steps=2")["ex_ante"] for m in (3, 6)]
    assert second[0] / second[1] == pytest.approx(4, abs=0.5)
    first = [gains(f"sequential-sale:values={m}", "sequential-first-price:steps=8")["ex_ante"] for m in (3, 6)]
    assert first[0] / first[1] == pytest.approx(2, abs=0.4)
    assert first[1] > 5 * second[1]


def test_with_losing_bids_public_first_price_fails() -> None:
    text = "sequential-sale:values=5"
    told, public = (gains(text, "sequential-first-price", way)["ex_ante"] for way in ("announced", "everything"))
    assert told <= 1e-9
    assert public > 0.03
    assert gains(text, "sequential-second-price", "everything")["ex_ante"] <= 1e-9, (
        "two goods: the last bid is one's value"
    )


def test_with_losing_bids_public_second_price_fails_from_three_goods_on() -> None:
    text = "sequential-sale:bidders=4,goods=3,values=3"
    told, public = (gains(text, "sequential-second-price", way)["ex_ante"] for way in ("announced", "everything"))
    assert public > 10 * told > 0


@pytest.mark.parametrize("name", ["sequential-first-price", "sequential-second-price"])
def test_bids_ten_per_cent_off_are_no_equilibrium(name: str) -> None:
    text, steps = "sequential-sale:values=4", 4
    right, low, high = (gains(text, f"{name}:steps={steps},scale={scale}")["ex_ante"] for scale in (1, 0.9, 1.1))
    assert high > right
    assert low > right


@pytest.mark.parametrize(("first", "shares"), [(True, (1 / 3, 1 / 2)), (False, (1 / 2, 1.0))])
def test_a_bidder_ten_per_cent_off_loses_on_the_continuum(first: bool, shares: tuple[float, float]) -> None:
    """By simulation: one bidder of three scales its bids, the others do not."""
    value = np.random.default_rng(15).uniform(0, 1, (400_000, 3))

    def payoff(scale: float) -> np.ndarray:
        factor, out, rows = np.array([scale, 1.0, 1.0]), np.zeros(len(value)), np.arange(len(value))
        left = np.ones_like(value)
        for share in shares:
            bid = share * factor * value * left
            order = np.argsort(bid, axis=1)
            winner, price = order[:, -1], bid[rows, order[:, -1 if first else -2]]
            out += np.where(winner == 0, value[:, 0] - price, 0.0)
            left[rows, winner] = 0
        return out

    for scale in (0.9, 1.1):
        lost = payoff(1.0) - payoff(scale)
        assert lost.mean() > 4 * lost.std() / len(lost) ** 0.5


def test_misfits_get_one_line() -> None:
    with pytest.raises(InputError, match="scale: 0 is not a positive number"):
        dm.make_mechanism("sequential-first-price:scale=0", dm.load("sequential-sale"))
    with pytest.raises(InputError, match="at least one good, and more bidders"):
        dm.load("sequential-sale:goods=3")
    for text in ("repeated-auction", "repeated-auction:horizon=1", "oil-leases"):
        with pytest.raises(Refusal, match="sequential-sale has it"):
            dm.make_mechanism("sequential-second-price", dm.load(text))
