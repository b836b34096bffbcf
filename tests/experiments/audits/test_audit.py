"""The audit: figures of the literature, payoff identities, planted faults, properties of the mechanism."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dynmech.agents.oracle.search import Family, Information
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.runs.verdicts import status
from dynmech.experiments.scenarios.oil_leases import OilLeases
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.numerics.ex_post import worst_cycle
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.builders import random_environment, trade
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.roles import Promises, Situation
from tests.builders.audit_figures import gains
from tests.builders.audit_words import verdicts
from tests.builders.exact import tree_payoffs
from tests.builders.faults import OwnReportLeft, UndiscountedTarget, Untransposed
from tests.builders.generators import generator
from tests.builders.planted_mechanisms import FlippedTeam
from tests.builders.random_economies import interdependent, private_values


def test_the_oil_leases_of_liu() -> None:
    """§3.1: best response 2 and 4, one lie 0 on the path of truth (4 after a lie), 6 ex post; linked: nothing."""
    environment = OilLeasesPrior().build()
    found = audit(environment, CremerMcLean(environment))
    assert gains(found, Family.BEST_RESPONSE, "ex_ante") == pytest.approx([2, 0], abs=1e-10)
    assert gains(found, Family.BEST_RESPONSE, "interim") == pytest.approx([4, 0], abs=1e-10)
    assert gains(found, Family.ONE_SHOT, "ex_ante") == pytest.approx([0, 0], abs=1e-10)
    assert gains(found, Family.ONE_SHOT, "on_path") == pytest.approx([0, 0], abs=1e-10)
    assert gains(found, Family.ONE_SHOT, "interim") == pytest.approx([4, 0], abs=1e-10)
    assert gains(found, Family.BEST_RESPONSE, "ex_post") == pytest.approx([6, 0], abs=1e-10)
    assert verdicts(found) == {"incentive: bayesian": "breaks", "efficient": "holds"}
    held = audit(environment, Linked(environment))
    for family in (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE):
        for kind in ("ex_ante", "on_path", "interim", "ex_post"):
            assert gains(held, family, kind) == pytest.approx([0, 0], abs=1e-10)
    assert set(verdicts(held).values()) == {"holds"}
    assert held.story is None


@pytest.mark.parametrize("theta", [0, 1])
def test_the_gain_is_2_for_either_prior_signal(theta: int) -> None:
    prior = np.zeros((2, 1))
    prior[theta] = 1
    environment = replace(OilLeasesPrior().build(), prior=prior)
    assert gains(audit(environment, CremerMcLean(environment)), Family.BEST_RESPONSE, "ex_ante") == pytest.approx(
        [2, 0], abs=1e-10
    )


def test_the_witness_tells_liu_s_story() -> None:
    environment = OilLeasesPrior().build()
    found = audit(environment, CremerMcLean(environment))
    witness = found.story
    assert witness is not None
    # Signal 6 gains as much by reporting 4; of those that tie the first is told.
    assert (witness["agent"], witness["period"], witness["signal"]) == ("firm 1", 1, "4")
    assert (witness["report"], witness["prescribed"]) == ("6", "4")
    assert [(step["report"], step["prescribed"]) for step in witness["history"]] in ([("0", "1")], [("1", "0")])
    assert witness["lie"] - witness["truth"] == pytest.approx(4, abs=1e-10)
    assert "firm 1 gains 2 ex ante, 4 interim (" in found.sentence


def test_linked_figures_and_the_tie_at_4() -> None:
    environment = OilLeases().build()
    data = audit(environment, Linked(environment)).to_dict()
    assert data["truth"]["payoff"] == pytest.approx([13.5, 6.5], abs=1e-10)
    assert data["truth"]["revenue"] == pytest.approx(-1, abs=1e-10)
    assert data["truth"]["welfare"] == data["truth"]["first_best"] == pytest.approx(19, abs=1e-10)
    assert data["ties"] == [{"states": 1, "of": 4}, {"states": 0, "of": 4}]  # firm 1 with signal 4 is indifferent
    # The period after, Γ^link pays firm 1 16 where it has lost the first auction and firm 2 reports 6.
    assert data["largest_transfer"]["value"] == pytest.approx(-16, abs=1e-10)
    assert (data["largest_transfer"]["agent"], data["largest_transfer"]["where"]["period"]) == ("firm 1", 1)
    assert data["largest_transfer"]["declared"] >= 16
    # Firm 1 loses the first auction and firm 2 reports 6: −16 + 11; on average 3/4 (−5) + 1/4 (−4) given s_1 = 6.
    assert data["budget"] == pytest.approx({"ex_ante": -1, "expected_period": -4.75, "ex_post": -5}, abs=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_contingent_transfers_hold_and_naive_rules_do_not(seed: int) -> None:
    environment = interdependent(seed)
    good, bad = audit(environment, ContingentSpanning(environment)), audit(environment, Team(environment))
    assert verdicts(good) == {"incentive: periodic ex post": "holds", "efficient": "holds"}
    assert verdicts(bad)["incentive: periodic ex post"] == "outside_assumptions"  # it assumes private values
    surplus = float((plan(environment).value[0] * environment.prior).sum())
    data = good.to_dict()
    assert data["truth"]["payoff"] == pytest.approx([surplus, surplus], abs=1e-8)  # V = W
    assert data["truth"]["revenue"] == pytest.approx(-surplus, abs=1e-8)  # −(N − 1) E[W]


def test_pivot_keeps_all_its_promises_on_private_values() -> None:
    environment = private_values(3)
    found = audit(environment, Pivot(environment))
    assert set(verdicts(found).values()) == {"holds"}
    assert found.budget["ex_post"].value >= -1e-9
    # Participation: W − W_{−i} at its worst profile, by the plans themselves.
    worst = [float((plan(environment).value[0] - plan(environment, i).value[0]).min()) for i in range(2)]
    assert [least.value for least in found.participation["ex_post"]] == pytest.approx(worst, abs=1e-8)


@pytest.mark.parametrize("rule", [FlippedTeam, UndiscountedTarget, OwnReportLeft, Untransposed])
def test_planted_faults_are_found_by_gain_or_by_identity(rule: type[Mechanism]) -> None:
    environment = private_values(5) if rule is FlippedTeam else interdependent(5)
    found = audit(environment, rule(environment))
    surplus = float((plan(environment).value[0] * environment.prior).sum())
    off = max(abs(p - surplus) for p in found.to_dict()["truth"]["payoff"])
    broken = not {"breaks", "outside_assumptions"}.isdisjoint(verdicts(found).values())
    assert broken or off > 0.1
    if rule is UndiscountedTarget:
        assert off > 0.1  # a forgotten discount factor shows in the level V = W − p


class TieBroken(Team):
    """Decides otherwise than the planner where two decisions tie: another decision, the same welfare."""

    name = "tie-broken"

    def decide(self, now: Situation, messages: Array) -> Array:
        return 1 - super().decide(now, messages)


def test_a_tie_broken_otherwise_shows_as_a_gain_or_a_payoff() -> None:
    """Both decisions are worth the same to all together, not to each: paid for one, decided the other."""
    base = private_values(1)
    utility = np.zeros((2, 2, 2, 2))
    utility[0, 0] = utility[1, 1] = np.array([[1.0, 1.0], [2.0, 2.0]])
    law = JointKernel(np.full((2, 2, 2, 2, 2), 0.25), (2, 2), (2, 2))
    stage = Stage(base.stages[0].signals, ("a", "b"), utility, law)
    environment = TableEnvironment("ties", base.agents, np.full((2, 2), 0.25), (stage,), 0.8, None)
    kept, broken = (audit(environment, rule(environment)).to_dict()["truth"]["payoff"] for rule in (Team, TieBroken))
    assert kept == pytest.approx([7.5, 7.5], abs=1e-8)  # W = 1.5 / (1 − 0.8) to each
    assert max(abs(np.array(broken) - 7.5)) > 1


def test_ledger_agrees_with_the_tree() -> None:
    for seed in range(3):
        base = random_environment(generator(seed), signals=2)
        environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 3)
        for mechanism in (Team(environment), Pivot(environment)):
            payoffs, revenue = tree_payoffs(environment, mechanism)
            truthful = FiniteGame(environment, mechanism).truthful
            np.testing.assert_allclose(truthful.utility - truthful.transfer, payoffs, atol=1e-10)
            assert truthful.transfer.sum() == pytest.approx(revenue, abs=1e-10)
            assert truthful.welfare == pytest.approx(
                float((plan(environment).value[0] * environment.prior).sum()), abs=1e-10
            )


def test_exit_finds_hit_and_run_and_the_deposit_that_prevents_it() -> None:
    environment = interdependent(0)
    stay, run = (audit(environment, ContingentSpanning(environment), exit=leave) for leave in (False, True))
    assert max(gains(stay, Family.BEST_RESPONSE, "interim")) < 1e-8
    assert max(gains(run, Family.BEST_RESPONSE, "interim")) > 0.05
    # Whoever has posted the deposit never gains by running: the deposit is the worst continuation payoff, negated.
    worst = [least.value for least in run.participation["interim"]]
    deposits = [search.deposit for search in run.searches]
    assert deposits == pytest.approx([max(0.0, -value) for value in worst], abs=1e-8)


def test_a_coalition_is_audited() -> None:
    environment = interdependent(2)
    found = audit(environment, Team(environment), coalitions=[["agent 1", "agent 2"]])
    assert [found.name(search) for search in found.searches] == ["agent 1 + agent 2"]
    assert gains(found, Family.BEST_RESPONSE, "interim")[0] > 1


def test_conditions_answer_where_they_break() -> None:
    answers = {c.name: c for c in all_conditions(OilLeases().build())}
    assert answers["private values"].holds is False
    assert answers["private values"].value == pytest.approx(6)  # firm 2's value moves by 6 with firm 1's signal
    assert answers["spanning"].value == pytest.approx(0.5)  # singular values of [[3/4, 1/4], [1/4, 3/4]]: 1 and 1/2
    assert answers["convex independence"].value == pytest.approx(np.sqrt(0.5))
    assert answers["last period ex post implementable"].holds is True
    alone = replace(OilLeases().build().stages[0], kernel=None)
    first = replace(OilLeases().build(), stages=(alone,), horizon=1)
    broken = {c.name: c for c in all_conditions(first)}["last period ex post implementable"]
    assert broken.holds is False
    assert broken.value == pytest.approx(4)  # 11 − 7: the printed impossibility
    assert broken.where["agent"] == "firm 1"


def test_private_independent_economies_are_recognised() -> None:
    flat = np.full((2, 2), 0.5)
    environment = trade([1, 3], [[2, 4]], [flat, flat], np.full((2, 2), 0.25), 0.9)
    answers = {c.name: c.holds for c in all_conditions(environment)}
    assert answers["private values"] is True
    assert answers["independent types"] is True
    assert answers["spanning"] is False
    assert answers["last period ex post implementable"] is None


def test_a_cycle_of_three_is_found() -> None:
    utility = np.array([[0.0, 2.0, -9.0], [-9.0, 0.0, 1.0], [1.5, -9.0, 0.0]])
    gain, cycle = worst_cycle(utility)
    assert gain == pytest.approx(4.5)
    assert sorted(cycle) == [0, 1, 2]


def test_within_its_own_bound_of_the_tolerance_nothing_is_decided() -> None:
    assert status(1.1e-6, 2e-7, 1e-6) == "undecided"
    assert status(1.3e-6, 2e-7, 1e-6) == "breaks"
    assert status(0.7e-6, 2e-7, 1e-6) == "holds"


@pytest.mark.parametrize("information", list(Information))
def test_undisturbed_figures_carry_bounds(information: Information) -> None:
    environment = interdependent(6)
    found = audit(environment, Team(environment))
    kind = "interim" if information is Information.INTERIM else "ex_post"
    for search in found.searches:
        figure = search.figures[Family.BEST_RESPONSE][kind]
        assert 0 < figure.bound < 1e-8
        assert figure.state is not None


class Bonus(Team):
    """Pays nothing to anybody, but 1 for the report of signal 1 in one period."""

    name = "bonus"
    promises = Promises(incentive="bayesian")

    def __init__(self, environment: TableEnvironment, period: int = 0) -> None:
        super().__init__(environment)
        self.period = period

    def flow_table(self, t: int) -> FloatArray:
        return np.zeros((len(self.environment.agents), *self.environment.stage(t).axes))

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Any) -> FloatArray:
        paid = np.where(messages == 1, -1.0, 0.0)
        return paid if self.period < 0 or now.t == self.period else 0 * paid

    def transfer_bound(self) -> float:
        return 1.0


def lonely(discount: float, horizon: int | None, law: FloatArray) -> TableEnvironment:
    """One agent with two signals and nothing to decide."""
    stage = Stage((("0", "1"),), ("none",), np.zeros((1, 1, 2)), JointKernel(law.reshape(1, 2, 2), (2,), (2,)))
    return TableEnvironment("lonely", ("Ann",), np.array([1.0, 0.0]), (stage,), discount, horizon)


@pytest.mark.parametrize("law", [np.full((2, 2), 0.5), np.array([[0.0, 1.0], [1.0, 0.0]])])
def test_patience_does_not_stop_the_search(law: FloatArray) -> None:
    """δ = 0.999, periodic and mixing: a report of 1 is paid 1, truth earns it where the signal is 1."""
    environment = lonely(0.999, None, law)
    found = audit(environment, Bonus(environment, -1))
    best = 1 / (1 - 0.999)
    # Truth starts with signal 0: half of the later periods pay if signals mix, every second if they alternate.
    honest = 0.999 / (1 - 0.999) / 2 if law[0, 0] else 0.999 / (1 - 0.999**2)
    assert found.to_dict()["truth"]["payoff"] == pytest.approx([honest], abs=1e-6)
    assert gains(found, Family.BEST_RESPONSE, "ex_ante") == pytest.approx([best - honest], abs=1e-5)
    assert verdicts(found)["incentive: bayesian"] == "breaks"
    assert not found.holds


def test_a_late_opportunity_has_a_story() -> None:
    environment = lonely(1.0, 90, np.full((2, 2), 0.5))
    found = audit(environment, Bonus(environment, 80))
    witness = found.story
    assert witness is not None
    assert witness["period"] == 80
    assert len(witness["history"]) == 80
    assert "in period 80" in found.sentence


def test_correlation_at_the_start_and_hidden_actions_of_others_break_independence() -> None:
    flat = np.full((2, 2), 0.5)
    environment = trade([1, 3], [[2, 4]], [flat, flat], np.array([[0.4, 0.1], [0.1, 0.4]]), 0.9)
    answer = {c.name: c for c in all_conditions(environment)}["independent types"]
    assert answer.holds is False
    assert answer.note == "the first signals are correlated"
    law = np.zeros((4, 2, 2, 2, 2))
    law[:] = 0.25
    law[1::2, :, :, 1, :] = 0.4  # Bob's action moves Ann's next signal
    law[1::2, :, :, 0, :] = 0.1
    names, choices = (("0", "1"), ("0", "1")), (("rest", "work"), ("rest", "work"))
    kernel = JointKernel(law, (2, 2), (2, 2))
    stage = Stage(names, ("rr", "rw", "wr", "ww"), np.zeros((2, 4, 2, 2)), kernel, private_actions=choices)
    hidden = TableEnvironment("hidden", ("Ann", "Bob"), np.full((2, 2), 0.25), (stage,), 0.9, None)
    answer = {c.name: c for c in all_conditions(hidden)}["independent types"]
    assert answer.holds is False
    assert "private action" in answer.note


def test_a_cycle_is_counted_once() -> None:
    utility = np.full((4, 4), -100.0)
    np.fill_diagonal(utility, 0.0)
    utility[0, 1] = utility[1, 0] = 2.0
    assert worst_cycle(utility) == (4.0, [0, 1])
