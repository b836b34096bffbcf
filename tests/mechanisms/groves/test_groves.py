"""Groves mechanisms: Theorem 3 and Lemma 1 of Yoon on random economies, Property A, and the finite counterexample."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.conditions.yoon_property_a import discretionary, property_a
from dynmech.mechanisms.groves.groves import Groves
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.pivot_with_fees import PivotWithFees
from dynmech.mechanisms.groves.static_vcg import StaticVCG
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import FlowMechanism, Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.exact import best_ex_post_gain, payoffs_of_truth, tree_payoffs
from tests.builders.generators import generator
from tests.builders.random_economies import private_values

seeds = st.integers(0, 10_000)


def random_terms(seed: int, environment: TableEnvironment, periods: int = 1) -> list[list[FloatArray]]:
    """Φ^i over the others' signals, per period."""
    draws = generator(seed + 77)
    axes = environment.stage(0).axes
    return [[draws.uniform(-2, 2, axes[:i] + axes[i + 1 :]) for i in range(len(axes))] for _ in range(periods)]


@given(seeds, st.integers(2, 3))
def test_theorem_3_truth_withstands_everything_whatever_the_term(seed: int, agents: int) -> None:
    """V^i = W − Φ^i, no gain ex post; and by Lemma 1 the term is read off what is paid."""
    environment = private_values(seed, agents)
    [terms] = random_terms(seed, environment)
    mechanism = Groves.with_terms(environment, lambda _t, i: terms[i])
    values = payoffs_of_truth(environment, mechanism)
    for i in range(agents):
        spread = np.broadcast_to(np.expand_dims(terms[i], i), environment.stage(0).axes).reshape(-1)
        np.testing.assert_allclose(values[i], plan(environment).value[0].reshape(-1) - spread, atol=1e-8)
        np.testing.assert_allclose(
            discretionary(FiniteGame(environment, mechanism).truthful, 1)[i, 0], spread, atol=1e-8
        )
    assert best_ex_post_gain(environment, mechanism).max() < 1e-8
    assert property_a(FiniteGame(environment, mechanism)).holds


@given(seeds)
def test_theorem_3_with_an_end_and_terms_that_change_with_time(seed: int) -> None:
    base = private_values(seed)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 3)
    terms = random_terms(seed, environment, 3)
    mechanism = Groves.with_terms(environment, lambda t, i: terms[t][i])
    payoffs, _ = tree_payoffs(environment, mechanism)
    first_best = float((plan(environment).value[0] * environment.prior).sum())
    for i in range(2):
        law = environment.prior.sum(axis=i)
        assert payoffs[i] == pytest.approx(first_best - float(law @ terms[0][i]), abs=1e-9)
    assert property_a(FiniteGame(environment, mechanism)).holds


def test_with_an_end_the_pivot_leaves_everybody_its_marginal_contribution() -> None:
    """W − W_{−i} over three periods, the latter by plain backward induction; nobody's payment is below 0."""
    base = private_values(4, 3)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 3)
    payoffs, revenue = tree_payoffs(environment, Pivot(environment))
    rows = environment.kernel(0).rows()
    first_best = float((plan(environment).value[0] * environment.prior).sum())
    for i in range(3):
        flow = np.delete(environment.stage(0).utility, i, axis=0).sum(axis=0).reshape(len(rows), -1)
        value = np.zeros(flow.shape[1])
        for _ in range(3):
            value = (flow + 0.9 * rows @ value).max(axis=0)
        assert payoffs[i] == pytest.approx(first_best - float(value @ environment.prior.reshape(-1)), abs=1e-9)
    assert revenue > 0
    assert min(float(table.min()) for table in Pivot(environment).tables) > -1e-9


# Planted: discretionary flows instead of totals, terms that read the own report


class FlowTerm(Groves):
    """φ^i(r^{−i}) charged each period, without taking back what it becomes tomorrow."""

    def flow_table(self, t: int) -> FloatArray:
        team = Groves(self.environment, phi="zero").flow_table(t)
        return team + np.stack([self.term(t, i) for i in range(len(self.environment.agents))])


class OwnTerm(FlowMechanism):
    """Team transfers less a tenth of the own signal's index."""

    name = "own-term"

    def flow_table(self, t: int) -> FloatArray:
        axes = self.environment.stage(t).axes
        return Team(self.environment).flow_table(t) - 0.1 * np.indices(axes)


def test_a_discretionary_flow_is_bent_where_decisions_move_signals() -> None:
    """Unless one decision is efficient whatever the signals, in which case nothing moves."""
    bent = 0
    for seed in range(12):
        environment = private_values(seed)
        [terms] = random_terms(seed, environment)
        planted = FlowTerm.with_terms(environment, lambda _t, i, terms=terms: terms[i])  # type: ignore[misc]
        residual, gain = (
            property_a(FiniteGame(environment, planted)).value,
            best_ex_post_gain(environment, planted).max(),
        )
        if np.ptp(plan(environment).policy[0]) == 0:
            assert max(residual, gain) < 1e-9
            continue
        assert residual > 0.01
        bent += gain > 0.01
    assert bent >= 6


def test_a_term_in_the_own_report_shows_in_the_residual_and_as_a_gain() -> None:
    environment = private_values(3)
    found = property_a(FiniteGame(environment, OwnTerm(environment)))
    assert not found.holds
    assert found.value > 0.1
    assert best_ex_post_gain(environment, OwnTerm(environment)).max() > 0.05


# Property A


@pytest.mark.parametrize("rule", [Team, Pivot, PivotWithFees, Groves])
@pytest.mark.parametrize(
    "economy", ["repeated-auction:fatigue=0.4", "bilateral-trade:values=3", "repeated-auction:horizon=3"]
)
def test_property_a_holds_for_every_groves_mechanism(rule: type[FlowMechanism], economy: str) -> None:
    environment = load(economy)
    assert isinstance(environment, TableEnvironment)
    found = property_a(FiniteGame(environment, rule(environment)))
    assert (found.holds, found.where) == (True, {})
    assert found.value < 1e-9


def test_property_a_names_where_a_rule_is_not_groves() -> None:
    environment = load("repeated-auction:values=2,persistence=0.5,discount=0.5")
    assert isinstance(environment, TableEnvironment)
    found = property_a(FiniteGame(environment, PayYourReport(environment)))
    # Pays all that it gets, so Z^i + V_{−i} = W: 1 against the other's 0 adds the good's value, 1, this period; later
    # values do not depend on today's.
    assert found.value == pytest.approx(1.0, abs=1e-9)
    assert found.where["others"] == "0"
    assert "at signal 0" in found.note
    assert "at 1" in found.note


def test_property_a_wants_efficient_decisions() -> None:
    """A myopic decision where looking ahead pays: whatever is paid, it is no Groves mechanism."""
    lost = 0
    for seed in range(20):
        environment = private_values(seed)
        rule = StaticVCG(environment)
        found = property_a(FiniteGame(environment, rule))
        loses = (
            float((plan(environment).value[0] * environment.prior).sum())
            - FiniteGame(environment, rule).truthful.welfare
            > 1e-6
        )
        lost += loses
        assert ("of welfare" in found.note) is loses
        assert not (loses and found.holds)
    assert lost >= 3


def _surcharged() -> tuple[TableEnvironment, Groves]:
    environment = random_environment(
        generator(8), agents=2, signals=2, decisions=3, discount=0.8, correlation=0, interdependence=0
    )
    return environment, Groves(environment, phi="zero", surcharge=0.5)


def test_on_finitely_many_types_periodic_ex_post_does_not_make_it_groves() -> None:
    environment, rule = _surcharged()
    assert best_ex_post_gain(environment, rule).max() < 1e-9
    found = property_a(FiniteGame(environment, rule))
    assert not found.holds
    policy, law = plan(environment).policy[0].reshape(-1), environment.kernel(0).rows()
    chain = law[policy, np.arange(4)]
    often = sum(0.8**t * np.linalg.matrix_power(chain, t) @ (policy == 0) for t in range(200))
    assert found.value == pytest.approx(0.5 * float(np.ptp(often.reshape(2, 2), axis=0).max()), abs=1e-9)
    assert found.value > 1


def test_a_surcharge_above_the_gaps_is_dodged() -> None:
    environment, _ = _surcharged()
    assert best_ex_post_gain(environment, Groves(environment, phi="zero", surcharge=3.0)).max() > 0.1


def test_an_audit_shows_it_among_the_conditions() -> None:
    environment, rule = _surcharged()
    conditions: dict[str, Condition] = {c.name: c for c in audit(environment, rule).conditions}
    shown = conditions["Groves transfers (Property A)"]
    assert shown.holds is False
    assert shown.where["agent"] == "agent 1"
    honest: Mechanism = Team(environment)
    assert {c.name: c.holds for c in audit(environment, honest).conditions}["Groves transfers (Property A)"]


@given(seeds)
def test_property_a_with_a_public_state_and_a_cost(seed: int) -> None:
    environment = public_economy(seed)
    assert property_a(FiniteGame(environment, Groves(environment))).holds
    assert property_a(FiniteGame(environment, Team(environment))).holds
    assert not property_a(FiniteGame(environment, PayYourReport(environment))).holds


def public_economy(seed: int) -> TableEnvironment:
    """Two public states that move by themselves, private values that depend on them, a cost per decision."""
    draws = generator(seed)
    own = [draws.uniform(-1, 1, (2, 2, 2)) for _ in range(2)]  # (D, O, K)
    utility = np.stack(
        [np.broadcast_to(own[0][:, :, :, None], (2, 2, 2, 2)), np.broadcast_to(own[1][:, :, None], (2, 2, 2, 2))]
    )
    weather, chains = draws.dirichlet(np.ones(2), (2, 2)), [draws.dirichlet(np.ones(2), (2, 2)) for _ in range(2)]
    table = np.einsum("dop,dkx,dly->doklpxy", weather, chains[0], chains[1])
    stage = Stage(
        (("a", "b"), ("a", "b")), ("x", "y"), utility, JointKernel(table, (2, 2, 2), (2, 2, 2)), ("dry", "wet"),
        cost=draws.uniform(0, 1, 2),
    )  # fmt: skip
    prior = np.multiply.outer(np.multiply.outer(*draws.dirichlet(np.ones(2), 2)), np.array([0.5, 0.5]))
    return TableEnvironment("weather", ("one", "two"), prior, (stage,), 0.8, None)


def test_the_team_may_be_paid_by_what_the_others_say_they_got() -> None:
    """Three agents, no cost: each gets what the two others report, and as much in truth as by their signals."""
    environment = private_values(5, 3)
    by_payoffs = Team(environment, reports="payoffs")
    now, nobody = Situation(0, np.zeros(1, np.intp), np.zeros(1, np.intp)), np.zeros((1, 3), np.intp)
    paid = by_payoffs.charge(now, nobody, np.array([0]), Acts(nobody, np.array([[1.0, 20.0, 300.0]])))
    assert paid.tolist() == [[-320, -301, -21]]
    by_signals = Team(environment)
    for profile in np.ndindex(2, 2, 2):
        messages = np.array([profile])
        decision = by_signals.decide(now, messages)
        got = environment.stage(0).utility[(slice(None), int(decision[0]), *profile)]
        paid = by_payoffs.charge(now, messages, decision, Acts(nobody, got[None]))
        np.testing.assert_allclose(
            paid, by_signals.charge(now, messages, decision, Acts(nobody, got[None])), atol=1e-12
        )
    assert by_payoffs.transfer_bound() >= 2 * environment.utility_bound()


# Named terms


@given(seeds)
def test_the_pivot_term_is_the_pivot_and_balance_expects_nothing(seed: int) -> None:
    environment = private_values(seed)
    np.testing.assert_allclose(Groves(environment, phi="pivot").tables[0], Pivot(environment).tables[0], atol=1e-8)
    np.testing.assert_allclose(Groves(environment, phi="zero").tables[0], Team(environment).tables[0], atol=1e-12)
    np.testing.assert_allclose(FiniteGame(environment, Groves(environment)).truthful.transfer, 0, atol=1e-8)
    shifted = Groves(environment, phi="1.5").tables[0] - Team(environment).tables[0]
    np.testing.assert_allclose(shifted, 1.5 * (1 - environment.discount), atol=1e-12)


def test_the_pivot_term_is_the_pivot_among_three() -> None:
    environment = private_values(3, 3)
    np.testing.assert_allclose(Groves(environment, phi="pivot").tables[0], Pivot(environment).tables[0], atol=1e-8)


def test_terms_from_a_file(tmp_path: Path) -> None:
    environment = private_values(1)
    path = tmp_path / "phi.json"
    path.write_text('{"phi": [[1, 2], [3, 4]]}', encoding="utf-8")
    mechanism = make_mechanism(f"groves:phi={path}", environment)
    table = Groves.with_terms(environment, lambda _t, i: np.array([[1.0, 2.0], [3.0, 4.0]][i])).tables[0]
    assert isinstance(mechanism, Groves)
    np.testing.assert_array_equal(mechanism.tables[0], table)


def test_terms_from_a_file_by_period(tmp_path: Path) -> None:
    """With a horizon every period has its own; truth withstands everything all the same."""
    base = private_values(1)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 3)
    terms = [[[1.0, 2.0], [3.0, 4.0]], [[0.0, -1.0], [2.0, 0.5]], [[5.0, 5.0], [0.0, 1.0]]]
    path = tmp_path / "phi.json"
    path.write_text(json.dumps({"periods": terms}), encoding="utf-8")
    mechanism = Groves(environment, phi=str(path))
    other = Groves.with_terms(environment, lambda t, i: np.array(terms[t][i]))
    for one, same in zip(mechanism.tables, other.tables, strict=True):
        np.testing.assert_array_equal(one, same)
    assert best_ex_post_gain(environment, mechanism).max() < 1e-8
    with pytest.raises(InputError, match="3 periods for infinitely many"):
        Groves(base, phi=str(path))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"phi": [[1, 2]]}', "1 arrays for 2 agents"),
        ('{"fi": []}', "expected"),
        ("[1, 2", "not JSON"),
        ("[" * 200_000, "nested too deeply"),
        ('{"phi": [[1, 2, 3], [3, 4]]}', r"agent 'agent 1' in period 1: shape \[3\], expected .* \[2\]"),
        ('{"phi": [[1, NaN], [3, 4]]}', "finite numbers"),
    ],
)
def test_bad_terms_get_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "phi.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        _ = Groves(private_values(1), phi=str(path)).tables


@pytest.mark.parametrize(("phi", "told"), [("none-such", "is none of balance, zero"), ("inf", "not a finite number")])
def test_unknown_terms_get_one_line(phi: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Groves(private_values(1), phi=phi)
