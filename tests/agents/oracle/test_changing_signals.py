"""Signal sets, decisions and lotteries that differ from period to period: searched, run and audited in every family."""

from itertools import product

import pytest

import dynmech as dm
from dynmech.agents.oracle.gains import ex_ante_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array
from dynmech.sim.play.roles import Situation
from tests.builders.best_play import tree_gain
from tests.builders.exact import tree_payoffs
from tests.builders.shown_play import Machine, changing_economy

FAMILIES = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE)


class Told(Machine):
    """Planted: the same, and the truth is asked for. Odd seeds decide for sure, even ones by lottery."""

    name = "told"

    def __init__(self, environment: dm.TableEnvironment, seed: int) -> None:
        super().__init__(environment, seed, pooling=False)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return signal


SEEDS = (1, 2, 4, 8)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_family_agrees_with_the_tree(seed: int) -> None:
    environment = changing_economy(seed, 3)
    shapes = {environment.stage(t).axes for t in range(3)}
    assert len(shapes) > 1, "signal sets differ"
    mechanism = Told(environment, seed)
    for agent, family, information in product(range(2), FAMILIES, Information):
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        gain = ex_ante_gain(solve(problem, family, information), solve(problem, Family.PRESCRIBED, information)).gain
        expected = tree_gain(environment, mechanism, agent, family, spy=information is Information.EX_POST)
        assert gain == pytest.approx(expected, abs=1e-9 * environment.scale)


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_they_are_run_and_audited(seed: int) -> None:
    environment = changing_economy(seed, 3)
    mechanism = Told(environment, seed)
    audit = dm.audit(environment, mechanism)
    payoffs, revenue = tree_payoffs(environment, mechanism)
    assert audit.truth.payoff == pytest.approx(payoffs, abs=1e-9)
    assert audit.truth.revenue == pytest.approx(revenue, abs=1e-9)
    assert not audit.gains.gain.isna().any()
    run = dm.simulate(environment, mechanism, episodes=2000).episodes()
    for i, name in enumerate(environment.agents):
        played = run[run.agent == name].payoff
        assert abs(played.mean() - payoffs[i]) < 5 * played.std() / len(played) ** 0.5 + 1e-9
