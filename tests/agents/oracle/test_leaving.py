"""Leaving as an act of play: the best response that may leave earns what the search says, and pays nothing it owes."""

from collections.abc import Sequence

import numpy as np
import pytest

from dynmech.agents.oracle.best_response import BestResponse
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.delayed import Delayed
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.core.spaces import LEAVE
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.log.tables import outcomes_table
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.payment_terms import PaymentTerms
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Acts, Situation, StrategyProtocol, View

HIT_AND_RUN = "random:seed=1,agents=2,signals=3,horizon=3"
KINDS = {"interim": Information.INTERIM, "ex_post": Information.EX_POST}


def played(game: Game, strategies: Sequence[StrategyProtocol], episodes: int = 3000, block: int = 4096) -> Record:
    streams = Streams(0, "leaving", 0, episodes, game.periods + game.closing)
    return play_shard(game, strategies, streams, block=block)


def searched(game: Game, who: tuple[int, ...], information: str) -> float:
    """Return the exact ex ante gain of a deviator that may leave."""
    assert isinstance(game.environment, TableEnvironment)
    mechanism = game.mechanism
    assert isinstance(mechanism, DirectMechanism)
    problem = build_problem(FiniteGame(game.environment, mechanism), who, exit=True)
    best, truth = (
        solve(problem, family, KINDS[information]).ex_ante for family in (Family.BEST_RESPONSE, Family.PRESCRIBED)
    )
    return best - truth


@pytest.mark.parametrize("information", list(KINDS))
@pytest.mark.parametrize(
    "economy",
    [HIT_AND_RUN, "random:seed=1,agents=2,signals=3,horizon=2", "random:seed=5,agents=2,signals=2,discount=0.6"],
)
@pytest.mark.parametrize("mechanism", ["contingent-spanning", "cremer-mclean"])
def test_what_is_played_earns_what_is_searched(economy: str, mechanism: str, information: str) -> None:
    environment = load(economy)
    game = make_game(environment, make_mechanism(mechanism, environment))
    honest = played(game, [Truthful(), Truthful()]).payoffs
    for agent in range(2):
        strategy = BestResponse(information=information, exit=True).made_for(game, agent)  # type: ignore[arg-type]
        assert dict(strategy.options())["exit"] == "true"
        found = played(game, [strategy if i == agent else Truthful() for i in range(2)])
        gains = found.payoffs[agent] - honest[agent]
        error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
        assert abs(gains.mean() - searched(game, (agent,), information)) <= 4 * error + 2 * game.tail + 1e-9


def test_who_leaves_owes_nothing_and_stays_away() -> None:
    """The same with blocks of any size; a plan that had to pay what falls due would earn much less."""
    environment = load(HIT_AND_RUN)
    game = make_game(environment, make_mechanism("contingent-spanning", environment))
    strategy = BestResponse(exit=True).made_for(game, 1)
    record = played(game, [Truthful(), strategy])
    gone = record.report[:, 1] == LEAVE
    assert 0.05 < gone.any(axis=0).mean() < 0.95
    assert (gone[1:] >= gone[:-1]).all(), "nobody comes back"
    assert (record.utility[:, 1][gone] == 0).all()
    assert (record.transfer[:, 1][gone] == 0).all()
    assert record.defaulted[:, 1][gone].all()
    assert not record.defaulted[:, 1][~gone].any()
    assert (record.counted[:, 1][gone] == 0).all()
    assert np.array_equal(record.payoffs, played(game, [Truthful(), strategy], block=1024).payoffs)
    rows = outcomes_table(record, 0, ["truthful", strategy.key()]).to_pylist()
    said = np.array([row["report"] == "leave" for row in rows if row["agent"] == "agent 2"])
    assert np.array_equal(said.reshape(-1, 3).T, gone)
    assert not any(row["report"] == "leave" for row in rows if row["agent"] == "agent 1")
    staying = BestResponse().made_for(game, 1)
    assert record.payoffs[1].mean() > played(game, [Truthful(), staying]).payoffs[1].mean() + 0.5


class Instalments(DirectMechanism):
    """Takes 1 at the end of every period, in the next one, from everybody that takes part."""

    name = "instalments"

    def memory_size(self, t: int) -> int:
        return 2 if t else 1

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return np.zeros(messages.shape)

    def due(self, now: Situation, messages: Array) -> FloatArray:
        return np.broadcast_to(now.memory[:, None] * 1.0, messages.shape)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        return np.ones_like(now.memory)

    @property
    def lags(self) -> int:
        return 1

    def transfer_bound(self) -> float:
        return 1.0


@pytest.mark.parametrize("horizon", [3, None])
def test_without_luck_it_is_exactly_what_is_searched(horizon: int | None) -> None:
    """Two agents with one signal each earn 0.4 a period and owe 1 in the next: one enjoys a period and leaves."""
    law = np.ones((1, 1, 1))
    environment = from_arrays(np.full((2, 1, 1, 1), 0.4), [law, law], law[0], 0.5, horizon=horizon)
    game = make_game(environment, Instalments(environment), tail=1e-12)
    honest = played(game, [Truthful(), Truthful()], 5).payoffs
    found = played(game, [BestResponse(exit=True).made_for(game, 0), Truthful()], 5)
    assert (found.payoffs[0] == 0.4).all()
    exact = searched(game, (0,), "interim")
    assert found.payoffs[0] - honest[0] == pytest.approx(np.full(5, exact), abs=1e-9)
    assert exact > 0.25


def test_members_of_a_coalition_leave_together() -> None:
    """Each day brings each of two agents 2 or costs it 2; a common debt of 1 each is due tomorrow."""
    even = np.full((1, 2, 2), 0.5)
    days = np.array([2.0, -2.0])
    utility = np.stack([np.broadcast_to(days[:, None], (2, 2)), np.broadcast_to(days, (2, 2))])[:, None]
    environment = from_arrays(utility, [even, even], np.full((2, 2), 0.25), 0.5, horizon=3)
    game = make_game(environment, Instalments(environment))
    honest = played(game, [Truthful(), Truthful()]).payoffs.sum(axis=0)
    pair = [BestResponse(exit=True, partners=f"agent {2 - i}").made_for(game, i) for i in range(2)]
    record = played(game, pair)
    gains = record.payoffs.sum(axis=0) - honest
    error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
    assert abs(gains.mean() - searched(game, (0, 1), "interim")) <= 4 * error + 1e-9
    left = record.report == LEAVE
    assert 0.1 < left.mean() < 0.9
    assert np.array_equal(left[:, 0], left[:, 1])


class Walkout(Strategy):
    """Leaves in period 1 where its signal is 0, and later says that it is back."""

    name = "walkout"
    leaves = True

    def message(self, view: View) -> Array:
        return np.where((view.signal == 0) & (view.t == 1), LEAVE, view.prescribed)


class Undeclared(Walkout):
    """The same without having said so."""

    name = "undeclared"
    leaves = False


def test_a_strategy_of_ones_own_may_leave() -> None:
    environment = load(HIT_AND_RUN)
    game = make_game(environment, make_mechanism("contingent-spanning", environment))
    record = played(game, [Walkout(), Truthful()], 400)
    gone = record.signal[1, 0] == 0
    assert 0 < gone.mean() < 1
    assert np.array_equal(record.report[1:, 0] == LEAVE, np.stack([gone, gone]))
    later = played(game, [Delayed(Walkout(), 1), Truthful()], 400)
    assert np.array_equal((later.report[:, 0] == LEAVE).any(axis=1), [False, False, True])
    with pytest.raises(PlayError, match=r"undeclared.*message returned -2"):
        played(game, [Undeclared(), Truthful()], 400)
    terms = ProtocolOptions(payments=PaymentTerms(deposit=0.0))
    with pytest.raises(PlayError, match="nobody leaves where payments=voluntary"):
        played(make_game(environment, game.mechanism, terms), [Walkout(), Truthful()], 4)
    billed = ProtocolOptions(payments=PaymentTerms(voluntary=False))
    with pytest.raises(PlayError, match="nobody leaves where payments=billed"):
        played(make_game(environment, game.mechanism, billed), [Walkout(), Truthful()], 4)
    with pytest.raises(InputError, match="exit: nobody leaves where payments=billed"):
        ProtocolOptions(payments=billed.payments, exit=True)
    with pytest.raises(Refusal, match="not paying is the way out"):
        BestResponse(exit=True).made_for(make_game(environment, game.mechanism, terms), 0)
