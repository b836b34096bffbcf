"""Decisions and transfers sought together: against smaller programs, given rules, the exact search, planted errors."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import dynmech as dm
from dynmech.experiments.certificates import verify
from dynmech.experiments.designs.designing import LOTS, answer_free, design
from dynmech.experiments.designs.safe_designs import GAIN
from dynmech.mechanisms.design.free_program import FreeProgram
from dynmech.mechanisms.design.free_revenue import GOALS, cut_optimum, free_optimum
from dynmech.mechanisms.design.free_rows import FreeRows
from dynmech.mechanisms.design.free_seeking import free_task, recovered, seek_free
from dynmech.mechanisms.design.goals import Goals, Memory
from dynmech.mechanisms.revenue.dynamic_program import dynamic_revenue
from dynmech.mechanisms.revenue.revenue_lp import revenue_optimum
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.economy.units import in_units
from tests.builders.designs import check, economy, gain
from tests.builders.relabelling import relisted, shuffled
from tests.builders.two_period_values import two_periods

HISTORY = Memory("history", None)

ASKED: list[dict[str, str]] = [
    {},
    {"incentive": "bayesian"},
    {"participation": "exit"},
    {"incentive": "bayesian", "budget": "no-deficit", "budget_level": "period"},
    {"participation": "ex-ante", "budget": "no-deficit"},
    {"incentive": "bayesian", "participation": "ex-post", "budget": "no-deficit", "budget_level": "ex-ante"},
    {"participation": "default"},
    {"participation": "ex-post", "minimise": "deficit"},
]


# What is found, audited


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), asked=st.sampled_from(ASKED), horizon=st.sampled_from([1, 2]))
def test_mechanisms_hold_and_earn_what_is_said(seed: int, asked: dict[str, str], horizon: int) -> None:
    """The exact search finds no gain; net revenue, budget and participation hold by the audit's own figures."""
    found = design(economy(seed, horizon=horizon), rule="free", **asked)  # type: ignore[arg-type]
    if asked.get("participation") == "default" and found.status == "open":
        assert found.reason == LOTS
        return
    check(found)  # where nothing is possible, that is proved


@pytest.mark.slow
@settings(max_examples=60)
@given(seed=st.integers(0, 1_000_000), asked=st.sampled_from(ASKED), horizon=st.sampled_from([1, 2, 3]))
def test_sixty_mechanisms_hold(seed: int, asked: dict[str, str], horizon: int) -> None:
    found = design(economy(seed, horizon=horizon), rule="free", **asked)  # type: ignore[arg-type]
    if asked.get("participation") == "default" and found.status == "open":
        assert found.reason == LOTS
        return
    check(found)  # where nothing is possible, that is proved


@settings(max_examples=4)
@given(seed=st.integers(0, 10_000), asked=st.sampled_from(ASKED[:4]))
def test_no_given_rule_earns_more(seed: int, asked: dict[str, str]) -> None:
    """The efficient rule with the best transfers is one of the mechanisms that are sought among; some earn less."""
    env = economy(seed, horizon=2)
    usual: dict[str, str] = {"participation": "interim", "maximise": "revenue", "memory": "history", **asked}
    efficient = design(env, **usual)  # type: ignore[arg-type]
    most = design(env, rule="free", **asked).objective  # type: ignore[arg-type]
    assert most is not None
    if efficient.objective is not None:
        assert most >= efficient.objective - 1e-8 * env.scale


def test_the_efficient_rule_does_not_always_earn_the_most() -> None:
    """A monopolist keeps the good from low values, which the efficient rule serves."""
    sale = dm.load("two-period-sale:grid=3")
    efficient = design(sale, incentive="bayesian", participation="interim", maximise="revenue", memory="history")
    free = design(sale, rule="free", incentive="bayesian")
    assert efficient.objective is not None
    assert free.objective is not None
    assert free.objective > efficient.objective + 0.01


# Against other programs


@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_two_periods_and_independent_types(seed: int, leave: bool) -> None:
    """The program that `bound` has for them shares no code with this one."""
    env = two_periods(seed, 1 + seed % 2)
    small = revenue_optimum(env, each_period=leave)
    assert free_optimum(env, leave=leave).net_revenue == pytest.approx(small.net_revenue, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_three_periods_of_one_agent(seed: int) -> None:
    """One agent with private values: the program over reporting strategies, which asks for truth at the start only.

    It bounds the other from above; where nobody else's reports are disclosed, both are the same.
    """
    one = two_periods(seed, 1)
    first, last = one.stages
    env = TableEnvironment("three", one.agents, one.prior, (first, first, last), 0.9, 3)
    most = dynamic_revenue(env).net_revenue
    assert free_optimum(env).net_revenue == pytest.approx(most, abs=1e-7)


def test_one_period_is_the_classical_monopoly() -> None:
    """One buyer, values 1, 2, 3 with chances .5, .3, .2: the best price p maximises p P(v >= p): 1, 1, .6, so 1."""
    values, chances = (1.0, 2.0, 3.0), np.array([0.5, 0.3, 0.2])
    utility = np.stack([np.zeros(3), np.array(values)])[None]
    env = TableEnvironment("shop", ("buyer",), chances, (Stage((("1", "2", "3"),), ("keep", "sell"), utility),), 1.0, 1)
    assert free_optimum(env).net_revenue == pytest.approx(1.0, abs=1e-9)
    dearer = TableEnvironment(
        "shop", ("buyer",), np.array([0.3, 0.3, 0.4]), (Stage((("1", "2", "3"),), ("keep", "sell"), utility),), 1.0, 1
    )
    assert free_optimum(dearer).net_revenue == pytest.approx(1.4, abs=1e-9)  # 2 · (.3 + .4)


def test_correlated_types_leave_agents_nothing() -> None:
    """Crémer and McLean 1988: with types that tell of each other the whole surplus is extracted."""
    env = economy(2, horizon=1)
    assert np.linalg.matrix_rank(env.prior) == env.prior.shape[0]
    best = dm.bound(env)
    assert best.upper == pytest.approx(best.first_best, abs=1e-7 * env.scale)


@pytest.mark.parametrize("asked", ASKED[:2])
def test_the_order_of_agents_signals_and_decisions_and_the_unit_change_nothing(asked: dict[str, str]) -> None:
    env = economy(1, horizon=2)
    one = design(env, rule="free", **asked).objective  # type: ignore[arg-type]
    other = design(relisted(env, shuffled(np.random.default_rng(1), env)), rule="free", **asked)  # type: ignore[arg-type]
    scaled = design(in_units(env, 1e5), rule="free", **asked)  # type: ignore[arg-type]
    assert one is not None
    assert other.objective == pytest.approx(one, abs=1e-6 * env.scale)
    assert scaled.objective == pytest.approx(1e5 * one, abs=1e-1 * env.scale)


# Endless horizons, cut


def test_the_sides_of_a_cut_close_in() -> None:
    """A longer horizon before the cut: what is earned rises, the bound falls, and they never cross."""
    endless = dm.load("repeated-auction:values=2")
    assert isinstance(endless, TableEnvironment)
    env = replace(endless, discount=0.3)
    cuts = [cut_optimum(env, periods) for periods in (1, 2, 3)]
    lower, upper = [cut.lower for cut in cuts], [cut.upper for cut in cuts]
    assert all(a is not None and a <= b + 1e-8 for a, b in zip(lower, upper, strict=True))
    assert all(later <= earlier + 1e-8 for earlier, later in pairwise(upper))
    assert upper[2] - (lower[2] or 0.0) < 0.5 * (upper[0] - (lower[0] or 0.0))


def test_one_agent_whose_value_never_changes() -> None:
    """Endless sale of a value that stays: no more than the one-period optimum for ever (Baron and Besanko 1984).

    Values 0 or 1, each half the time: price 1 in every period earns ½/(1 − δ); that lies between the bounds.
    """
    utility = np.array([[[0.0, 0.0], [0.0, 1.0]]])
    stage = Stage((("0", "1"),), ("keep", "sell"), utility, IndependentKernel((np.stack([np.eye(2)] * 2),)))
    env = TableEnvironment("for ever", ("buyer",), np.array([0.5, 0.5]), (stage,), 0.4, None)
    for periods in (1, 3, 5):
        cut = cut_optimum(env, periods)
        assert cut.lower is not None
        assert cut.lower - 1e-9 <= 0.5 / 0.6 <= cut.upper + 1e-9
        assert periods < 5 or cut.upper - cut.lower < 0.05


def test_what_is_revealed_after_the_cut_can_be_used_all_the_same() -> None:
    """A watcher learns a buyer's value two periods later, so that the whole surplus can be had, 0.6 a period.

    Cut after one period, no report of the program's tells on the buyer; three periods, and nothing later, do.
    """
    law, utility = np.zeros((2, 4, 2, 4, 2)), np.zeros((2, 2, 4, 2))
    for now, before, later in np.ndindex(2, 2, 2):
        law[:, 2 * now + before, :, 2 * later + now, before] = 0.5
    utility[0, 1] = np.array([0.2, 0.2, 1.0, 1.0])[:, None]
    buyer, watcher = ("low, low", "low, high", "high, low", "high, high"), ("low", "high")
    stage = Stage((buyer, watcher), ("keep", "sell"), utility, JointKernel(law, (4, 2), (4, 2)))
    env = TableEnvironment("watched", ("buyer", "watcher"), np.full((4, 2), 1 / 8), (stage,), 0.05, None)
    earned = free_optimum(replace(env, horizon=3)).net_revenue
    assert earned > 0.6
    for periods in (1, 2):
        cut = cut_optimum(env, periods)
        assert cut.upper >= max(earned, 0.6 / 0.95) - 1e-9
        assert cut.lower is not None
        assert cut.lower <= cut.upper


# Planted errors


def test_without_the_rows_of_one_agent_the_second_search_does_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that forgets an agent's incentives earns too much; the second search, by other rows, earns less."""
    honest = FreeRows.truth

    def forgets(self: FreeRows, goal: int, margin: float, column: int | None) -> None:
        if self.agent == 1:
            honest(self, goal, margin, column)

    env = dm.load("two-period-sale:grid=3")
    assert isinstance(env, TableEnvironment)
    goals = Goals(HISTORY, "bayesian", "interim", objective="revenue")
    assert seek_free(free_task(env, goals))[1].status == "possible"
    monkeypatch.setattr(FreeRows, "truth", forgets)
    assert seek_free(free_task(env, goals))[1].status == "open"
    assert "no transfers that do what is asked" in answer_free(free_task(env, goals)).reason


def test_lotteries_come_back_and_forgotten_histories_stand_still() -> None:
    """Chances sum to 1 everywhere; where no history leads to, the first decision stands in."""
    env = economy(4, horizon=2)
    asked = free_task(env, GOALS)
    program = FreeProgram(asked.problem, asked.inside)
    rule = recovered(program, program.solve().x)
    for lots in rule.lots:
        assert lots.sum(axis=2) == pytest.approx(1.0, abs=1e-12)
    reached = asked.nodes.entries[0].following[rule.lots[0] > 0]
    dead = np.setdiff1d(np.arange(len(asked.nodes.entries[1].keys)), reached)
    assert len(dead)
    assert (rule.lots[1][dead, :, 0] == 1).all()


# Files, words, refusals


def test_a_mechanism_is_written_and_certified(tmp_path: Path) -> None:
    file, proof = tmp_path / "best.json", tmp_path / "proof.json.gz"
    found = design("repeated-auction:values=2,horizon=2", rule="free", out=file, certificate=proof)
    assert (found.path, found.certificate) == (str(file), str(proof))
    assert "its net revenue is 1.425, and that is the most that any mechanism earns" in found.sentence
    assert found.data()["rule"] == "free"
    assert any(line.startswith("proved") for line in verify.check(verify.read(str(proof))))
    again = dm.audit("repeated-auction:values=2,horizon=2", str(file))
    assert again.holds
    assert again.truth.net_revenue == pytest.approx(found.objective)
    assert gain(found) <= GAIN


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ({"minimise": "largest"}, "--minimise largest is not offered"),
        ({"maximise": "margin", "largest": 1.0}, "--maximise margin is not offered"),
        ({"memory": "last"}, "--memory last is not offered"),
        ({"margin": 0.1}, "--margin is not offered"),
        ({"near": "team"}, "--near is not offered"),
        ({"participation": "none"}, "nothing limits what agents pay"),
    ],
)
def test_what_is_not_linear_is_refused(words: dict[str, object], error: str) -> None:
    with pytest.raises(InputError, match=error):
        design("repeated-auction:values=2,horizon=2", rule="free", **words)  # type: ignore[arg-type]


def test_an_endless_horizon_is_refused_by_design_and_cut_by_bound() -> None:
    with pytest.raises(Refusal, match="finite horizons"):
        design("repeated-auction:values=2", rule="free")
    with pytest.raises(Refusal, match="--periods T"):
        dm.bound("repeated-auction:values=2")
    with pytest.raises(InputError, match="ends by itself"):
        dm.bound("two-period-sale:grid=2", periods=2)
    with pytest.raises(InputError, match="give 1 or more"):
        dm.bound("repeated-auction:values=2", periods=0)
    cut = dm.bound("repeated-auction:values=2", periods=1)
    assert "cut after 1 period, and one earns" in cut.sentence
    assert cut.lower is not None
    assert cut.data()["periods"] == 1


def test_bound_takes_three_periods_and_correlated_types() -> None:
    three = dm.bound("repeated-auction:values=2,horizon=3")
    assert three.periods == 3
    assert three.upper == three.lower
    prior = dm.bound("oil-leases-prior")
    assert prior.upper == pytest.approx(19.0)
    assert prior.binding["kind"].str.startswith(("truth", "participation")).all()
