"""A mechanism file's parsed JSON turned into tables, checked field by field against the economy that it is for."""

from math import prod
from typing import Any

import numpy as np
from pydantic import ValidationError

from dynmech.mechanisms.tables.mechanism_schema import SCHEMA, MechanismFile, PeriodFile, PromisesFile
from dynmech.mechanisms.tables.tabulated_mechanism import MechanismTables, PeriodTable, act_axes
from dynmech.sim.core.arrays import Array, FloatArray, IntArray, first, index_text
from dynmech.sim.core.checks import check_finite, check_law, check_names, check_shape, check_text, shown
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.json_files import first_problem, numbers
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.ties import TIE, scale_of
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.stage import Stage
from dynmech.sim.play.roles import Promises


def message_axes(stage: Stage, messages: tuple[tuple[str, ...], ...]) -> tuple[int, ...]:
    """Return the axes of a message profile as they stand in a file."""
    sizes = tuple(len(labels) for labels in messages)
    return (len(stage.public), *sizes) if stage.public else sizes


def act_tail(axes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axis of acts as it stands in a file: none where there are none."""
    return (prod(axes),) if prod(axes) > 1 else ()


def mechanism_from_data(data: Any, environment: Environment) -> MechanismTables:
    """Return the tables in a file's parsed JSON, for an economy; raise InputError at the first bad field."""
    if not isinstance(data, dict):
        raise InputError(f"a mechanism is a JSON object, not a {type(data).__name__}")
    if "stages" in data and "kind" not in data:
        raise InputError('this is an environment file; a mechanism file has "kind": "mechanism"')
    try:
        parsed = MechanismFile.model_validate(data)
    except ValidationError as error:
        raise InputError(first_problem(error)) from None
    if parsed.schema_ != SCHEMA:
        raise InputError(f"schema: {shown(parsed.schema_)} is unknown, expected {SCHEMA}")
    check_names([parsed.name], "name")
    check_text(parsed.source, "source")
    if not isinstance(environment, TableEnvironment):
        raise Refusal(f"mechanism {parsed.name!r} does not fit environment {environment.name!r}: it is not finite")
    _require_fit(parsed, environment)
    periods = tuple(_period(parsed, t, environment) for t in range(len(parsed.periods)))
    largest = max(float(np.abs(p.charge + p.due[..., None, None]).max(initial=0.0)) for p in periods)
    bound = largest if parsed.transfer_bound is None else parsed.transfer_bound
    if not bound >= largest - TIE * scale_of(largest):
        raise InputError(f"transfer_bound: {bound:g}, but a payment of {largest:g} stands in the tables")
    later = any(p.due.any() for p in periods)
    lags = int(later) if parsed.lags is None else parsed.lags
    if lags < 0 or (not lags and later and environment.horizon is None):
        raise InputError(f"lags: {lags}, but payments fall due later; 1 or more is needed")
    return MechanismTables(parsed.name, parsed.source, _promises(parsed.promises), lags, bound, periods)


def _promises(parsed: PromisesFile) -> Promises:
    return Promises(parsed.incentive, parsed.budget, parsed.participation, parsed.efficient, tuple(parsed.assumptions))


def _require_fit(parsed: MechanismFile, environment: TableEnvironment) -> None:
    """Raise a Refusal at the first thing that is otherwise in the economy."""
    entries = 2 if environment.horizon is None else environment.horizon
    _same(list(environment.agents), parsed.agents, "agents", environment)
    _same(environment.horizon, parsed.horizon, "horizon", environment)
    if len(parsed.periods) != entries:
        why = "the first period and the one that repeats" if environment.horizon is None else "one per period"
        raise InputError(f"periods: {len(parsed.periods)} entries, expected {entries}: {why}")
    for t, period in enumerate(parsed.periods):
        stage = environment.stage(t)
        _same(list(stage.public), period.public, f"periods[{t}].public", environment)
        _same([list(labels) for labels in stage.signals], period.signals, f"periods[{t}].signals", environment)
        _same(list(stage.decisions), period.decisions, f"periods[{t}].decisions", environment)


def _same(wanted: object, given: object, where: str, environment: TableEnvironment) -> None:
    """Raise a Refusal unless what the file says is what the economy has."""
    if given != wanted:
        raise Refusal(f"{where}: {shown(given)}, environment {environment.name!r} has {shown(wanted)}")


def _period(parsed: MechanismFile, t: int, environment: TableEnvironment) -> PeriodTable:
    """Return one period's tables, checked."""
    period, stage, where = parsed.periods[t], environment.stage(t), f"periods[{t}]"
    count = len(environment.agents)
    if period.memory < 1:
        raise InputError(f"{where}.memory: {period.memory} is below 1")
    for name in ("messages", "prescribed", "default", "sees", "replies", "reply"):
        given = getattr(period, name)
        if given is not None and len(given) != count:
            raise InputError(f"{where}.{name}: {len(given)} entries for {count} agents, expected one each")
    messages = _messages(period, stage, where)
    axes = (period.memory, *message_axes(stage, messages))
    publics = (len(stage.public),) if stage.public else ()
    sees, replies = _asked(period, environment, t, where)
    decide, lottery = _decisions(period, axes, len(stage.decisions), where)
    draws = () if lottery is None else (len(stage.decisions),)
    tail = (*draws, *act_tail(act_axes(sees, replies)))
    flat = (period.memory, prod(axes[1:]), prod(draws), prod(act_axes(sees, replies)))
    require_room(f"{where}: tables of {prod(flat):,} cases for {count} agents", (count + 1.0) * prod(flat))
    after = _after(parsed, t, environment)
    return PeriodTable(
        publics=max(len(stage.public), 1),
        messages=messages,
        prescribed=_prescribed(period, stage, messages, publics, where),
        default=tuple(
            _indices(
                _of(period.default, i), (period.memory, *publics), len(messages[i]), f"{where}.default[{i}]"
            ).reshape(period.memory, -1)
            for i in range(count)
        ),
        decide=decide,
        lottery=lottery,
        charge=_amounts(period.charge, (count, *axes, *tail), f"{where}.charge").reshape(count, *flat),
        due=_amounts(period.due, (count, *axes), f"{where}.due").reshape(count, *flat[:2]),
        remember=_indices(period.remember, (*axes, *tail), after, f"{where}.remember").reshape(flat),
        sees=sees,
        replies=replies,
        reply=tuple(
            _indices(_of(period.reply, i), (*axes, *draws), len(replies[i] or "0"), f"{where}.reply[{i}]").reshape(
                flat[:3]
            )
            for i in range(count)
        ),
    )


def _after(parsed: MechanismFile, t: int, environment: TableEnvironment) -> int:
    """Return how many memories the period after entry t has."""
    if environment.horizon is None:
        return parsed.periods[1].memory
    return parsed.periods[t + 1].memory if t + 1 < len(parsed.periods) else 1


def _messages(period: PeriodFile, stage: Stage, where: str) -> tuple[tuple[str, ...], ...]:
    """Return the labels of messages: those given, else the signals."""
    if period.messages is None:
        return stage.signals
    for i, labels in enumerate(period.messages):
        check_names(labels, f"{where}.messages[{i}]")
    return tuple(tuple(labels) for labels in period.messages)


def _prescribed(
    period: PeriodFile, stage: Stage, messages: tuple[tuple[str, ...], ...], publics: tuple[int, ...], where: str
) -> tuple[IntArray, ...]:
    """Return the prescribed messages, `(M, O, K_i)` each: those given, else the truth."""
    out = []
    for i, labels in enumerate(stage.signals):
        shape = (period.memory, *publics, len(labels))
        given = _of(period.prescribed, i)
        if given is None:
            if messages[i] != labels:
                raise InputError(f"{where}.prescribed: missing; messages of agent {i} are not its signals")
            given = np.broadcast_to(np.arange(len(labels)), shape).tolist()
        table = _indices(given, shape, len(messages[i]), f"{where}.prescribed[{i}]")
        out.append(table.reshape(period.memory, -1, len(labels)))
    return tuple(out)


def _of(given: list[Any] | None, agent: int) -> Any:
    """Return what is given for an agent; None where nothing is."""
    return None if given is None else given[agent]


def _asked(
    period: PeriodFile, environment: TableEnvironment, t: int, where: str
) -> tuple[tuple[tuple[int, ...] | None, ...], tuple[tuple[str, ...] | None, ...]]:
    """Return what is observed of actions, and which replies may be given."""
    count, actions = len(environment.agents), environment.actions(t)
    sees: list[tuple[int, ...] | None] = []
    replies: list[tuple[str, ...] | None] = []
    for i in range(count):
        seen, labels = _of(period.sees, i), _of(period.replies, i)
        expected = len(actions[i]) if actions else 0
        if seen is not None and (len(seen) != expected or not expected or not 0 <= min(seen) <= max(seen) < expected):
            raise InputError(
                f"{where}.sees[{i}]: expected {expected} whole numbers, one per action, from 0 and below {expected}"
            )
        if labels is not None:
            check_names(labels, f"{where}.replies[{i}]")
        sees.append(None if seen is None else tuple(seen))
        replies.append(None if labels is None else tuple(labels))
    return tuple(sees), tuple(replies)


def _decisions(
    period: PeriodFile, axes: tuple[int, ...], size: int, where: str
) -> tuple[IntArray | None, FloatArray | None]:
    """Return the decisions `(M, X)` or the lotteries `(M, X, D)`, whichever is given."""
    if (period.decide is None) == (period.lottery is None):
        raise InputError(f"{where}: give either 'decide' or 'lottery'")
    if period.decide is not None:
        return _indices(period.decide, axes, size, f"{where}.decide").reshape(axes[0], -1), None
    table = numbers(period.lottery, f"{where}.lottery")
    check_shape(table, (*axes, size), f"{where}.lottery")
    check_law(table, f"{where}.lottery", 1)
    return None, table.reshape(axes[0], -1, size)


def _amounts(given: list[Any] | None, shape: tuple[int, ...], where: str) -> FloatArray:
    """Return amounts of money; zeros where none are given."""
    if given is None:
        return np.zeros(shape)
    table = numbers(given, where)
    check_shape(table, shape, where)
    check_finite(table, where)
    return table


def _indices(given: list[Any] | None, shape: tuple[int, ...], size: int, where: str) -> IntArray:
    """Return whole numbers below a size; zeros where none are given."""
    if given is None:
        return np.zeros(shape, np.intp)
    table: Array = numbers(given, where)
    check_shape(table, shape, where)
    bad = (table != np.floor(table)) | (table < 0) | (table >= size)
    if bad.any():
        at = first(bad)
        raise InputError(f"{where}{index_text(at)}: {table[at]:g} is no whole number from 0 to {size - 1}")
    return table.astype(np.intp)
