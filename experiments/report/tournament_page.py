"""The page of a tournament: regret, who gains by leaving truth, equilibria, where a population goes, what it costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtri

from dynmech.experiments.figures.comparisons import farthest
from dynmech.experiments.report.drawing import chart, strips
from dynmech.experiments.report.stress_page import scatters
from dynmech.experiments.report.tournament_tables import (
    FEW,
    coalition_table,
    comparison_table,
    leaving_tables,
    payoff_table,
    profile_table,
    truth_table,
)
from dynmech.experiments.runs.moments import LEVEL
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import BREAKS, NOT_PROMISED, OUTSIDE_ASSUMPTIONS, WORDS
from dynmech.experiments.tournament.beside import NAMES
from dynmech.experiments.tournament.empirical import EmpiricalGame
from dynmech.experiments.tournament.equilibria import mixed
from dynmech.experiments.tournament.from_result import empirical_game, make_roles
from dynmech.experiments.tournament.population import Population
from dynmech.experiments.tournament.profiles import Profile, Role, label, moves
from dynmech.experiments.tournament.sentence import PREDICATES
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import TIE, descending, first_of

ROWS = 60
"""Profiles of a game that are listed."""

CELLS = 600
"""Payoffs up to which those of all profiles are listed; else those of the profiles that are."""

HALF = float(ndtri((1 + LEVEL) / 2))
"""Half-width of a 95 % interval, in standard errors."""

SECONDS = 10.0
"""What a search for mixed equilibria may take."""

MATRIX = 8
"""Strategies of a player up to which payoffs of two are shown as a matrix."""

PLACES = 2
"""Economies of a sweep that are named in the headline; more are counted."""

SETTLED = 0.002
"""A population's path is drawn until no share is farther than this from where it ends."""


def tournament_context(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template's variables for a tournament."""
    truth = result["study"]["truth"]
    use = result["study"]["environment"]["use"]
    games = [{**_game(game, truth), "where": swept(game["environment"], use)} for game in result["games"]]
    by_status = {word: [game for game in games if game["verdict"] == word] for word in PREDICATES}
    verdicts = {word: found for word, found in by_status.items() if found}
    return {
        "games": games,
        "verdicts": verdicts,
        "grouped": {word: by_mechanism(found, games) for word, found in verdicts.items()},
        "predicates": PREDICATES,
        "gaining": _gaining(games),
        "exactly": _exactly(games),
        "worst": _worst(games),
        "words": WORDS,
        "several": len({game["environment"] for game in games}) > 1,
        "farthest": farthest([row for game in games for row in _comparisons(game)], NAMES[1:]),
        **_tables(games, len({game["environment"] for game in games}) > 1),
    }


def _tables(games: Sequence[dict[str, Any]], several: bool) -> dict[str, Any]:
    """Return what truth is worth by mechanism, and what each strategy gains; each game gets its own tables."""
    for game in games:
        shown = profile_table(game)
        game["tables"] = {
            "profiles": shown.folded(FEW, "profiles that are listed"),
            "same": shown.remark,
            "coalitions": coalition_table(game).html("plain"),
            "comparisons": comparison_table(game).html(),
            "payoffs": payoff_table(game).html(),
        }
    left = any(game["deviations"] for game in games)
    return {
        "truth_table": truth_table(games, several).html(),
        "leaving_tables": [one.html() for one in leaving_tables(games, several)] if left else [],
    }


TOLD = (BREAKS, OUTSIDE_ASSUMPTIONS, NOT_PROMISED)
"""Statuses under which somebody gains, a broken promise first."""


def largest_exact(game: Mapping[str, Any]) -> float | None:
    """Return the most that any deviation from truth by all gains, exactly; None where there is no exact search."""
    gain: float | None = max(game["exact"]["gains"].values(), default=None)
    return gain


def _exactly(games: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the game in which an exact best response gains most, that of a broken promise first; None: none gains."""
    return _first(games, lambda game: game["exact"]["found"] == BREAKS, lambda game: game["exact_gain"])


def _worst(games: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the game in which truth has the largest regret among the strategies played; None: it surely has none."""
    seen = [game for game in games if game["truth"]]
    return _first(seen, lambda game: game["truth"]["verdict"] == BREAKS, lambda game: game["truth"]["value"])


def _first(
    games: Sequence[Mapping[str, Any]],
    gaining: Callable[[Mapping[str, Any]], bool],
    gain: Callable[[Mapping[str, Any]], float],
) -> dict[str, Any] | None:
    """Return the game with the largest gain of the first status under which somebody gains."""
    for word in TOLD:
        if found := [game for game in games if game["verdict"] == word and gaining(game)]:
            chosen = first_of(found, gain)
            return dict(chosen)
    return None


def _comparisons(game: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return simulated gains beside exact ones, with what tells them from those of other games."""
    return [{**row, "mechanism": game["mechanism"]} for row in game["comparisons"]]


def by_mechanism(found: Sequence[Mapping[str, Any]], games: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return games grouped by mechanism, each with its economies (empty where there is only one)."""
    places = len({game["where"] for game in games})
    out = []
    for mechanism in dict.fromkeys(game["mechanism"] for game in found):
        at = [game["where"] for game in found if game["mechanism"] == mechanism]
        some = f"{len(at)} of {places} economies" if len(at) > PLACES else " and ".join(at)
        every = f"all {places} economies" if places > 1 else ""
        out.append({"mechanism": mechanism, "at": every if len(at) == places else some})
    return out


def _gaining(games: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the coalitions that gain under some mechanism, each at its largest gain, the largest first."""
    most: dict[tuple[str, str], dict[str, Any]] = {}
    for game in games:
        for one in filter(coalition_gains, game["coalitions"]):
            key = game["mechanism"], one["name"]
            if key not in most or one["exact"] > most[key]["exact"] * (1 + TIE):
                most[key] = {**one, "game": game}
    found = list(most.values())
    return [found[k] for k in descending([one["exact"] for one in found])]


def swept(environment: str, use: str) -> str:
    """Return the swept options in the text of an economy of a sweep."""
    own = environment.removeprefix(use)[1:]
    return own or environment


def coalition_gains(row: Mapping[str, Any]) -> bool:
    """Return whether a coalition's exact gain is more than rounding."""
    return bool(row.get("gains"))


def _game(game: Mapping[str, Any], truth: str) -> dict[str, Any]:
    roles, whole = make_roles(game), empirical_game(game)
    everybody = label(tuple((truth,) * len(role.agents) for role in roles), roles)
    rows = sorted(game["profiles"], key=lambda row: (not row["regret_known"], row["regret"] or 0.0))
    listed = rows[:ROWS]
    listed += [row for row in rows[ROWS:] if row["profile"] == everybody]
    names = {row["profile"] for row in listed}
    told = [row for row in game["payoffs"] if len(game["payoffs"]) <= CELLS or row["profile"] in names]
    return {
        **game,
        "exact_gain": largest_exact(game),
        "everybody": everybody,
        "listed": listed,
        "count": len(rows),
        "payoffs": [{**row, "half": None if row["error"] is None else HALF * row["error"]} for row in told],
        "matrix": _matrix(game, roles) if whole else None,
        "deviations": deviations(game, roles, truth),
        "replicator": replicator_charts(whole) if whole else [],
        "beaten": _beaten(game["dominated"]),
        "sizes": {role.name: len(role.agents) for role in roles},
        "example": spelled(next((n for n in (row["profile"] for row in listed) if "." in n), everybody), roles),
        "mixtures": _mixtures(whole) if whole and whole.players == 2 else None,
        **_money(listed, everybody, game["not_refuted"]),
    }


# Who gains by leaving truth


def deviations(game: Mapping[str, Any], roles: Sequence[Role], truth: str) -> dict[tuple[str, str], float]:
    """Return by role and strategy what one agent gains by playing it while all others are truthful."""
    payoffs = {(row["profile"], row["role"], row["strategy"]): row["payoff"] for row in game["payoffs"]}
    everybody = tuple((truth,) * len(role.agents) for role in roles)
    out = {}
    for move in moves(everybody, roles):
        name = roles[move.role].name
        here, there = (label(everybody, roles), name, move.old), (label(move.to, roles), name, move.new)
        if here in payoffs and there in payoffs:
            out[name, move.new] = payoffs[there] - payoffs[here]
    return out


# Equilibria


def spelled(name: str, roles: Sequence[Role]) -> tuple[str, list[tuple[str, str]]]:
    """Return a profile's name and its meaning: per role, how many of its agents play which strategy.

    >>> spelled("2-truth.1-low_late", [Role("buyer", (0, 1, 2), ("truth", "low")), Role("seller", (3,), ("late",))])
    ('2-truth.1-low_late', [('buyer', '2 play truth and 1 plays low'), ('seller', 'plays late')])
    """
    said = []
    for role, part in zip(roles, name.split("_"), strict=True):
        counts = [one.split("-", 1) for one in part.split(".")] if len(role.agents) > 1 else []
        words = [f"{n} {'plays' if n == '1' else 'play'} {strategy}" for n, strategy in counts]
        said.append((role.name, " and ".join(words) or f"plays {part}"))
    return name, said


def _beaten(dominated: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the dominated strategies, each with the one that dominates it most clearly, the clearest first."""
    surest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in sorted(dominated, key=lambda one: -one["interval"][0]):
        surest.setdefault((one["role"], one["old"]), one)
    return [{**one, "sure": one["interval"][0] > 0} for one in surest.values()]


def _matrix(game: Mapping[str, Any], roles: Sequence[Role]) -> dict[str, Any] | None:
    """Return both players' payoffs with half-widths, and whether each is a best reply; None if not a game of two."""
    if sum(len(role.agents) for role in roles) != 2 or max(len(role.strategies) for role in roles) > MATRIX:
        return None
    cells = {(row["profile"], row["role"], row["strategy"]): row for row in game["payoffs"]}
    mine, other = roles[0], roles[-1]
    table = {}
    for s in mine.strategies:
        for z in other.strategies:
            way: Profile = ((s,), (z,)) if len(roles) == 2 else (tuple(sorted((s, z), key=mine.strategies.index)),)
            name = label(way, roles)
            table[s, z] = [_entry(cells[name, mine.name, s]), _entry(cells[name, other.name, z])]
    for s in mine.strategies:
        _mark([table[s, z][1] for z in other.strategies])
    for z in other.strategies:
        _mark([table[s, z][0] for s in mine.strategies])
    return {"rows": mine.strategies, "columns": other.strategies, "cells": table, "names": (mine.name, other.name)}


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"payoff": row["payoff"], "half": None if row["error"] is None else HALF * row["error"], "best": False}


def _mark(entries: Sequence[dict[str, Any]]) -> None:
    """Mark the best replies."""
    best = max(entry["payoff"] for entry in entries)
    for entry in entries:
        entry["best"] = entry["payoff"] >= best - 1e-9


def _mixtures(game: EmpiricalGame) -> dict[str, Any]:
    """Return mixed equilibria of a game of two in words, and the remark of the search."""
    try:
        search = mixed(game, SECONDS)
    except InputError as error:
        return {"found": [], "note": str(error)}
    names = game.roles[0].strategies, game.roles[-1].strategies
    found = [
        {
            "players": [
                [(s, share) for s, share in zip(who, shares, strict=True) if share > 1e-3]
                for who, shares in zip(names, one.shares, strict=True)
            ],
            "payoffs": one.payoffs,
        }
        for one in search.found
    ]
    return {"found": found, "note": search.note}


@dataclass(frozen=True, eq=False)
class ReplicatorPath:
    """Shares of a role's strategies over steps of the replicator dynamics `(steps, strategies)`."""

    role: Role
    shares: FloatArray


def replicator_paths(game: EmpiricalGame) -> list[ReplicatorPath]:
    """Return replicator dynamics from equal shares until the shares settle, one path per role."""
    population = Population(game)
    steps = population.replicator(population.even())
    paths = [ReplicatorPath(role, np.array([step[r] for step in steps])) for r, role in enumerate(game.roles)]
    off = np.max([np.abs(path.shares - path.shares[-1]).max(axis=1) for path in paths], axis=0)
    last = max(4, int(np.flatnonzero(off > SETTLED).max(initial=0)) + 2)
    return [replace(path, shares=np.vstack([path.shares[:last], path.shares[-1:]])) for path in paths]


def replicator_charts(game: EmpiricalGame) -> list[dict[str, Any]]:
    """Return a chart of replicator dynamics per role."""
    out = []
    for path in replicator_paths(game):
        if len(path.role.strategies) < 2:
            continue
        at = np.unique(np.linspace(0, len(path.shares) - 1, 120).round().astype(int))
        series = [
            {
                "name": name,
                "label": f"{name if len(name) <= 18 else name[:17] + '…'} {100 * path.shares[-1, k]:.1f} %",
                "xs": at.tolist(),
                "ys": path.shares[at, k].tolist(),
            }
            for k, name in enumerate(path.role.strategies)
        ]
        out.append({"role": path.role.name, "chart": chart(series, "step", "share", (0.0, 1.0))})
    return out


# Welfare, revenue, budget


def _money(rows: Sequence[Mapping[str, Any]], everybody: str, sure: Sequence[str]) -> dict[str, Any]:
    """Return strips and scatter plots for the table of profiles."""
    best = rows[0]["first_best"]
    columns = {
        "welfare": strips([r["welfare"] for r in rows], [r["welfare_half_width"] for r in rows], (0.0, best)),
        "revenue": strips([r["revenue"] for r in rows], [r["revenue_half_width"] for r in rows]),
        "budget": strips([row["worst_deficit"] for row in rows]),
        "net": strips([r["net_revenue"] for r in rows], [r["net_revenue_half_width"] for r in rows]),
        "regret": _regret_strips(rows),
    }
    told = {everybody, *sure[:6]}
    points = [
        {
            "label": row["profile"] if row["profile"] in told or len(rows) <= FEW else "",
            "name": row["profile"],
            "kind": "breaks" if row["profile"] == everybody else ("holds" if row["profile"] in sure else "plain"),
            **{key: row[key] for key in ("welfare", "revenue", "worst_deficit")},
        }
        for row in rows
    ]
    return {"strips": columns, "scatters": scatters(points), "net": has_costs(rows)}


def _regret_strips(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any] | None]:
    """Return strips of regrets with their intervals, which need not be symmetric."""
    n, keys = len(rows), ("regret", "regret_low", "regret_high")
    drawn = strips([row[key] for key in keys for row in rows])
    return [
        regret and {**regret, "low": low["at"] if low else 0.0, "high": high["at"] if high else 100.0}
        for regret, low, high in zip(drawn[:n], drawn[n : 2 * n], drawn[2 * n :], strict=True)
    ]
