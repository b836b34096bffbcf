"""A durable good without commitment: against a game tree of our own, the closed form, and what a promise costs."""

from itertools import pairwise

import numpy as np
import pytest

import dynmech as dm
from dynmech.experiments.audits.audit_result import Audit
from dynmech.mechanisms.commitment.spot_price import SpotPrice
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage


def market(values: np.ndarray, chances: np.ndarray, discount: float) -> TableEnvironment:
    """A durable good with values and chances of one's own."""
    m = len(values)
    utility = np.zeros((2, 2, 2, m, 1))
    utility[0, 1, 0, :, 0] = values
    sold = np.array([[0.0, 1.0], [0.0, 1.0]])
    laws = IndependentKernel((np.stack([np.eye(2), sold]), np.stack([np.eye(m)] * 2), np.ones((2, 1, 1))))
    labels = (tuple(f"{v:.9g}" for v in values), ("-",))
    stage = Stage(labels, ("keep", "sell"), utility, laws, public=("unsold", "sold"))
    prior = np.stack([chances, np.zeros(m)])[:, :, None]
    return TableEnvironment("market", ("buyer", "seller"), prior, (stage,), discount, 2)


def best_gain(audit: Audit, agent: str, information: str = "interim") -> float:
    rows = audit.gains.query(f"family == 'best_response' and information == '{information}'")
    return float(rows.set_index("agent")["upper"][agent])


def second_price_income(values: np.ndarray, chances: np.ndarray, kept: np.ndarray, price: float) -> float:
    return float(price * chances[kept & (values >= price)].sum())


def tree(values: np.ndarray, chances: np.ndarray, discount: float, first: float) -> set[tuple[int, float]]:
    """All equilibria after a first price, every set that waits and every second price tried: (who waits, income)."""
    found = set()
    for waiting in range(len(values) + 1):
        kept = np.arange(len(values)) < waiting
        incomes = [second_price_income(values, chances, kept, p) for p in values]
        for j, p in enumerate(values):
            now, later = values - first, discount * np.maximum(values - p, 0)
            if incomes[j] >= max(incomes) - 1e-12 and ((now >= later - 1e-9) == ~kept).all():
                found.add((waiting, round(first * chances[~kept].sum() + discount * incomes[j], 9)))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_the_equilibrium_is_one_of_the_tree_and_nobody_gains(seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = np.sort(draw.uniform(0, 5, 7))
    chances, discount = draw.dirichlet(np.ones(7)), float(draw.uniform(0.1, 0.6))
    environment = market(values, chances, discount)
    mechanism = SpotPrice(environment)
    sale = mechanism.sale
    assert (sale.waiting, round(sale.profit, 9)) in tree(values, chances, discount, sale.first)
    tried = [values[k] - discount * max(values[k] - p, 0) for k in range(7) for p in values]
    others = {income for first in tried for _, income in tree(values, chances, discount, round(first, 12))}
    assert sale.profit == pytest.approx(max(others), abs=1e-9)
    audit = dm.audit(environment, mechanism)
    assert best_gain(audit, "buyer") <= 1e-9
    assert best_gain(audit, "seller") <= 1e-9
    assert audit.to_dict()["truth"]["payoff"][1] == pytest.approx(sale.profit)


@pytest.mark.parametrize("seed", range(12))
def test_a_promise_costs_the_seller_what_it_could_earn_tomorrow(seed: int) -> None:
    draw = np.random.default_rng(100 + seed)
    values = np.sort(draw.uniform(0, 5, 6))
    chances, discount = draw.dirichlet(np.ones(6)), float(draw.uniform(0.2, 0.9))
    environment = market(values, chances, discount)
    price = max(values, key=lambda p: p * chances[values >= p].sum())
    cut = max(second_price_income(values, chances, values < price, p) for p in values)
    audit = dm.audit(environment, SpotPrice(environment, plan="promise"))
    assert best_gain(audit, "seller", "ex_ante") == pytest.approx(discount * cut)
    assert best_gain(audit, "buyer") <= 1e-9
    if cut > 0:
        (promise,) = audit.promises.query("promise.str.startswith('incentive')")["status"]
        assert promise == "breaks"
    bound = dm.audit(environment, SpotPrice(environment, plan="bound"))
    assert best_gain(bound, "seller") <= 1e-9
    assert bound.to_dict()["truth"]["payoff"][1] == pytest.approx(price * chances[values >= price].sum())


def test_commitment_is_never_worth_less_than_nothing() -> None:
    for seed in range(20):
        draw = np.random.default_rng(seed)
        values = np.sort(draw.uniform(0, 5, 6))
        environment = market(values, draw.dirichlet(np.ones(6)), float(draw.uniform(0.1, 0.5)))
        assert SpotPrice(environment, plan="bound").sale.profit >= SpotPrice(environment).sale.profit - 1e-9


def test_the_grid_tends_to_the_closed_form() -> None:
    for delta in (0.2, 0.5):
        exact = (2 - delta) ** 2 / (4 * (4 - 3 * delta))
        cutoff = (2 - delta) / (4 - 3 * delta)
        off = []
        for m in (10, 40, 160):
            sale = SpotPrice(dm.load(f"durable-good:values={m},discount={delta}")).sale
            off.append(abs(sale.profit - exact))
            assert abs(sale.waiting / m - cutoff) <= 2 / m
        assert all(later < earlier for earlier, later in pairwise(off))
        assert off[-1] < 0.002


def test_the_worst_lie_is_a_price_cut_and_it_earns_what_it_is_worth() -> None:
    environment = dm.load("durable-good:values=8")
    audit = dm.audit(environment, "spot-price:plan=promise")
    run = dm.simulate(environment, "spot-price:plan=promise", {"seller": audit.witness}, episodes=4000)
    gains = run.gains().query("agent == 'seller'")["gain"]
    assert abs(gains.mean() - 0.5 * (2 / 8) * (2 / 8)) < 4 * gains.std() / 4000**0.5


@pytest.mark.parametrize(
    ("text", "kind", "why"),
    [
        ("spot-price:plan=hope", InputError, "plan"),
        ("spot-price:first=nan", InputError, "first: nan is not a finite price"),
    ],
)
def test_bad_options_get_one_line(text: str, kind: type[Exception], why: str) -> None:
    with pytest.raises(kind, match=why):
        dm.make_mechanism(text, dm.load("durable-good:values=4"))


def test_another_economy_is_refused() -> None:
    with pytest.raises(Refusal, match="a public state that says whether the good is sold"):
        dm.make_mechanism("spot-price", dm.load("repeated-auction:horizon=2"))
    with pytest.raises(InputError, match=r"values: 1 is not in 2\.\.500"):
        dm.load("durable-good:values=1")
