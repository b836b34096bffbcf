"""The balanced mechanism on random economies, against the formula over whole histories, and where it breaks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.oracle.gains import ex_ante_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.moments import Moments
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.balanced.balanced_base import Balanced
from dynmech.mechanisms.balanced.balanced_team import BalancedTeam
from dynmech.mechanisms.conditions.dependence import independent_types, private_values
from dynmech.mechanisms.groves.static_vcg_efficient import StaticVCGEfficient
from dynmech.mechanisms.groves.suppress_repeats import SuppressRepeats
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.balanced_economies import economy, gain, residual

seeds = st.integers(0, 10_000)
shapes = st.sampled_from([(2, None, 0), (3, None, 0), (2, 3, 0), (3, 2, 0), (2, None, 2), (2, 3, 2)])
"""Agents, horizon, public states."""


@given(seeds, shapes)
def test_it_balances_and_nobody_gains_after_any_history(seed: int, shape: tuple[int, int | None, int]) -> None:
    """Σp = 0 everywhere, Bayesian gain 0 at every state (own past lies among them), payoffs E V_i."""
    environment = economy(seed, *shape)
    assert private_values(environment).holds
    assert independent_types(environment).holds
    mechanism = BalancedTeam(environment)
    assert residual(mechanism) < 1e-12
    truthful = FiniteGame(environment, mechanism).truthful
    np.testing.assert_allclose(truthful.transfer, 0, atol=1e-10)  # so payoffs are E V_i
    assert truthful.welfare == pytest.approx(float((plan(environment).value[0] * environment.prior).sum()), abs=1e-9)
    for agent in range(len(environment.agents)):
        assert gain(mechanism, agent) < 1e-9


@given(seeds, shapes)
def test_the_pivot_balances_to_the_same_transfers(seed: int, shape: tuple[int, int | None, int]) -> None:
    environment = economy(seed, *shape)
    one, other = BalancedTeam(environment), Balanced(environment, "pivot")
    for mine, theirs in zip(one.tables, other.tables, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-10)


def test_knowing_the_others_signals_pays_almost_always() -> None:
    """Where decisions depend on reports: γ_i is right on average only, so who knows more gains."""
    gains = [max(gain(BalancedTeam(economy(seed)), i, Information.EX_POST) for i in range(2)) for seed in range(20)]
    assert sum(one > 1e-3 for one in gains) >= 12
    assert max(gains) > 0.1


NAIVE: list[tuple[Callable[[TableEnvironment], Mechanism], int]] = [(PayYourReport, 8), (StaticVCGEfficient, 2)]


@pytest.mark.parametrize(("rule", "often"), NAIVE)
def test_the_naive_rules_lose_for_somebody(rule: Callable[[TableEnvironment], Mechanism], often: int) -> None:
    """On the same economies; the static externality only where today's decision moves tomorrow's signals enough."""
    gains = [max(gain(rule(economy(seed)), i) for i in range(2)) for seed in range(10)]
    assert sum(one > 1e-3 for one in gains) >= often


# Where it breaks


def one_shot(prior: FloatArray) -> TableEnvironment:
    """v_i = (θ_i − 1) a with θ_i ∈ {0, 3}, a = 1 iff θ_1 + θ_2 > 2; one period."""
    utility = np.zeros((2, 2, 2, 2))
    utility[0, 1] = np.array([[-1.0], [2.0]])
    utility[1, 1] = np.array([[-1.0, 2.0]])
    stage = Stage((("0", "3"), ("0", "3")), ("no", "yes"), utility)
    return TableEnvironment("one shot", ("Ann", "Bob"), prior, (stage,), 1.0, 1)


def test_one_shot_it_is_bayesian_and_not_ex_post() -> None:
    # γ(3) = ½ and γ(0) = 1; type 3 knowing θ_j = 3: truth 2 + ½, reporting 0 brings 2 + 1 (others' part aside).
    environment = one_shot(np.full((2, 2), 0.25))
    mechanism = BalancedTeam(environment)
    assert mechanism.tables[0][0][0, 0].tolist() == pytest.approx([0.25, -0.25])  # 1 and ½ less their mean
    assert gain(mechanism, 0) == pytest.approx(0, abs=1e-12)
    assert gain(mechanism, 0, Information.EX_POST) == pytest.approx(0.5)


def test_correlated_types_are_refused_and_forced_they_gain() -> None:
    # γ(3) = .2·(−1) + .8·2 = 1.4, γ(0) = .2·2 = .4: type 0 earns −.2 + .4 by the truth, −1 + 1.4 by reporting 3.
    environment = one_shot(np.array([[0.4, 0.1], [0.1, 0.4]]))
    with pytest.raises(Refusal, match=r"types are not independent: the first signals are correlated \(by 0.15; period"):
        make_mechanism("balanced-team", environment)
    mechanism = make_mechanism("balanced:base=team,force=true", environment)
    assert gain(mechanism, 0) == pytest.approx(0.2)
    found = audit(environment, mechanism)
    assert [v.status for v in found.verdicts if v.promise.startswith("incentive")] == ["outside_assumptions"]
    assert residual(mechanism) == 0  # the budget balances all the same


def test_marginals_moved_by_the_others_are_refused_although_they_multiply() -> None:
    """The second half of independence: next signals are independent given (a, θ), but Ann's follows Bob's last one."""
    base = economy(1)
    kernel = base.kernel(0)
    assert isinstance(kernel, JointKernel)
    axes = kernel.axes
    moved = np.zeros_like(kernel.table)
    own = kernel.table.sum(axis=-2)  # Bob's own law
    for bob in range(axes[1]):
        ann = np.full(axes[0], 0.1 / max(1, axes[0] - 1))
        ann[bob % axes[0]] = 1 - ann.sum() + ann[0]
        moved[:, :, bob] = (ann / ann.sum())[None, None, :, None] * own[:, :, bob][:, :, None, :]
    stage = base.stages[0]
    changed = Stage(stage.signals, stage.decisions, stage.utility, JointKernel(moved, axes, axes))
    environment = TableEnvironment("follower", base.agents, base.prior, (changed,), 0.85, None)
    answer = independent_types(environment)
    assert not answer.holds
    assert answer.note == "an agent's next signal is moved by the others' signals"
    assert answer.where["agent"] == "agent 0"
    assert " and " in str(answer.where["profiles"])
    with pytest.raises(Refusal, match="moved by the others' signals"):
        BalancedTeam(environment)
    assert max(gain(BalancedTeam(environment, force=True), i) for i in range(2)) > 1e-3


def test_private_values_name_the_action_that_breaks_them() -> None:
    utility = np.zeros((2, 4, 1, 1))
    utility[1, 2:] = 1.0  # Bob enjoys Ann's work
    factors = tuple(np.ones((4, 1, 1)) for _ in range(2))
    acts = (("rest", "work"), ("rest", "work"))
    stage = Stage((("-",), ("-",)), ("rr", "rw", "wr", "ww"), utility, IndependentKernel(factors), private_actions=acts)
    answer = private_values(TableEnvironment("help", ("Ann", "Bob"), np.ones((1, 1)), (stage,), 0.9, None))
    assert (answer.holds, answer.value) == (False, 1.0)
    assert answer.note == "moved by another agent's private action"
    assert answer.where == {"period": 0, "agent": "Bob", "decisions": "wr and rr", "profile": "-, -"}


class Lopsided(BalancedTeam):
    """Planted: the others pay too little."""

    name = "lopsided"

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return 0.9 * np.maximum(super().charge(now, messages, decision, acts), 0) + np.minimum(
            super().charge(now, messages, decision, acts), 0
        )


class Stale(BalancedTeam):
    """Planted: it believes for ever what the priors say, as the AGV mechanism would."""

    name = "stale"

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return super().charge(now._replace(t=0, memory=np.zeros_like(now.memory)), messages, decision, acts)


def test_planted_violations_are_caught() -> None:
    environment = load("repeated-auction:fatigue=0.3")
    assert audit(environment, make_mechanism("balanced-team", environment)).holds
    broken = {v.promise: v.status for v in audit(environment, Lopsided(environment)).verdicts}
    assert broken["budget: ex post"] == "breaks"
    broken = {v.promise: v.status for v in audit(environment, Stale(environment)).verdicts}
    assert broken == {"incentive: bayesian": "breaks", "budget: ex post": "holds", "efficient": "holds"}


def test_exact_ex_ante_gain_is_zero_for_every_family() -> None:
    mechanism = BalancedTeam(economy(11, 3))
    problem = build_problem(FiniteGame(mechanism.environment, mechanism), (1,))
    truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
    for family in (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE):
        assert abs(ex_ante_gain(solve(problem, family, Information.INTERIM), truth).gain) < 1e-9


def test_one_agent_and_bases_that_ask_for_something_else_are_refused() -> None:
    alone = load("repeated-auction:bidders=1")
    with pytest.raises(Refusal, match="nobody to balance the budget with"):
        make_mechanism("balanced-team", alone)
    environment = load("repeated-trade")
    for base in ("once", "self-enforcing"):
        with pytest.raises(
            Refusal, match=f"its base '{base}' does not ask for all signals in every period, or asks for more"
        ):
            make_mechanism(f"balanced:base={base}", environment)
    with pytest.raises(Refusal, match="does not ask for signals, or for more"):
        make_mechanism("once:base=self-enforcing", environment)


@pytest.mark.parametrize(
    "base",
    [
        "groves:phi=pivot",
        "contingent-convex:transfers=smallest+budget=ex-ante",
        "balanced:base=pivot",
        "pivot:without=all",
    ],
)
def test_a_base_may_have_options(base: str) -> None:
    """Whatever Groves payments, due at once or later, it is the same table (first fees cancel in expectation)."""
    environment = load("repeated-auction:fatigue=0.5,values=2")
    mechanism, plain = (
        make_mechanism(f"balanced:base={base}", environment),
        make_mechanism("balanced-team", environment),
    )
    assert residual(mechanism) < 1e-11
    assert max(gain(mechanism, i) for i in range(2)) < 1e-8
    assert isinstance(mechanism, Balanced)
    assert isinstance(plain, BalancedTeam)
    np.testing.assert_allclose(mechanism.tables[0][0], plain.tables[0][0], atol=1e-8)


def test_options_of_a_base_are_checked_and_it_must_be_of_the_same_economy() -> None:
    environment = load("repeated-auction")
    for text, why in (
        ("balanced:base=groves:phj=1", "mechanism 'groves': unknown option 'phj'; did you mean 'phi'"),
        ("balanced:base=magic", "unknown mechanism 'magic'"),
        ("balanced:base=", "unknown mechanism ''"),
    ):
        with pytest.raises(InputError, match=why):
            make_mechanism(text, environment)
    other = Team(load("repeated-auction"))
    for rule in (Balanced, SuppressRepeats):
        with pytest.raises(Refusal, match="its base 'team' was made for another economy"):
            rule(environment, other)


OF_MINE = '''
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.play.roles import Promises


class Charity(DirectMechanism):
    """Nobody pays anything."""

    name = "charity"
    promises = Promises(efficient=True)

    def charge(self, now, messages, decision, acts):
        return {money}

    def transfer_bound(self):
        return 0.0
'''


def test_a_base_from_a_plug_in_is_held_to_what_it_declares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin = tmp_path / "mine.py"
    for money, code in (("messages * 0.0", 0), ("messages + 1.0", 2), ("1 / 0", 2)):
        plugin.write_text(OF_MINE.replace("{money}", money), encoding="utf-8")
        with pytest.raises(SystemExit) as left:
            main(["audit", "repeated-auction:values=2", "balanced:base=charity", "--plugin", str(plugin)])
        out, err = capsys.readouterr()
        assert left.value.code == code, err
        if code:
            said = [line for line in err.splitlines() if line.startswith("dynmech: ")]
            assert len(said) == 1
            assert "charity" in said[0]
        else:
            assert out.startswith("balanced:base=charity on repeated-auction:values=2: truth is not promised to be")


@pytest.mark.parametrize("text", ["repeated-auction:fatigue=0.3", "renewable-resource", "trading-game", "power-plants"])
def test_in_play_the_budget_balances_whatever_anybody_says(text: str) -> None:
    environment = load(text)
    game = make_game(environment, make_mechanism("balanced-team", environment), tail=1e-1)
    streams = Streams(3, "test", 0, 300, game.periods)
    record = play_shard(game, [RandomReport() for _ in environment.agents], streams)
    np.testing.assert_allclose(record.transfer.sum(axis=1), 0, atol=1e-11)
    assert np.abs(record.transfer).max() > 0.01
    honest = play_shard(game, [Truthful() for _ in environment.agents], streams)
    for i in range(len(environment.agents)):  # on average nobody pays anything
        paid = Moments.of(honest.discounted(honest.transfer[:, i]))
        assert abs(float(paid.mean)) <= 4 * float(paid.error) + 2 * game.tail
