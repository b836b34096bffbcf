"""How many states a search has does not hang on the last bits of charges."""

from dataclasses import replace

import numpy as np
import pytest

from dynmech.agents.oracle import merging
from dynmech.agents.oracle.gains import ties
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.generators import generator

GAMES = [
    ("oil-leases-prior", "cremer-mclean"),
    ("oil-leases-prior", "linked"),
    ("repeated-auction:values=2", "balanced"),
    ("repeated-auction:values=2", "balanced:base=pivot"),
    ("supply-chain:nodes=2", "balanced"),
    ("trading-game", "balanced-team"),
    ("random:agents=2,signals=3,decisions=2", "contingent-convex"),
    ("random:agents=2,signals=3,decisions=2", "surplus-extraction"),
]


def table(text: str) -> TableEnvironment:
    """A finite economy by name."""
    environment = load(text)
    assert isinstance(environment, TableEnvironment)
    return environment


def shaken(game: FiniteGame, seed: int) -> FiniteGame:
    """The same game, every charge and due moved by a relative 1e-15 of its own."""
    rng, out = generator(seed), FiniteGame(game.environment, game.mechanism)
    out.__dict__["laws"] = game.laws
    out.__dict__["tables"] = tuple(
        replace(
            rules,
            charge=rules.charge * (1 + 1e-15 * rng.uniform(-1, 1, rules.charge.shape)),
            due=rules.due * (1 + 1e-15 * rng.uniform(-1, 1, rules.due.shape)),
        )
        for rules in game.tables
    )
    return out


def counts(problem: Problem) -> list[object]:
    """What is counted: states per period and their numbers, post-decision states, ties on the path of truth."""
    truth = solve(problem, Family.PRESCRIBED, Information.EX_POST)
    reached = [len(states) if states is not None else 0 for states in problem.post_decision_states]
    return [[period.merged.tolist() for period in problem.periods], reached, ties(problem, truth)]


@pytest.mark.parametrize(("environment", "mechanism"), GAMES)
def test_noise_in_the_last_bits_changes_no_count(environment: str, mechanism: str) -> None:
    economy = table(environment)
    game = FiniteGame(economy, make_mechanism(mechanism, economy))
    for agent in range(len(economy.agents)):
        plain = counts(build_problem(game, (agent,)))
        for seed in range(1 if "supply" in environment else 2):
            assert counts(build_problem(shaken(game, seed), (agent,))) == plain


def test_without_the_rule_the_same_noise_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "CLOSE", 0.0)
    economy = table("oil-leases-prior")
    game = FiniteGame(economy, make_mechanism("cremer-mclean", economy))
    assert counts(build_problem(shaken(game, 0), (0,))) != counts(build_problem(game, (0,)))


def test_charges_that_differ_by_more_are_told_apart() -> None:
    """A relative 1e-12 is another charge; of a chain every gap counts."""
    assert merging.clusters(np.array([1.0, 1.0 + 1e-12]), 1.0).tolist() == [0, 1]
    assert merging.clusters(np.array([1.0, 1.0 + 1e-12]), 100.0).tolist() == [0, 0]
    assert merging.clusters(np.array([1 + 0.9e-13 * k for k in range(4)]), 1.0).tolist() == [0, 0, 0, 0]


def automaton(**changed: object) -> merging.Unmerged:
    """Three memories, one profile and message: the first leads to itself, the others to the last; nothing else."""
    plain = {
        "decide": np.zeros((3, 1, 1, 1), np.intp),
        "chance": np.ones((3, 1, 1, 1)),
        "charge": np.zeros((3, 1, 1, 1, 1)),
        "remember": np.array([0, 2, 2]).reshape(3, 1, 1, 1, 1),
        "truth": np.zeros((3, 1), np.intp),
        "due": np.zeros((3, 1)),
    }
    return merging.Unmerged(**{**plain, **changed})  # type: ignore[arg-type]


def test_what_is_the_same_now_may_differ_later() -> None:
    """The last memory charges: so the second one, which leads there, is not the first, which never does."""
    charge = np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1, 1, 1)
    assert merging.merge_repeated(automaton()).tolist() == [0, 0, 0]
    assert merging.merge_repeated(automaton(charge=charge)).tolist() == [0, 1, 2]
    assert merging.merge_one(automaton(charge=charge), None, None).tolist() == [0, 0, 1]
    assert merging.merge_one(automaton(), None, np.array([0, 0, 1])).tolist() == [0, 1, 1]


def test_everything_that_tells_memories_apart_does() -> None:
    lot = {"decide": np.zeros((3, 1, 1, 2), np.intp), "charge": np.zeros((3, 1, 1, 2, 1))}
    odds = np.array([[0.5, 0.5], [0.5, 0.5], [0.2, 0.8]]).reshape(3, 1, 1, 2)
    remember = np.zeros((3, 1, 1, 2, 1), np.intp)
    assert merging.merge_one(automaton(**lot, chance=odds, remember=remember), None, None).tolist() == [0, 0, 1]
    assert merging.merge_one(automaton(decide=np.array([1, 0, 0]).reshape(3, 1, 1, 1)), None, None).tolist() == [
        0,
        1,
        1,
    ]
    assert merging.merge_one(automaton(truth=np.array([[0], [1], [0]])), None, None).tolist() == [0, 1, 0]
    owed = automaton(due=np.array([[0.0], [0.0], [2.0]]))
    assert merging.merge_one(automaton(), owed, None).tolist() == [0, 1, 1]
    assert merging.merge_repeated(owed).tolist() == [0, 1, 1]
