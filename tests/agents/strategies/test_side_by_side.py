"""Strategies that are tried side by side earn to the last bit what each earns alone."""

from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.block_partition import side_by_side
from dynmech.agents.strategies.contingent import Contingent
from dynmech.agents.strategies.misreport import Misreport
from dynmech.agents.strategies.per_episode import EpisodeStrategy, EpisodeView
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import STRATEGIES, load, make_mechanism
from dynmech.experiments.runs import simulation as simulate
from dynmech.experiments.runs.pilot_choice import candidates
from dynmech.experiments.runs.simulation import Case, Sampling, pilot
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import View

EPISODES = 40
LATE = ProtocolOptions(0.4, (Latency("exponential", 0.4), Latency("uniform", 0.8)))


GAMES: dict[str, tuple[str, str, ProtocolOptions | None]] = {
    "memory": ("oil-leases-prior", "cremer-mclean", None),
    "late messages": ("oil-leases-prior", "pay-your-report", LATE),
    "closing periods": ("repeated-auction:bidders=2", "contingent-spanning", None),
    "lotteries": ("two-period-sale:grid=3", "revenue-optimal", None),
    "private actions": ("power-plants", "team:reports=payoffs", None),
    "payments refused": ("repeated-trade", "self-enforcing", None),
    "intervals": ("trading-game-continuous", "continuous-trade", None),
}


@cache
def game(name: str) -> Game:
    """One of the games, an endless one cut early; made when a test first asks for it, not when tests are collected."""
    economy, mechanism, protocol = GAMES[name]
    environment = load(economy)
    return make_game(environment, make_mechanism(mechanism, environment), protocol, tail=1.0)


@pytest.mark.parametrize("name", GAMES)
def test_a_pilot_says_the_same_of_all_menus_however_many_are_played_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = game(name)
    cases = [
        case
        for agent in range(len(here.environment.agents))
        for family in STRATEGIES.all().values()
        for case in islice(candidates(here, agent, family), 3)
    ]
    monkeypatch.setattr(simulate, "ABREAST", 7 * EPISODES)
    together = pilot(here, cases, Sampling(EPISODES, 3, EPISODES))
    monkeypatch.setattr(simulate, "ABREAST", 1)
    alone = pilot(here, cases, Sampling(EPISODES, 3, EPISODES))
    assert list(together) == list(alone) == [case.key for case in cases]
    assert {key: gains.tobytes() for key, gains in together.items()} == {k: g.tobytes() for k, g in alone.items()}
    assert any(gains.any() for gains in alone.values())


def test_fewer_plays_are_played(monkeypatch: pytest.MonkeyPatch) -> None:
    here, plays, play = game("memory"), list[int](), simulate.play

    def counted(*args: Any) -> Record:
        plays.append(args[-1])
        return play(*args)

    monkeypatch.setattr(simulate, "play", counted)
    lies = [Misreport(word) for word in ("flip", "low", "high")]
    cases = [Case(f"case {k}", (lie, Truthful())) for k, lie in enumerate(lies)]
    cases += [Case("luck", (RandomReport(), Truthful()))]
    pilot(here, cases, Sampling(EPISODES, 3, EPISODES))
    assert plays == [4, 1], "prescribed play and three lies; one that draws lots"


class Diary(EpisodeStrategy):
    """Notes, luck and all of the past: what could leak from one part of the block to the next."""

    name = "diary"
    width = 2
    memory_periods = None

    def __init__(self, start: int) -> None:
        self.start = start

    def report(self, view: EpisodeView) -> float:
        view.private["lies"] = view.private.get("lies", self.start) + (view.uniforms[1] < 0.5)
        told = sum(int(past.message) for past in view.past)
        return (view.private["lies"] + told) % 2 if view.space != Finite(("-",)) else 0


def paid(strategy: Strategy, copies: int) -> Array:
    here = game("memory")
    streams = Streams(11, "beside", 2, EPISODES, here.periods + here.closing, copies)
    count = copies * EPISODES
    return play_shard(here, (strategy, Truthful()), streams, episodes=count, block=count).payoffs


def test_notes_luck_and_past_are_each_members_own() -> None:
    members = [Diary(0), Diary(1), Diary(0)]
    together, alone = paid(side_by_side(members), 3), [paid(member, 1) for member in members]
    assert together.tobytes() == np.concatenate(alone, axis=1).tobytes()
    assert (alone[0] != alone[1]).any()


def test_members_that_shared_a_view_would_be_caught() -> None:
    """The comparison above can fail: a member that looks at the whole block answers differently beside others."""

    class Crowd(Misreport):
        def message(self, view: View) -> Array:
            return super().message(view) if view.size == EPISODES else view.prescribed

    lies: list[Strategy] = [Crowd("flip"), Crowd("flip")]
    assert paid(side_by_side(lies), 2).tobytes() == np.tile(paid(Misreport("flip"), 1), 2).tobytes()
    assert paid(Crowd("flip"), 2).tobytes() != np.tile(paid(Misreport("flip"), 1), 2).tobytes()


def test_what_is_the_same_for_all_is_played_once() -> None:
    truth = [Truthful(), Truthful()]
    assert side_by_side(truth) is truth[0]
    assert side_by_side([Misreport("flip")]).name == "misreport"
    with pytest.raises(AssertionError):
        side_by_side([Misreport("flip"), Contingent("decision==1", "flip")])
