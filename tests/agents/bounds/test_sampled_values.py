"""Values of states that stand for H where rules are asked along paths, and messages from an interval."""

from collections.abc import Callable

import numpy as np
import pytest

from dynmech.agents.bounds.bracket import Effort, bracket_gain
from dynmech.agents.bounds.finite_candidates import tabled_candidates
from dynmech.agents.bounds.fresh_draws import spread
from dynmech.agents.bounds.message_sets import MessageSets, require_true_breaks
from dynmech.agents.bounds.regressed_value import default_features, fit_value
from dynmech.agents.bounds.rule_calls import RuleCalls
from dynmech.agents.bounds.sampled_candidates import Ideas, sampled_candidates
from dynmech.agents.oracle.problem import build_problem
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import FalseDeclaration, InputError
from dynmech.sim.play.game import make_game
from dynmech.sim.play.roles import Situation
from tests.builders.clairvoyance import exact_gain
from tests.builders.following_reserve import FollowingReserve, following_reserve
from tests.builders.split_the_difference import GAIN, SplitTheDifference

TRADE = "bilateral-trade-continuous"
PERSISTENT = "bilateral-trade-continuous:persistence=0.5"


def test_spread_draws_cover_evenly_and_each_half_by_itself() -> None:
    rng = np.random.default_rng(1)
    made = spread(rng.random((500, 8, 2)), rng.random((500, 8, 2)), 2)
    cells = np.sort((made.reshape(500, 2, 4, 2) * 4).astype(int), axis=2)
    assert (cells == np.arange(4)[None, None, :, None]).all()
    assert abs(made[:, 0].mean() - 0.5) < 0.05
    assert made[:, :4].mean(axis=1).std() < 0.5 * rng.random((500, 4)).mean(axis=1).std()
    halves = made[..., 0].reshape(500, 2, 4).mean(axis=2)
    assert abs(np.corrcoef(halves.T)[0, 1]) < 0.2


def bounds_of(mechanism: Mechanism, paths: int = 200, ideas: Ideas | None = None, seed: int = 0) -> list[list[float]]:
    """Return per candidate mean and four standard errors of upper and lower samples."""
    game = make_game(mechanism.environment, mechanism, None, tail=5e-3)
    out = []
    for candidate in sampled_candidates(game, 0, seed, ideas):
        played = candidate.play("here", 0, paths)
        row = []
        for samples in (played.upper, played.lower):
            row += [float(samples.mean()), float(4 * samples.std() / paths**0.5)]
        out.append(row)
    return out


@pytest.mark.parametrize("horizon", [pytest.param(None, marks=pytest.mark.slow), 4])
def test_every_value_of_a_state_holds_the_exact_gain_and_good_ones_are_closer(horizon: int | None) -> None:
    mechanism = following_reserve(values=3, horizon=horizon, discount=0.6)
    exact = exact_gain(build_problem(FiniteGame(mechanism.environment, mechanism), (0,)), spying=False)

    def silly(t: int, agent: int, memory: Array, last: Array | None, own: Array) -> Array:  # noqa: ARG001
        return np.sin(7.0 * memory + own) + (0 if last is None else last.sum(axis=1))

    found = bounds_of(mechanism, ideas=Ideas((silly,)))
    for above, slack, below, noise in found:
        assert below - noise <= exact <= above + slack
    plain, simulated, regressed, given = (found[k][0] for k in (1, 3, 5, 7))
    assert max(simulated, regressed) < plain + 1e-9, "penalties that know something are closer"
    assert min(simulated, regressed) < given


@pytest.mark.parametrize("scenario", [TRADE, PERSISTENT])
@pytest.mark.parametrize("lipschitz", [None, 1.5])
def test_bounds_hold_a_gain_on_an_interval_that_is_known_by_hand(scenario: str, lipschitz: float | None) -> None:
    environment = load(scenario)
    mechanism = SplitTheDifference(environment, lipschitz)
    game = make_game(environment, mechanism, None)
    candidates = sampled_candidates(game, 0, 0)
    bracket = bracket_gain(candidates, 1.0, Effort(width=0.02, steps=1e6, confidence=1 - 1e-6))
    between = 0.0 if lipschitz is None else 2 * 1.5 * 0.5 / 20
    assert candidates[0].limits.upper_tail == pytest.approx(between)
    assert bracket.lower <= bracket.upper
    if scenario == TRADE:
        assert bracket.lower <= 2 * GAIN <= bracket.upper
        assert abs(bracket.estimate_above - between - 2 * GAIN) < 0.015
    else:
        assert bracket.estimate_below > 0.5 * GAIN


def test_declared_breaks_make_all_messages_count_and_a_truthful_rule_gains_nothing() -> None:
    game = make_game(load(TRADE), make_mechanism("trading-pivot", load(TRADE)), None)
    for agent in (0, 1):
        sets = MessageSets(RuleCalls(game, agent), 21)
        assert sets.reach == "breaks"
        require_true_breaks(sets, 0)
        played = sampled_candidates(game, agent, 0)[0].play("here", 0, 50)
        assert np.abs(played.upper).max() < 1e-12


def test_breaks_find_what_a_grid_misses() -> None:
    """A buyer's message next to the seller's is needed, at which nobody else looks."""

    class Narrow(SplitTheDifference):
        def charge(self, now, messages, decision, acts):  # type: ignore[no-untyped-def]
            prize = (np.abs(messages[:, 0] - 0.512) < 0.004) * 1.0
            return np.stack([-prize, 0 * prize], axis=1)

        def message_breaks(self, now, agent, messages):  # type: ignore[no-untyped-def]
            fixed = np.broadcast_to([0.508, 0.516], (len(messages), 2))
            return np.concatenate([messages[:, 1 - agent, None], fixed], axis=1) if self.breaks else None

    uppers = []
    for breaks in (False, True):
        mechanism = Narrow(load(TRADE), breaks=breaks)
        game = make_game(mechanism.environment, mechanism, None)
        require_true_breaks(MessageSets(RuleCalls(game, 0), 21), 0)
        uppers.append(float(sampled_candidates(game, 0, 0)[0].play("here", 0, 60).upper.mean()))
    assert uppers[1] > 1.5, "the prize of both periods"
    assert uppers[0] < 1


def test_breaks_that_are_no_breaks_are_noticed() -> None:
    mechanism = SplitTheDifference(load(TRADE), breaks=True)
    game = make_game(mechanism.environment, mechanism, None)
    with pytest.raises(FalseDeclaration, match=r"message_breaks: in period 0 messages .* 'seller' lie between"):
        require_true_breaks(MessageSets(RuleCalls(game, 0), 21), 0)


@pytest.mark.parametrize("mechanism", ["contingent-density:brackets=2,nodes=3,ridge=0.1"])
def test_without_a_value_of_states_bounds_of_contingent_transfers_say_nothing(mechanism: str) -> None:
    environment = load("continuous-licence:discount=0.3")
    game = make_game(environment, make_mechanism(mechanism, environment), None, tail=0.2)
    plain, simulated, regressed = sampled_candidates(game, 0, 0)[::2]
    upper = [float(candidate.play("here", 0, 12).upper.mean()) for candidate in (plain, simulated, regressed)]
    assert upper[1] < 0.5 * upper[0]
    assert upper[2] < 0.8 * upper[0]


def test_what_reads_the_memory_is_told_apart() -> None:
    environment = load("continuous-licence:discount=0.3")
    rules = make_mechanism("contingent-density:brackets=2,nodes=3", environment)
    game = make_game(environment, rules, None, tail=0.2)
    calls = RuleCalls(game, 0)
    state = environment.draw(0, None, None, np.array([[0.1, 0.7], [0.4, 0.2]]))
    assert not calls.reads_memory(1, state, np.array([0.3, 0.9]))
    reserve = following_reserve(values=3, horizon=4)
    other = RuleCalls(make_game(reserve.environment, reserve, None), 0)
    first = reserve.environment.draw(0, None, None, np.random.default_rng(0).random((2, 2)))
    assert other.reads_memory(1, first, np.zeros(2, np.intp))


def test_a_given_value_of_the_best_response_leaves_no_gap_on_tables() -> None:
    mechanism = following_reserve(values=3, horizon=4)
    problem = build_problem(FiniteGame(mechanism.environment, mechanism), (0,))
    candidates = tabled_candidates(problem, 0)
    best = candidates[-1].penalty
    tables = {t: (best.paths.rows[t], best.value[t]) for t in range(4)}

    def known(t: int, agent: int, memory: Array, last: Array | None, own: Array) -> Array:  # noqa: ARG001
        rows, value = tables[t]
        place = np.zeros(len(memory), np.intp)
        if t:
            members = best.paths.periods[t].members[rows.memory]
            signals = mechanism.environment.state_at(t - 1, rows.profile).signals
            same = (members[None] == memory[:, None]) & (signals[None] == np.asarray(last)[:, None]).all(axis=2)
            place = same.argmax(axis=1)
        return value[place, own]

    exact = exact_gain(problem, spying=False)
    for function, close in ((known, True), (lambda *args: 0.3 * np.cos(args[2] + 2.0 * args[4]), False)):
        given = tabled_candidates(problem, 0, [function])[-1]
        assert given.name.startswith("given: ")
        bracket = bracket_gain([given], 1.0, Effort(width=1e-6, steps=1e6, confidence=1 - 1e-6))
        assert bracket.lower - 1e-9 <= exact <= bracket.upper + 1e-9
        assert (bracket.upper - bracket.lower < 1e-6) == close


BAD: list[tuple[Callable[..., object], str]] = [
    (lambda *_: "no", "penalty: the function returned"),
    (lambda *a: np.full(len(a[2]), np.nan), "finite numbers"),
    (lambda *a: np.zeros((len(a[2]), 2)), "finite numbers"),
]


@pytest.mark.parametrize(("function", "says"), BAD)
def test_functions_that_return_nonsense_are_named(function: Callable[..., object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        audit("oil-leases-prior", "linked", bounds=True, penalties=[function])


def test_what_is_for_bounds_only_is_said() -> None:
    with pytest.raises(InputError, match="penalties: for bounds only"):
        audit("oil-leases-prior", "linked", penalties=[np.zeros])
    with pytest.raises(InputError, match="features: on tables"):
        audit("oil-leases-prior", "linked", bounds=True, features=np.zeros)
    with pytest.raises(InputError, match="penalties: 3 is no function"):
        audit("oil-leases-prior", "linked", bounds=True, penalties=[3])  # type: ignore[list-item]


def test_the_audit_says_for_which_messages_it_holds() -> None:
    environment = load(TRADE)
    said = {}
    for lipschitz in (None, 1.5):
        result = audit(environment, SplitTheDifference(environment, lipschitz), bounds=True, width=0.2)
        said[lipschitz] = result.method
        assert {bracket["messages"] for bracket in result.to_dict()["brackets"]} == {
            "grid" if lipschitz is None else "lipschitz"
        }
    assert "on a grid of 21 messages" in said[None]
    assert "would bound all messages" in said[None]
    assert "added as declared" in said[1.5]
    assert audit(TRADE, "trading-pivot", bounds=True).to_dict()["brackets"][0]["messages"] == "breaks"


class Guarded(FollowingReserve):
    """Looks at the reserve only where there is a bid that it could turn down."""

    def decide(self, now: Situation, messages: Array) -> Array:
        first = (messages[:, 0] > 0) & (messages[:, 0] >= messages[:, 1])
        if first.any():
            first &= messages[:, 0] >= now.memory // 2
        return np.where(first, 1, np.where(messages[:, 1] > messages[:, 0], 2, 0))

    def charge(self, now, messages, decision, acts):  # type: ignore[no-untyped-def]
        return super().charge(now, messages, decision, acts) if (decision == 1).any() else np.zeros(messages.shape)


class AlwaysLooking(Guarded):
    def decide(self, now: Situation, messages: Array) -> Array:
        assert len(now.memory) == len(messages)
        return super().decide(now, messages)


def test_a_rule_that_looks_at_the_memory_only_at_times_is_asked_about_all_memories() -> None:
    environment = following_reserve(values=3, horizon=4).environment
    upper = []
    for rule in (Guarded, AlwaysLooking):
        mechanism = rule(environment)
        played = sampled_candidates(make_game(environment, mechanism, None), 0, 0)[0].play("here", 0, 40)
        upper.append(played.upper)
    assert np.array_equal(upper[0], upper[1])
    assert upper[0].mean() > 0.1


class TwoBids(FollowingReserve):
    """Remembers two bids, so that there are more memories from the second period on."""

    def memory_size(self, t: int) -> int:
        return 3 ** min(t, 2)

    def last_bid(self, now: Situation) -> Situation:
        return now._replace(memory=np.asarray(now.memory) % 3)

    def decide(self, now, messages):  # type: ignore[no-untyped-def]
        return super().decide(self.last_bid(now), messages)

    def charge(self, now, messages, decision, acts):  # type: ignore[no-untyped-def]
        return super().charge(self.last_bid(now), messages, decision, acts)

    def remember(self, now, messages, decision, acts):  # type: ignore[no-untyped-def]
        return messages[:, 0] + (0 if now.t == 0 else np.asarray(now.memory) % 3 * 3)


def test_a_memory_that_grows_at_first_is_regressed_on_as_well() -> None:
    mechanism = TwoBids(following_reserve(values=3, discount=0.6).environment)
    calls = RuleCalls(make_game(mechanism.environment, mechanism, None, tail=0.2), 0)
    value = fit_value(calls, default_features(mechanism.memory_size), "default", 0)
    assert [len(weights) for weights in value.weights.values()] == [3 * 4, 9 * 4], "of each memory, and by signals"
    state = mechanism.environment.draw(0, None, None, np.full((2, 2), 0.5))
    for t in (1, 2, 5):
        low, high = value.at(t, np.array([0, 2]), state, state, np.zeros((2, 2)))
        assert high < low, "a high last bid is a high reserve"
