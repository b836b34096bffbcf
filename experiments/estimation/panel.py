"""A log as a panel: a profile and a decision per market and period.

A *long* log has a row per (episode, period, agent), as our own `outcomes` have; a *wide* one has a row per
(episode, period) and a column of signals per agent. Every label must be one of the economy's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dynmech.experiments.estimation.panel_files import columns_text
from dynmech.sim.core.arrays import BoolArray, IntArray
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment

ROLES = ("episode", "period", "agent", "report", "decision", "public")
"""What a column may be for, and its name unless another is given."""

MARKETS = ("mechanism", "case", "round")
"""Columns of our own logs that tell markets apart, beside the episode."""

ABSENT = -1
"""In place of an index: nothing stands there."""


@dataclass(frozen=True, eq=False)
class Panel:
    """A log, a row per market and period, in this order.

    Attributes:
        market, period: `(n,)`.
        stage: the stage played, `(n,)`.
        profile: index on every axis, the public state first, `(n, axes)`; `ABSENT` where it is not known.
        decision: `(n,)`, likewise.
    """

    market: IntArray
    period: IntArray
    stage: IntArray
    profile: IntArray
    decision: IntArray

    @property
    def markets(self) -> int:
        """The number of markets."""
        return len(np.unique(self.market))

    @property
    def follows(self) -> BoolArray:
        """Whether row k + 1 is the next period of row k's market, `(n − 1,)`."""
        same = self.market[1:] == self.market[:-1]
        return np.asarray(same & (self.period[1:] == self.period[:-1] + 1))


@dataclass(frozen=True, eq=False)
class _Reader:
    """A log on its way to being a panel."""

    table: pd.DataFrame
    environment: TableEnvironment
    names: Mapping[str, str]
    where: str

    def row(self, k: int) -> int:
        """Return the number of a row of the log, from 1."""
        return int(self.table.index[k]) + 1

    def column(self, role: str) -> pd.Series:
        """Return the column that stands for a role."""
        name = self.names.get(role, role)
        if name not in self.table.columns:
            hint = "" if role in self.names else f" (--column {role}=NAME gives it another name)"
            raise InputError(
                f"{self.where}: no column {shown(name)} for the {role}{hint}; there are {columns_text(self.table)}"
            )
        return self.table[name]

    def label_codes(self, role: str, spaces: Sequence[Sequence[str]], stage: IntArray) -> IntArray:
        """Return the index of every row's label among those of its stage, `(n,)`; `ABSENT` where there is none."""
        column = self.column(role)
        codes, values = _factorized(column, self.where)
        out = np.full(len(column), ABSENT, np.intp)
        for s, space in enumerate(spaces):
            here = np.flatnonzero((stage == s) & (codes >= 0))
            places = np.array([_place(value, space) for value in values], np.intp)
            out[here] = places[codes[here]] if len(places) else ABSENT
            wrong = here[out[here] < 0]
            if len(wrong):
                known = ", ".join(shown(label) for label in space[:12])
                value = shown(_text(column.iloc[wrong[0]]))
                raise InputError(
                    f"{self.where}: row {self.row(wrong[0])}, column {shown(str(column.name))}: {value} is no {role} "
                    f"of the economy; there are {known}"
                )
        return out

    def whole(self, role: str) -> IntArray:
        """Return a column of whole numbers."""
        column = self.column(role)
        _factorized(column, self.where)
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
        wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers == np.floor(numbers)) & (np.abs(numbers) < 1e15)))
        if len(wrong):
            value = shown(_text(column.iloc[wrong[0]]))
            raise InputError(
                f"{self.where}: row {self.row(wrong[0])}, column {shown(str(column.name))}: {value} is no whole number"
            )
        return numbers.astype(np.intp)


def read_panel(table: pd.DataFrame, environment: TableEnvironment, names: Mapping[str, str], where: str) -> Panel:
    """Return a log as a panel.

    Args:
        names: of columns by role, or by agent in a wide log.
        where: the log, for messages.

    Raises:
        InputError: a column is missing, a label is none of the economy's, a row stands there twice or rows contradict
            each other; the message names row and column.
    """
    agents = environment.agents
    for role in names:
        if role not in (*ROLES, *agents):
            known = ", ".join((*ROLES, *agents))
            raise InputError(f"--column {shown(role)}: stands for nothing; there are {known}")
    wide = [agent for agent in agents if agent in names]
    if wide and len(wide) < len(agents):
        missing = next(agent for agent in agents if agent not in names)
        raise InputError(f"--column: a log with a column per agent needs one for {shown(missing)}, too")
    reader = _Reader(table, environment, names, where)
    period = reader.whole("period")
    stage = _stages(environment, period, where)
    spaces = [stage_.decisions for stage_ in environment.stages]
    market = _markets(reader)
    decision = reader.label_codes("decision", spaces, stage)
    public = _public(reader, stage)
    place, market, period, stage, first = _places(market, period, stage)
    signals = np.full((len(first), len(agents)), ABSENT, np.intp)
    for i, agent in enumerate(agents if wide else ()):
        codes = reader.label_codes(agent, [s.signals[i] for s in environment.stages], stage[place])
        _put(signals[:, i], place, codes, reader, agent)
    if not wide:
        _put_long(signals, place, stage, reader)
    decided = np.full(len(first), ABSENT, np.intp)
    _agree(decided, place, decision, reader, "decision")
    profile = signals
    if public is not None:
        shared = np.full(len(first), ABSENT, np.intp)
        _agree(shared, place, public, reader, "public")
        profile = np.concatenate([shared[:, None], signals], axis=1)
    return Panel(market, period, stage, profile, decided)


def _stages(environment: TableEnvironment, period: IntArray, where: str) -> IntArray:
    """Return the stage of every row; after the last period stands what falls due there, which is none of them."""
    if len(environment.stages) == 1:
        return np.zeros(len(period), np.intp)
    wrong = np.flatnonzero(period < 0)
    if len(wrong):
        raise InputError(f"{where}: row {wrong[0] + 1}: period {period[wrong[0]]} is below 0; stages differ by period")
    return period


def _markets(reader: _Reader) -> IntArray:
    """Return a number per market: an episode, and what else tells rows of our own logs apart."""
    columns = [reader.column("episode")]
    if "episode" not in reader.names:
        columns += [reader.table[name] for name in MARKETS if name in reader.table.columns]
    out = np.zeros(len(reader.table), np.intp)
    for column in columns:
        codes, values = _factorized(column, reader.where)
        if (codes < 0).any():
            row = int(np.flatnonzero(codes < 0)[0])
            raise InputError(f"{reader.where}: row {row + 1}, column {shown(str(column.name))}: nothing stands there")
        out = np.unique(out * len(values) + codes, return_inverse=True)[1]
    return out


def _public(reader: _Reader, stage: IntArray) -> IntArray | None:
    """Return the public state of every row; None in an economy without."""
    spaces = [s.public for s in reader.environment.stages]
    if not any(spaces):
        return None
    if not all(spaces):
        raise InputError(f"{reader.where}: stages with and without a public state cannot be estimated together")
    return reader.label_codes("public", spaces, stage)


def _places(market: IntArray, period: IntArray, stage: IntArray) -> tuple[IntArray, ...]:
    """Return which (market, period) each row is of, in order, and market, period, stage and first row of each."""
    keys = np.stack([market, period], axis=1)
    pairs, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return place.reshape(-1), pairs[:, 0], pairs[:, 1], stage[first], first


def _put_long(signals: IntArray, place: IntArray, stage: IntArray, reader: _Reader) -> None:
    """Fill in signals from a log with a row per agent."""
    agents = reader.environment.agents
    who = reader.label_codes("agent", [agents] * (int(stage.max()) + 1), stage[place])
    for i in range(len(agents)):
        own = np.flatnonzero(who == i)
        part = _Reader(reader.table.iloc[own], reader.environment, reader.names, reader.where)
        spaces = [s.signals[i] for s in reader.environment.stages]
        _put(signals[:, i], place[own], part.label_codes("report", spaces, stage[place[own]]), part, "report")


def _put(column: IntArray, place: IntArray, codes: IntArray, reader: _Reader, role: str) -> None:
    """Fill in what stands once per market and period."""
    order = np.argsort(place, kind="stable")
    twice = order[1:][place[order][1:] == place[order][:-1]]
    if len(twice):
        row = reader.row(twice.min())
        raise InputError(f"{reader.where}: row {row}: the {role} of this market, period and agent is there already")
    column[place] = codes


def _agree(column: IntArray, place: IntArray, codes: IntArray, reader: _Reader, role: str) -> None:
    """Fill in what must be the same in all rows of a market and period."""
    column[place] = codes
    wrong = np.flatnonzero(column[place] != codes)
    if len(wrong):
        raise InputError(f"{reader.where}: row {wrong[0] + 1}: its {role} is not that of the same market and period")


def _factorized(column: pd.Series, where: str) -> tuple[IntArray, pd.Index]:
    """Return a number per row that is the same for equal values, and the values; -1 where nothing stands."""
    try:
        codes, values = pd.factorize(column)
    except TypeError:
        name = shown(str(column.name))
        raise InputError(f"{where}: column {name}: lists or tables stand in it, expected texts or numbers") from None
    return codes, pd.Index(values)


def _text(value: object) -> str:
    """Return a value as a label is written: whole numbers without a point."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _place(value: object, labels: Sequence[str]) -> int:
    """Return the index of the label that a value means; `ABSENT` if there is none.

    >>> _place(4.0, ["2", "4"]), _place("4.0", ["2", "4"]), _place("four", ["2", "4"])
    (1, 1, -1)
    """
    text = _text(value)
    if text in labels:
        return list(labels).index(text)
    number = _number(text)
    same = [k for k, label in enumerate(labels) if number is not None and _number(label) == number]
    return same[0] if len(same) == 1 else ABSENT


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
