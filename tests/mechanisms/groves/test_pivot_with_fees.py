"""Participation fees on the pivot mechanism: what they cover, who bears them, and when nobody would."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.scenarios.bilateral_trade import environment_of
from dynmech.mechanisms.conditions.trade_budget import Trade, trade_in
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.pivot_with_fees import PivotWithFees, _own_last
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from tests.builders.trades import alpha_chain, market

seeds = st.integers(0, 10_000)


def economy(text: str) -> TableEnvironment:
    environment = load(text)
    assert isinstance(environment, TableEnvironment)
    return environment


def verdicts(found: Audit) -> dict[str, str]:
    return {v.promise.partition(":")[0]: v.status for v in found.verdicts}


def test_above_the_threshold_every_promise_holds() -> None:
    """α = ¾: balance from δ = ⅔ on."""
    found = audit(environment := economy("bilateral-trade:values=2,discount=0.9"), PivotWithFees(environment))
    assert verdicts(found) == dict.fromkeys(("incentive", "budget", "participation", "efficient"), "holds")
    exact = alpha_chain(0.75).budget(0.9)
    assert found.budget["ex_ante"].value == pytest.approx(exact.slack, abs=1e-9)


@given(seeds)
def test_the_audit_says_for_which_patience_fees_would_do(seed: int) -> None:
    """The two chains are found again in the economy; its condition is (∗), and names every switch."""
    draws = np.random.Generator(np.random.Philox(key=seed))
    sizes = draws.integers(2, 4, 2)
    points = [np.sort(draws.uniform(0, 1, k)) for k in sizes]
    chains = [draws.dirichlet(np.ones(k), k) for k in sizes]
    trade = Trade(points[0], points[1], *chains, *(draws.dirichlet(np.ones(k)) for k in sizes))
    discount = float(draws.uniform(0.1, 0.95))
    environment = environment_of(trade, discount)
    again = trade_in(environment)
    assert again is not None
    for name in ("costs", "values", "seller", "buyer", "first_seller", "first_buyer"):
        np.testing.assert_allclose(getattr(again, name), getattr(trade, name), atol=1e-12)
    (condition,) = PivotWithFees(environment).conditions()
    assert condition.value == pytest.approx(trade.budget(discount).slack, abs=1e-8)
    assert condition.holds == trade.balances(discount)
    assert all(f"{zero:.6g}" in condition.note for zero, _ in trade.switches())


def test_the_condition_on_the_screen_and_where_it_says_less() -> None:
    """In words; an economy that is no trade between two chains has fees and a deficit, but no such δ."""
    (condition,) = PivotWithFees(economy("bilateral-trade:values=2,discount=0.3")).conditions()
    assert condition.holds is False
    assert condition.note.endswith("deficit 0.357143; holds for δ from 0.666667 to 1")
    (condition,) = PivotWithFees(economy("bilateral-trade:values=2,persistence=1")).conditions()
    assert condition.note == "largest fees seller 0, buyer 1 0; deficit 2.5; holds for no δ"
    for text in ("bilateral-trade:horizon=2", "repeated-auction", "repeated-auction:fatigue=0.5"):
        environment = economy(text)
        assert trade_in(environment) is None
        assert "δ" not in PivotWithFees(environment).conditions()[0].note


def test_several_spans_of_discount_factors_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """(∗) begins to hold at .2, .5 and .8 and ceases at .3 and .6; or holds from 0 and ceases first."""
    switches = [0.2, 0.3, 0.5, 0.6, 0.8]
    trade = SimpleNamespace(
        gains=np.zeros(4), switches=lambda: [(end, 0.0) for end in switches], balances=lambda _: False
    )
    monkeypatch.setattr("dynmech.mechanisms.groves.pivot_with_fees.trade_in", lambda _: trade)
    mechanism = PivotWithFees(economy("bilateral-trade:values=2"))
    note = mechanism.conditions()[0].note
    assert note.endswith("; holds for δ from 0.2 to 0.3 and δ from 0.5 to 0.6 and δ from 0.8 to 1")
    trade.balances, switches[-1:] = (lambda _: True), []
    note = mechanism.conditions()[0].note
    assert note.endswith("; holds for δ from 0 to 0.2 and δ from 0.3 to 0.5 and δ from 0.6 to 1")


def test_below_it_the_largest_fees_lose_money_and_balancing_ones_drive_a_type_away() -> None:
    environment = economy("bilateral-trade:values=2,discount=0.5")
    exact = alpha_chain(0.75).budget(0.5)
    largest = audit(environment, PivotWithFees(environment))
    assert verdicts(largest) == {
        "incentive": "holds",
        "budget": "breaks",
        "participation": "holds",
        "efficient": "holds",
    }
    assert largest.budget["ex_ante"].value == pytest.approx(exact.slack, abs=1e-9)
    balancing = audit(environment, PivotWithFees(environment, fees="balancing"))
    assert verdicts(balancing)["budget"] == "holds"
    assert verdicts(balancing)["participation"] == "breaks"
    least = min(one.value for one in balancing.participation["at_the_start"])
    assert least == pytest.approx(exact.slack / 2, abs=1e-9)  # shared evenly, as both sides bear the same


def test_willing_at_the_start_is_not_willing_ever_after() -> None:
    """The seller that turns out to face a buyer of value 0 nets ¼ [1/(1−δλ²) − 1/(1−δλ)], λ = 2α − 1: −.132."""
    environment = economy("bilateral-trade:values=2,discount=0.9")
    found = audit(environment, PivotWithFees(environment))
    least = found.participation["ex_post"][0]
    assert least.value == pytest.approx((1 / (1 - 0.9 * 0.25) - 1 / (1 - 0.9 * 0.5)) / 4, abs=1e-9)
    assert round(least.value, 3) == -0.132
    assert least.where == {"agent": "seller", "period": 0, "profile": "1, 0"}
    assert found.participation["at_the_start"][0].value == pytest.approx(0, abs=1e-9)
    assert found.to_dict()["participation"]["at_the_start"] == pytest.approx([0, 0], abs=1e-9)


def test_instalments_are_worth_as_much_and_let_agents_leave_later() -> None:
    environment = economy("bilateral-trade:values=2,discount=0.9")
    once, parts = (audit(environment, PivotWithFees(environment, collect=how)) for how in ("start", "instalments"))
    assert parts.budget["ex_ante"].value == pytest.approx(once.budget["ex_ante"].value, abs=1e-8)
    assert parts.participation["at_the_start"][0].value == pytest.approx(0, abs=1e-8)
    later = parts.participation["interim"][0]
    # After (0, 0), as after (1, 0), the seller of cost 1 expects less than its fees: half of the loss ex post.
    assert later.value < -0.06
    assert later.where == {"agent": "seller", "period": "1 or later", "signal": "1", "last signals": "0, 0"}
    assert once.participation["interim"][0].value > -1e-9  # what is sunk keeps nobody away


@pytest.mark.parametrize("horizon", [1, 3])
@pytest.mark.parametrize("discount", [1.0, 0.7])
def test_instalments_add_up_over_finitely_many_periods(horizon: int, discount: float) -> None:
    environment = economy(f"bilateral-trade:values=2,discount={discount},horizon={horizon}")
    once, parts = (audit(environment, PivotWithFees(environment, collect=how)) for how in ("start", "instalments"))
    assert parts.budget["ex_ante"].value == pytest.approx(once.budget["ex_ante"].value, abs=1e-12)


@given(seeds)
def test_with_several_buyers_fees_are_what_the_least_willing_type_bears(seed: int) -> None:
    """Interim marginal contributions by a sum of its own; incentives are the pivot's."""
    environment = market(seed)
    mechanism = PivotWithFees(environment)
    pivot = Pivot(environment, "feasible")
    laws = [environment.prior.sum(axis=tuple(j for j in range(3) if j != i)) for i in range(3)]
    for i in range(3):
        others = [laws[j] for j in range(3) if j != i]
        table = np.moveaxis(plan(environment).value[0] - pivot.alone(i).value[0], i, 0)
        interim = [sum(table[k, a, b] * others[0][a] * others[1][b] for a in (0, 1) for b in (0, 1)) for k in (0, 1)]
        assert mechanism.amounts[i] == pytest.approx(min(interim), abs=1e-9)
    found = audit(environment, mechanism)
    assert verdicts(found)["incentive"] == "holds"
    assert verdicts(found)["participation"] == "holds"
    slack = float(mechanism.amounts.sum()) - mechanism.deficit
    assert found.budget["ex_ante"].value == pytest.approx(slack, abs=1e-8)


def test_types_of_probability_0_are_asked_too() -> None:
    """Condition (∗) takes minima over all types; a seller surely of cost 0 could bear more than one of cost 1."""
    swap = economy("bilateral-trade:values=2,chain=persistent,persistence=0.75")
    prior = np.array([[0.5, 0.5], [0.0, 0.0]])
    environment = TableEnvironment(swap.name, swap.agents, prior, swap.stages, 0.9, None)
    mechanism = PivotWithFees(environment)
    [cheap, dear] = mechanism.bearable[0][0]
    assert cheap > dear + 0.1
    assert mechanism.amounts[0] == pytest.approx(dear)


def test_named_fees_are_charged_once() -> None:
    environment = economy("bilateral-trade:values=2,horizon=2,discount=1")
    record = _play(environment, make_mechanism("pivot-with-fees:fees=0.25+-0.5", environment))
    plain = _play(environment, make_mechanism("pivot:without=feasible", environment))
    np.testing.assert_allclose((record.transfer - plain.transfer)[0].T - np.array([0.25, -0.5]), 0, atol=1e-15)
    np.testing.assert_array_equal(record.transfer[1], plain.transfer[1])


def _play(environment: TableEnvironment, mechanism: Any, episodes: int = 500) -> Any:
    game = make_game(environment, mechanism)
    streams = Streams(0, "fees", 0, episodes, game.periods)
    return play_shard(game, [Truthful()] * len(environment.agents), streams, episodes=episodes)


def test_a_fee_that_is_too_large_is_caught() -> None:
    """Planted: a little more than the largest fee."""
    environment = economy("bilateral-trade:values=2,discount=0.9")
    fees = PivotWithFees(environment).amounts
    found = audit(environment, PivotWithFees(environment, fees=f"{fees[0] + 0.01}+{fees[1]}"))
    assert verdicts(found)["participation"] == "breaks"
    assert min(one.value for one in found.participation["at_the_start"]) == pytest.approx(-0.01, abs=1e-9)


def test_two_periods_on_a_grid_come_close_to_a_sixth() -> None:
    """Midpoints m: E (θ_b − θ_s)⁺ = (m² − 1)/(6m²) each period; the worst type's fee is half a cell less."""
    environment = economy("bilateral-trade:values=40,midpoints=true,chain=independent,horizon=2,discount=1")
    mechanism = PivotWithFees(environment)
    assert mechanism.deficit == pytest.approx(2 * (1600 - 1) / (6 * 1600), abs=1e-10)
    np.testing.assert_allclose(mechanism.amounts, (1600 - 1) / (6 * 1600), atol=1e-10)
    left = Moments.of(_play(environment, mechanism, 20_000).transfer.sum(axis=(0, 1)))
    assert abs(float(left.mean)) < 4 * float(left.error)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"fees": "most"}, "'most' is none of largest, balancing"),
        ({"fees": "1"}, "expected 2 finite numbers"),
        ({"fees": "1+inf"}, "expected 2 finite numbers"),
        ({"collect": "never"}, "'never' is none of start, instalments"),
    ],
)
def test_bad_options_get_one_line(options: dict[str, str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        PivotWithFees(economy("bilateral-trade"), **options)


def test_where_an_agent_takes_part_in_everything_it_refuses() -> None:
    with pytest.raises(Refusal, match="takes part in every decision"):
        make_mechanism("pivot-with-fees", economy("random"))


def test_an_agent_s_own_axis_goes_last_behind_public_states_and_all_others() -> None:
    table = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(_own_last(table, 0, 0)[0], table.reshape(2, 12).T)
    moved = _own_last(table, 0, 1)  # the first axis is a public state
    assert moved.shape == (2, 4, 3)
    np.testing.assert_array_equal(moved, table.swapaxes(1, 2))
