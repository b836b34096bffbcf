"""What the theory pages say of the prints, where no test of a mechanism says it: planted readings that lose."""

import numpy as np
import pytest

from dynmech.agents.oracle.frozen_search import search_frozen
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.scripted import Scripted
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.planning.batch_plan import follow
from dynmech.mechanisms.virtual.frozen_plans import flow, plans
from dynmech.mechanisms.virtual.virtual_myopic import VirtualMyopic
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.mechanisms.virtual.weights import include_all
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.separable import SeparableEnvironment
from dynmech.sim.economy.separable_builders import beta_signal, items
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import View
from tests.builders.separable_economies import known, sampled_bound

# Kakade, Lobel and Nazerzadeh 2011


def test_with_the_printed_sign_of_beta_revenue_is_lost() -> None:
    """(18) subtracts β; by (16) revenue is what its decisions are worth with β *added*, whatever they maximise."""
    environment = load("ar1-additive:nodes=4,cost=0.2")
    assert isinstance(environment, SeparableEnvironment)
    mechanism, economy = VirtualPivot(environment), environment.economy
    every = np.arange(mechanism.profiles)
    right = mechanism.counted(every, every)
    shift = np.stack([v.shift[mechanism.node_of(every, i)] for i, v in enumerate(mechanism.values)], axis=1)
    printed = include_all(right.multiplier - 2 * shift, right.included)
    flows = [flow(economy, t, right) for t in range(len(economy.later))]
    best = economy.discount * economy.start(plans(economy, right).value[0])
    worth = economy.discount * economy.start(follow(economy, plans(economy, printed).policy, flows)[0])
    masses = np.multiply.outer(*(grid.masses for grid in environment.grids)).reshape(-1)
    assert float(masses @ best) == pytest.approx(sampled_bound(environment), abs=1e-12)
    assert (worth <= best + 1e-12).all()
    assert float(masses @ worth) < float(masses @ best) - 0.2


class Imitator(Strategy):
    """Reports the lowest taste once its rival has, and its highest as long as the rival has not."""

    name = "imitator"
    memory_periods = None

    def message(self, view: View) -> Array:
        """After the first report, which is the truth."""
        if view.t == 0:
            return view.prescribed
        lows = [seen.reports[:, 1 - view.agent] == 1 for seen in view.past if seen.t > 0 and seen.reports is not None]
        low = np.any(lows, axis=0) if lows else np.zeros(view.size, np.bool_)
        return np.where(low, 1, 2)


def test_truth_is_not_dominant_against_who_reacts_to_reports() -> None:
    """Corollary 6.2: one low report in period 1 makes an imitator stand back for good, and the good cheap."""
    stays, tastes = np.eye(2), np.array([0.5, 1.5])
    economy = items([tastes] * 2, [stays] * 2, [np.array([0.0, 1.0])] * 2, [beta_signal()] * 2, 0.9, cost=0.1)
    environment = known(economy, [0.9, 0.8])
    mechanism = VirtualMyopic(environment)
    assert max(search_frozen(mechanism, i).later_gain for i in range(2)) <= 1e-10  # against the truth of others
    game = make_game(environment, mechanism, tail=1e-3)
    streams = Streams(1, "react", 0, 4, game.periods)
    low = environment.stage(1).signals[0][1]
    truth, lie = (
        play_shard(game, [mine, Imitator()], streams).payoffs[0] for mine in (Truthful(), Scripted(f"*/{low}"))
    )
    np.testing.assert_allclose(truth, truth[0])
    assert (lie > truth + 1).all()
    honest = play_shard(game, [Truthful(), Truthful()], streams).payoffs[0]
    assert (play_shard(game, [Scripted(f"*/{low}"), Truthful()], streams).payoffs[0] < honest - 0.1).all()
