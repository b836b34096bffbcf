"""Play that enforces itself: the payments, what breaks it down, and how patient agents must be, worked out twice."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from dynmech.agents.oracle.patience_thresholds import Level, sufficient, worst_exit
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.quitting import Quitting
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.moments import Moments
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.mechanisms.conditions.dependence import private_values
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.roles import Situation, View
from tests.builders.repeated_market import BUYER, INDEPENDENT, SELLER, market, played, threshold

OUT, IN = 0, 1


@cache
def audited(discount: float) -> Audit:
    """The market's audit, read by several tests."""
    environment = market(discount)
    return audit(environment, SelfEnforcing(environment))


# The constraints, worked out from the formulas alone


class ByHand:
    """Costs 1, 3 and values 2, 4: everything from the paper's formulas, by loops and linear systems."""

    costs, values = (1.0, 3.0), (2.0, 4.0)
    states = tuple(product(range(2), range(2)))

    def __init__(self, discount: float, persistence: float) -> None:
        self.delta = discount
        self.keep = np.array([[persistence, 1 - persistence], [1 - persistence, persistence]])
        self.law: FloatArray = np.kron(self.keep, self.keep).astype(np.float64)
        self.u = np.array(
            [[-self.costs[s] * self.trade(s, b), self.values[b] * self.trade(s, b)] for s, b in self.states]
        ).T
        ahead = np.asarray(np.linalg.solve(np.eye(4) - discount * self.law, self.u.T).T, dtype=np.float64)  # V_i
        self.later = [self.incentive(j, ahead[1 - j], self.law) for j in range(2)]  # γ_j by last reports and report
        self.first = [self.incentive(j, ahead[1 - j], np.full((1, 4), 0.25)) for j in range(2)]
        shares = self.u.mean(axis=1) / 2  # the long run is even
        lowest = [min(g.min() for g in (self.first[j], self.later[j])) for j in range(2)]
        self.base = shares + max(-lowest[1 - i] - shares[i] for i in range(2))  # A_i with the least K
        self.stay = self.staying()

    def trade(self, s: int, b: int) -> float:
        return float(self.values[b] > self.costs[s])

    def incentive(self, j: int, worth: FloatArray, laws: FloatArray) -> FloatArray:
        """E[V_{−j} | own report, last reports] − E[V_{−j} | last reports], `(last, own)`."""
        out = np.zeros((len(laws), 2))
        for k, law in enumerate(laws):
            for own in range(2):
                mine = [n for n, state in enumerate(self.states) if state[j] == own]
                out[k, own] = law[mine] @ worth[mine] / law[mine].sum() - law @ worth
        return out

    def payment(self, i: int, t: int, last: int, reports: int) -> float:
        """z_ij, j the other."""
        table = self.later if t else self.first
        return float(table[1 - i][last if t else 0, self.states[reports][1 - i]] + self.base[i])

    def flow(self, i: int, t: int, last: int, reports: int, own: int) -> float:
        """u_i + y_i on schedule, the true type `own`."""
        s, b = self.states[reports]
        worth = (-self.costs[own] if i == 0 else self.values[own]) * self.trade(s, b)
        return worth + self.payment(1 - i, t, last, reports) - self.payment(i, t, last, reports)

    def staying(self) -> FloatArray:
        """Values of truth on schedule by last reports and true profile, `(2, 4, 4)`."""
        out = np.zeros((2, 4, 4))
        for i in range(2):
            system, right = np.eye(16), np.zeros(16)
            for last, now in product(range(4), range(4)):
                right[4 * last + now] = self.flow(i, 1, last, now, self.states[now][i])
                system[4 * last + now, 4 * now : 4 * now + 4] -= self.delta * self.law[now]
            out[i] = np.linalg.solve(system, right).reshape(4, 4)
        return out

    def ahead(self, i: int, own: int, reports: int, value: FloatArray) -> float:
        """E[value(next profile)] with the own true type and the other's reported one."""
        other = self.states[reports][1 - i]
        law = [self.keep[own, st[i]] * self.keep[other, st[1 - i]] for st in self.states]
        return float(np.array(law) @ value)

    def leave(self, i: int, t: int, last: int, reports: int, own: int) -> float:
        """The best own action, and no payment: the buyer takes the unit, the seller keeps it."""
        traded = self.trade(*self.states[reports])
        return (self.values[own] * traded if i == 1 else 0.0) + self.payment(1 - i, t, last, reports)

    def excess(self, level: Level) -> float:
        """The largest off − on over the information sets of level C or A."""
        worst = -np.inf
        for i, t, last, reports, own in product(range(2), range(2), range(4), range(4), range(2)):
            if level is Level.TRUTHFUL and self.states[reports][i] != own:
                continue
            on = self.flow(i, t, last, reports, own) + self.delta * self.ahead(i, own, reports, self.stay[i, reports])
            worst = max(worst, self.leave(i, t, last, reports, own) - on)
        return worst

    def best_response(self) -> float:
        """The largest gain over (last reports, own type) by value iteration: report, see the other's, stay or leave."""
        worst = -np.inf
        for i in range(2):
            before, value = np.ones((4, 2)), np.zeros((4, 2))
            while np.abs(value - before).max() > 1e-13:
                before = value
                value = np.array([[self.choose(i, 1, last, own, value) for own in range(2)] for last in range(4)])
            for t, last, own in product(range(2), range(4), range(2)):
                honest = sum(
                    self.other_law(i, t, last)[other]
                    * (self.flow(i, t, last, n, own) + self.delta * self.ahead(i, own, n, self.stay[i, n]))
                    for other in range(2)
                    for n in [self.index(i, own, other)]
                )
                worst = max(worst, self.choose(i, t, last, own, value) - honest)
        return worst

    def other_law(self, i: int, t: int, last: int) -> FloatArray:
        return self.keep[self.states[last][1 - i]] if t else np.full(2, 0.5)

    def index(self, i: int, own: int, other: int) -> int:
        return self.states.index((own, other) if i == 0 else (other, own))

    def choose(self, i: int, t: int, last: int, own: int, value: FloatArray) -> float:
        """The best report, then the better of staying and leaving once the other's report is known."""
        law, best = self.other_law(i, t, last), -np.inf
        for said in range(2):
            total = 0.0
            for other in range(2):
                n = self.index(i, said, other)
                on = self.flow(i, t, last, n, own) + self.delta * float(self.keep[own] @ value[n])
                total += law[other] * max(on, self.leave(i, t, last, n, own))
            best = max(best, total)
        return best


@pytest.mark.parametrize("persistence", [0.5, 0.75])
@pytest.mark.parametrize("discount", [0.5, 0.9])
def test_payments_and_constraints_are_those_of_the_formulas(discount: float, persistence: float) -> None:
    environment, hand = market(discount, persistence), ByHand(discount, persistence)
    rules = SelfEnforcing(environment)
    np.testing.assert_allclose(rules.base_payments, hand.base, atol=1e-9)
    for last, reports in product(range(4), range(4)):
        now = Situation(1, np.array([1 + last]), np.zeros(1, np.intp))
        payments = rules.due_payments(now, np.array([hand.states[reports]]))[0]
        np.testing.assert_allclose(
            payments, [[0, hand.payment(0, 1, last, reports)], [hand.payment(1, 1, last, reports), 0]], atol=1e-9
        )
    for level in (Level.TRUTHFUL, Level.AFTER_LIES):
        assert worst_exit(environment, level).amount == pytest.approx(hand.excess(level), abs=1e-8)


@pytest.mark.parametrize(("discount", "persistence"), [(0.8, 0.5), (0.85, 0.5), (0.9, 0.65)])
def test_the_best_response_with_quitting_is_the_one_by_hand(discount: float, persistence: float) -> None:
    gain = worst_exit(market(discount, persistence), Level.BEST_RESPONSE).amount
    assert gain == pytest.approx(ByHand(discount, persistence).best_response(), abs=1e-8)


def bisected(fails: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(45):
        middle = (low + high) / 2
        low, high = (middle, high) if fails(middle) else (low, middle)
    return high


def test_the_three_levels_with_persistence() -> None:
    environment = market()
    found = {level: threshold(level) for level in Level}
    assert found[Level.TRUTHFUL] + 1e-3 < found[Level.BEST_RESPONSE] < found[Level.AFTER_LIES] - 1e-3
    for level in (Level.TRUTHFUL, Level.AFTER_LIES):
        by_hand = bisected(lambda d, level=level: ByHand(d, 0.75).excess(level) > 0, 0.8, 0.98)  # type: ignore[misc]
        assert found[level] == pytest.approx(by_hand, abs=1e-8)
    bound = sufficient(environment)
    assert found[Level.AFTER_LIES] < bound.discount < 1
    for level, delta in found.items():
        assert worst_exit(replace(environment, discount=delta - 1e-4), level).amount > 1e-4
        assert worst_exit(replace(environment, discount=delta + 1e-4), level).amount < (
            1e-9 if level is Level.BEST_RESPONSE else -1e-4
        )
        assert worst_exit(replace(environment, discount=bound.discount), level).amount < 1e-9


# In play


def game_of(environment: TableEnvironment, tail: float = 1e-3) -> Game:
    return make_game(environment, SelfEnforcing(environment), tail=tail)


def test_on_schedule_play_is_efficient_and_shares_the_surplus() -> None:
    record = played(game_of(market()))
    environment = record.game.environment
    traded = record.decision == 3
    assert np.array_equal(traded, ~((record.signal[:, SELLER] == 1) & (record.signal[:, BUYER] == 0)))
    np.testing.assert_allclose(record.transfer.sum(axis=1), 0, atol=1e-12)
    assert isinstance(environment, TableEnvironment)
    for i in range(2):  # Σ ū / (2 (1 − δ)) = 1.25 / 2 / .05
        payoff = Moments.of(record.payoffs[i])
        assert abs(float(payoff.mean) - 12.5) <= 4 * float(payoff.error) + 1e-3


@pytest.mark.parametrize(
    ("strategy", "agent"),
    [(Quitting(1, None), BUYER), (Quitting(1, "low"), SELLER), (Quitting(1, "low", withhold=False), SELLER)],
)
def test_whoever_leaves_the_schedule_breaks_play_down_for_good(strategy: Quitting, agent: int) -> None:
    game = game_of(market())
    honest = played(game, episodes=500)
    profile: list[Strategy] = [Truthful(), Truthful()]
    profile[agent] = strategy
    record = played(game, *profile, episodes=500)
    assert np.array_equal(record.decision[:2], honest.decision[:2])
    left = record.action[1, agent] != honest.action[1, agent]
    left |= record.reply[1, agent] == 1
    assert left.any()
    assert (record.decision[2:, left] == 0).all()  # everybody out
    assert (record.utility[2:, :, left] == 0).all()
    assert (record.transfer[2:, :, left] == 0).all()
    assert np.array_equal(record.decision[:3, ~left], honest.decision[:3, ~left])
    if strategy.withhold:
        due = game.mechanism.due_payments(  # type: ignore[attr-defined]
            Situation(1, 1 + 2 * record.signal[0, 0] + record.signal[0, 1], np.zeros(500, np.intp)), record.signal[1].T
        )
        other = 1 - agent
        np.testing.assert_allclose(record.transfer[1, agent], -due[:, other, agent], atol=1e-12)  # it still receives
        np.testing.assert_allclose(record.transfer[1, other], due[:, other, agent], atol=1e-12)


class LiesFirst(Quitting):
    """Reports `said` instead of the truth at an information set, and quits there or stays."""

    name = "lies-first"

    def __init__(self, here: Callable[[View], BoolArray], said: int, action: str | None, *, quits: bool) -> None:
        super().__init__(lambda view: self.at(view) & quits, action)
        self.here, self.said = here, said

    def message(self, view: View) -> Array:
        view.private["at"] = self.here(view)
        return np.where(view.private["at"], self.said, view.prescribed)

    def at(self, view: View) -> BoolArray:
        return np.asarray(view.private["at"], dtype=np.bool_)


@pytest.mark.parametrize("level", [Level.TRUTHFUL, Level.AFTER_LIES])
def test_just_below_the_threshold_the_exit_pays_in_play_and_just_above_it_does_not(level: Level) -> None:
    """At the worst information set of the level: off − on, discounted and weighted by how often play gets there."""
    for shift, sign in ((-0.01, 1), (0.01, -1)):
        environment = market(round(INDEPENDENT[level] + shift, 6), 0.5)
        exit = worst_exit(environment, level)
        assert np.sign(exit.amount) == sign
        assert exit.profile is not None
        assert exit.report is not None
        signals, agent = divmod(exit.profile, 2), exit.agent
        other = 1 - agent

        def there(
            view: View, signals: tuple[int, int] = signals, agent: int = agent, t: int = exit.period
        ) -> BoolArray:
            return np.asarray((view.t == t) & (view.signal == signals[agent]))

        def settled(view: View, there: Callable[[View], BoolArray] = there, wanted: int = signals[other]) -> BoolArray:
            assert view.reports is not None
            return np.asarray(there(view) & (view.reports[:, 1 - view.agent] == wanted))

        game = game_of(environment, tail=0.01)
        action = None if agent == BUYER else "low"
        stays, leaves = (LiesFirst(there, exit.report, action, quits=quits) for quits in (False, True))
        leaves.when = settled
        profiles = [[one if i == agent else Truthful() for i in range(2)] for one in (stays, leaves)]
        on, off = (played(game, *profile, episodes=8_000).payoffs[agent] for profile in profiles)
        gain = Moments.of(off - on)
        expected = 0.25 * environment.discount**exit.period * exit.amount  # types are even in every period
        assert abs(float(gain.mean) - expected) <= 4 * float(gain.error) + 2 * game.tail
        assert sign * float(gain.mean) > 0


def test_just_below_its_threshold_the_best_response_leaves_in_play() -> None:
    for shift in (-0.01, 0.01):
        environment = market(round(28 / 33 + shift, 6), 0.5)
        exit = worst_exit(environment, Level.BEST_RESPONSE)
        problem = build_problem(FiniteGame(environment, SelfEnforcing(environment)), (exit.agent,))
        witness = Witness(problem, Family.BEST_RESPONSE)
        truth = solve(problem, Family.PRESCRIBED, Information.INTERIM).ex_ante
        game = game_of(environment, tail=0.01)
        profile = [witness if i == exit.agent else Truthful() for i in range(2)]
        record = played(game, *profile, episodes=8_000)
        gain = Moments.of(record.payoffs[exit.agent] - played(game, episodes=8_000).payoffs[exit.agent])
        expected = witness.value.ex_ante - truth
        assert abs(float(gain.mean) - expected) <= 4 * float(gain.error) + 2 * game.tail
        broken = (record.reply[:, exit.agent] == 1).any(axis=0)
        assert (expected > 0.05) == (shift < 0)
        assert bool(broken.any()) == (shift < 0)


def test_what_a_stress_test_tries_of_leaving() -> None:
    """At three dates: as recommended, or by flip, up or down (low and high are no others with two actions)."""
    game = game_of(market())
    keys = [member.key() for member in Quitting.candidates(AgentContext.of(game, BUYER))]
    assert keys[:2] == ["quitting:when=0,action=none,withhold=true", "quitting:when=0,action=flip,withhold=true"]
    assert len(set(keys)) == 3 * 4
    plain = load("oil-leases")
    assert not list(Quitting.candidates(AgentContext.of(make_game(plain, make_mechanism("team", plain)), 0)))


def test_the_audit_finds_what_the_thresholds_say() -> None:
    patient, hasty = audited(0.95), audited(0.9)
    assert patient.holds
    verdicts = {v.promise: v.status for v in hasty.verdicts}
    assert verdicts["incentive: bayesian"] == "breaks"
    assert verdicts["budget: ex post"] == "holds"


def test_the_audit_says_how_patient_agents_must_be() -> None:
    """Between the thresholds of levels C and B: kept after the truth, not along best responses, nor after any lie."""
    environment = market(0.925)
    found = {c.name.partition(" (level ")[2][:1]: c for c in audited(0.925).conditions if "level" in c.name}
    assert {level: one.holds for level, one in found.items()} == {"C": True, "B": False, "A": False}
    for level in Level:
        one = found[level.value]
        assert one.value == pytest.approx(worst_exit(environment, level).amount)
        assert f"δ* = {threshold(level):.6g}" in one.note
    assert f"suffices from {sufficient(environment, printed=True).discount:.6g} on, as printed" in found["A"].note
    assert "mended" not in found["A"].note  # two agents: as printed


def test_the_audit_shows_the_long_run_and_the_payments() -> None:
    environment = market()
    conditions = {c.name: c for c in audited(0.95).conditions}
    assert conditions["private values"].holds  # who comes is seen by all
    assert conditions["independent types"].holds
    assert not private_values(environment).holds  # for a mechanism that does not see who comes
    hand = ByHand(0.95, 0.75)
    note = conditions["decisions of the very patient, one ergodic set"].note
    assert conditions["decisions of the very patient, one ergodic set"].value == 0  # nothing is measured
    for name, earned, base in zip(environment.agents, hand.u.mean(axis=1), hand.base, strict=True):
        assert f"{name} earns {earned:.6g} per period, A = {base:.6g}" in note
