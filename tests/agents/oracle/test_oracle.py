"""The oracle attacked three ways: game trees without any merging, all stationary policies, linear programs."""

from collections import Counter
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.optimize import linprog

from dynmech.agents.oracle import post_decision_states
from dynmech.agents.oracle.action_choices import read_acts
from dynmech.agents.oracle.gains import ex_ante_gain, worst_gain
from dynmech.agents.oracle.merging import numbered
from dynmech.agents.oracle.post_decision_states import Expectations, PostDecisionStates, all_post_decision_states
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core import memory_budget as machine
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.best_play import ANYTHING, DONE, Tree, occupation_value, tree_gain
from tests.builders.exact import best_ex_post_gain, tree_payoffs
from tests.builders.generators import generator
from tests.builders.oil_leases import firm_1_strategies
from tests.builders.planted_mechanisms import Lottery
from tests.builders.played_witness import assert_witness_earns
from tests.builders.random_economies import interdependent, private_values, working

FINITE: list[Callable[[TableEnvironment], Mechanism]] = [Team, Pivot, PayYourReport, Lottery]


@pytest.mark.parametrize("rule", FINITE)
@pytest.mark.parametrize("family", [Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE])
def test_finite_games_agree_with_the_tree(rule: Callable[[TableEnvironment], Mechanism], family: Family) -> None:
    for seed in range(3):
        base = random_environment(generator(seed), agents=2, signals=2, decisions=2)
        environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 3)
        mechanism = rule(environment)
        for agent in range(2):
            problem = build_problem(FiniteGame(environment, mechanism), (agent,))
            truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
            assert truth.ex_ante == pytest.approx(tree_payoffs(environment, mechanism)[0][agent], abs=1e-10)
            interim = ex_ante_gain(solve(problem, family, Information.INTERIM), truth).gain
            assert interim == pytest.approx(tree_gain(environment, mechanism, agent, family, spy=False), abs=1e-10)
            spying = solve(problem, family, Information.EX_POST).ex_ante
            honest = solve(problem, Family.PRESCRIBED, Information.EX_POST).ex_ante
            assert spying - honest == pytest.approx(
                tree_gain(environment, mechanism, agent, family, spy=True), abs=1e-10
            )


@pytest.mark.parametrize("rule", [CremerMcLean, Linked, Team, PayYourReport])
def test_oil_leases_agree_with_all_of_firm_1s_strategies(rule: Callable[[TableEnvironment], Mechanism]) -> None:
    """Every pure reporting strategy of firm 1, enumerated."""
    environment = OilLeasesPrior().build()
    mechanism = rule(environment)
    honest = tree_payoffs(environment, mechanism)[0][0]
    best = max(tree_payoffs(environment, mechanism, play)[0][0] for _, _, play in firm_1_strategies()) - honest
    problem = build_problem(FiniteGame(environment, mechanism), (0,))
    truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
    found = ex_ante_gain(solve(problem, Family.BEST_RESPONSE, Information.INTERIM), truth)
    assert found.gain == pytest.approx(best, abs=1e-10)


def test_liu_figures() -> None:
    """Contingent 2 ex ante, 4 at the worst interim state; one lie 0 on the path of truth, 4 after a lie; 6 ex post."""
    environment = OilLeasesPrior().build()
    problem = build_problem(FiniteGame(environment, CremerMcLean(environment)), (0,))

    def figures(family: Family) -> tuple[float, float, float, float]:
        truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
        best = solve(problem, family, Information.INTERIM)
        spying = solve(problem, family, Information.EX_POST)
        honest = solve(problem, Family.PRESCRIBED, Information.EX_POST)
        return (
            ex_ante_gain(best, truth).gain,
            worst_gain(problem, best, truth, on_path=True).gain,
            worst_gain(problem, best, truth).gain,
            worst_gain(problem, spying, honest).gain,
        )

    assert figures(Family.BEST_RESPONSE) == pytest.approx((2, 2, 4, 6), abs=1e-10)
    assert figures(Family.BELIEF_MANIPULATION) == pytest.approx((2, 2, 4, 6), abs=1e-10)
    assert figures(Family.ONE_SHOT) == pytest.approx((0, 0, 4, 6), abs=1e-10)
    linked = build_problem(FiniteGame(environment, Linked(environment)), (0,))
    for information in Information:
        truth = solve(linked, Family.PRESCRIBED, information)
        assert worst_gain(linked, solve(linked, Family.BEST_RESPONSE, information), truth).gain == pytest.approx(
            0, abs=1e-10
        )


@given(st.integers(0, 10_000))
def test_all_stationary_policies_do_no_better(seed: int) -> None:
    """Ex post, infinite horizon: the best of all K^S reporting policies, each by a linear solve, at every profile."""
    environment = random_environment(generator(seed), agents=2, signals=2, decisions=2, discount=0.8)
    for rule in (Team, Pivot):
        mechanism = rule(environment)
        stage, rows = environment.stage(0), environment.kernel(0).rows()
        signals = np.array(list(np.ndindex(2, 2)))
        table = mechanism.tables[0]
        policy = mechanism.plan.policy[0].reshape(-1)
        for agent in range(2):
            best = np.full(4, -np.inf)
            for reports in product(range(2), repeat=4):
                messages = signals.copy()
                messages[:, agent] = reports
                flat = messages @ [2, 1]
                decision = policy[flat]
                flow = stage.utility[agent].reshape(2, -1)[decision, range(4)] - table[agent, flat]
                law = rows[decision, range(4)]
                best = np.maximum(best, np.linalg.solve(np.eye(4) - 0.8 * law, flow))
            problem = build_problem(FiniteGame(environment, mechanism), (agent,))
            value = solve(problem, Family.BEST_RESPONSE, Information.EX_POST)
            np.testing.assert_allclose(value.choices[1][0].max(axis=1), best, atol=1e-8)
            gain = worst_gain(problem, value, solve(problem, Family.PRESCRIBED, Information.EX_POST), all_states=True)
            if agent == 0:
                assert max(gain.gain, 0) <= best_ex_post_gain(environment, mechanism).max() + 1e-8


RULES: list[Callable[[TableEnvironment], Mechanism]] = [Team, Pivot, Lottery, ContingentSpanning]


@pytest.mark.parametrize("seed", range(32))
def test_linear_programs_agree(seed: int) -> None:
    """Infinite horizons: programs that know nothing of merging or of when transfers are counted."""
    environment = interdependent(seed)
    mechanism = RULES[seed % len(RULES)](environment)
    for agent in range(2):
        problem = build_problem(FiniteGame(environment, mechanism), (agent,))
        best = solve(problem, Family.BEST_RESPONSE, Information.EX_POST)
        assert best.ex_ante == pytest.approx(occupation_value(environment, mechanism, agent), abs=1e-7)


def finite_program(environment: TableEnvironment, mechanism: Mechanism, agent: int) -> float:
    """The best ex post value of a finite game as a linear program: the least V_t(m, θ) that no report improves on."""
    assert environment.horizon is not None
    stage, rows = environment.stage(0), environment.kernel(0).rows()
    size, own = stage.size, stage.axes[agent]
    memories = [mechanism.memory_size(t) or 0 for t in range(environment.horizon)]
    base = np.concatenate([[0], np.cumsum([m * size for m in memories])])
    left, right = [], []
    for t in range(environment.horizon):
        for memory, profile, report in np.ndindex(memories[t], size, own):
            messages = np.array([np.unravel_index(profile, stage.axes)])
            messages[0, agent] = report
            now, nobody = Situation(t, np.array([memory]), np.zeros(1, np.intp)), Acts(0 * messages, 0.0 * messages)
            decision = mechanism.decide(now, messages)
            paid = mechanism.charge(now, messages, decision, nobody) + mechanism.due(now, messages)
            row = np.zeros(base[-1])
            row[base[t] + memory * size + profile] = -1
            if t + 1 < environment.horizon:
                following = int(mechanism.remember(now, messages, decision, nobody)[0])
                start = base[t + 1] + following * size
                row[start : start + size] += environment.discount * rows[int(decision[0]), profile]
            left.append(row)
            right.append(float(paid[0, agent] - stage.utility[agent].reshape(-1, size)[int(decision[0]), profile]))
    weights = np.zeros(base[-1])
    weights[:size] = environment.prior.reshape(-1)
    solution = linprog(weights + 1e-6, A_ub=np.array(left), b_ub=right, bounds=(None, None), method="highs")
    assert solution.status == 0
    return float(weights @ solution.x)


@pytest.mark.parametrize("seed", range(20))
def test_linear_programs_agree_on_finite_games(seed: int) -> None:
    base = random_environment(generator(seed), agents=2, signals=2, decisions=2)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 3)
    mechanism = FINITE[seed % len(FINITE)](environment)
    for agent in range(2):
        best = solve(
            build_problem(FiniteGame(environment, mechanism), (agent,)), Family.BEST_RESPONSE, Information.EX_POST
        )
        assert best.ex_ante == pytest.approx(finite_program(environment, mechanism, agent), abs=1e-7)


def test_memories_are_merged_as_far_as_theory_says() -> None:
    """Contingent transfers and team: θ alone. Crémer–McLean: the beliefs that differ. The planted rule: everything."""
    environment = interdependent(1)
    assert build_problem(FiniteGame(environment, Team(environment)), (0,)).periods[1].states == 1
    assert build_problem(FiniteGame(environment, ContingentSpanning(environment)), (0,)).periods[1].states == 1
    assert build_problem(FiniteGame(environment, Lottery(environment)), (0,)).periods[1].states == 9
    oil = OilLeasesPrior().build()
    assert [p.states for p in build_problem(FiniteGame(oil, CremerMcLean(oil)), (0,)).periods] == [1, 2, 1]


def test_equal_rows_have_equal_numbers() -> None:
    rows = np.array([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0], [1.0, 1e-300], [2.0, 0.0]])
    assert numbered(rows).tolist() == [0, 1, 0, 2, 1]


@given(st.integers(0, 10_000), st.sampled_from([1, 40, post_decision_states.ROOM]))
def test_an_expectation_is_a_plain_sum(seed: int, room: int) -> None:
    """Against sums over profiles one by one; whole laws and parts of them, one chunk and many, padding and none."""
    rng = generator(seed)
    width, others, states, messages, events = rng.integers(1, [4, 4, 5, 4, 6])
    own = rng.permutation(np.repeat(np.arange(width), others))
    laws, choices = rng.dirichlet(np.ones(own.size), events), rng.normal(size=(states, own.size, messages))
    chosen = rng.random((states, events)) < rng.choice([0.3, 1.0])
    chosen[rng.integers(states), rng.integers(events)] = True
    memory, event = np.nonzero(chosen)
    kept, post_decision_states.ROOM = post_decision_states.ROOM, room
    try:
        outlook = Expectations(laws, own, int(width), PostDecisionStates(memory, event, 1))
        spying, interim = (outlook.best(choices, spying=spying) for spying in (True, False))
        pieces = list(outlook.by_own(choices))
    finally:
        post_decision_states.ROOM = kept
    assert [k for here, _, _ in pieces for k in range(here.start, here.stop)] == list(range(len(memory)))
    for here, mass, worth in pieces:
        for k in range(here.start, here.stop):
            weighted = laws[event[k], :, None] * choices[memory[k]]
            by_own = np.array([weighted[own == w].sum(axis=0) for w in range(width)])
            chance = [laws[event[k], own == w].sum() for w in range(width)]
            np.testing.assert_allclose(worth[k - here.start], by_own, rtol=0, atol=1e-13)
            np.testing.assert_allclose(mass[k - here.start], chance, rtol=0, atol=1e-13)
            assert interim[k] == pytest.approx(by_own.max(axis=1).sum(), abs=1e-13)
            assert spying[k] == pytest.approx(weighted.max(axis=1).sum(), abs=1e-13)


def test_only_post_decision_states_that_some_choice_leads_to_are_worked_out() -> None:
    """Past reports are remembered: a memory says what was decided, and what the others' signals were."""
    environment = interdependent(1)
    by_period = build_problem(FiniteGame(environment, Lottery(environment)), (0,)).post_decision_states
    assert by_period[0] is None
    decisions, size, own = 2, 4, 2
    assert by_period[1] is not None
    assert len(by_period[1]) <= decisions * size * own < (1 + decisions * size) * decisions * size
    everything = all_post_decision_states(9, 8, 4)
    assert sorted(set(zip(everything.memory, everything.decision, everything.profile, strict=True))) == list(
        product(range(9), range(2), range(4))
    )


def test_patience_costs_few_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """δ = 0.999: plain iteration would need thousands where a lie ends the choice (its norm shrinks by δ)."""
    base = interdependent(1)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.999, None)
    problem = build_problem(FiniteGame(environment, Team(environment)), (0,))
    outlook = Counter[str]()
    original = Expectations.best
    monkeypatch.setattr(Expectations, "best", lambda *a, **k: (outlook.update(["sweeps"]), original(*a, **k))[1])
    best = solve(problem, Family.ONE_SHOT, Information.INTERIM)
    assert best.bound < 1e-7
    assert outlook["sweeps"] < 300


@pytest.mark.parametrize("rule", [Team, ContingentSpanning, Lottery])
def test_merging_changes_no_figure(rule: Callable[[TableEnvironment], Mechanism]) -> None:
    environment = interdependent(4)
    mechanism = rule(environment)
    for family in (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE):
        for information in Information:
            figures = []
            for merge in (True, False):
                problem = build_problem(FiniteGame(environment, mechanism), (0,), merge=merge)
                truth = solve(problem, Family.PRESCRIBED, information)
                best = solve(problem, family, information)
                figures.append((ex_ante_gain(best, truth).gain, worst_gain(problem, best, truth).gain))
            assert figures[0] == pytest.approx(figures[1], abs=1e-8)


def test_a_coalition_gains_at_least_what_its_members_gain_alone() -> None:
    environment = interdependent(2)
    mechanism = Team(environment)

    def gain(*who: int) -> float:
        problem = build_problem(FiniteGame(environment, mechanism), who)
        truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
        return ex_ante_gain(solve(problem, Family.BEST_RESPONSE, Information.INTERIM), truth).gain

    assert gain(0, 1) >= max(gain(0), gain(1)) - 1e-9
    assert gain(0, 1) > 1  # both are paid the other's reported utility: together they milk the designer


@given(st.integers(0, 10_000))
def test_team_and_pivot_withstand_everything_on_private_values(seed: int) -> None:
    environment = private_values(seed)
    for rule in (Team, Pivot):
        mechanism = rule(environment)
        for agent in range(2):
            problem = build_problem(FiniteGame(environment, mechanism), (agent,))
            for information in Information:
                truth = solve(problem, Family.PRESCRIBED, information)
                best = worst_gain(problem, solve(problem, Family.BEST_RESPONSE, information), truth, all_states=True)
                assert best.gain <= 1e-8 + best.bound


@pytest.mark.parametrize("family", [Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE])
@pytest.mark.parametrize("rule", [Team, PayYourReport, Lottery])
def test_the_witness_earns_its_figure_on_the_event_loop(
    rule: Callable[[TableEnvironment], Mechanism], family: Family
) -> None:
    environment = interdependent(7)
    assert_witness_earns(environment, rule(environment), family, 4000)


def test_hit_and_run_before_a_contingent_transfer_falls_due() -> None:
    """With exit, the gain of leaving is found: by the tree too, where leaving is one more option worth 0."""
    base = interdependent(3)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, 3)
    mechanism = Lottery(environment)

    class Leaver(Tree):
        def value(self, t: int, law: FloatArray, memory: int, phase: str) -> float:
            if phase == DONE:
                return super().value(t, law, memory, phase)
            own = self.environment.stage(t).axes[self.agent]
            total = 0.0
            for k in range(own):
                part = np.zeros_like(law)
                index = (slice(None), k) if self.agent else (k, slice(None))
                part[index] = law[index]
                total += max(0.0, super().value(t, part, memory, phase))
            return total

    for agent in range(2):
        tree = Leaver(environment, mechanism, agent, respond=False, spy=False)
        expected = tree.value(0, environment.prior, 0, ANYTHING) - tree.value(0, environment.prior, 0, DONE)
        problem = build_problem(FiniteGame(environment, mechanism), (agent,), exit=True)
        truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
        found = ex_ante_gain(solve(problem, Family.BEST_RESPONSE, Information.INTERIM), truth).gain
        assert found == pytest.approx(expected, abs=1e-10)
        stuck = build_problem(FiniteGame(environment, mechanism), (agent,))
        bound = solve(stuck, Family.BEST_RESPONSE, Information.INTERIM).ex_ante - truth.ex_ante
        assert found > bound + 1e-5


def test_a_search_that_does_not_fit_is_refused_with_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = interdependent(1)
    mechanism = Lottery(environment)
    plan(environment)
    monkeypatch.setattr(machine, "room", lambda: 800.0)
    with pytest.raises(Refusal, match=r"^the table of the rules of mechanism 'planted lottery', period 0, would need"):
        build_problem(FiniteGame(environment, mechanism), (0,))
    monkeypatch.setattr(machine, "room", lambda: 1e9)
    game = FiniteGame(environment, mechanism)
    assert len(game.tables) == 2
    monkeypatch.setattr(machine, "room", lambda: 1000.0)
    # 1 and 9 memories × 4 profiles × 2 messages: 5 numbers each to keep, 12 for the work on the 72 cases.
    text = r"^the search of what 'agent 1' can gain under mechanism 'planted lottery' would need 10.1 kB, more"
    with pytest.raises(Refusal, match=text):
        build_problem(game, (0,))


def test_acts_that_do_not_fit_are_refused_with_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 memory × 4 profiles × 2 messages × 2 actions: some 50 numbers for each of the 16."""
    environment = working(1, 3)
    game = FiniteGame(environment, Team(environment))
    assert len(game.tables) == 3
    case = np.arange(8, dtype=np.intp).reshape(1, 4, 2) % 4
    assert read_acts(game, 0, (0,), case) is not None
    monkeypatch.setattr(machine, "room", lambda: 6000.0)
    with pytest.raises(Refusal, match=r"^what Ann can do after the decision under mechanism 'team' would need 6.4 kB"):
        read_acts(game, 0, (0,), case)
