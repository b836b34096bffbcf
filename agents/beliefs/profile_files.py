"""Read and write profile files; their schema is in `dynmech.agents.beliefs.profile_schema`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from dynmech.agents.beliefs.profile_schema import SCHEMA, MemoryFile, PeriodFile, ProfileFile
from dynmech.agents.beliefs.profiles import Profile, places, prescribed_profile, pure
from dynmech.agents.beliefs.recall import NOTHING
from dynmech.agents.beliefs.strategy_tables import strategy_chances
from dynmech.agents.strategies.base import Strategy
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray, IntArray, first, index_text
from dynmech.sim.core.checks import check_law, check_shape, field_path, on_one_line, shown
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.json_files import first_problem, numbers, read_json
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.whole_files import write_whole

Named = Callable[[str], Strategy]
"""From a strategy's name with options to the strategy."""


def load_profile(path: str | Path, game: FiniteGame, named: Named) -> Profile:
    """Read a profile file for a game.

    Raises:
        InputError: the file cannot be read, is not JSON, or a field is wrong; the message names the field.
        Refusal: it does not fit the economy or the mechanism; the message names the first difference.
    """
    where = on_one_line(str(path))
    try:
        return profile_from_data(read_json(Path(path), "a profile"), game, named)
    except Refusal as error:
        raise Refusal(f"{where}: {error}") from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def profile_from_data(data: Any, game: FiniteGame, named: Named) -> Profile:
    """Return the profile in a file's parsed JSON; raise at the first bad field."""
    if not isinstance(data, dict):
        raise InputError(f"a profile is a JSON object, not a {type(data).__name__}")
    try:
        parsed = ProfileFile.model_validate(data)
    except ValidationError as error:
        raise InputError(first_problem(error)) from None
    if parsed.schema_ != SCHEMA:
        raise InputError(f"schema: {shown(parsed.schema_)} is unknown, expected {SCHEMA}")
    environment = game.environment
    for field, wanted, given in (
        ("agents", list(environment.agents), parsed.agents),
        ("horizon", environment.horizon, parsed.horizon),
    ):
        if wanted != given:
            raise Refusal(f"{field}: {shown(given)}, environment {environment.name!r} has {shown(wanted)}")
    for name in parsed.strategies:
        if name not in environment.agents:
            raise InputError(
                f"{field_path(['strategies', name])}: no such agent; agents: {', '.join(environment.agents)}"
            )
    base = prescribed_profile(game, parsed.recall, parsed.periods)
    columns: list[list[FloatArray]] = []
    names = []
    for i, name in enumerate(environment.agents):
        chances, called = _strategy(base, i, parsed.strategies.get(name, "truthful"), named)
        columns.append(chances)
        names.append(called)
    chances_by_entry = tuple(zip(*columns, strict=True))
    return Profile(game, parsed.recall, base.recalled, chances_by_entry, tuple(names), parsed.periods)


def _strategy(base: Profile, agent: int, given: str | list[PeriodFile], named: Named) -> tuple[list[FloatArray], str]:
    """Return one agent's chances per entry, and what its strategy is called."""
    game = base.game
    where = field_path(["strategies", game.environment.agents[agent]])
    if isinstance(given, str):
        try:
            strategy = named(given)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        return strategy_chances(game, strategy, agent, base.recalled, base.recall), strategy.key()
    if len(given) != game.entries:
        why = "the first period and the one that repeats" if game.environment.horizon is None else "one per period"
        raise InputError(f"{where}: {len(given)} entries, expected {game.entries}: {why}")
    return [_period(base, t, agent, period, f"{where}[{t}]") for t, period in enumerate(given)], "a table"


def _period(base: Profile, t: int, agent: int, period: PeriodFile, where: str) -> FloatArray:
    """Return one period's chances, `(H, O, K, R)`; what is not in the file is as prescribed."""
    stage = base.game.environment.stage(t)
    messages = message_labels(base.game, t, agent)
    for field, wanted, given in (
        ("signals", list(stage.signals[agent]), period.signals),
        ("messages", list(messages), period.messages),
        ("public", list(stage.public), period.public),
    ):
        if wanted != given:
            raise Refusal(f"{where}.{field}: {shown(given)}, the game has {shown(wanted)}")
    rows, of_row = own_rows(base, t, agent)
    listed = _listed(base, t, agent, rows, period, where)
    axes = (len(listed), *((len(stage.public),) if stage.public else ()), len(period.signals))
    sent = _chances(period.send, axes, len(messages), f"{where}.send")
    out = base.chances[t][agent].copy()
    sent = sent.reshape(len(listed), *out.shape[1:])
    place = np.full(len(rows), NOTHING)
    for k, row in enumerate(listed):
        if place[row] != NOTHING:
            raise InputError(f"{where}.memories[{k}]: it stands there twice")
        place[row] = k
    told = place[of_row] != NOTHING
    out[told] = sent[place[of_row[told]]]
    return out


def _chances(send: list[Any], axes: tuple[int, ...], messages: int, where: str) -> FloatArray:
    """Return chances from messages or chances; refuse numbers that are neither."""
    table = numbers(send, where)
    if table.ndim == len(axes):
        check_shape(table, axes, where)
        bad = (table != np.round(table)) | (table < 0) | (table >= messages)
        if bad.any():
            at = first(bad)
            raise InputError(f"{where}{index_text(at)}: {table[at]:g} is none of the messages 0 … {messages - 1}")
        return pure(table.astype(np.intp), messages)
    check_shape(table, (*axes, messages), where)
    check_law(table, where, 1)
    return table / table.sum(axis=-1, keepdims=True)


def message_labels(game: FiniteGame, t: int, agent: int) -> tuple[str, ...]:
    """Return the labels of an agent's messages in an entry."""
    space = game.mechanism.messages(t, agent)
    assert isinstance(space, Finite)
    return space.labels


def own_rows(profile: Profile, t: int, agent: int) -> tuple[IntArray, IntArray]:
    """Return what one agent recalls, `(h, 1 + 3P)`, and the one of each number, `(H,)`."""
    known, own = profile.recalled[t], []
    for back in range(1, known.periods + 1):
        felt = known.rows[:, 3 * back]
        some = felt != NOTHING
        signals = np.full(len(felt), NOTHING)
        if some.any():
            signals[some] = places(profile.game, entry_before(profile.game, t, back))[1][agent][felt[some]]
        own.append(signals)
    return known.own(own)


def entry_before(game: FiniteGame, t: int, back: int) -> int:
    """Return the entry whose labels the period so many before has."""
    return t - back if game.environment.horizon is not None else min(t, 1)


def memory_data(profile: Profile, t: int, agent: int, row: IntArray) -> dict[str, Any]:
    """Return what an agent recalls by labels, as in a file."""
    game = profile.game
    data: dict[str, Any] = {"memory": int(row[0])}
    periods = [
        _past_data(game, entry_before(game, t, back), agent, row[3 * back - 2 : 3 * back + 1])
        for back in range(1, len(row) // 3 + 1)
        if row[3 * back - 2] != NOTHING
    ]
    if periods:
        data |= periods[0]
    return data | ({"earlier": periods[1:]} if len(periods) > 1 else {})


def _past_data(game: FiniteGame, before: int, agent: int, past: IntArray) -> dict[str, Any]:
    """Return a period that is over by labels."""
    sent, decided, felt = (int(k) for k in past)
    stage, data = game.environment.stage(before), dict[str, Any]()
    public, *messages = (int(k) for k in np.unravel_index(sent, game.tables[before].shape))
    data["reports"] = [message_labels(game, before, j)[k] for j, k in enumerate(messages)]
    data["decision"] = stage.decisions[decided]
    if stage.public:
        data["public"] = stage.public[public]
    if felt != NOTHING:
        data["signal"] = stage.signals[agent][felt]
    return data


def _listed(base: Profile, t: int, agent: int, rows: IntArray, period: PeriodFile, where: str) -> list[int]:
    """Return which of an agent's rows the file's memories are."""
    if period.memories is None:
        if base.recall != "none" and t:
            raise InputError(f"{where}.memories: missing; with recall {base.recall!r} every row says what it is for")
        return list(range(len(rows)))
    known = {_key(MemoryFile(**memory_data(base, t, agent, row))): k for k, row in enumerate(rows)}
    out = []
    for k, memory in enumerate(period.memories):
        row = known.get(_key(memory))
        if row is None:
            given = memory.model_dump(exclude_none=True)
            raise InputError(f"{where}.memories[{k}]: {shown(given, 120)} is nothing that can be recalled there")
        out.append(row)
    return out


def _key(memory: MemoryFile) -> str:
    """Return a memory as one text; a file may hold halves of characters, which pydantic's own JSON does not."""
    return json.dumps(memory.model_dump())


def save_profile(profile: Profile, path: str | Path) -> None:
    """Write a profile file; it is complete or absent, never half written."""
    write_whole(Path(path), json.dumps(profile_to_data(profile)) + "\n")


def profile_to_data(profile: Profile) -> dict[str, Any]:
    """Return what the file holds, as plain data."""
    environment = profile.game.environment
    strategies: dict[str, Any] = {}
    for i, name in enumerate(environment.agents):
        strategies[name] = [_period_data(profile, t, i) for t in range(profile.game.entries)]
    return {
        "schema": SCHEMA,
        "kind": "profile",
        "agents": list(environment.agents),
        "horizon": environment.horizon,
        "recall": profile.recall,
        **({"periods": profile.periods} if profile.periods > 1 else {}),
        "strategies": strategies,
    }


def _period_data(profile: Profile, t: int, agent: int) -> dict[str, Any]:
    """Return one agent's chances in an entry as plain data; messages alone where nothing is drawn."""
    stage = profile.game.environment.stage(t)
    rows, of_row = own_rows(profile, t, agent)
    chances = profile.chances[t][agent][np.unique(of_row, return_index=True)[1]]
    if not stage.public:
        chances = chances[:, 0]
    certain = bool(((chances == 0) | (chances == 1)).all())
    data: dict[str, Any] = {
        "signals": list(stage.signals[agent]),
        "messages": list(message_labels(profile.game, t, agent)),
    }
    if stage.public:
        data["public"] = list(stage.public)
    data["memories"] = [memory_data(profile, t, agent, row) for row in rows]
    return data | {"send": chances.argmax(axis=-1).tolist() if certain else chances.tolist()}
