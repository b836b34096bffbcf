"""Posted prices for a signal that the relaxation takes for public: what is charged, by hand."""

import numpy as np

from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.virtual.relaxed_prices import RelaxedPrices
from dynmech.sim.core.arrays import Array
from dynmech.sim.economy.buyer_with_two_signals import TwoPeriodBuyer
from dynmech.sim.play.roles import Acts, Situation

NOBODY = Acts(np.zeros((1, 1), np.intp), np.zeros((1, 1)))


def at(t: int, memory: int, report: int) -> tuple[Situation, Array]:
    return Situation(t, np.array([memory]), np.array([0])), np.array([[report]])


def test_who_gets_it_for_sure_pays_at_once_and_others_a_price() -> None:
    """The lowest first signal whose virtual value is not negative makes the price of a later signal.

    Whoever gets the item whatever follows pays the prices that its first report makes it expect in period 0, and
    nothing later; who gets it for some later signals pays their price then; who does not get it pays nothing.
    """
    environment = load("non-separable")
    assert isinstance(environment, TwoPeriodBuyer)
    mechanism = RelaxedPrices(environment)
    value, masses = environment.value, environment.masses
    count, later = value.shape
    for k in range(count):
        virtual = [
            value[k, s] - (masses[k + 1 :].sum() / masses[k]) * (value[min(k + 1, count - 1), s] - value[k, s])
            for s in range(later)
        ]
        served = [v >= -1e-9 for v in virtual]
        np.testing.assert_array_equal(mechanism.served[k], served)
        fee = environment.laws[k] @ mechanism.price if all(served) else 0.0
        now, told = at(0, 0, k)
        assert mechanism.charge(now, told, np.array([0]), NOBODY).tolist() == [[fee]]
        assert mechanism.remember(now, told, np.array([0]), NOBODY).tolist() == [k]
        for s in range(later):
            now, told = at(1, k, k * later + s)
            decision = mechanism.decide(now, told)
            assert decision.tolist() == [int(served[s])]
            due = mechanism.price[s] if served[s] and not all(served) else 0.0
            assert mechanism.charge(now, told, decision, NOBODY).tolist() == [[due]]
    lowest = [next(k for k in range(count) if mechanism.served[k, s]) for s in range(later)]
    np.testing.assert_allclose(mechanism.price, [value[k, s] for s, k in enumerate(lowest)])
    assert mechanism.sure.any(), "somebody pays a fee"
    assert (mechanism.served.any(axis=1) & ~mechanism.sure).any(), "somebody pays a price"
