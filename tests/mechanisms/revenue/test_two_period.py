"""The optimal two-period mechanism on continuous types: closed forms, two ways to revenue, lies, and play."""

from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st
from scipy import integrate, stats

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.moments import Moments
from dynmech.mechanisms.revenue.cutoff_rule import CutoffRule, optimal_rule, second_cutoff
from dynmech.mechanisms.revenue.optimal_two_period import OptimalTwoPeriod
from dynmech.mechanisms.revenue.two_period_types import TwoPeriodSale, TwoPeriodTypes, family
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import View

FAMILIES = [("ar1", 0.5, 1.0, 1.0), ("ar1", 0.25, 2.0, 3.0), ("power", 2.0, 2.0, 1.0), ("normal", 0.5, 1.0, 1.0)]

AR1 = optimal_rule(family("ar1", 0.5), 1.0)


@cache
def sale(options: str = "") -> tuple[FunctionEnvironment, OptimalTwoPeriod]:
    """The economy with its optimal mechanism, found once for all tests that only look at them."""
    environment = load(f"two-period-sale{options}")
    mechanism = make_mechanism("optimal-two-period", environment)
    assert isinstance(environment, FunctionEnvironment)
    assert isinstance(mechanism, OptimalTwoPeriod)
    return environment, mechanism


def test_the_autoregressive_case_has_its_closed_form() -> None:
    assert pytest.approx(0.5, abs=1e-12) == AR1.first
    grid = np.linspace(0, 1, 41)
    np.testing.assert_allclose(AR1.cutoff(grid), (1 - grid) / 2, atol=1e-12)
    today, tomorrow = AR1.virtual_surplus()
    assert (today, tomorrow) == pytest.approx((1 / 4, 7 / 24), abs=1e-12)
    assert AR1.revenue() == pytest.approx(13 / 24, abs=1e-12)
    assert AR1.rent() == pytest.approx(13 / 48, abs=1e-12)
    assert AR1.mean_price() == pytest.approx(7 / 48, abs=1e-12)
    assert AR1.mean_upfront() == pytest.approx(19 / 48, abs=1e-12)


def test_discounting_and_independence() -> None:
    assert optimal_rule(family("ar1", 0.5), 0.4).revenue() == pytest.approx(1 / 4 + 0.4 * 7 / 24, abs=1e-12)
    # ρ = 0: tomorrow is news to everybody, so it is sold at the price 0 and its whole value ½ is paid for today.
    unrelated = optimal_rule(family("ar1", 0.0), 1.0)
    assert unrelated.revenue() == pytest.approx(0.75, abs=1e-12)
    assert unrelated.mean_price() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("given_", FAMILIES)
def test_revenue_from_prices_is_virtual_surplus(given_: tuple[str, float, float, float]) -> None:
    """And virtual surplus is E max(ψ, 0), by a plain sum over even quantiles."""
    types = family(*given_)
    rule = optimal_rule(types, 0.8)
    today, tomorrow = rule.virtual_surplus()
    assert rule.revenue() == pytest.approx(today + 0.8 * tomorrow, abs=1e-8)
    luck = (np.arange(400) + 0.5) / 400
    first = np.asarray(types.first.ppf(luck))
    second = np.asarray(types.second(first[:, None]).ppf(luck))
    assert today == pytest.approx(np.maximum(types.first_virtual(first), 0).mean(), abs=2e-4)
    assert tomorrow == pytest.approx(np.maximum(types.second_virtual(first[:, None], second), 0).mean(), abs=2e-4)
    assert rule.rent() + rule.revenue() == pytest.approx(_welfare(rule), abs=1e-8)


def _welfare(rule: CutoffRule) -> float:
    """E[θ_1 q_1] + δ E[θ_2 q_2] by SciPy's adaptive quadrature."""
    types = rule.types

    def inner(one: float) -> float:
        law = types.second(np.array(one))
        low, high = law.support()
        start = float(np.clip(second_cutoff(types, np.array(one)), low, high))
        later = integrate.quad(lambda two: two * float(law.pdf(two)), start, high, epsabs=1e-10)[0]
        return float(types.first.pdf(one)) * (one * float(one >= rule.first) + rule.discount * later)

    breaks = sorted({*rule.breaks[:: len(rule.breaks) // 6].tolist(), rule.first, 0.5})
    return float(integrate.quad(inner, *types.first_support, points=breaks, epsabs=1e-10, limit=200)[0])


@pytest.mark.parametrize("given_", FAMILIES)
def test_no_lie_gains_the_best_answer_to_it_in_the_second_period_included(
    given_: tuple[str, float, float, float],
) -> None:
    rule = optimal_rule(family(*given_), 1.0)
    gain, _, _ = rule.worst_lie(65)
    assert gain < 1e-9
    assert rule.integral_monotonicity(33)[0] > -1e-9


def test_lies_cost_something() -> None:
    """Gains of 0 because nothing is at stake would prove little."""
    first, report = np.array([0.9, 0.4, 0.2]), np.array([0.3, 0.6, 0.9])
    assert (AR1.payoff(first) - AR1.payoff_of_report(first, report) > 0.04).all()


@given(st.floats(0.2, 0.8), st.floats(0.0, 0.6), st.floats(-0.5, 0.5), st.floats(-0.3, 0.3))
def test_theorem_2_the_best_lie_gains_what_integral_monotonicity_is_missed_by(
    first: float, level: float, slope: float, bend: float
) -> None:
    rule = CutoffRule(AR1.types, 0.9, first, lambda s: np.clip(level + slope * s + bend * s**2, 0, 1))
    gain, _, _ = rule.worst_lie(17)
    missed, _, _ = rule.integral_monotonicity(17)
    assert gain == pytest.approx(-missed, abs=1e-6)  # kinks in s, where a fixed price leaves the support


def test_prices_that_rise_with_the_first_type_are_lied_about() -> None:
    """Planted: monotone in each period, but not jointly."""
    rule = CutoffRule(AR1.types, 1.0, 0.5, lambda s: 0.2 + 0.3 * s)
    gain, true, report = rule.worst_lie(65)
    assert gain > 0.03
    assert report > true  # a dearer option tomorrow, sold for less than it would be worth to others
    assert rule.integral_monotonicity(65)[0] < -0.03


def test_no_other_cutoffs_earn_more() -> None:
    """Among affine prices tomorrow and any cutoff today that leave truth optimal."""
    best = AR1.revenue()
    for first in (0.4, 0.5, 0.6):
        for level in (0.3, 0.5, 0.7):
            for slope in (-0.7, -0.5, -0.2, 0.0):
                rule = CutoffRule(AR1.types, 1.0, first, lambda s, a=level, b=slope: np.clip(a + b * s, 0, 1))  # type: ignore[misc]
                assert rule.revenue() <= best + 1e-9
                if (first, level, slope) != (0.5, 0.5, -0.5):
                    assert rule.revenue() < best - 1e-4


# Types


@pytest.mark.parametrize("given_", FAMILIES)
def test_the_impulse_response_by_interpolation_is_the_formula(given_: tuple[str, float, float, float]) -> None:
    types = family(*given_)
    bare = TwoPeriodTypes(types.first, types.second, types.low, types.high)
    first = np.linspace(0, 1, 13)[:, None]
    luck = np.linspace(0.03, 0.97, 15)
    second = np.asarray(types.second(first).ppf(luck))
    np.testing.assert_allclose(bare.response(first, second), types.response(first, second), atol=1e-7)


@pytest.mark.parametrize("given_", FAMILIES)
def test_second_types_reach_from_the_least_to_the_greatest(given_: tuple[str, float, float, float]) -> None:
    types = family(*given_)
    low, high = types.reach(np.linspace(0, 1, 5))
    assert (low.min(), high.max()) == (types.low, types.high) == (0, 1)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_impulse_response_is_the_same_in_any_unit(unit: float) -> None:
    """θ_2 = ½ (θ_1 + ε): a type that is higher by 1 makes the next one higher by ½."""
    types = TwoPeriodTypes(stats.uniform(0, unit), lambda one: stats.uniform(0.5 * one, 0.5 * unit), 0.0, unit)
    first = np.linspace(0, unit, 7)[:, None]
    second = 0.5 * (first + unit * np.linspace(0.1, 0.9, 5))
    np.testing.assert_allclose(types.response(first, second), 0.5, atol=1e-7)


def test_cutoffs_are_where_virtual_values_are_0() -> None:
    """`power`: ψ_2 = θ_2 (1 + c ln θ_2), c = (1 − θ_1) ρ / (1 + ρ θ_1), is 0 at e^(−1/c) and, without a sign, at 0."""
    types, first = family("power", 2.0), np.linspace(0, 0.98, 50)
    exact = np.exp(-(1 + 2 * first) / (2 * (1 - first)))
    np.testing.assert_allclose(second_cutoff(types, first), np.where(exact < 1e-9, 0, exact), atol=1e-12)
    np.testing.assert_allclose(optimal_rule(types, 1.0).cutoff(first), exact, atol=2e-8)


@pytest.mark.parametrize(("a", "b"), [(2.0, 3.0), (3.0, 1.5)])
def test_today_is_sold_from_where_the_first_virtual_value_is_0(a: float, b: float) -> None:
    """It bends there: one step of a secant is not enough."""
    types = family("ar1", 0.25, a, b)
    rule = optimal_rule(types, 1.0)
    assert 0 < rule.first < 1
    assert float(types.first_virtual(np.array([rule.first]))[0]) == pytest.approx(0, abs=1e-11)


def test_nobody_is_above_the_greatest_type_though_its_density_vanishes() -> None:
    assert family("ar1", 0.25, 2.0, 3.0).hazard(np.array([0.0, 1.0])).tolist() == [np.inf, 0.0]


def test_without_a_formula_revenue_is_the_same() -> None:
    """ψ_2 known on the support only: prices may differ where nobody is, revenue does not."""
    types = family("ar1", 0.5)
    rule = optimal_rule(TwoPeriodTypes(types.first, types.second, 0.0, 1.0), 1.0)
    assert rule.revenue() == pytest.approx(13 / 24, abs=1e-7)
    assert rule.worst_lie(33)[0] < 1e-7
    assert rule.mean_price() < AR1.mean_price() - 0.01


def test_what_needs_ironing_is_refused() -> None:
    with pytest.raises(
        Refusal, match=r"the first virtual value crosses 0 more than once \(it is below 0 again at θ_1 = 0\.4"
    ):
        optimal_rule(_two_humps(), 1.0)
    against = TwoPeriodTypes(
        stats.uniform(),
        lambda one: stats.uniform(0.5 - 0.5 * one, 0.5),
        0.0,
        1.0,
        lambda one, two: -0.5 + 0 * one * two,
    )
    with pytest.raises(Refusal, match=r"a higher first type makes the second lower \(impulse response -0\.5\)"):
        optimal_rule(against, 1.0)


def test_a_response_below_0_is_found_wherever_the_first_type_is() -> None:
    """Only the highest fifth of first types makes the second lower."""
    late = TwoPeriodTypes(
        stats.uniform(),
        lambda one: stats.uniform(0.5 * np.minimum(one, 0.8) - 0.5 * np.maximum(one - 0.8, 0), 0.5),
        0.0,
        1.0,
        lambda one, two: np.where(one < 0.8, 0.5, -0.5) + 0 * two,
    )
    with pytest.raises(Refusal, match=r"at θ_1 = 0\.[89]\d*, .*a higher first type makes the second lower"):
        optimal_rule(late, 1.0)


@pytest.mark.parametrize(("kernel", "a", "b"), [("ar1", 0.3, 0.3), ("ar1", 0.5, 1.0), ("power", 0.7, 0.7)])
def test_prices_that_rise_too_far_are_refused(kernel: str, a: float, b: float) -> None:
    """Virtual values cross 0 once, and yet: where few first types lie just above, tomorrow's price rises with θ_1."""
    with pytest.raises(Refusal, match=r"integral monotonicity is missed by 0\.\d+: type 0\.\d+ would rather report 0;"):
        optimal_rule(family(kernel, 0.5, a, b), 1.0)
    with pytest.raises(Refusal, match="integral monotonicity"):
        make_mechanism("optimal-two-period", load(f"two-period-sale:kernel={kernel},a={a},b={b}"))


@settings(max_examples=8)
@given(st.floats(0.4, 3), st.floats(0.4, 3), st.floats(0, 0.9), st.sampled_from(["ar1", "power"]))
@example(1.5, 1.0, 0.5, "power")  # a cutoff with a cusp at the lowest type
@example(1.125, 1.0, 0.5, "power")  # a density that vanishes so slowly that the cutoff bends most of all there
@example(1.05, 1.0, 0.5, "power")
def test_what_is_not_refused_is_incentive_compatible(a: float, b: float, rho: float, kernel: str) -> None:
    """Any Beta law and kernel: a refusal, or a mechanism under which no first lie gains."""
    try:
        rule = optimal_rule(family(kernel, rho, a, b), 1.0)
    except Refusal:
        return
    assert rule.worst_lie(33)[0] < 1e-6
    near = 2.0 ** -np.arange(3, 50)
    ends = np.concatenate([[0.0], near, 1 - near, [1.0]])
    gains = rule.payoff_of_report(ends[:, None], ends) - rule.payoff(ends)[:, None]
    assert gains.max() < 1e-8


def _two_humps() -> TwoPeriodTypes:
    """First types seldom between 0.4 and 0.6: (1 − F_1)/f_1 jumps up there."""
    first = stats.rv_histogram((np.array([0.8, 0.02, 0.18]), np.array([0.0, 0.4, 0.6, 1.0])), density=False)
    return TwoPeriodTypes(
        first, lambda one: stats.uniform(0.5 * one, 0.5), 0.0, 1.0, lambda one, two: 0.5 + 0 * one * two
    )


def test_bad_types_get_one_line() -> None:
    with pytest.raises(InputError, match="bounded"):
        TwoPeriodTypes(stats.norm(), lambda one: stats.norm(one), 0.0, 1.0)
    with pytest.raises(InputError, match="reach from 0 to 3, outside low = 0 and high = 1"):
        TwoPeriodTypes(stats.uniform(), lambda one: stats.uniform(0, 2 + one), 0.0, 1.0)
    for options, told in (
        ("kernel=walk", "'walk' is none of ar1"),
        ("rho=1", "static problem"),
        ("kernel=power,rho=-1", "below 0"),
        ("kernel=normal,rho=2", "not in"),
        ("a=0", "above 0"),
        ("b=0", "above 0"),
        ("grid=1", "grid: 1"),
        ("buyers=2", "with several a grid"),
    ):
        with pytest.raises(InputError, match=told):
            load(f"two-period-sale:{options}")


# Play


class Shade(Strategy):
    """Reports a fifth too little in the first period."""

    name = "shade-first"

    def message(self, view: View) -> Array:
        return np.maximum(view.signal - 0.2, 0.0) if view.t == 0 else view.signal


def play(
    options: str = "", strategy: Strategy | None = None, *, episodes: int = 40_000, block: int = 4096
) -> tuple[Record, CutoffRule]:
    environment, mechanism = sale(options)
    game = make_game(environment, mechanism)
    streams = Streams(4, "sale", 0, episodes, game.periods)
    return play_shard(game, [strategy or Truthful()], streams, episodes=episodes, block=block), mechanism.rule


def near(samples: FloatArray, exact: float) -> bool:
    moments = Moments.of(samples)
    return abs(float(moments.mean) - exact) <= 4 * float(moments.error) < 0.02


@pytest.mark.parametrize("options", ["", ":kernel=power,rho=2", ":kernel=normal,rho=0.5,discount=0.7", ":a=2,b=3"])
def test_simulated_revenue_and_rent_are_the_exact_ones(options: str) -> None:
    record, rule = play(options)
    assert near(record.discounted(record.transfer)[0], rule.revenue())
    assert near(record.payoffs[0], rule.rent())
    assert near(record.transfer[1, 0], rule.mean_price())
    assert near(record.transfer[0, 0], rule.mean_upfront())


def test_a_simulated_lie_costs_what_it_should() -> None:
    (truth, rule), (lie, _) = play(), play("", Shade())
    first = truth.signal[0, 0]
    expected = rule.payoff_of_report(first, np.maximum(first - 0.2, 0.0))
    assert near(lie.payoffs[0] - expected, 0.0)
    assert float(Moments.of(truth.payoffs[0] - lie.payoffs[0]).mean) > 0.01


def test_blocks_change_nothing() -> None:
    one, many = play(episodes=64)[0], play(episodes=64, block=5)[0]
    np.testing.assert_array_equal(one.transfer, many.transfer)
    np.testing.assert_array_equal(one.decision, many.decision)


def test_the_mechanism_is_for_one_buyer_on_numbers() -> None:
    for environment in ("two-period-sale:grid=3", "bilateral-trade-continuous", "oil-leases"):
        with pytest.raises(Refusal, match="one buyer and two periods on continuous types"):
            make_mechanism("optimal-two-period", load(environment))


def test_the_audit_checks_theorem_2(capsys: pytest.CaptureFixture[str]) -> None:
    """On the screen and as data; planted: prices that rise in the first type are named with type and report."""
    for more in ([], ["--json"]):
        with pytest.raises(SystemExit):
            main(["audit", "two-period-sale", "optimal-two-period", *more])
    out = capsys.readouterr().out
    assert "yes integral monotonicity (8)" in out
    assert '"integral monotonicity (8)": {' in out
    mechanism = make_mechanism("optimal-two-period", load("two-period-sale"))
    assert isinstance(mechanism, OptimalTwoPeriod)
    assert [c.holds for c in mechanism.conditions()] == [True, True]
    mechanism.rule = CutoffRule(AR1.types, 1.0, 0.5, lambda s: 0.2 + 0.3 * s)
    missed, lie = mechanism.conditions()
    assert (missed.holds, lie.holds) == (False, False)
    assert lie.value == pytest.approx(0.0375, abs=1e-3)
    assert float(lie.where["report"]) > float(lie.where["first type"])


def test_the_scenario_names_its_grid() -> None:
    environment = load("two-period-sale:rho=0.25")
    assert isinstance(environment, TwoPeriodSale)
    assert isinstance(environment, FunctionEnvironment)
    grid = load(environment.grid)
    assert grid.horizon == 2
    assert grid.signal_space(0, 0).describe().startswith("0..10")
