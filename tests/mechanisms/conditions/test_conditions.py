"""Correlation conditions: values by enumeration, certificates that check, and where the audit shows them."""

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from rich.console import Console

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.cli.screens.audit_screen import show_audit
from dynmech.experiments.scenarios.oil_leases import OilLeases
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.conditions.correlation import convex_independence, hull_distances, spanning
from dynmech.mechanisms.conditions.last_period import ex_post_implementable
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.numerics.ex_post import utility_by_report
from dynmech.mechanisms.numerics.hulls import nearest_mixture
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.economy.beliefs import belief_matrices
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.economies import (
    endless,
    least_distance,
    least_singular_value,
    more_signals,
    slow_to_tell,
    unfolding,
)

seeds = st.integers(0, 10_000)
ECONOMIES = (endless, unfolding, more_signals, slow_to_tell)


def at(environment: TableEnvironment, condition: Condition) -> tuple[int, int, int, int]:
    """The place that a condition names, as indices: period, agent, decision, others' profile."""
    t, where = int(condition.where["period"]), condition.where
    stage, agent = environment.stage(t), environment.agents.index(str(where["agent"]))
    rest = [labels for j, labels in enumerate(stage.signals) if j != agent]
    shown = str(where["others"]).split(", ")
    places = [labels.index(part) for labels, part in zip(rest, shown, strict=True)]
    others = int(np.ravel_multi_index(places, [len(labels) for labels in rest]))
    return t, agent, stage.decisions.index(str(where["decision"])), others


@pytest.mark.parametrize("made", ECONOMIES)
@given(seed=seeds)
def test_spanning_is_the_least_singular_value(made, seed: int) -> None:  # type: ignore[no-untyped-def]
    environment = made(seed)
    answer = spanning(environment)
    t, agent, d, o = at(environment, answer)
    matrix = belief_matrices(environment, t, agent)[d, o]
    if answer.holds:
        assert answer.value == pytest.approx(least_singular_value(environment))
        assert np.linalg.svd(matrix, compute_uv=False)[-1] == pytest.approx(answer.value)
        norm = f"{np.linalg.norm(np.linalg.pinv(matrix), 2):.6g}"
        assert f"rank {matrix.shape[1]} of {matrix.shape[1]}, norm of the pseudo-inverse {norm}" in answer.note
    else:
        assert np.linalg.matrix_rank(matrix) < matrix.shape[1]
        labels = environment.stage(t).signals[agent]
        weights = certificate(answer.note.partition("infinite: ")[2], labels)
        assert np.abs(weights).max() == 1
        assert np.abs(matrix @ weights).max() < 1e-3  # four digits are printed


def certificate(text: str, labels: tuple[str, ...]) -> np.ndarray:
    """Weights read back from `0.5 × 'low' + …`."""
    weights = np.zeros(len(labels))
    for part in text.removesuffix(" cancel").split(";")[0].split(" + "):
        number, _, label = part.partition(" × ")
        weights[labels.index(label.split("'")[1])] = float(number)
    return weights


@pytest.mark.parametrize("made", ECONOMIES)
@given(seed=seeds)
def test_convex_independence_is_the_least_distance(made, seed: int) -> None:  # type: ignore[no-untyped-def]
    environment = made(seed)
    answer = convex_independence(environment)
    t, agent, d, o = at(environment, answer)
    labels = environment.stage(t).signals[agent]
    k = labels.index(str(answer.where["signal"]))
    matrix = belief_matrices(environment, t, agent)[d, o]
    assert answer.value == pytest.approx(least_distance(environment), abs=1e-12)
    assert nearest_mixture(matrix, k)[0] == pytest.approx(answer.value, abs=1e-12)
    assert answer.holds == (answer.value > 1e-9)
    weights = certificate(answer.note.removeprefix("nearest mixture of the other signals: "), labels)
    assert weights[k] == 0
    assert np.linalg.norm(matrix @ weights - matrix[:, k]) == pytest.approx(answer.value, abs=1e-3)


def test_every_distance_of_every_period() -> None:
    environment = unfolding(2, 3)
    for t in range(3):
        for agent in range(3):
            matrices = belief_matrices(environment, t, agent)
            distance, weights = hull_distances(environment, t, agent)
            assert distance.shape == (*matrices.shape[:2], matrices.shape[3])
            for place in np.ndindex(*distance.shape):
                alone = nearest_mixture(matrices[place[:2]], place[2])
                assert distance[place] == pytest.approx(alone[0], abs=1e-12)
                np.testing.assert_allclose(weights[place], alone[1], atol=1e-9)


def test_periods_are_told_apart() -> None:
    """One number per period with a next one; none where the economy repeats itself."""
    environment = unfolding(2)
    for answer in (spanning(environment), convex_independence(environment)):
        parts = answer.note.partition("; period ")[2].split(", period ")
        assert [part.split(": ")[0] for part in parts] == ["0", "1", "2"]
        assert min(float(part.split(": ")[1]) for part in parts) == pytest.approx(answer.value, rel=1e-3)
    assert "period" not in spanning(endless(0)).note
    again = TableEnvironment("again", environment.agents, endless(0).prior, endless(0).stages, 0.9, 5)
    assert "period" not in spanning(again).note


def test_spanning_implies_convex_independence_and_not_conversely() -> None:
    for seed in range(20):
        environment = endless(seed, 2, 3)
        assert spanning(environment).holds
        assert convex_independence(environment).holds
    assert spanning(more_signals(0)).holds is False
    assert convex_independence(more_signals(0)).holds


@given(seeds)
def test_the_last_period_is_implementable_or_a_cycle_gains(seed: int) -> None:
    environment = unfolding(seed, private_end=False)
    answer = ex_post_implementable(environment)
    if answer.holds:
        assert answer.note.startswith("by payments of at most ")
        return
    agent = environment.agents.index(str(answer.where["agent"]))
    stage, policy = environment.stage(3), plan(environment).policy[3]
    others = stage.signals[1 - agent].index(str(answer.where["others"]))
    table = utility_by_report(stage, agent, policy)[others]
    cycle = [stage.signals[agent].index(label) for label in answer.note.removeprefix("cycle ").split(" → ")]
    gain = sum(table[a, b] - table[a, a] for a, b in pairwise(cycle))
    assert cycle[0] == cycle[-1]
    assert gain == pytest.approx(answer.value)
    assert gain > 1e-9


def test_private_values_at_the_end_are_always_implementable() -> None:
    for seed in range(20):
        assert ex_post_implementable(unfolding(seed)).holds


def test_the_oil_leases_have_their_price() -> None:
    answer = ex_post_implementable(OilLeases().build())
    assert answer.holds
    assert answer.note == "by payments of at most 11"


def test_the_audit_shows_certificates() -> None:
    """On the screen and as data: which signals' beliefs cannot be told apart, and how."""
    environment = OilLeasesPrior().build()
    found = audit(environment, ContingentSpanning(environment))
    screen = io.StringIO()
    show_audit(found, Console(file=screen, width=400), verbose=True)
    text = screen.getvalue()
    assert text.startswith("contingent-spanning on oil-leases-prior holds: ")
    assert "nearest mixture of the other signals: 1 × '1'; period 0: 0, period 1: 0" in text
    assert "rank 1 of 2, norm of the pseudo-inverse infinite: 1 × '0' + -1 × '1' cancel" in text
    data = found.to_dict()["conditions"]
    assert data["spanning"]["holds"] is False
    assert "cancel" in data["spanning"]["note"]
    assert data["convex independence"]["where"]["signal"] == "0"
    private = audit(environment, Team(environment)).to_dict()["conditions"]
    assert private["last period ex post implementable"]["note"] == "by payments of at most 11"
