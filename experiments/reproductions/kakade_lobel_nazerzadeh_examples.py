"""Kakade, Lobel and Nazerzadeh 2011, §4.1 and Corollary 6.2: the supply chain, autoregressions, and dominance."""

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load
from dynmech.experiments.reproductions.base import Claim
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.virtual.relaxed_bound import grid_bound
from dynmech.mechanisms.virtual.virtual_myopic import VirtualMyopic
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.separable import Grid, SeparableEnvironment, separable_environment
from dynmech.sim.economy.separable_builders import beta_signal, items
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import View

DISCOUNT = 0.9

_claim = partial(Claim, "kakade-lobel-nazerzadeh")


def examples() -> Iterator[Claim]:
    """Yield the claims on the examples of §4.1 and on dominance."""
    yield from _profits()
    yield from _several_lags()
    yield from _dominance()


def _virtual(nodes: int) -> list[float]:
    """Virtual values of x uniform on m midpoints that are all types: 2x − 1 + 1/(2m)."""
    return [2 * (k + 0.5) / nodes - 1 + 1 / (2 * nodes) for k in range(nodes)]


def _chain_by_hand(nodes: int) -> float:
    """The best virtual profit of two retailers; demand is even over 0, 1, 2 in every period, whatever came before."""
    total = 0.0
    for one, two in product(_virtual(nodes), repeat=2):
        for demand in product(range(3), repeat=2):
            total += max(
                one * min(q, demand[0]) + two * min(r, demand[1]) - 0.1 * (q + r) - 0.05 * (q + r) ** 2
                for q, r in product(range(3), repeat=2)
            )
    return total / (9 * nodes**2) * DISCOUNT / (1 - DISCOUNT)


def _autoregression_by_hand(nodes: int) -> float:
    """The best virtual profit of two buyers, v_t = ρ^{t−1} x + Z_t, over all histories of shocks."""
    rho, shock, total = 0.8, 0.4, 0.0
    for t in range(1, 4):
        histories = list(product((-shock, shock), repeat=t - 1))
        drifts = [sum(rho ** (t - 2 - k) * eta for k, eta in enumerate(history)) for history in histories]
        worth = [
            max(0.0, *(rho ** (t - 1) * virtual + drift for virtual, drift in pair))
            for pair in product(product(_virtual(nodes), drifts), repeat=2)
        ]
        total += DISCOUNT**t * sum(worth) / len(worth)
    return total


def _profits() -> Iterator[Claim]:
    """Theorem 5.1 on the two examples that the paper does not work out."""
    ways = (
        ("supply chain", "supply-chain", _chain_by_hand, "every margin, demand and quantity tried"),
        ("AR(1)", "ar1-additive", _autoregression_by_hand, "every first value and every history of shocks tried"),
    )
    for label, name, by_hand, way in ways:
        for nodes in (2, 3):
            environment = load(f"{name}:nodes={nodes}")
            assert isinstance(environment, SeparableEnvironment)
            text = f"§4.1 {label}, {nodes} nodes as the type space: Theorem 5.1, profit is the bound (16)"
            yield _claim(text, grid_bound(environment), VirtualPivot(environment, "grid").profit, by_hand(nodes), way)


def _several_lags() -> Iterator[Claim]:
    """§4.1, AR(k): the process on full paths beside histories as signals."""
    for coefficients in ((0.6,), (0.4, 0.3), (0.3, 0.2, 0.2)):
        text = "+".join(map(str, coefficients))
        environment = load(f"autoregressive-auction:coefficients={text}")
        assert isinstance(environment, TableEnvironment)
        yield _claim(
            f"§4.1 AR({len(coefficients)}), coefficients {text}, histories as signals: first best (numbers ours)",
            None,
            float((plan(environment).value[0] * environment.prior).sum()),
            _first_best_of_paths(coefficients),
            "full paths of values, each with its probability",
        )


def _first_best_of_paths(coefficients: tuple[float, ...]) -> float:
    """E Σ δ^t max of two values, from the law of paths of one bidder."""
    grid, middle = (0.0, 0.5, 1.0), (1 - sum(coefficients)) / 2
    paths: dict[tuple[float, ...], float] = {(x,): 1 / 3 for x in grid}
    total = 0.0
    for t in range(4):
        chance = [sum(p for path, p in paths.items() if path[-1] == x) for x in grid]
        total += DISCOUNT**t * sum(
            a * b * max(x, y) for (x, a), (y, b) in product(zip(grid, chance, strict=True), repeat=2)
        )
        longer: dict[tuple[float, ...], float] = {}
        for path, p in paths.items():
            back = [path[max(len(path) - 1 - lag, 0)] for lag in range(len(coefficients))]
            mean = middle + sum(c * x for c, x in zip(coefficients, back, strict=True))
            for shock in (-0.25, 0.25):
                value = min(max(mean + shock, 0.0), 1.0)
                for x in grid:
                    share = max(0.0, 1 - abs(value - x) / 0.5)
                    if share > 0:
                        longer[(*path, x)] = longer.get((*path, x), 0.0) + p * share / 2
        paths = longer
    return total


class Reacting(Strategy):
    """Reports its lowest taste once its rival has, and its highest as long as the rival has not."""

    name = "reacting"
    memory_periods = None

    def message(self, view: View) -> Array:
        """After the first report, which is the truth."""
        if view.t == 0:
            return view.prescribed
        lows = [past.reports[:, 1 - view.agent] == 1 for past in view.past if past.t > 0 and past.reports is not None]
        low = np.any(lows, axis=0) if lows else np.zeros(view.size, np.bool_)
        return np.where(low, 1, 2)


def _dominance() -> Iterator[Claim]:
    """Corollary 6.2: margins .9 and .8 known, both tastes 1.5 for ever, items cost 0.1."""
    tastes, first = np.array([0.5, 1.5]), (beta_signal(),) * 2
    economy = items([tastes] * 2, [np.eye(2)] * 2, [np.array([0.0, 1.0])] * 2, list(first), DISCOUNT, cost=0.1)
    points = [Grid(np.array([x]), np.ones(1)) for x in (0.9, 0.8)]
    environment = separable_environment(economy, points)
    game = make_game(environment, VirtualMyopic(environment), tail=1e-12)
    streams = Streams(2011, "dominance", 0, 1, game.periods)
    low = environment.stage(1).signals[0][1]
    worth = {
        (lies, reacts): float(
            play_shard(
                game,
                [Scripted(f"*/{low}") if lies else Truthful(), Reacting() if reacts else Truthful()],
                streams,
                episodes=1,
            ).payoffs[0, 0]
        )
        for lies, reacts in product((False, True), repeat=2)
    }
    # Weights 2x − 1 over x: the winner pays the rival's virtual value over its own weight.
    weight = 0.8 / 0.9
    honest, cheap = 0.9 * 1.5 - 0.6 * 1.5 / weight, 0.9 * 1.5 - 0.6 * 0.5 / weight
    gain = cheap * DISCOUNT**2 / (1 - DISCOUNT) - honest * DISCOUNT / (1 - DISCOUNT)
    yield _claim(
        "Corollary 6.2, 'dominant strategy': one low report, which a reacting rival answers for ever, gains",
        0.0,
        worth[True, True] - worth[False, True],
        gain,
        "winning at the rival's low taste from period 2 on, less winning at its high one from period 1 on",
        "truth is best against reports that ignore one's own, not against rivals that react to them",
        tolerance=1e-7,
    )
    text = "Corollary 6.2: the same report gains, against a rival that does not react"
    way = "it loses the item of period 1"
    yield _claim(text, None, worth[True, False] - worth[False, False], -honest * DISCOUNT, way, tolerance=1e-7)
