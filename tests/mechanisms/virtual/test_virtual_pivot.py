"""The virtual pivot mechanism: what holds on a grid exactly, what only in the limit, and what fails."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from dynmech.agents.oracle.frozen_search import FrozenSearch, search_frozen
from dynmech.agents.strategies.initial_misreport import InitialMisreport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.audits.first_report_audit import too_large
from dynmech.experiments.audits.first_reports import first_report_conditions
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.moments import Moments
from dynmech.mechanisms.conditions.separable import separable_conditions
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.virtual.first_report_incentives import first_period_ic
from dynmech.mechanisms.virtual.relaxed_bound import continuum_bound, grid_bound
from dynmech.mechanisms.virtual.rents import exact_rents
from dynmech.mechanisms.virtual.virtual_myopic import VirtualMyopic
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core import memory_budget as memory
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.separable import (
    Economy,
    FirstSignal,
    Later,
    Power,
    SeparableEnvironment,
    quantiles,
    separable_environment,
)
from dynmech.sim.economy.separable_builders import beta_signal
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from tests.builders.audit_figures import by_first_report, first_reports
from tests.builders.generators import generator
from tests.builders.separable_economies import known, on_midpoints, random_sale, sale, sampled_bound, three_arms

seeds = st.integers(0, 10_000)
EXACT = 1e-10


def first_lies(found: FrozenSearch) -> FloatArray:
    """What the first report x̂ gains over x, the truth afterwards, ex post, `(O, m, m)`."""
    return found.honest - found.truth[:, None]


@given(seeds, st.booleans(), st.booleans())
def test_no_lie_ever_gains_with_exact_rents(seed: int, controlled: bool, together: bool) -> None:
    """Theorem 5.1: later lies for any frozen weights, first lies x′ → x and whatever follows, staying."""
    economy = random_sale(generator(seed), 2, controlled=controlled, together=together)
    mechanism = VirtualPivot(on_midpoints(economy, 4))
    for i in range(2):
        found = search_frozen(mechanism, i)
        assert found.later_gain <= EXACT
        assert first_lies(found).max() <= EXACT
        assert found.first_gain <= EXACT
        assert found.least_stay >= -EXACT


@given(seeds)
def test_later_truth_is_worth_the_marginal_contribution(seed: int) -> None:
    """Payoff levels, not only gains: V⁰ at the start, fee back, is w/α for every first report and true signal."""
    economy = random_sale(generator(seed), 2, controlled=True)
    mechanism = VirtualPivot(on_midpoints(economy, 3))
    found, values = search_frozen(mechanism, 0), mechanism.values[0]
    for other in range(3):
        for said in np.flatnonzero(values.included):
            w, _ = mechanism.worth_of(0)(values.multiplier()[said], np.full(3, other))
            worth = found.honest[other, said] + found.fee[other, said]
            np.testing.assert_allclose(worth, w / values.alpha[said], atol=1e-9)


def test_left_sums_fail_and_the_audit_says_so() -> None:
    """Continuous weights with left Riemann sums: first lies gain."""
    economy = sale(2, first=beta_signal(1, 2, base=0.5))
    environment = on_midpoints(economy, 3)
    found = audit(environment, VirtualPivot(environment, "left-sums"))
    assert [verdict.status for verdict in found.verdicts] == ["breaks", "holds"]
    right = audit(environment, VirtualPivot(environment))
    assert right.holds


@pytest.mark.parametrize("law", [(1.0, 1.0, 1.0), (2.0, 3.0, 0.7)])
def test_the_grid_as_type_space(law: tuple[float, float, float]) -> None:
    """Left sums earn the grid's bound exactly and let lies gain; binding differences gain nothing and earn less."""
    environment = on_midpoints(sale(2, first=beta_signal(law[0], law[1], power=law[2])), 6)
    bound = grid_bound(environment)
    plain, repaired = VirtualPivot(environment, "grid"), VirtualPivot(environment, "grid-binding")
    assert plain.profit == pytest.approx(bound, abs=1e-9)
    assert search_frozen(plain, 0).later_gain <= EXACT
    assert search_frozen(plain, 0).first_gain > 0.01
    assert plain.promises.incentive == "none"
    assert bound - 0.2 < repaired.profit < bound - 1e-6
    assert max(search_frozen(repaired, i).first_gain for i in (0, 1)) <= EXACT


def test_cells_earn_the_node_sampled_welfare() -> None:
    """Every cell at its middle's slope."""
    environment = on_midpoints(sale(2), 6)
    assert VirtualPivot(environment, "cells").profit == pytest.approx(sampled_bound(environment), abs=1e-9)


def test_revenue_tends_to_the_continuum_bound() -> None:
    """5, 11, 21 nodes: within 2/m of it with continuous weights; from above, ever closer, with the grid's own."""
    economy = sale(2)
    bound = continuum_bound(economy)
    assert bound.error < 1e-3
    above = []
    for nodes in (5, 11, 21):
        environment = on_midpoints(economy, nodes)
        assert abs(VirtualPivot(environment).profit - bound.value) <= 2 / nodes
        above.append(VirtualPivot(environment, "grid-binding").profit - bound.value)
    assert above == sorted(above, reverse=True)
    assert 0 < above[2] < 2.5 / 21


def test_exact_rents_by_pieces_and_by_proportion_agree() -> None:
    """The same law, once with A′ dz = ρ dθ and once with a scale that is a hair off it."""
    straight = sale(2, first=FirstSignal(beta_signal().law, Power()))
    bent = sale(2, first=FirstSignal(beta_signal().law, Power(power=1 - 1e-9)))
    rents = [VirtualPivot(on_midpoints(economy, 5)).opening.rent for economy in (straight, bent)]
    np.testing.assert_allclose(rents[0], rents[1], atol=1e-6)


def test_exact_rents_against_a_fine_riemann_sum() -> None:
    """U(x) = ∫ A′ b over a fine grid of first signals; Beta(2, 3) and a concave scale."""
    first = beta_signal(2, 3, power=0.7)
    mechanism = VirtualPivot(on_midpoints(sale(1, first=first), 4))
    x = (np.arange(20_000) + 0.5) / 20_000
    theta = first.virtual(x)
    _, slope = mechanism.worth_of(0)(np.maximum(theta, 0.0), np.zeros(len(x), np.intp))
    steps = np.where(theta > 0, slope * first.scale.derivative(x), 0.0) / len(x)
    for point, rent in zip(mechanism.environment.grids[0].points, mechanism.opening.rent[:, 0], strict=True):
        assert steps[x < point].sum() == pytest.approx(rent, abs=2e-3)


class Dips(FirstSignal):
    """A virtual value that falls from −¼ to −½ before it rises."""

    def virtual(self, x: FloatArray) -> FloatArray:
        return 4 * (x - 0.25) ** 2 - 0.5


def test_where_a_virtual_value_may_fall() -> None:
    """Below 0 with multiplicative values, where nobody is served; nowhere with additive ones."""

    def worth(theta: FloatArray, _row: IntArray) -> tuple[FloatArray, FloatArray]:
        return np.maximum(theta, 0.0), np.where(theta > 0, 1.0, 0.0)

    first, points = Dips(beta_signal().law), np.array([0.2, 0.9])
    rents = exact_rents(first, points, worth, np.zeros((1, 2)), additive=False)
    assert rents[0].tolist() == pytest.approx([0, 0.9 - (0.25 + 0.125**0.5)], abs=1e-9)
    with pytest.raises(Refusal, match="the virtual value does not increase at first signal 0"):
        exact_rents(first, points, worth, np.zeros((1, 2)), additive=True)


@pytest.mark.parametrize("nodes", [2, 3])
def test_the_bound_that_is_not_looked_up_holds_and_grows_with_the_horizon(
    nodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At δ = 0.9 there are five times as many periods as at 0.5."""
    bounds = []
    for discount in (0.5, 0.9):
        mechanism = VirtualPivot(on_midpoints(replace(sale(2), discount=discount), nodes))
        looked_up = mechanism.transfer_bound()
        with monkeypatch.context() as patch:
            patch.setattr("dynmech.mechanisms.virtual.virtual_pivot.ENUMERATED", 0)
            bounds.append(mechanism.transfer_bound())
        assert bounds[-1] >= looked_up
    assert bounds[1] / bounds[0] == pytest.approx(5, rel=1e-9)


def test_additive_values_with_a_horizon() -> None:
    """The autoregression: nobody gains; revenue is what the values of truthful play adds up."""
    environment = load("ar1-additive:nodes=4")
    mechanism = make_mechanism("virtual-pivot", environment)
    found = audit(environment, mechanism)
    assert found.holds
    assert isinstance(mechanism, VirtualPivot)
    assert mechanism.profit == pytest.approx(float(found.truthful.transfer.sum()), abs=1e-9)
    assert max(search_frozen(mechanism, i).first_gain for i in (0, 1)) <= EXACT


def test_three_arms_and_the_wrong_continuation() -> None:
    """(20), (21) as printed gain with three arms, and never with two; the corrected reading gains nothing."""
    two = VirtualPivot(three_arms(2, (0.95, 0.85)), continuation="others")
    assert max(search_frozen(two, i).later_gain for i in range(2)) <= EXACT
    printed = by_first_report(VirtualPivot(three_arms(2), continuation="others"))
    assert [verdict.status for verdict in printed.verdicts] == ["breaks", "holds"]
    assert first_reports(printed, "later") > 0.5
    right = by_first_report(VirtualPivot(three_arms(2)))
    assert right.holds
    assert first_reports(right, "later") <= EXACT


def test_interval_dominance_and_the_envelope() -> None:
    """Lemma 3.5: both hold with exact rents; left sums break the envelope; the three always add up."""
    environment = on_midpoints(sale(2), 8)
    for reading, good in (("continuum", True), ("left-sums", False)):
        mechanism = VirtualPivot(environment, reading)
        found = search_frozen(mechanism, 0)
        conditions = first_period_ic(mechanism, 0, found.honest)
        assert conditions.holds() == good
        assert conditions.dominance.min() >= -1e-9
        np.testing.assert_allclose(conditions.gain, first_lies(found), atol=1e-12)
        np.testing.assert_allclose(conditions.envelope + conditions.dominance + conditions.gain, 0, atol=1e-9)


@given(st.integers(0, 10_000), st.booleans())
def test_first_reports_satisfy_both_conditions(seed: int, controlled: bool) -> None:
    """Random economies: with exact rents both hold; the three always add up; with left sums the envelope breaks."""
    economy = random_sale(generator(seed), 2, controlled=controlled)
    mechanism = VirtualPivot(on_midpoints(economy, 3))
    searches = [search_frozen(mechanism, i) for i in range(2)]
    assert [c.holds for c in first_report_conditions(mechanism, searches)] == [True, True]
    for reading in ("continuum", "left-sums"):
        other = VirtualPivot(on_midpoints(economy, 3), reading)
        found = search_frozen(other, 1)
        one = first_period_ic(other, 1, found.honest)
        np.testing.assert_allclose(one.envelope + one.dominance + one.gain, 0, atol=1e-9)
        assert first_lies(found).max() <= 1e-7 or not one.holds(1e-8)


def test_conditions_of_first_reports_are_named_where_they_fail() -> None:
    """Left sums miss the envelope; planted: a lie whose sequel is worth more than the truth's misses dominance."""
    mechanism = VirtualPivot(on_midpoints(sale(2), 8), "left-sums")
    searches = [search_frozen(mechanism, i) for i in range(2)]
    envelope, dominance = first_report_conditions(mechanism, searches)
    assert (envelope.holds, dominance.holds) == (False, True)
    assert envelope.where["agent"] == "buyer 2"
    honest = searches[0].honest.copy()
    honest[:, 2, 5] += 10
    envelope, dominance = first_report_conditions(mechanism, [replace(searches[0], honest=honest)])
    assert dominance.holds is False
    assert dominance.where["first report"] == f"{5 / 16:.6g}"
    assert dominance.where["first signal"] == f"{11 / 16:.6g}"
    grid = VirtualPivot(on_midpoints(sale(2), 3), "grid")
    assert [c.holds for c in first_report_conditions(grid, [search_frozen(grid, 0)])] == [None, None]


def test_uncontrolled_signals_are_served_period_by_period() -> None:
    """Cor. 6.2: static VCG with frozen weights is the same mechanism; where decisions move states it refuses."""
    environment = on_midpoints(sale(2), 4)
    myopic, ahead = VirtualMyopic(environment), VirtualPivot(environment)
    codes = np.arange(16**2)
    one, other = myopic.known(codes), ahead.known(codes)
    np.testing.assert_array_equal(myopic.solved.policy[0][one], ahead.solved.policy[0][other])
    np.testing.assert_allclose(myopic.solved.transfer[0][one], ahead.solved.transfer[0][other], atol=1e-12)
    with pytest.raises(Refusal, match="decision '1' moves the state of agent 'arm 1' in period 1"):
        VirtualMyopic(three_arms(1))


def test_myopic_choices_lose_where_values_depend_on_the_past() -> None:
    """An item that is worth more the second time: the plan serves from the start, a myopic rule never does."""
    learn = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    value, cost = np.array([[0, 0], [0.1, 1.0]]), np.array([0.0, 0.3])
    period = Later((("new", "used"),), (value,), (np.zeros((2, 2)),), cost, (learn,))
    start, labels = (np.array([1.0, 0.0]),), ("none", "1")
    economy = Economy("habit", ("buyer",), "multiplicative", (beta_signal(),), labels, start, (period,), 0.9)
    mechanism = VirtualPivot(known(economy, [1.0]))
    assert mechanism.profit == pytest.approx(0.9 * (-0.2) + 0.81 * 0.7 / 0.1 - float(mechanism.opening.rent[0, 0]))
    with pytest.raises(Refusal, match="depend on past decisions"):
        VirtualMyopic(known(economy, [1.0]))


def test_conditions_say_what_is_missing() -> None:
    """All hold for uniform signals; a falling hazard rate and a good that cannot be withheld are named."""
    assert all(c.holds for c in separable_conditions(sale(2)))
    falling = {c.name: c.holds for c in separable_conditions(sale(1, first=beta_signal(0.5, 1.0)))}
    assert falling["monotone hazard rate"] is False
    table, nothing, still = np.array([[0.0], [1.0]]), np.zeros((2, 1)), np.ones((2, 1, 1))
    period = Later((("-",),) * 2, (table,) * 2, (nothing,) * 2, np.zeros(2), (still,) * 2)
    labels, start = ("no", "yes"), (np.ones(1),) * 2
    public = Economy("road", ("1", "2"), "multiplicative", (beta_signal(),) * 2, labels, start, (period,), 0.9)
    left = {c.name: c for c in separable_conditions(public)}["everybody can be left out"]
    assert left.holds is False
    assert left.where == {"period": 1, "agent": "1", "decision": "yes"}


def test_a_law_on_a_part_of_the_interval() -> None:
    """Nodes without density: left out if values are multiplicative, refused if additive; conditions look inside."""
    first = FirstSignal(stats.uniform(0.25, 0.5))
    mechanism = VirtualPivot(on_midpoints(sale(2, first=first), 5))
    assert mechanism.values[0].included.tolist() == [False, False, True, True, True]
    assert all(search_frozen(mechanism, i).first_gain <= EXACT for i in range(2))
    assert all(c.holds for c in separable_conditions(mechanism.economy))
    additive = load("ar1-additive")
    assert isinstance(additive, SeparableEnvironment)
    with pytest.raises(Refusal, match="virtual value of first signal number 0 is not finite: no density"):
        VirtualPivot(on_midpoints(replace(additive.economy, first=(first, first)), 5), "left-sums").opening  # noqa: B018


def test_bad_options_and_environments_get_one_line() -> None:
    """Names of what is wrong."""
    environment = on_midpoints(sale(), 3)
    with pytest.raises(InputError, match="reading: 'right' is none of continuum"):
        VirtualPivot(environment, "right")
    with pytest.raises(Refusal, match="needs a separable economy"):
        make_mechanism("virtual-pivot", load("repeated-auction"))
    with pytest.raises(InputError, match=r"kind: 'other' is none"):
        Economy("x", ("a",), "other", (beta_signal(),), ("none",), (np.ones(1),), (), 0.9)
    with pytest.raises(Refusal, match="virtual value does not increase"):
        VirtualPivot(on_midpoints(sale(1, first=beta_signal(0.2, 0.2, base=1.0)), 3)).opening  # noqa: B018


def test_first_lies_on_the_event_loop() -> None:
    """x′ → x as a strategy: its simulated payoff is what the search says."""
    environment = separable_environment(sale(2), [quantiles(f, 3) for f in sale(2).first])
    mechanism = VirtualPivot(environment, "left-sums")
    game, episodes = make_game(environment, mechanism, tail=1e-6), 20_000
    record = play_shard(
        game, [InitialMisreport(1), Truthful()], Streams(3, "lie", 0, episodes, game.periods), episodes=episodes
    )
    found = search_frozen(mechanism, 0)
    expected = float(found.weights @ found.honest[:, 1] @ found.masses)
    moments = Moments.of(record.payoffs[0])
    assert abs(float(moments.mean) - expected) < 4 * float(moments.error) + 1e-4


@pytest.mark.parametrize("scenario", ["supply-chain", "sponsored-search:nodes=2", "single-buyer:nodes=3,buyers=2"])
def test_scenarios_hold(scenario: str) -> None:
    """Every scenario under the mechanism that is made for it."""
    environment = load(scenario)
    mechanism = make_mechanism("virtual-pivot", environment)
    assert isinstance(mechanism, VirtualPivot)
    assert by_first_report(mechanism).holds


def test_large_economies_are_searched_first_report_by_first_report() -> None:
    """Two buyers on 21 nodes over all weights, in seconds."""
    mechanism = VirtualPivot(on_midpoints(sale(2), 21))
    assert too_large(mechanism)
    found = by_first_report(mechanism)
    assert found.holds
    assert max(first_reports(found, "first_report"), first_reports(found, "later")) <= EXACT
    assert not too_large(VirtualPivot(on_midpoints(sale(2), 3)))


def test_what_does_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan, and before that the tables of the economy; no sooner than they must be."""
    environment = three_arms(3)
    monkeypatch.setattr(memory, "room", lambda: 8.0 * 26 * 1000 * 4)
    assert max(search_frozen(VirtualPivot(environment), i).later_gain for i in range(3)) <= EXACT
    monkeypatch.setattr(memory, "room", lambda: 8.0 * 26 * 999 * 4)
    with pytest.raises(Refusal, match=r"a plan over 1,000 profiles of states would need 832 kB, more than the 831 kB"):
        search_frozen(VirtualPivot(environment), 0)
    monkeypatch.setattr(memory, "room", lambda: 1e5)
    with pytest.raises(Refusal, match=r"environment 'arms', with 1,331 profiles of types, would need 319 kB"):
        three_arms(3)


@pytest.mark.slow
def test_three_arms_of_depth_twelve() -> None:
    """753,571 profiles at one frozen profile of weights."""
    found = search_frozen(VirtualPivot(three_arms(12)), 0)
    assert max(found.first_gain, found.later_gain) <= EXACT


@pytest.mark.parametrize(
    ("episodes", "tail", "errors"), [(4_000, 1e-3, 4.0), pytest.param(100_000, 1e-5, 1.96, marks=pytest.mark.slow)]
)
def test_simulated_revenue_of_sponsored_search(episodes: int, tail: float, errors: float) -> None:
    """Play covers the exact figure."""
    environment = load("sponsored-search")
    mechanism = make_mechanism("virtual-pivot", environment)
    game = make_game(environment, mechanism, tail=tail)
    record = play_shard(game, [Truthful()] * 2, Streams(7, "revenue", 0, episodes, game.periods), episodes=episodes)
    moments = Moments.of(record.discounted_transfer.sum(axis=0))
    exact = float(FiniteGame(mechanism.environment, mechanism).truthful.transfer.sum())  # type: ignore[arg-type]
    assert abs(float(moments.mean) - exact) < errors * float(moments.error) + 10 * tail
    assert float(moments.error) < 0.02 * exact
