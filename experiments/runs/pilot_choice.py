"""Choose what a stress test plays: per mechanism, agent and family the member that gains most in a pilot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.experiments.catalog.names import STRATEGIES, is_shipped, make_strategy
from dynmech.experiments.catalog.options import options_of
from dynmech.experiments.runs.loading import hold_to_word
from dynmech.experiments.runs.shards import users_code
from dynmech.experiments.runs.simulation import (
    Advance,
    Case,
    Progress,
    Sampling,
    blaming,
    lone_deviation,
    path_names,
    pilot,
    slug,
)
from dynmech.experiments.searches.exact import Exact
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pieces import attribute_error
from dynmech.experiments.workers.pool import Call, Done, Workers
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.ties import first_of
from dynmech.sim.log.run_folder import RunFolder
from dynmech.sim.play.game import Game, shortened

PILOT = 600
"""Episodes per candidate in the pilot."""

PILOT_LEFT = 0.02
"""Share of all discounted weight that the pilot leaves out of an infinite horizon."""

TRIED = 40
"""Candidates per family and agent; of more, evenly spaced ones are tried."""


@dataclass(frozen=True)
class Contest:
    """One mechanism's part of a stress test.

    Attributes:
        tried: how many candidates each case was chosen from, by its key.
        words: what each case's deviator does, by the case's key.
    """

    mechanism: str
    game: Game
    cases: tuple[Case, ...]
    tried: dict[str, int]
    words: dict[str, str]
    exact: Exact


def choose(
    games: dict[str, Game],
    families: Sequence[type[Strategy]],
    exact: Mapping[str, Exact],
    sampling: Sampling,
    folder: RunFolder,
    workers: Workers,
    progress: Progress,
) -> list[Contest]:
    """Choose the members that are played and note them in the run folder; a family that fails is recorded there too.

    Args:
        exact: what was searched, by mechanism.
    """
    stored: dict[str, Any] = dict(folder.data.get("chosen", {}))
    missing = {mechanism: game for mechanism, game in games.items() if mechanism not in stored}
    if missing:
        advance = progress("looking for deviations", len(missing) * len(families) * len(_agents(games)))
        for mechanism, entries, whole in _pilots(missing, families, sampling, folder, workers, advance):
            stored[mechanism] = entries
            if whole:  # a mechanism under which a family failed is looked at again by the next call
                kept = folder.data.get("chosen", {}) | {mechanism: entries}
                folder.note(chosen={name: kept[name] for name in games if name in kept})
    return [_contest(mechanism, game, stored[mechanism], exact[mechanism]) for mechanism, game in games.items()]


def _agents(games: dict[str, Game]) -> tuple[str, ...]:
    """The agents, the same in all games."""
    return tuple(next(iter(games.values())).environment.agents)


def _pilots(
    games: dict[str, Game],
    families: Sequence[type[Strategy]],
    sampling: Sampling,
    folder: RunFolder,
    workers: Workers,
    advance: Advance,
) -> Iterator[tuple[str, list[dict[str, Any]], bool]]:
    """Yield, per finished mechanism, the members chosen, in order, and whether no family failed."""
    picked: dict[tuple[str, int, int], dict[str, Any] | None] = {}
    failed: set[str] = set()
    spoilt: set[str] = set()
    left = dict.fromkeys(games, len(families) * len(_agents(games)))
    trial = replace(sampling, episodes=PILOT, shard=PILOT)
    for result in workers.run(_calls(games, families, trial, spoilt)):
        mechanism, _, index = result.key
        if result.answer.error is None:
            picked[result.key] = result.answer.value
        elif str(result.answer.error) != SPOILT:
            _record(folder, games[mechanism], families[index], result, spoilt)
        if result.answer.error is not None:
            failed.add(mechanism)
        advance(1)
        left[mechanism] -= 1
        if not left[mechanism]:
            entries = [picked[key] for key in sorted(key for key in picked if key[0] == mechanism)]
            yield mechanism, [entry for entry in entries if entry is not None], mechanism not in failed


def _record(folder: RunFolder, game: Game, family: type[Strategy], result: Done, spoilt: set[str]) -> None:
    """Record a family that failed; an error in dynmech's own code is raised, unless its process was killed."""
    users = [] if is_shipped(family) else [f"strategy {family.name!r}"]
    users = users or users_code(game)
    error = result.answer.error
    assert error is not None
    if not users and not result.answer.bare:
        raise error
    if not is_shipped(family) and result.answer.bare:
        spoilt.add(family.name)
    mechanism, agent, _ = result.key
    who = path_names(game.environment.agents)[agent]
    folder.fail(
        f"mechanism={slug(mechanism)}/case={who}.{slug(family.name)}", attribute_error(users, result), result.tries
    )


def _calls(
    games: dict[str, Game], families: Sequence[type[Strategy]], trial: Sampling, spoilt: set[str]
) -> Iterator[Call]:
    for mechanism, game in games.items():
        short = shortened(game, PILOT_LEFT)
        ours = not users_code(game)
        for agent in range(len(game.environment.agents)):
            for index, family in enumerate(families):
                thing = (short, agent, family)
                users = not (ours and is_shipped(family))
                if family.name in spoilt:  # it was ended from outside once: it would cost as much again
                    yield Call((mechanism, agent, index), _spoilt, thing, partial(Parcel.of, None), (trial,))
                    continue
                yield Call((mechanism, agent, index), pick, thing, partial(Parcel.of, thing), (trial,), users)


SPOILT = "not tried again"


def _spoilt(*_: Any) -> None:
    raise InputError(SPOILT)


def pick(thing: tuple[Game, int, type[Strategy]], trial: Sampling) -> dict[str, Any] | None:
    """Return the member of a family with the largest mean gain, as plain data; None if it has no candidates."""
    game, agent, family = thing
    cases = candidates(game, agent, family)
    if not cases:
        return None
    for case in cases:
        hold_to_word(game, case)
    gains = pilot(game, cases, trial)
    best = first_of(cases, lambda case: float(gains[case.key][agent].mean())).strategies[agent]
    with blaming(f"strategy {best.name!r}, describe", sure=True):
        words = best.describe(AgentContext.of(game, agent))
        if not isinstance(words, str):
            raise PlayError(f"strategy {best.name!r}, describe: returned {shown(words)}, expected words")
    return {"agent": agent, "strategy": _typed(best), "tried": len(cases), "words": str(words)}


def candidates(game: Game, agent: int, family: type[Strategy]) -> list[Case]:
    """Return at most `TRIED` candidates of a family for an agent, evenly spaced among all."""
    with blaming(f"strategy {family.name!r}, candidates", sure=True):
        members = list(family.candidates(AgentContext.of(game, agent)))
    if len(members) > TRIED:
        members = [members[k] for k in np.linspace(0, len(members) - 1, TRIED).round().astype(int)]
    return [lone_deviation(game, agent, member, f"{agent}.{family.name}.{k}") for k, member in enumerate(members)]


def _typed(strategy: Strategy) -> str:
    """Return a strategy's text; it is logged under it, so the text must give the strategy back."""
    with blaming(f"strategy {strategy.name!r}, options", sure=True):
        key = strategy.key()
    try:
        again = make_strategy(key).key()
    except InputError as error:
        raise PlayError(f"strategy {strategy.name!r}: its options() do not make it again: {error}") from None
    if again != key:
        raise PlayError(f"strategy {strategy.name!r}: its options() do not make it again: {key} becomes {again}")
    return key


def _contest(mechanism: str, game: Game, chosen: Sequence[dict[str, Any]], exact: Exact) -> Contest:
    """Return the cases of the members chosen and of the exact best responses that gain something."""
    cases, tried_, words = [], {}, {}
    for entry in chosen:
        case = lone_deviation(game, entry["agent"], make_strategy(entry["strategy"]))
        cases.append(case)
        tried_[case.key], words[case.key] = entry["tried"], entry["words"]
    for agent, witness in exact.witnesses.items():
        case = lone_deviation(game, agent, witness)
        cases.append(case)
        tried_[case.key], words[case.key] = 1, witness.describe(AgentContext.of(game, agent))
    return Contest(mechanism, game, tuple(cases), tried_, words, exact)


def untried(families: Sequence[type[Strategy]]) -> dict[str, str]:
    """Return families that cannot be tried, with the reason: an option without default, or a broken package."""
    out = STRATEGIES.unavailable()
    for cls in families:
        needs = [name for name, p in options_of(cls).items() if p.default is p.empty]
        if needs and "candidates" not in cls.__dict__:
            out[cls.name] = f"it needs {needs[0]}; give it a default, or define candidates()"
    return out
