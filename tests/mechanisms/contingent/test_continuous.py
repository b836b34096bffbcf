"""Continuous signals: densities, transfers by brackets, what ε is, and the bound that Liu's §5 lacks a factor of."""

import json
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dynmech.agents.strategies.misreport import Misreport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.continuous import (
    OnGrid,
    even_points,
    measure,
    misses_everywhere,
)
from dynmech.experiments.audits.transfer_sizes import epsilon_curve, plot_epsilon
from dynmech.experiments.catalog.names import load
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.scenarios.continuous_licence import ContinuousLicence
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity, Method
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.numerics.brackets import bounded, one_sided, ridge
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.density import DensityEnvironment, density_environment, gauss_legendre
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Situation, StrategyProtocol


def test_lotteries_have_no_epsilon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Transfers that are right up to ε follow one decision: a rule that draws one is refused."""
    mechanism = ContingentDensity(licence(), brackets=3, nodes=4)
    decide = mechanism.decide
    monkeypatch.setattr(mechanism, "decide", lambda now, messages: np.eye(8)[decide(now, messages)])
    with pytest.raises(Refusal, match="it decides by lottery; transfers that are right up to ε follow one decision"):
        measure(mechanism)


def licence(**options: float) -> DensityEnvironment:
    return ContinuousLicence(**options).continuous()  # type: ignore[arg-type]


def play(game: Game, *strategies: StrategyProtocol, episodes: int = 40, block: int = 4096) -> Record:
    profile = list(strategies) or [Truthful()] * len(game.environment.agents)
    streams = Streams(0, "test", 0, episodes, game.periods + game.closing)
    return play_shard(game, profile, streams, episodes=episodes, block=block)


# The economy


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_draws_invert_the_distribution_function_of_the_density(own: float, other: float, u: float) -> None:
    environment = licence()
    signals = np.array([[own, other]])
    decision = np.zeros(1, np.intp)
    drawn = float(environment.law(1, signals, decision, np.array([[u, 0.5]]))[0, 0])
    nodes, weights = gauss_legendre(1, 40)
    below = environment.likelihood(decision, signals, 0, drawn * nodes)[0] @ weights * drawn
    assert below == pytest.approx(u, abs=1e-8)


def test_a_grid_is_the_same_economy() -> None:
    """Probabilities of cells by the grid's nodes and by a fine quadrature; utilities at nodes; the prior's weights."""
    environment = licence(firms=3, gamma=0.5)
    grid = environment.on_grid(2, 2)
    nodes, weights = gauss_legendre(2, 2)
    assert grid.stage(0).axes == (4, 4, 4)
    assert np.allclose(grid.prior, np.einsum("i,j,k->ijk", weights, weights, weights))
    profile = (1, 3, 0)
    signals = nodes[list(profile)][None]
    for d in range(3):
        decision = np.array([d])
        utility = grid.stage(0).utility[(slice(None), d, *profile)]
        assert utility == pytest.approx(environment.payoff(0, signals, decision)[0])
        law = grid.kernel(0).row(d, int(np.ravel_multi_index(profile, (4, 4, 4))))
        fine, fine_weights = gauss_legendre(2, 20)
        half = (environment.likelihood(decision, signals, 1, fine)[0] * fine_weights).reshape(2, -1).sum(axis=1)
        assert law.sum(axis=(0, 2)).reshape(2, 2).sum(axis=1) == pytest.approx(half, abs=0.05)


def test_too_fine_a_grid_is_refused_with_its_size() -> None:
    with pytest.raises(
        InputError, match=r"a law on 64 nodes per agent holds 33,554,432 numbers|206,158,430,208 numbers"
    ):
        licence(firms=3).on_grid(64)


def test_the_scenario_comes_as_a_grid_too() -> None:
    assert load("continuous-licence:nodes=3").name == "continuous-licence on 3 nodes"
    with pytest.raises(InputError, match="influence: 2 is not in"):
        load("continuous-licence:influence=2")


def test_runs_of_other_numbers_are_other_runs() -> None:
    hashes = {environment_hash(licence(gamma=g, correlation=k)) for g in (1.2, 1.5) for k in (4.0, 6.0)}
    assert len(hashes) == 4
    assert environment_hash(licence()) == environment_hash(licence())


# Transfers by brackets


@given(st.integers(0, 10_000), st.integers(2, 5), st.integers(0, 6))
def test_the_three_ways_to_choose_transfers(seed: int, boxes: int, extra: int) -> None:
    """Ridge against its normal equations; bounded within its bound and no worse than any other; one-sided one-sided."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    law, target = rng.dirichlet(np.ones(boxes), boxes + extra).T, rng.uniform(-1, 1, boxes + extra)
    p = ridge(law, target, 0.8, 1e-3)
    np.testing.assert_allclose((law @ law.T + 1e-3 * np.eye(boxes)) @ p, law @ target / 0.8, atol=1e-9)
    q = bounded(law, target, 0.8, 2.0)
    assert np.abs(q).max() <= 2 + 1e-9
    miss = np.abs(0.8 * law.T @ q - target).max()
    for other in (np.clip(p, -2, 2), *rng.uniform(-2, 2, (20, boxes))):
        assert miss <= np.abs(0.8 * law.T @ other - target).max() + 1e-9
    table = one_sided(law, target, 0.8, 1e6)
    paid = 0.8 * law.T @ table
    assert (paid >= target[:, None] - 1e-6).all()
    if boxes > 2:  # random points are extreme points of their hull often enough
        assert np.diagonal(paid - target[:, None]).min() <= 1e-6


# What ε is worth


@settings(max_examples=8)
@given(
    st.sampled_from([("ridge", 1e-1), ("ridge", 1e-4), ("bounded", 6.0), ("bounded", 30.0), ("one-sided", 20.0)]),
    st.floats(0.3, 2.0),
    st.floats(2.0, 8.0),
    st.sampled_from([0.5, 0.8, 0.95]),
)
def test_no_gain_exceeds_the_limit_and_the_miss_is_the_sum_of_its_parts(
    choice: tuple[Method, float], gamma: float, correlation: float, discount: float
) -> None:
    method, number = choice
    environment = licence(gamma=gamma, correlation=correlation, discount=discount)
    option = {"ridge": number} if method == "ridge" else {"bound": number}
    found = measure(ContingentDensity(environment, method, brackets=3, nodes=4, **option))  # type: ignore[arg-type]
    slack = 1e-7 + 10 * found.bound
    assert 0 <= found.gain_one_shot <= found.gain + slack
    assert found.gain <= found.limit + slack
    assert found.epsilon <= found.approximation + found.reports + found.quadrature + slack
    assert found.quadrature < 1e-9 * found.size, "brackets are whole cells"
    assert found.approximation <= found.epsilon_everywhere + slack, "all of its own nodes are among the points"
    assert found.epsilon <= 1.05 * found.epsilon_everywhere + slack, "the grid's nodes lie between them"
    assert found.gain <= 1.05 * found.limit_everywhere + slack
    if method == "bounded":
        assert found.size <= number + 1e-9


@pytest.mark.parametrize("method", ["ridge", "one-sided"])
@pytest.mark.parametrize("firms", [2, 3])
def test_the_miss_everywhere_by_quadrature_at_single_points(method: Method, firms: int) -> None:
    """δ E[p | a, θ] − v by Gauss–Legendre over every rival's next signal; the extremes are found at some points."""
    mechanism = ContingentDensity(licence(firms=firms, gamma=0.9), method, brackets=3, nodes=3, bound=30.0)
    environment, points = mechanism.environment, even_points(mechanism)
    over, under = misses_everywhere(mechanism, 1, points)
    nodes, weights = gauss_legendre(3, 8)
    rivals = np.array(list(product(range(len(nodes)), repeat=firms - 1)))
    said = np.insert(nodes[rivals], 1, 0.5, axis=1)

    def excess(taken: IntArray, signals: FloatArray, reports: FloatArray) -> FloatArray:
        chance = np.ones((len(taken), len(said)))
        for column, j in enumerate(j for j in range(firms) if j != 1):
            mass = environment.likelihood(taken, signals, j, nodes) * weights
            chance *= mass[:, rivals[:, column]]
        reported = signals.copy()
        reported[:, 1] = reports
        sent, then = np.repeat(reported, len(said), axis=0), np.tile(said, (len(taken), 1))
        paid = mechanism.transfer(1, np.repeat(taken, len(said)), sent, then).reshape(chance.shape)
        return environment.discount * (chance * paid).sum(axis=1) - mechanism.target(1, taken, signals)

    rng = np.random.Generator(np.random.Philox(key=3))
    grid = np.linspace(0, 1, points)
    signals, reports = rng.choice(grid, (900, firms)), rng.choice(grid, 900)
    truthful, any_report = -np.inf, -np.inf
    for d in range(firms):
        taken = np.full(900, d)
        honest, lies = excess(taken, signals, signals[:, 1]), excess(taken, signals, reports)
        truthful, any_report = max(truthful, honest.max()), max(any_report, -honest.min(), -lies.min())
    assert truthful <= over + 1e-7
    assert any_report <= under + 1e-7
    assert truthful > 0.5 * over
    assert any_report > 0.5 * under


def test_an_audit_says_how_large_epsilon_is_and_what_a_liar_makes_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ["audit", "continuous-licence", "contingent-density:brackets=3,nodes=4"]
    with pytest.raises(SystemExit) as left:
        main([*line, "--json"])
    assert left.value.code == 0
    data = json.loads(capsys.readouterr().out)
    mechanism = ContingentDensity(licence(), brackets=3, nodes=4)
    assert (mechanism.memory_size(0), mechanism.memory_size(1)) == (1, None)  # decisions and reports, from then on
    found = measure(mechanism)
    assert data["approximate"] == found.data()
    assert data["options"]["mechanism"] == {"brackets": "3", "nodes": "4"}
    with pytest.raises(SystemExit) as left:
        main(line)
    shown = " ".join(capsys.readouterr().out.split())
    assert left.value.code == 0
    assert shown.startswith(
        f"{line[2]} on continuous-licence: truth is not promised to be best, only up to ε: transfers"
    )
    for part in ("ε everywhere", "approximation", "interpolation", "quadrature", "any deviation gains"):
        assert part in shown
    assert f"{found.gain:.4g}" in shown
    assert f"{found.epsilon_everywhere:.4g}" in shown
    monkeypatch.setattr(
        "dynmech.experiments.audits.epsilon_audit.measure", lambda _: replace(found, gain=2 * found.limit)
    )
    with pytest.raises(SystemExit) as left:
        main(line)
    assert left.value.code == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "breaks its promise (gains: within the limit that ε sets)" in shown
    assert "a deviation gains" in shown


def test_epsilon_falls_as_transfers_may_grow() -> None:
    environment = licence()
    sizes = [4.0, 8.0, 16.0, 32.0]
    found = [measure(ContingentDensity(environment, "bounded", brackets=5, nodes=9, bound=b)) for b in sizes]
    misses = [f.approximation for f in found]
    assert all(after < before for before, after in pairwise(misses))
    assert misses[0] > 1
    assert found[-1].epsilon < 0.05
    assert found[0].gain > 0.5
    assert found[-1].gain < 0.1


def test_quadrature_counts_where_brackets_are_not_whole_cells() -> None:
    """Plain Gauss–Legendre nodes cut brackets anywhere: what looks like a gain is the grid's own doing."""
    mechanism = ContingentDensity(licence(), brackets=5, nodes=5)
    aligned, plain = measure(mechanism), measure(mechanism, cells=1, per_cell=10)
    assert aligned.quadrature < 1e-9
    assert plain.quadrature > 0.5
    assert plain.gain > 10 * aligned.gain


def test_gains_can_exceed_epsilon() -> None:
    """Liu 2014 prints that nobody gains more than ε by misreporting; the bound is 2ε/(1 − δ)."""
    mechanism = ContingentDensity(licence(), brackets=3, nodes=4, ridge=0.1)
    found = measure(mechanism)
    assert found.gain > 1.2 * found.epsilon
    assert found.gain < found.limit


class ForgetsDiscount(ContingentDensity):
    """Planted: transfers that hit the target without the δ of being paid a period later."""

    def target(self, agent: int, decision: Array, signals: Array) -> FloatArray:
        return self.environment.discount * super().target(agent, decision, signals)


class ForgetsDecision(ContingentDensity):
    """Planted: transfers of the first decision, whatever is decided."""

    def transfer(self, agent: int, decision: Array, last: Array, messages: Array) -> FloatArray:
        return super().transfer(agent, np.zeros_like(decision), last, messages)


@pytest.mark.parametrize("wrong", [ForgetsDiscount, ForgetsDecision])
def test_planted_transfers_miss(wrong: type[ContingentDensity]) -> None:
    right = measure(ContingentDensity(licence(), "bounded", brackets=5, nodes=5, bound=32))
    found = measure(wrong(licence(), "bounded", brackets=5, nodes=5, bound=32))
    assert found.epsilon > 10 * right.epsilon
    assert found.gain > 10 * right.gain


def legendre(rank: int, curvature: float = 1.0) -> DensityEnvironment:
    """Beliefs that are quadratic in one's signal (rank 3): a curve without mixtures, but not rich enough to span.

    With rank 2 beliefs lie on a line. Values are convex in signals if `curvature` is positive, else concave.
    """

    def mean(signals: Array) -> FloatArray:
        return (signals[:, 0] + signals[:, 1]) / 2

    def density(_decision: Array, signals: Array, _agent: int, points: Array) -> FloatArray:
        x, y = 2 * mean(signals) - 1, 2 * points - 1
        first = 0.5 * x * y
        return 1 + first + (0.4 * (1.5 * x**2 - 0.5) * (1.5 * y**2 - 0.5) if rank == 3 else 0.0)

    def payoff(signals: Array, decision: Array) -> FloatArray:
        worth = curvature * np.exp(2 * curvature * (signals + 1.5 * signals[:, ::-1])) / 10
        return np.where(decision[:, None] == np.arange(2), worth, 0.0)

    return density_environment(
        name="legendre",
        agents=("a", "b"),
        discount=0.8,
        decisions=("1", "2"),
        payoff=payoff,
        density=density,
        quantile=lambda _d, _s, _j, u: u,  # not played
        bound=15.0,
    )


def test_where_beliefs_do_not_span_only_the_one_sided_version_gets_close() -> None:
    """Lemma 5.2 needs independent beliefs, Lemma 5.1 only beliefs that are no mixtures."""
    environment, large = legendre(3), 3000.0
    both = measure(ContingentDensity(environment, "bounded", brackets=4, nodes=9, bound=large))
    one = measure(ContingentDensity(environment, "one-sided", brackets=4, nodes=9, bound=large))
    assert both.approximation > 0.1
    assert one.approximation < 1e-6
    assert one.gain < both.gain / 4, "what is left comes from interpolation between nodes"
    assert one.gain < 2 * one.reports
    # Beliefs on a line are mixtures of its ends: then it depends on the target. A concave one lies below its tangents.
    concave, convex = (
        measure(ContingentDensity(legendre(2, sign), "one-sided", brackets=4, nodes=5, bound=large)) for sign in (1, -1)
    )
    assert concave.approximation < 1e-6
    assert convex.approximation > 0.01


# Rules


@pytest.mark.parametrize("method", ["ridge", "one-sided"])
def test_play_is_the_same_in_every_block(method: Method) -> None:
    environment = licence()
    game = make_game(environment, ContingentDensity(environment, method, brackets=3, nodes=3), tail=1.0)
    liar = Misreport("flip")
    records = [play(game, liar, Truthful(), block=block) for block in (1, 7, 4096)]
    for record in records[1:]:
        for field in ("signal", "counted", "decision", "transfer", "utility"):
            assert getattr(record, field).tobytes() == getattr(records[0], field).tobytes()
    assert records[0].transfer[-1].any(), "the closing period books what is due"


@pytest.mark.parametrize("firms", [2, 3])
def test_play_earns_what_the_grid_says(firms: int) -> None:
    """Truthful payoffs of the continuous game within five standard errors of the values of truthful play's on a grid,
    and about E W."""
    environment = replace(licence(firms=firms, gamma=0.9), discount=0.6)
    mechanism = ContingentDensity(environment, brackets=3, nodes=4)
    cells = 3
    rules = OnGrid(environment.on_grid(cells, 2), mechanism, cells, 2)
    truthful = FiniteGame(rules.environment, rules).truthful
    record = play(make_game(environment, mechanism, tail=1e-2), episodes=3000)
    moments = Moments.of(record.payoffs)
    exact = truthful.utility - truthful.transfer
    assert (np.abs(moments.mean - exact) <= 5 * moments.error + record.game.tail + 0.02 * np.abs(exact)).all()
    assert (moments.error < 0.05 * np.abs(exact)).all()


def test_what_does_not_fit_is_refused() -> None:
    environment = licence()
    with pytest.raises(Refusal, match="it needs continuous signals with a density"):
        ContingentDensity(environment.on_grid(2))
    with pytest.raises(Refusal, match="it needs finitely many signals and decisions"):
        Team(environment)
    with pytest.raises(InputError, match="brackets: 0 is below 1"):
        ContingentDensity(environment, brackets=0)
    with pytest.raises(InputError, match="bound: -1 is below 0"):
        ContingentDensity(environment, bound=-1)


def test_a_curve_is_a_table_and_a_picture(tmp_path: Path) -> None:
    frame = epsilon_curve(
        licence(), bounds=(8.0, 30.0), ridges=(1e-1, 1e-4), methods=("ridge", "bounded"), brackets=4, nodes=4
    )
    assert frame["method"].tolist() == ["ridge", "ridge", "bounded", "bounded"]
    assert frame["parameter"].tolist() == [0.1, 1e-4, 8.0, 30.0]
    for _, rows in frame.groupby("method"):
        assert rows["size"].is_monotonic_increasing
        assert rows["epsilon"].is_monotonic_decreasing
        assert (rows["gain"] <= rows["limit"]).all()
    picture = plot_epsilon(frame, tmp_path / "epsilon.png")
    assert picture.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(InputError, match=r"none/x\.png: cannot be written: No such file"):
        plot_epsilon(frame, tmp_path / "none" / "x.png")


def test_the_lowest_of_decisions_that_tie_is_taken() -> None:
    """Firms that are alike and have the same signal are as good as each other."""
    mechanism = ContingentDensity(licence(), brackets=3, nodes=4)
    alike = np.repeat(np.array([[0.35], [0.6], [0.9]]), 2, axis=1)
    quality = np.stack([mechanism.quality(np.full(3, d), alike) for d in range(mechanism.decisions)])
    best = quality.max(axis=0)
    ties = np.abs(quality - best) < 1e-9 * np.abs(quality).max()
    assert (ties.sum(axis=0) > 1).any(), "the case is there"
    np.testing.assert_array_equal(
        mechanism.decide(Situation(0, np.zeros(3, np.intp), np.zeros(3, np.intp)), alike), ties.argmax(axis=0)
    )
