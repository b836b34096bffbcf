"""Payments over several periods: two may tell apart what one does not; not where decisions move signals."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dynmech.agents.oracle.gains import ex_ante_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import make_mechanism
from dynmech.mechanisms.conditions.correlation import convex_independence
from dynmech.mechanisms.contingent.contingent import ContingentMechanism
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.residual_claimant import ResidualClaimant
from dynmech.mechanisms.numerics.lags import lagged_beliefs, moved_by_decisions
from dynmech.mechanisms.numerics.solvers import Spanning
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.remembering import HistoryMechanism
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.beliefs import belief_matrices
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Acts, Situation
from tests.builders import faults
from tests.builders.best_play import occupation_value, tree_gain
from tests.builders.economies import endless, slow_to_tell, unfolding
from tests.builders.exact import tree_payoffs
from tests.builders.gains import due_under_truth, game_of, largest_gain, pages, rounding
from tests.builders.generators import generator

seeds = st.integers(0, 10_000)
NAMES = {
    "contingent-spanning:lags={}": 1.0,
    "contingent-convex:lags={}": 1.0,
    "contingent-convex:transfers=smallest,lags={}": 1.0,
    "contingent-spanning:budget=ex-ante,lags={}": 1.0,
    "average-externality:lags={}": 0.5,
    "average-externality:solver=convex,lags={}": 0.5,
    "surplus-extraction:lags={}": 0.0,
    "surplus-extraction:solver=spanning,lags={}": 0.0,
}
"""Every mechanism for two agents, with the share that it leaves each."""


def build(name: str, lags: int, environment: TableEnvironment) -> ContingentMechanism:
    mechanism = make_mechanism(name.format(lags), environment)
    assert isinstance(mechanism, ContingentMechanism)
    return mechanism


def refused_with_one_lag(name: str, environment: TableEnvironment) -> None:
    """Spanning always is; lotteries may exist if the middle belief's target happens to be high enough."""
    solver = build(name, 2, environment).solver
    if isinstance(solver, Spanning):
        with pytest.raises(Refusal, match=r"no spanning for agent 'agent 1', .* cancels over own signals: "):
            build(name, 1, environment)


def start(environment: TableEnvironment, mechanism: ContingentMechanism) -> FloatArray:
    """What truth brings from period 0 on, participation fees added back, `(N, S)`."""
    stay = game_of(environment, mechanism).truthful.periods[0].stay[:, 0]
    fees = mechanism.upfront(0) if isinstance(mechanism, ResidualClaimant) else None
    return stay if fees is None else stay + fees


def test_lotteries_too_may_need_a_second_lag() -> None:
    refused = 0
    for seed in range(10):
        try:
            ContingentConvex(slow_to_tell(seed))
        except Refusal as error:
            refused += "no convex independence for agent 'agent 1'" in str(error)
    assert refused >= 5


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
@settings(max_examples=10)
def test_two_lags_where_one_does_not_do(name: str, seed: int) -> None:
    """V_t^i = λ W − what is due over both periods, after every history; nobody gains."""
    environment = slow_to_tell(seed)
    assert not convex_independence(environment).holds
    refused_with_one_lag(name, environment)
    mechanism = build(name, 2, environment)
    close = rounding(environment, mechanism)
    for t, page in pages(environment, mechanism):
        owed = due_under_truth(environment, mechanism, t) + _pending(environment, mechanism, t)
        ahead = NAMES[name] * plan(environment).value[0].reshape(-1) - owed
        if t == 0:
            np.testing.assert_allclose(start(environment, mechanism), ahead[:, 0], atol=close)
        else:
            np.testing.assert_allclose(page.stay, ahead, atol=close)
    assert largest_gain(environment, mechanism) <= close


def _pending(environment: TableEnvironment, mechanism: ContingentMechanism, t: int) -> FloatArray:
    """δ E[the second payment for last period | θ_t], `(N, M, S)`: one more period's dues, read off the tables."""
    stage, memories = environment.stage(0), mechanism.memory_size(t)
    assert memories is not None
    last = mechanism.recall(Situation(t, np.arange(memories), np.zeros(memories, np.intp)), 1)
    chain = environment.kernel(0).rows()[0]
    out = np.zeros((len(environment.agents), memories, stage.size))
    for i, by_lag in enumerate(mechanism.tables[0]):
        signals = np.array(np.unravel_index(np.arange(stage.size), stage.axes)).T
        later = by_lag[1][:, stage.others_flat(i, np.zeros(stage.size, np.intp), signals)]
        out[i] = np.where((last >= 0)[:, None], environment.discount * later[last] @ chain.T, 0.0)
    return out


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
@settings(max_examples=10)
def test_two_lags_under_a_finite_horizon(name: str, seed: int) -> None:
    """Five periods; nothing is at stake in the last two, for which a single lag is left."""
    environment = slow_to_tell(seed, horizon=5)
    refused_with_one_lag(name, environment)
    mechanism = build(name, 2, environment)
    close = rounding(environment, mechanism)
    np.testing.assert_allclose(
        start(environment, mechanism), [NAMES[name] * plan(environment).value[0].reshape(-1)] * 2, atol=close
    )
    assert largest_gain(environment, mechanism) <= close


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("horizon", [None, 5])
@given(seed=seeds)
@settings(max_examples=5)
def test_every_promise_is_kept_with_two_lags(horizon: int | None, name: str, seed: int) -> None:
    """Of money too: balance ex ante, nobody ever worse off than 0 under extraction."""
    environment = slow_to_tell(seed, horizon=horizon)
    found = audit(environment, build(name, 2, environment))
    assert found.holds, [(one.promise, one.status, one.worst) for one in found.verdicts]


def test_with_two_lags_no_single_period_breaks_even() -> None:
    """The promise of one lag, planted on two: the audit names a period with an expected deficit."""
    environment = slow_to_tell(0)
    mechanism = build("average-externality:lags={}", 2, environment)
    assert mechanism.promises.budget == "ex ante"
    mechanism.promises = replace(mechanism.promises, budget="expected period")
    (budget,) = [one for one in audit(environment, mechanism).verdicts if one.promise.startswith("budget")]
    assert budget.status == "breaks"
    assert budget.worst > 0.5
    one = make_mechanism("average-externality", endless(0))
    assert one.promises.budget == "expected period"


@pytest.mark.parametrize("lags", [2, 3])
@given(seed=seeds)
@settings(max_examples=10)
def test_more_lags_than_are_needed_do_no_harm(lags: int, seed: int) -> None:
    """Different periods, decisions that move nothing; payments are spread and no larger than with one lag."""
    environment = unfolding(seed, moved=False)
    for name, share in NAMES.items():
        mechanism = build(name, lags, environment)
        surplus = share * plan(environment).value[0].reshape(-1)
        np.testing.assert_allclose(start(environment, mechanism), [surplus] * 2, atol=rounding(environment, mechanism))
        assert largest_gain(environment, mechanism) <= rounding(environment, mechanism)
    one = ContingentConvex(environment, transfers="smallest")
    more = ContingentConvex(environment, transfers="smallest", lags=lags)
    for t in range(3):
        for i in range(2):
            spread = max(float(np.abs(table).max()) for table in more.tables[t][i])
            assert spread <= float(np.abs(one.tables[t][i][0]).max()) * (1 + 1e-9)


@pytest.mark.parametrize("lags", [1, 2, 3])
@pytest.mark.parametrize("horizon", [None, 6])
def test_what_is_remembered_is_recalled(lags: int, horizon: int | None) -> None:
    """Against a plain list of past profiles."""
    base = random_environment(generator(0), agents=2, signals=2)
    environment = TableEnvironment("memory", base.agents, base.prior, base.stages, 0.9, horizon)

    class Elephant(HistoryMechanism):
        name = "elephant"

        def transfer_bound(self) -> float:
            return 1.0

    mechanism, rng, episodes = Elephant(environment, lags), generator(1), 50
    memory, past = np.zeros(episodes, np.intp), list[IntArray]()
    seen: set[int] = set()
    for t in range(6):
        now = Situation(t, memory, np.zeros(episodes, np.intp))
        for lag in range(1, lags + 1):
            expected = past[-lag] if lag <= len(past) else np.full(episodes, -1)
            assert (mechanism.recall(now, lag) == expected).all()
        messages = rng.integers(0, 2, (episodes, 2))
        past.append(2 * messages[:, 0] + messages[:, 1])
        memory = mechanism.remember(now, messages, np.zeros(episodes), Acts(messages, messages))
        assert memory.max() < mechanism.memory_size(t + 1)
        seen |= set(memory.tolist())
    sizes = [mechanism.memory_size(t) for t in range(6)]
    if horizon is None:
        assert sizes == [1] + [sum(4**held for held in range(lags + 1))] * 5
    else:
        assert sizes == [4 ** min(t, lags) for t in range(6)]


def test_beliefs_over_two_periods_by_simulation_of_the_tree() -> None:
    """Enumerated paths of nature, in an economy with different periods."""
    environment = unfolding(3, 3, moved=False)
    for agent in range(3):
        one, two = lagged_beliefs(environment, 0, agent, 2)
        np.testing.assert_array_equal(one, belief_matrices(environment, 0, agent))
        axes, then = environment.stage(0).axes, environment.stage(2).axes
        for profile in np.ndindex(*axes):
            law = np.einsum(
                "s,s...->...",
                environment.kernel(0).row(1, int(np.ravel_multi_index(profile, axes))).reshape(-1),
                np.stack([environment.kernel(1).row(2, s) for s in range(environment.stage(1).size)]),
            )
            others = law.sum(axis=agent).reshape(-1)
            rest = [k for j, k in enumerate(profile) if j != agent]
            o = int(np.ravel_multi_index(rest, [w for j, w in enumerate(axes) if j != agent]))
            np.testing.assert_allclose(two[1, o, :, profile[agent]], others, atol=1e-12)
        assert two.shape[2] == np.prod(then) // then[agent]


# Decisions that move signals.


def still(seed: int) -> TableEnvironment:
    """The same, but no decision moves signals: all of them lead where the first does."""
    base = endless(seed)
    stage, law = base.stages[0], base.kernel(0).rows()[:1].reshape(1, 2, 2, 2, 2)
    kernel = JointKernel(law.repeat(2, axis=0), (2, 2), (2, 2))
    return TableEnvironment("still", base.agents, base.prior, (replace(stage, kernel=kernel),), base.discount, None)


def test_where_decisions_move_signals_several_lags_are_refused() -> None:
    environment = slow_to_tell(0, moved=True)
    for name in NAMES:
        with pytest.raises(
            Refusal, match=r"over 2 periods need signals that no decision moves .* 'd1' instead of 'd0' "
        ):
            build(name, 2, environment)
    moving = unfolding(0)
    with pytest.raises(Refusal, match="but in period 1 decision 'd"):
        ContingentSpanning(moving, lags=2)
    assert moved_by_decisions(moving, 1) is None


def test_two_periods_and_what_the_first_decision_moves() -> None:
    """The law out of period 0 is only ever a first step, so there decisions may move signals."""
    base = unfolding(1)
    still = unfolding(1, moved=False)
    stages = (base.stages[0], *still.stages[1:])
    environment = TableEnvironment("moved once", base.agents, base.prior, stages, 0.9, 4)
    mechanism = ContingentSpanning(environment, lags=2)
    assert largest_gain(environment, mechanism) <= rounding(environment, mechanism)
    np.testing.assert_allclose(
        tree_payoffs(environment, mechanism)[0],
        float((plan(environment).value[0] * environment.prior).sum()),
        atol=rounding(environment, mechanism),
    )


def test_the_printed_identity_is_no_help_where_decisions_move_signals() -> None:
    """Liu 2025, Propositions 5.3 and 5.4: exact given every sequence of decisions, far off when play chooses them."""
    gains, levels = [], []
    for seed in range(6):
        environment = endless(seed)
        mechanism = faults.OpenLoop(environment)
        assert mechanism.printed_identity < 1e-9
        found = audit(environment, mechanism)
        assert found.verdict == "breaks"
        gains.append(found.worst(Family.BEST_RESPONSE, "ex_post")[1].gain)
        surplus = plan(environment).value[0].reshape(-1)
        levels.append(float(np.abs(FiniteGame(environment, mechanism).truthful.periods[0].stay[:, 0] - surplus).max()))
    assert min(gains) > 0.05
    assert max(gains) > 1
    assert min(levels) > 0.05


def test_the_printed_identity_is_right_where_they_do_not() -> None:
    for environment in map(still, range(4)):
        mechanism = faults.OpenLoop(environment)
        surplus = plan(environment).value[0].reshape(-1)
        np.testing.assert_allclose(
            FiniteGame(environment, mechanism).truthful.periods[0].stay[:, 0], [surplus] * 2, atol=1e-8
        )
        assert largest_gain(environment, mechanism) < 1e-7


# The search and the event loop with a memory of several periods.


class Upside(faults.PlusSign):
    """A wrong target over two periods, so that there is something to find."""

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment, lags=2, last=None if environment.horizon is None else "d1")


RULES: list[Callable[[TableEnvironment], HistoryMechanism]] = [faults.OpenLoop, Upside]


@pytest.mark.parametrize("seed", range(6))
def test_linear_programs_agree_with_the_search(seed: int) -> None:
    environment = endless(seed) if seed % 2 == 0 else slow_to_tell(seed)
    mechanism = RULES[seed % 2](environment)
    for agent in range(2):
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        best = solve(problem, Family.BEST_RESPONSE, Information.EX_POST)
        assert best.ex_ante == pytest.approx(occupation_value(environment, mechanism, agent), abs=1e-7)


@pytest.mark.parametrize("family", [Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE])
def test_game_trees_agree_with_the_search(family: Family) -> None:
    found = []
    for seed, agent, information in product(range(3), range(2), Information):
        base = still(seed)
        environment = TableEnvironment("three", base.agents, base.prior, base.stages, 0.9, 3)
        mechanism = Upside(environment)
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        truth = solve(problem, Family.PRESCRIBED, information)
        gain = ex_ante_gain(solve(problem, family, information), truth).gain
        spying = information is Information.EX_POST
        assert gain == pytest.approx(tree_gain(environment, mechanism, agent, family, spying), abs=1e-9)
        found.append(gain)
    assert max(found) > 0.01


def test_memories_that_differ_only_in_what_is_due_are_merged() -> None:
    """Two lags: what is still to be caused depends on the last period's reports only."""
    environment = slow_to_tell(0)
    mechanism = ContingentSpanning(environment, lags=2)
    assert mechanism.memory_size(1) == 1 + 6 + 36
    assert build_problem(FiniteGame(environment, mechanism), (0,)).periods[1].states <= 7


def test_two_lags_on_the_event_loop() -> None:
    """Simulated payoffs are W within four standard errors; two closing periods book what is still due."""
    environment = slow_to_tell(2)
    mechanism = ContingentSpanning(environment, lags=2)
    game = make_game(environment, mechanism, tail=1e-3)
    assert game.closing == 2
    streams = Streams(0, "lags", 0, 20_000, game.periods + game.closing)
    payoffs = play_shard(game, [Truthful(), Truthful()], streams).payoffs
    surplus = float((plan(environment).value[0] * environment.prior).sum())
    error = payoffs.std(axis=1, ddof=1) / np.sqrt(payoffs.shape[1])
    assert (np.abs(payoffs.mean(axis=1) - surplus) <= 4 * error + 2 * game.tail).all()


def test_a_witness_earns_its_figure_with_two_lags() -> None:
    environment = endless(2)
    mechanism = faults.OpenLoop(environment)
    game = make_game(environment, mechanism)
    streams = Streams(0, "witness", 0, 4000, game.periods + game.closing)
    honest = play_shard(game, [Truthful(), Truthful()], streams).payoffs
    for agent in range(2):
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        witness = Witness(problem, Family.BEST_RESPONSE)
        exact = ex_ante_gain(witness.value, solve(problem, Family.PRESCRIBED, Information.INTERIM)).gain
        profile = [witness if i == agent else Truthful() for i in range(2)]
        gains = play_shard(game, profile, streams).payoffs[agent] - honest[agent]
        error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
        assert abs(gains.mean() - exact) <= 4 * error + 2 * game.tail + 1e-9
