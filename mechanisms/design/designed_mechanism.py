"""A design written out as a mechanism: decision rule, transfers and memory as tables."""

import numpy as np

from dynmech.mechanisms.design.goals import Goals
from dynmech.mechanisms.design.history_rule import HistoryRule
from dynmech.mechanisms.design.public_nodes import Entry
from dynmech.mechanisms.design.seeking import Found, Task
from dynmech.mechanisms.tables.tabulated_mechanism import MechanismTables, PeriodTable, TabulatedMechanism
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Promises

NAME = "designed"
SOURCE = "made by dynmech design"


def designed_mechanism(asked: Task, found: Found) -> TabulatedMechanism:
    """Return the mechanism that pays what was found."""
    environment, nodes = asked.environment, asked.nodes
    sizes = [asked.problem.environment.stage(t).size for t in nodes.tables]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
    plain = asked.goals.memory.kind == "none"
    periods = []
    if environment.horizon is None:
        offsets = [0, 0, *np.cumsum([len(entry.keys) for entry in nodes.entries[1:]]).tolist()]
        pieces = [nodes.entries[:1], nodes.entries[:1] if plain else nodes.entries[1:]]
        for part in pieces:
            periods.append(_period(asked, found, list(part), starts, offsets, plain))
    else:
        zeros = [0] * (len(nodes.entries) + 1)
        periods = [_period(asked, found, [entry], starts, zeros, plain) for entry in nodes.entries]
    tables = MechanismTables(
        name=NAME,
        source=SOURCE,
        promises=promises_of(asked.goals, asked.problem.rule.name == "efficient", environment),
        lags=0,
        bound=found.largest,
        periods=tuple(periods),
    )
    return TabulatedMechanism(environment, tables)


def _period(
    asked: Task, found: Found, entries: list[Entry], starts: IntArray, offsets: list[int], plain: bool
) -> PeriodTable:
    """Return the tables of a period: the nodes of its entries, one after the other, are the memories."""
    environment, rule, t = asked.environment, asked.problem.rule, entries[0].t
    stage, k = environment.stage(t), asked.problem.rule.at(t)
    drawn, decisions = rule.drawn[k], len(stage.decisions)
    lots = rule.lots[t] if isinstance(rule, HistoryRule) else rule.table(t, decisions)
    certain = rule.certain
    charge, remember = [], []
    for entry in entries:
        tables = entry.table[:1] if plain else entry.table
        charge.append(_charge(found, tables, starts, stage.size))
        then = np.zeros((len(tables), stage.size, 1 if certain else decisions), np.intp)
        if entry.after is not None and not plain:
            following = entry.following + offsets[entry.after]
            if certain:
                draw = lots.argmax(axis=-1) if isinstance(rule, HistoryRule) else np.zeros(stage.size, np.intp)
                then[..., 0] = np.take_along_axis(following, np.broadcast_to(draw, then.shape[:2])[..., None], 2)[
                    ..., 0
                ]
            else:
                for draw in range(drawn.shape[1]):
                    some = np.flatnonzero(rule.chance[k][:, draw] > 0)
                    then[:, some, drawn[some, draw]] = following[:, some, draw]
        remember.append(then)
    return _table(environment, t, np.concatenate(charge, axis=1), np.concatenate(remember), lots, certain)


def _charge(found: Found, tables: IntArray, starts: IntArray, size: int) -> FloatArray:
    """Return the transfers `(N, M, S)` of some tables."""
    places = starts[tables][:, None] + np.arange(size)
    return np.stack([own[places] for own in found.transfers])


def _table(
    environment: TableEnvironment, t: int, charge: FloatArray, remember: IntArray, chances: FloatArray, certain: bool
) -> PeriodTable:
    """Return the tables in the form that mechanism files have."""
    stage, count = environment.stage(t), len(environment.agents)
    chances = np.broadcast_to(chances, (remember.shape[0], *chances.shape[-2:]))
    memories, publics = remember.shape[0], max(len(stage.public), 1)
    drawn = remember.shape[2]
    paid = np.broadcast_to(charge[..., None], (*charge.shape, drawn)).copy()
    if not certain:
        paid *= chances[None] > 0
    signals = tuple(stage.signals)
    return PeriodTable(
        publics=publics,
        messages=signals,
        prescribed=tuple(
            np.broadcast_to(np.arange(len(labels)), (memories, publics, len(labels))).copy() for labels in signals
        ),
        default=tuple(np.zeros((memories, publics), np.intp) for _ in signals),
        decide=chances.argmax(axis=2) if certain else None,
        lottery=None if certain else chances.copy(),
        charge=paid[..., None],
        due=np.zeros((count, memories, stage.size)),
        remember=remember[..., None],
        sees=(None,) * count,
        replies=(None,) * count,
        reply=tuple(np.zeros((memories, stage.size, drawn), np.intp) for _ in signals),
    )


def promises_of(goals: Goals, efficient: bool, environment: TableEnvironment) -> Promises:
    """Return what a design promises, as far as an audit has words for it."""
    free = not any(stage.cost_table.any() for stage in environment.stages)
    budget = "none"
    if goals.budget != "none" and free:
        budget = {"ex-ante": "ex ante", "period": "expected period", "ex-post": "no deficit"}[goals.budget_level]
        budget = "ex post" if (goals.budget, goals.budget_level) == ("balanced", "ex-post") else budget
    stays = {"ex-ante": "ex ante", "interim": "interim", "ex-post": "ex post"}.get(goals.exit, "none")
    incentive = {"ex-post": "periodic ex post", "bayesian": "bayesian", "none": "none"}[goals.incentive]
    return Promises(incentive=incentive, budget=budget, participation=stays, efficient=efficient)
