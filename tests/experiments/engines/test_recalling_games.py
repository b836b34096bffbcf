"""Best responses and lies that wait for a condition, from tables: byte for byte what the event loop plays."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dynmech.agents.oracle.best_response import BestResponse
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.belief_manipulation import BeliefManipulation
from dynmech.agents.strategies.block_partition import side_by_side
from dynmech.agents.strategies.contingent import Contingent
from dynmech.agents.strategies.misreport import Misreport
from dynmech.agents.strategies.noisy import Noisy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, load, make_mechanism
from dynmech.experiments.engines.fused_games import obstacle, play_fused, script_of
from dynmech.experiments.engines.recalling_games import RecallingScript
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import DynmechError
from dynmech.sim.core.spaces import LEAVE
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.log.tables import outcomes_table
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from tests.builders.engines import BLOCKS, COMPILED, FORCED, game_of, hold, same

SAMPLE = [
    ("oil-leases-prior", "cremer-mclean"),
    ("oil-leases", "static-vcg"),
    ("repeated-auction", "pay-your-report"),
    ("spectrum", "pivot"),
    ("renewable-resource", "balanced"),
    ("common-state", "contingent-convex"),
    ("random:horizon=3,agents=3", "pay-your-report"),
    ("random:correlation=0,independent=true,discount=0.5", "static-vcg"),
]


def witness(game: Game, *deviator: int, **how: Any) -> Witness:
    """The best response of an agent, or of several."""
    environment, mechanism = game.environment, game.mechanism
    assert isinstance(environment, TableEnvironment)
    assert isinstance(mechanism, Mechanism)
    return Witness(build_problem(FiniteGame(environment, mechanism), deviator), Family.BEST_RESPONSE, **how)


def profiles(game: Game) -> Iterator[tuple[Strategy, ...]]:
    """Best responses, by what is known and of partners, and conditional lies beside a lie of the first agent."""
    agents = len(game.environment.agents)
    rest = (Truthful(),) * (agents - 1)
    yield (witness(game, 0), *rest)
    yield (*rest, witness(game, agents - 1, information=Information.EX_POST))
    if agents > 1:
        partners = witness(game, 0, 1).parts()
        yield (partners[0], partners[1], *rest[1:])
        lies = list(Contingent.candidates(AgentContext.of(game, agents - 1)))
        for lie in (lies[0], lies[-1]) if lies else ():
            yield (Misreport("flip"), *rest[1:], lie)


@pytest.mark.parametrize(("scenario", "mechanism"), SAMPLE)
def test_records_are_the_same(scenario: str, mechanism: str) -> None:
    game = game_of(scenario, mechanism)
    assert game is not None
    lied = 0
    for strategies in profiles(game):
        assert isinstance(script_of(game, strategies, FORCED), RecallingScript)
        hold(game, strategies, (7,), episodes=9)
        streams = Streams(3, "test", 2, 25, game.periods + game.closing)
        played = play_fused(game, strategies, streams, episodes=23, block=7, keep="everything", engine="tables")
        assert played is not None
        lied += bool((played.report != played.signal).any())
    assert lied > 0, "somebody must lie, else nothing is held"


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS.names())
def test_records_are_the_same_wherever_both_can_play(scenario: str) -> None:
    """All mechanisms that fit, whatever can be worked out."""
    for mechanism in MECHANISMS.names():
        game = game_of(scenario, mechanism)
        if game is None or obstacle(game):
            continue
        try:
            everybody = list(profiles(game))
        except DynmechError:
            continue
        for strategies in everybody:
            if script_of(game, strategies, FORCED) is not None:
                hold(game, strategies, BLOCKS, episodes=11)


def test_parts_of_a_block_recall_on_their_own() -> None:
    game = game_of("oil-leases-prior", "cremer-mclean")
    assert game is not None
    lies = list(Contingent.candidates(AgentContext.of(game, 1)))[:3]
    strategies = (Truthful(), side_by_side([*lies, Contingent("decision==0", "low")]))
    streams = Streams(1, "test", 0, 50, game.periods + game.closing, copies=4)
    how: dict[str, Any] = {"episodes": 200, "block": 200, "keep": "sums"}
    tables = play_fused(game, strategies, streams, engine="tables", **how)
    assert tables is not None
    same(tables, play_shard(game, strategies, streams, **how))
    if COMPILED:
        machine_code = play_fused(game, strategies, streams, engine="compiled", **how)
        assert machine_code is not None
        same(machine_code, tables)
    assert len({tables.payoffs[:, k * 50 : k * 50 + 50].tobytes() for k in range(4)}) > 1


def test_who_may_leave_and_never_does_leaves_the_same_log() -> None:
    """The log of such a game has a label more; where anybody does leave, the event loop plays."""
    kinds = set()
    for scenario, mechanism in (
        ("oil-leases", "pivot"),
        ("random:seed=1,agents=2,signals=3,horizon=3", "cremer-mclean"),
    ):
        game = game_of(scenario, mechanism)
        assert game is not None
        strategies = (BestResponse(exit=True).made_for(game, 0), Truthful())
        streams = Streams(3, "test", 2, 25, game.periods + game.closing)
        loop = play_shard(game, strategies, streams)
        how: dict[str, Any] = {"episodes": 25, "block": 7, "keep": "everything", "engine": "tables"}
        tables = play_fused(game, strategies, streams, **how)
        assert (tables is None) == bool((loop.report == LEAVE).any())
        kinds.add(tables is None)
        if tables is not None:
            same(tables, loop)
            sides = [outcomes_table(one, 0, ["best-response:exit=true", "truthful"]) for one in (tables, loop)]
            assert sides[0].equals(sides[1])
            assert "leave" in sides[0]["report"].combine_chunks().dictionary.to_pylist()
    assert kinds == {True, False}


def test_periods_that_are_alike_are_written_out_once() -> None:
    game = game_of("repeated-auction", "pay-your-report", tail=1e-3)
    assert game is not None
    script = script_of(game, (witness(game, 0), Truthful()), FORCED)
    assert isinstance(script, RecallingScript)
    assert game.periods > 50
    assert len({id(script(t)) for t in range(game.periods)}) < 8


def test_a_condition_on_the_date_makes_periods_differ() -> None:
    game = game_of("repeated-auction", "pay-your-report", tail=1e-1)
    assert game is not None
    late = (Truthful(), Contingent("period>=7", "flip"))
    hold(game, late, [4096], episodes=60)
    streams = Streams(3, "test", 2, 60, game.periods + game.closing)
    played = play_fused(game, late, streams, episodes=60, block=60, keep="everything", engine="tables")
    assert played is not None
    lies = (played.report[:, 1] != played.signal[:, 1]).any(axis=1)
    assert not lies[:7].any()
    assert lies[7:].all()


@pytest.mark.parametrize(
    "planted",
    [
        lambda view, _: view.prescribed,
        lambda _, sent: np.roll(sent, 1),
        lambda view, sent: sent if view.t == 0 else view.prescribed,
    ],
)
def test_a_wrong_policy_is_seen(planted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted: tables are written for another strategy than the one that the loop plays."""
    game = game_of("oil-leases-prior", "cremer-mclean")
    assert game is not None
    strategies = (witness(game, 0), Truthful())
    streams = Streams(3, "test", 2, 200, game.periods + game.closing)
    loop = play_shard(game, strategies, streams, keep="sums")
    right = Witness.message
    monkeypatch.setattr(Witness, "message", lambda self, view: planted(view, right(self, view)))
    tables = play_fused(game, strategies, streams, episodes=200, block=200, keep="sums", engine="tables")
    assert tables is not None
    with pytest.raises(AssertionError):
        same(tables, loop)


def test_what_looks_further_back_is_played_on_the_loop() -> None:
    game = game_of("oil-leases-prior", "cremer-mclean")
    assert game is not None
    environment, mechanism = game.environment, game.mechanism
    assert isinstance(environment, TableEnvironment)
    assert isinstance(mechanism, Mechanism)
    problem = build_problem(FiniteGame(environment, mechanism), (0,))
    mine = Contingent(lambda view: view.signal > 0, "flip")
    for strategy in (Witness(problem, Family.ONE_SHOT), Noisy(BeliefManipulation(0, "flip", "low"), 0.1), mine):
        assert script_of(game, (strategy, Truthful()), FORCED) is None
    lie = (Contingent("decision==0", "flip"), Truthful())
    assert script_of(game, lie, FORCED) is not None
    quiet = make_game(environment, make_mechanism("cremer-mclean", environment), ProtocolOptions(disclosure="own"))
    assert script_of(quiet, lie, FORCED) is None, "conditions see what is disclosed"


def test_so_is_what_has_more_states_than_play_is_long() -> None:
    game = game_of("common-state", "contingent-convex")
    assert game is not None
    strategies = (witness(game, 0), Truthful())
    assert script_of(game, strategies, FORCED) is not None  # and the rules are written out by now
    assert script_of(game, strategies, 20) is None


def test_reports_of_a_condition_that_fits_nothing_are_the_loops_to_refuse() -> None:
    environment = load("oil-leases-prior")
    game = make_game(environment, make_mechanism("pivot", environment))
    assert script_of(game, (Contingent("period>=0", "0/0/0/0/0"), Truthful()), FORCED) is None


def test_tables_of_a_memory_are_those_of_its_situations() -> None:
    """Where nothing depends on the last period, both ways of writing play out add up to the same."""
    game = game_of("renewable-resource", "balanced")
    assert game is not None
    agents = len(game.environment.agents)
    always = (Contingent("period>=0", "flip"), *(Truthful(),) * (agents - 1))
    plain = (Misreport("flip"), *(Truthful(),) * (agents - 1))
    streams = Streams(3, "test", 2, 300, game.periods + game.closing)
    how: dict[str, Any] = {"episodes": 300, "block": 300, "keep": "everything", "engine": "tables"}
    one, other = play_fused(game, always, streams, **how), play_fused(game, plain, streams, **how)
    assert one is not None
    assert other is not None
    same(one, other)
