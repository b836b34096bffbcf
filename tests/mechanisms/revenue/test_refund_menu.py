"""Tickets with refunds: Courty and Li's menu earns the first best, and random menus against a few lines of our own."""

import numpy as np
import pytest

import dynmech as dm
from dynmech.sim.core.errors import InputError, Refusal


def by_hand(menu: list[tuple[float, float]], cells: int, cost: float) -> tuple[float, list[float]]:
    """Profit, and what either kind of traveller expects; values one by one."""
    step = [(k + 0.5) / cells for k in range(cells)]
    kinds = [(1 / 3, [1 + s for s in step]), (2 / 3, [*step, *(2 + s for s in step)])]
    profit, worths = 0.0, []
    for weight, values in kinds:
        options = [(0.0, 0.0)]
        for fare, refund in menu:
            flown = [v >= refund for v in values]
            use = sum(v if f else refund for v, f in zip(values, flown, strict=True)) / len(values) - fare
            paid = fare - sum(cost if f else refund for f in flown) / len(values)
            options.append((round(use, 10), paid))
        best = max(options)
        worths.append(best[0])
        profit += weight * best[1]
    return profit, worths


@pytest.mark.parametrize("seed", range(10))
def test_random_menus_earn_what_a_few_lines_say_and_nobody_gains(seed: int) -> None:
    draw = np.random.default_rng(seed)
    menu = [(float(f), float(r)) for f, r in draw.uniform(0, 2, (int(draw.integers(1, 4)), 2)).round(3)]
    cells, cost = int(draw.integers(1, 5)), float(draw.uniform(0, 1.5))
    text = "+".join(f"{fare}/{refund}" for fare, refund in menu)
    audit = dm.audit(f"airline:cells={cells},cost={cost!r}", f"refund-menu:menu={text}")
    profit, worths = by_hand(menu, cells, cost)
    truth = audit.to_dict()["truth"]
    assert truth["net_revenue"] == pytest.approx(profit, abs=1e-9)
    assert truth["payoff"][0] == pytest.approx(worths[0] / 3 + 2 * worths[1] / 3, abs=1e-9)
    assert set(audit.promises["status"]) <= {"holds", "not_promised"}


def test_the_menu_of_the_paper_earns_the_first_best_and_a_single_fare_does_not() -> None:
    audit = dm.audit("airline", "refund-menu")
    truth = audit.to_dict()["truth"]
    assert truth["net_revenue"] == pytest.approx(2 / 3)
    assert truth["welfare"] == pytest.approx(truth["first_best"])
    assert truth["payoff"][0] == pytest.approx(0, abs=1e-12)
    single = [
        dm.audit("airline", f"refund-menu:menu={fare}/{refund}").to_dict()["truth"]["net_revenue"]
        for fare, refund in ((1.5, 0), (1.75, 1), (2, 1.5))
    ]
    assert max(single) < 2 / 3 - 0.01


def test_a_traveller_made_to_take_the_other_contract_would_rather_not() -> None:
    """Planted: leisure is told to take the refundable fare, which is worth a quarter less to it."""
    environment = dm.load("airline")
    mechanism = dm.make_mechanism("refund-menu", environment)
    mechanism._best = np.array([2, 2])  # type: ignore[attr-defined]
    gains = dm.audit(environment, mechanism).gains.query("family == 'best_response' and information == 'interim'")
    assert gains["upper"].max() == pytest.approx(0.25)


def test_bad_menus_and_other_economies_get_one_line() -> None:
    for menu in ("cheap", "1", "1/2/3", "-1/0", "nan/0"):
        with pytest.raises(InputError, match="is no list of fare/refund"):
            dm.make_mechanism(f"refund-menu:menu={menu}", dm.load("airline"))
    for text in ("repeated-auction", "durable-good", "two-period-sale:grid=3"):
        with pytest.raises(Refusal, match="one buyer, two periods"):
            dm.make_mechanism("refund-menu", dm.load(text))
    with pytest.raises(InputError, match=r"cells: 0 is not in 1\.\.100"):
        dm.load("airline:cells=0")
