"""Economies with several lags: the augmented one has the law of the process it stands for."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import dynmech as dm
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment

AGENTS = ["ann", "bob"]
SIGNALS = ["a", "b"]
DECISIONS = ["stay", "go"]

Law = dict[tuple[Any, ...], np.ndarray]


def random_laws(seed: int, lags: int) -> tuple[Law, Law]:
    """Laws of the next signal by agent, decision and history; utilities by agent, decision and profile."""
    draw = np.random.default_rng(seed)
    histories = list(product(SIGNALS, repeat=lags))
    laws = {key: draw.dirichlet([1, 1]) for key in product(AGENTS, DECISIONS, histories)}
    gains = {key: draw.uniform(-1, 1, 1) for key in product(AGENTS, DECISIONS, product(SIGNALS, SIGNALS))}
    return laws, gains


def built(laws: Law, gains: Law, lags: int, horizon: int | None, **options: Any) -> TableEnvironment:
    return dm.finite_memory(
        AGENTS,
        SIGNALS,
        DECISIONS,
        utility=lambda agent, decision, profile: gains[agent, decision, profile][0],
        transition=lambda agent, decision, history, *_: laws[agent, decision, history],
        lags=lags,
        horizon=horizon,
        discount=0.8,
        **options,
    )


def best(laws: Law, gains: Law, lags: int, horizon: int, before: str | None) -> float:
    """The first best over full histories of signals, with nothing augmented: the process as one would write it down."""

    def padded(path: tuple[str, ...]) -> tuple[str, ...]:
        """The newest first, from a path with the oldest first."""
        newest = path[::-1][:lags]
        return newest + (before or path[0],) * (lags - len(newest))

    def value(t: int, paths: tuple[tuple[str, ...], ...]) -> float:
        if t == horizon:
            return 0.0
        profile = tuple(path[-1] for path in paths)
        worth = []
        for decision in DECISIONS:
            now = sum(gains[agent, decision, profile][0] for agent in AGENTS)
            later = 0.0
            if t < horizon - 1:
                odds = [laws[a, decision, padded(path)] for a, path in zip(AGENTS, paths, strict=True)]
                for one, two in product(range(2), range(2)):
                    after = (paths[0] + (SIGNALS[one],), paths[1] + (SIGNALS[two],))
                    later += odds[0][one] * odds[1][two] * value(t + 1, after)
            worth.append(now + 0.8 * later)
        return max(worth)

    return sum(value(0, ((one,), (two,))) for one, two in product(SIGNALS, SIGNALS)) / 4


def first_best(environment: TableEnvironment) -> float:
    return float((plan(environment).value[0] * environment.prior).sum())


@pytest.mark.parametrize(
    ("seed", "lags", "before"), [(1, 2, None), (2, 3, None), (3, 2, "b"), (4, 3, "a"), (5, 1, None)]
)
def test_the_first_best_is_that_of_the_process_on_full_histories(seed: int, lags: int, before: str | None) -> None:
    laws, gains = random_laws(seed, lags)
    by_hand = best(laws, gains, lags, 4, before)
    assert first_best(built(laws, gains, lags, 4, before=before)) == pytest.approx(by_hand, abs=1e-12)
    swapped = {(a, d, h[::-1]): law for (a, d, h), law in laws.items()}  # the oldest signal taken for the newest
    if lags > 1:
        assert abs(first_best(built(swapped, gains, lags, 4, before=before)) - by_hand) > 1e-6


@pytest.mark.parametrize("before", [None, "a"])
def test_without_end_it_is_what_long_horizons_tend_to(before: str | None) -> None:
    laws, gains = random_laws(7, 2)
    endless, long = built(laws, gains, 2, None, before=before), built(laws, gains, 2, 80, before=before)
    assert first_best(endless) == pytest.approx(first_best(long), abs=1e-6)
    assert len(endless.stages) == 1


@pytest.mark.parametrize(
    ("seed", "lags", "decision_lags", "before"), [(1, 1, 1, None), (2, 2, 1, "go"), (3, 1, 2, "go"), (4, 2, 2, None)]
)
def test_laws_that_depend_on_past_decisions(seed: int, lags: int, decision_lags: int, before: str | None) -> None:
    """The first best over full histories of signals and decisions, nothing augmented; the wrong order is worth less."""
    draw = np.random.default_rng(100 + seed)
    _, gains = random_laws(seed, lags)
    pasts = list(product(DECISIONS, repeat=decision_lags))
    laws = {key: draw.dirichlet([1, 1]) for key in product(AGENTS, DECISIONS, product(SIGNALS, repeat=lags), pasts)}

    def law(agent: str, decision: str, path: tuple[str, ...], past: tuple[str, ...]) -> Any:
        newest = path[::-1][:lags]
        decided = past[::-1][:decision_lags]
        held = newest + (path[0],) * (lags - len(newest))
        return laws[agent, decision, held, decided + (before or DECISIONS[0],) * (decision_lags - len(decided))]

    def value(t: int, paths: tuple[tuple[str, ...], ...], past: tuple[str, ...]) -> float:
        worth = []
        for decision in DECISIONS:
            profile = tuple(path[-1] for path in paths)
            total = sum(gains[agent, decision, profile][0] for agent in AGENTS)
            odds = [law(a, decision, path, past) for a, path in zip(AGENTS, paths, strict=True)]
            for one, two in product(range(2), range(2)) if t < 3 else ():
                after = (paths[0] + (SIGNALS[one],), paths[1] + (SIGNALS[two],))
                total += 0.8 * odds[0][one] * odds[1][two] * value(t + 1, after, (*past, decision))
            worth.append(total)
        return max(worth)

    def made(order: int, horizon: int | None = 4) -> TableEnvironment:
        return dm.finite_memory(
            AGENTS,
            SIGNALS,
            DECISIONS,
            utility=lambda agent, decision, profile: gains[agent, decision, profile][0],
            transition=lambda agent, decision, history, decided: laws[agent, decision, history, decided[::order]],
            lags=lags,
            decision_lags=decision_lags,
            decided_before=before,
            horizon=horizon,
            discount=0.8,
        )

    by_hand = sum(value(0, ((one,), (two,)), ()) for one, two in product(SIGNALS, SIGNALS)) / 4
    assert first_best(made(1)) == pytest.approx(by_hand, abs=1e-12)
    assert decision_lags == 1 or abs(first_best(made(-1)) - by_hand) > 1e-6
    if decision_lags == 1:
        assert first_best(made(1, None)) == pytest.approx(first_best(made(1, 70)), abs=1e-5)


def test_dynamic_mechanisms_hold_where_the_past_decision_counts() -> None:
    """The pivot on a good that wears its winner out; a price that forgets it does not hold."""
    worn = dm.finite_memory(
        AGENTS,
        [0, 1],
        ["nobody", *AGENTS],
        utility=lambda agent, decision, profile: profile[AGENTS.index(agent)] * (decision == agent),
        transition=worn_out,
        lags=1,
        decision_lags=1,
        horizon=3,
    )
    assert dm.audit(worn, "pivot").verdict == "holds"
    assert dm.audit(worn, "static-vcg").promises.status.tolist() != ["holds"]
    found = dm.audit(worn, "static-vcg").gains.query("family == 'best_response'").gain.max()
    assert found > 1e-3


def test_dynamic_mechanisms_hold_where_an_agent_reports_its_history() -> None:
    laws, gains = random_laws(11, 2)
    private = {
        (a, d, profile): gains[a, d, (profile[AGENTS.index(a)],) * 2]
        for a, d, profile in product(AGENTS, DECISIONS, product(SIGNALS, SIGNALS))
    }
    environment = built(laws, private, 2, 3)
    for mechanism in ("team", "pivot", "balanced-team"):
        audit = dm.audit(environment, mechanism)
        assert audit.promises.set_index("promise")["status"].filter(like="incentive").tolist() == ["holds"]
    assert dm.audit(environment, "pay-your-report").gains["lower"].max() > 1e-3


def worn_out(agent: str, _decision: str, history: tuple[int, ...], decided: tuple[str, ...]) -> dict[int, float]:
    """Who had the good in the period before this one is tired in the next one."""
    good = 0.2 if agent in decided else 0.4 + 0.4 * history[0]
    return {1: good, 0: 1 - good}


def test_an_autoregression_keeps_its_mean_within_the_grid() -> None:
    grid = [0.0, 0.3, 1.0, 1.2]
    law = dm.autoregression(grid, [0.5, -0.2, 0.1], {-0.1: 0.25, 0.2: 0.75}, constant=0.2)
    for history in product(grid, repeat=3):
        chance = law("ann", "stay", history)
        assert sum(chance.values()) == pytest.approx(1)
        drift = 0.2 + 0.5 * history[0] - 0.2 * history[1] + 0.1 * history[2]
        mean = 0.25 * min(max(drift - 0.1, 0), 1.2) + 0.75 * min(max(drift + 0.2, 0), 1.2)
        assert sum(float(x) * p for x, p in chance.items()) == pytest.approx(mean)
    assert dm.autoregression([1], [0.5])("ann", "stay", (1,)) == {1: 1.0}


def refuse(**options: Any) -> Callable[[], object]:
    laws, gains = random_laws(0, 2)
    return lambda: built(laws, gains, **{"lags": 2, "horizon": 4, **options})


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (refuse(lags=0), "lags: 0 is below 1"),
        (refuse(lags=4), "lags: 4 reach beyond the horizon; of 4 periods the last has 3 before it"),
        (refuse(lags=40, horizon=None), "lags: 40 lags of 2 signals make more than 50,000,000 histories of one agent"),
        (refuse(lags=1, horizon=1), "horizon: 1 leaves no signal that follows another"),
        (refuse(before="c"), "before: 'c' is none of the signals 'a', 'b' of 'ann'"),
        (refuse(decision_lags=-1), "decision_lags: -1 is below 0"),
        (refuse(decision_lags=60), "decision_lags: 60 lags of 2 decisions make more than 50,000,000 histories"),
        (refuse(decision_lags=13), "decision_lags: the law of motion would have .* numbers, more than"),
        (
            refuse(decision_lags=1, decided_before="wait"),
            "decided_before: 'wait' is none of the decisions 'stay', 'go'",
        ),
        (lambda: dm.autoregression([1, 0], [0.5]), "grid: its values must be finite and rise"),
        (lambda: dm.autoregression([0, 1], []), "coefficients: at least one is needed"),
        (lambda: dm.autoregression([0, 1], [0.5], {0.0: 0.4}), "shocks: their probabilities add up to 0.4"),
        (lambda: dm.autoregression([0, 1], [0.5], [float("nan")]), "shocks and constant: all must be finite"),
        (lambda: dm.autoregression([0, 1], ["a"]), "coefficients: .* is no list of numbers"),  # type: ignore[list-item]
        (lambda: dm.autoregression([0, "b"], [1]), "grid: .* is no list of numbers"),  # type: ignore[list-item]
        (lambda: dm.autoregression([0, 1], [0.5, 0.5])("ann", "stay", (1,)), "for 2 signals, .* of 1; give lags=2"),
        (lambda: dm.load("autoregressive-auction:coefficients=.5+.2+.1,horizon=3"), "lags: 3 reach beyond the horizon"),
        (lambda: dm.load("autoregressive-auction:coefficients=a"), "coefficients: 'a' is no list of numbers"),
    ],
)
def test_bad_input_gets_one_line(made: Callable[[], object], why: str) -> None:
    with pytest.raises(InputError, match=why) as told:
        made()
    assert "\n" not in str(told.value)


def test_lags_that_are_not_those_of_the_autoregression_are_said() -> None:
    with pytest.raises(InputError, match="give lags=2"):
        dm.finite_memory(
            2, [0, 1], ["a"], utility=lambda *_: 0.0, transition=dm.autoregression([0, 1], [0.5, 0.5]), lags=1
        )


def test_a_law_that_does_not_add_up_is_named_with_its_history() -> None:
    laws, gains = random_laws(0, 2)
    laws["bob", "go", ("a", "b")] = np.array([0.5, 0.6])
    with pytest.raises(InputError, match=r"transition\('bob', 'go', \('a', 'b'\)\): probabilities sum to 1.1"):
        built(laws, gains, 2, 4)
    with pytest.raises(InputError, match=r"transition\('ann', 'stay', \('a', 'a'\)\): shape \[3\]"):
        dm.finite_memory(
            AGENTS, SIGNALS, DECISIONS, utility=lambda *_: 0.0, transition=lambda *_: [1, 0, 0], lags=2, horizon=3
        )
