"""Battaglini's contract: nothing to gain, and its profit against a search over all quantities and over all paths."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.optimize import minimize

import dynmech as dm
from dynmech.mechanisms.revenue.markovian_contract import MarkovianContract
from dynmech.sim.core.errors import InputError, Refusal


def drawn(seed: int) -> tuple[str, dict[str, float], int]:
    """A random consumer, as typed, and its numbers."""
    draw = np.random.default_rng(seed)
    stay_low = float(draw.uniform(0.3, 0.9))
    numbers = {
        "low": float(draw.uniform(1, 2)),
        "high": float(draw.uniform(2.2, 3)),
        "start": float(draw.uniform(0.1, 0.7)),
        "stay_low": stay_low,
        "stay_high": float(draw.uniform(1 - stay_low, 1)),
        "discount": float(draw.uniform(0.5, 1)),
    }
    periods = int(draw.integers(1, 5))
    text = ",".join(f"{key}={value!r}" for key, value in numbers.items())
    return f"markov-consumer:{text},horizon={periods}", numbers, periods


def relaxed_profit(quantities: np.ndarray, of: dict[str, float], periods: int) -> float:
    """Surplus on every path less what a high type gains by saying low for ever, for any quantities after lows."""
    taste = (of["low"], of["high"])
    chain = ((of["stay_low"], 1 - of["stay_low"]), (1 - of["stay_high"], of["stay_high"]))
    total, high, low = 0.0, np.array([0.0, 1.0]), np.array([1.0, 0.0])
    for path in product((0, 1), repeat=periods):
        chance = of["start"] if path[0] else 1 - of["start"]
        for now, then in pairwise(path):
            chance *= chain[now][then]
        for t, kind in enumerate(path):
            q = taste[kind] if any(path[: t + 1]) else quantities[t]
            total += chance * of["discount"] ** t * (taste[kind] * q - q * q / 2)
    rent = 0.0
    for t in range(periods):
        rent += of["discount"] ** t * (taste[1] - taste[0]) * quantities[t] * float(high[1] - low[1])
        high, low = high @ np.array(chain), low @ np.array(chain)
    return total - of["start"] * rent


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_gained_and_no_other_quantities_earn_more(seed: int) -> None:
    text, numbers, periods = drawn(seed)
    environment = dm.load(text)
    audit = dm.audit(environment, "markovian-contract")
    assert set(audit.promises["status"]) <= {"holds", "not_promised"}
    truth = audit.to_dict()["truth"]
    mechanism = MarkovianContract(environment)
    assert truth["net_revenue"] == pytest.approx(relaxed_profit(mechanism.quantities, numbers, periods), abs=1e-9)

    def loss(quantities: np.ndarray) -> float:
        return -relaxed_profit(quantities, numbers, periods)

    found = minimize(loss, np.ones(periods), bounds=[(0, None)] * periods, tol=1e-12)
    assert truth["net_revenue"] == pytest.approx(-found.fun, abs=1e-6)
    np.testing.assert_allclose(mechanism.quantities, found.x, atol=1e-3)


def test_any_mechanism_for_two_periods_earns_no_more() -> None:
    text = "markov-consumer:horizon=2,discount=1,start=0.4"
    audit = dm.audit(text, "markovian-contract")
    assert dm.bound(text).to_dict()["net_revenue"] == pytest.approx(audit.to_dict()["truth"]["net_revenue"], abs=1e-6)


def test_quantities_of_the_paper() -> None:
    """θ = 2, 3, even at first, P_HH = 0.8, P_LL = 0.7: 2 − (0.5/0.7)^(t − 1)."""
    mechanism = MarkovianContract(dm.load("markov-consumer"))
    np.testing.assert_allclose(mechanism.quantities, [2 - (5 / 7) ** t for t in range(4)])
    assert mechanism.rents[0] == pytest.approx(sum((0.9 * 0.5) ** t * (2 - (5 / 7) ** t) for t in range(4)))


def test_a_rent_forgotten_is_a_lie_found() -> None:
    environment = dm.load("markov-consumer")
    mechanism = MarkovianContract(environment)
    mechanism._paid[0, 1] += 0.1
    audit = dm.audit(environment, mechanism)
    gains = audit.gains.query("family == 'best_response' and information == 'interim'")["upper"]
    assert gains.max() == pytest.approx(0.1)


def test_where_lows_are_likely_to_follow_anything_distortion_ends_at_once() -> None:
    mechanism = MarkovianContract(dm.load("markov-consumer:stay_high=0.4,stay_low=0.6"))
    np.testing.assert_allclose(mechanism.quantities, [1, 2, 2, 2])


def test_misfits_get_one_line() -> None:
    with pytest.raises(InputError, match="a high taste must be as likely"):
        dm.load("markov-consumer:stay_high=0.1")
    with pytest.raises(InputError, match="0 < low < high is needed"):
        dm.load("markov-consumer:low=4")
    with pytest.raises(Refusal, match="one consumer with two tastes"):
        dm.make_mechanism("markovian-contract", dm.load("repeated-auction"))
