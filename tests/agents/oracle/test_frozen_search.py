"""The search by first reports against the plain one, which knows nothing of them."""

import numpy as np
import pytest

from dynmech.agents.oracle import frozen_search
from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.agents.oracle.gains import participation, worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from tests.builders.generators import generator
from tests.builders.separable_economies import on_midpoints, random_sale


def worst_stays(mechanism: VirtualPivot, agent: int) -> dict[str, float]:
    """The least payoff of truth at any state that play leads to, by kind, from the values of truthful play."""
    found = participation(FiniteGame(mechanism.environment, mechanism))
    return {kind: found[kind][agent].value for kind in ("at_the_start", "ex_post")}


@pytest.mark.parametrize("reading", ["continuum", "grid", "left-sums"])
@pytest.mark.parametrize("controlled", [False, True])
def test_the_search_by_first_reports_agrees_with_the_plain_one(reading: str, controlled: bool) -> None:
    """Two programs: small decision problems by first report, and the product of memory and profiles."""
    assert_both_programs_agree(
        VirtualPivot(on_midpoints(random_sale(generator(5), 2, controlled=controlled), 3), reading)
    )


def test_values_may_have_a_part_that_the_first_report_does_not_scale() -> None:
    """An AR(1) process: the first signal fades, and later values are shocks besides."""
    mechanism = VirtualPivot(load("ar1-additive:horizon=3,nodes=2"))
    assert max(float(np.abs(period.intercept[0]).max()) for period in mechanism.economy.later) > 0.1
    assert_both_programs_agree(mechanism)


def assert_both_programs_agree(mechanism: VirtualPivot) -> None:
    """Gains, payoffs and what staying is worth, by first reports and by the plain search."""
    environment = mechanism.environment
    truthful = FiniteGame(environment, mechanism).truthful
    for i in range(2):
        found = search_frozen(mechanism, i)
        problem = build_problem(FiniteGame(environment, mechanism), (i,))
        truth = {k: solve(problem, Family.PRESCRIBED, k) for k in Information}
        best = {k: solve(problem, Family.BEST_RESPONSE, k) for k in Information}
        spying = worst_gain(problem, best[Information.EX_POST], truth[Information.EX_POST]).gain
        assert max(found.first_gain, found.later_gain) == pytest.approx(spying, abs=1e-9)
        gain = best[Information.INTERIM].ex_ante - truth[Information.INTERIM].ex_ante
        assert found.ex_ante_gain == pytest.approx(gain, abs=1e-9)
        assert found.payoff == pytest.approx(truth[Information.INTERIM].ex_ante, abs=1e-9)
        stays = worst_stays(mechanism, i)
        assert found.least_interim == pytest.approx(stays["at_the_start"], abs=1e-9)
        assert found.least_stay == pytest.approx(stays["ex_post"], abs=1e-9)
    assert mechanism.profit == pytest.approx(
        truthful.transfer.sum() - truthful.utility.sum() + truthful.welfare, abs=1e-9
    )


def test_batches_of_any_size_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    mechanism = VirtualPivot(on_midpoints(random_sale(generator(5), 2, controlled=True), 3), "left-sums")
    whole = search_frozen(mechanism, 1)
    largest = []
    batch = frozen_search._search_batch

    def counted(mechanism: VirtualPivot, agent: int, others: np.ndarray) -> tuple[np.ndarray, ...]:
        largest.append(len(others))
        return batch(mechanism, agent, others)

    monkeypatch.setattr(frozen_search, "_search_batch", counted)
    size = max(period.size for period in mechanism.economy.later)
    row = mechanism.nodes[1] ** 2 * size * len(mechanism.economy.decisions)
    for cases, sizes in ((row - 1, [1, 1, 1]), (2 * row, [2, 1]), (9 * row, [3])):
        monkeypatch.setattr(frozen_search, "CASES", cases)
        largest.clear()
        found = search_frozen(mechanism, 1)
        assert largest == sizes
        for name in ("later", "least", "honest", "best", "fee", "weights"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))
