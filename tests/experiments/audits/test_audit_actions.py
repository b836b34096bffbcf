"""Private actions in an audit: misreports and disobedience together."""

from dataclasses import replace

import numpy as np
import pytest

from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Acts, Promises, Situation
from tests.builders.audit_figures import gains
from tests.builders.audit_words import verdicts
from tests.builders.generators import generator


def effort() -> TableEnvironment:
    """One agent may work (cost 1) or shirk; working makes its next signal high. Two periods, no discounting."""
    utility = np.zeros((1, 2, 2))
    utility[0, 1] = -1  # decision = recommended action: shirk, work
    utility[0, :, 1] += 3  # a high signal is worth 3
    law = np.zeros((2, 2, 2))
    law[0, :, 0] = law[1, :, 1] = 1
    signals, choices = (("low", "high"),), ("shirk", "work")
    first = Stage(signals, choices, utility, JointKernel(law, (2,), (2,)), private_actions=(choices,))
    last = Stage(signals, choices, utility, private_actions=(choices,))
    return TableEnvironment("effort", ("worker",), np.array([1.0, 0.0]), (first, last), 1.0, 2)


class PaysForNothing(FlowMechanism):
    """Recommends what is efficient and pays 2 for a report of `high` in the last period."""

    name = "pays-for-nothing"
    promises = Promises(incentive="bayesian", efficient=True)

    def flow_table(self, t: int) -> FloatArray:
        return np.array([[0.0, -2.0 if t else 0.0]])


class PaysAtRandom(PaysForNothing):
    """Pays what a seed says."""

    name = "pays-at-random"

    def flow_table(self, t: int) -> FloatArray:
        return generator(int(self.environment.name) + 100 * t).uniform(-2, 2, (1, 2))


@pytest.mark.parametrize("seed", range(6))
def test_misreport_and_disobedience_are_searched_together(seed: int) -> None:
    """Against nested maxima written out by hand: Σ_s max_{r, α} [u(α, s) − p_0(r) + Σ_s′ P(s′|s, α) max_{r′, α′} …]."""
    rng = generator(seed)
    base = effort()
    utility, law = rng.uniform(-1, 1, (1, 2, 2)), rng.dirichlet(np.ones(2), (2, 2))
    stages = (
        replace(base.stages[0], utility=utility, kernel=JointKernel(law, (2,), (2,))),
        replace(base.stages[1], utility=utility),
    )
    environment = replace(base, name=str(seed), prior=rng.dirichlet(np.ones(2)), stages=stages)
    mechanism = PaysAtRandom(environment)
    pay = [mechanism.flow_table(t)[0] for t in range(2)]
    later = (utility[0].max(axis=0)) - pay[1].min()  # the best action and report in period 1, by its signal
    now = utility[0].T - pay[0].min() + np.einsum("ast,t->sa", law, later)
    problem = build_problem(FiniteGame(environment, mechanism), (0,))
    assert problem.periods[0].decision.shape == (1, 2, 2, 2)  # reports × actions
    best = solve(problem, Family.BEST_RESPONSE, Information.INTERIM)
    assert best.ex_ante == pytest.approx(float(environment.prior @ now.max(axis=1)), abs=1e-12)


def test_obedience_pays_where_effort_is_worth_it() -> None:
    """Work costs 1, brings a value of 3, and `high` is paid 2: obedient truth earns 4 and nothing earns more."""
    environment = effort()
    found = audit(environment, PaysForNothing(environment))
    assert plan(environment).policy[0].tolist() == [1, 1]
    assert found.to_dict()["truth"]["payoff"] == pytest.approx([4])
    assert gains(found, Family.BEST_RESPONSE, "ex_ante") == pytest.approx([0], abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_witness_misreports_and_disobeys_on_the_event_loop(seed: int) -> None:
    """An infinite game with two agents whose hidden efforts move everybody's signals: exact gain, simulated gain."""
    rng = generator(seed)
    utility, law = rng.uniform(-1, 1, (2, 4, 2, 2)), rng.dirichlet(np.ones(4), (4, 4)).reshape(4, 2, 2, 2, 2)
    names, choices = (("0", "1"), ("0", "1")), (("rest", "work"), ("rest", "work"))
    stage = Stage(names, ("rr", "rw", "wr", "ww"), utility, JointKernel(law, (2, 2), (2, 2)), private_actions=choices)
    environment = TableEnvironment("hidden", ("Ann", "Bob"), np.full((2, 2), 0.25), (stage,), 0.8, None)
    mechanism = Team(environment)
    game = make_game(environment, mechanism)
    streams = Streams(0, "hidden", 0, 4000, game.periods + game.closing)
    honest = play_shard(game, [Truthful(), Truthful()], streams).payoffs
    for agent in range(2):
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        witness = Witness(problem, Family.BEST_RESPONSE)
        exact = witness.value.ex_ante - solve(problem, Family.PRESCRIBED, Information.INTERIM).ex_ante
        played = play_shard(game, [witness if i == agent else Truthful() for i in range(2)], streams)
        gain = played.payoffs[agent] - honest[agent]
        assert abs(gain.mean() - exact) <= 4 * gain.std(ddof=1) / np.sqrt(len(gain)) + 2 * game.tail
        assert exact > 0.1


class PaysMore(PaysForNothing):
    """Pays the same 2 for any report but 1 more for `low`: shirking and telling the truth is then best."""

    name = "pays-more"

    def flow_table(self, t: int) -> FloatArray:
        return np.array([[-6.0 if t else 0.0, -2.0 if t else 0.0]])


def test_a_rule_that_ignores_the_action_loses_to_disobedience() -> None:
    """Paid 6 for low and 2 for high: obey −1 + 3 + 2 = 4, lie only −1 + 3 + 6 = 8, shirk and tell the truth 6."""
    environment = effort()
    found = audit(environment, PaysMore(environment))
    assert gains(found, Family.BEST_RESPONSE, "ex_ante") == pytest.approx([4], abs=1e-12)
    assert verdicts(found)["incentive: bayesian"] == "breaks"


class Watchful(PaysForNothing):
    """Recommends work always, and fines shirking, which it observes."""

    name = "watchful"
    promises = Promises(incentive="bayesian")
    fine = 2.0

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.ones(len(messages), np.intp)

    def sees(self, t: int, agent: int) -> Array:
        return np.arange(2)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return self.fine * (acts.seen == 0)


@pytest.mark.parametrize(("fine", "gain"), [(2.0, 0.0), (0.25, 0.75)])
def test_a_mechanism_that_observes_actions_is_searched_with_what_it_sees(fine: float, gain: float) -> None:
    """Work costs 1; in the last period it is of no use to the worker, who shirks unless the fine is as much."""
    environment = effort()
    rules = Watchful(environment)
    rules.fine = fine
    found = audit(environment, rules)
    assert gains(found, Family.BEST_RESPONSE, "ex_ante") == pytest.approx([gain])
    assert found.holds == (gain == 0)
    assert found.truthful.transfer == pytest.approx([0])
