"""A replayed episode on the terminal."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynmech.experiments.figures.terminal_tables import fits, plain_table
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.replaying import Replay

MONEY = ("earns", "pays")
"""Columns that hold money."""


def replay_sentence(found: Replay) -> str:
    """Which episode it is, and what the deviators gain."""
    stories = [
        f"{agent} plays {strategy} and gains {amount(found.gains[agent][0])} in this episode, "
        f"{amount(found.gains[agent][1])} on average over all (discounted)"
        for agent, strategy in found.deviators.items()
    ]
    return f"{found.mechanism}, episode {found.episode}: {'; '.join(stories) or 'everybody plays as prescribed'}."


def show_replay(found: Replay, console: Console, periods: int = 0) -> None:
    """What was sent, decided, earned and paid, beside prescribed play under the same draws of nature.

    Periods in a row that are alike stand there once. Where the table is too wide, prescribed play stands in brackets,
    and only where it is something else.

    Args:
        periods: how many are shown; 0: all.
    """
    console.print(Text(replay_sentence(found), style="bold"))
    if found.chosen:
        console.print(Text(f"Case {found.case}: {found.chosen}. --case names another.", style="dim"))
    console.print()
    records: list[dict[Any, Any]] = found.played.to_dict("records")
    dates = list(dict.fromkeys(row["period"] for row in records))
    shown = set(dates[: periods or None])
    table = _wide_table(found, [row for row in records if row["period"] in shown])
    if fits(table, console):
        console.print(table)
    else:
        console.print(_narrow_table(found, [row for row in records if row["period"] in shown]))
        console.print(Text("In brackets: what prescribed play gives there, where that is something else.", "dim"))
    if left := len(dates) - len(shown):
        console.print(Text(f"The first {len(shown)} of {len(dates)} periods; --periods {len(dates)} shows all.", "dim"))
        later = sum(_differs(row) for row in records if row["period"] not in shown)
        more = "nothing differs from truth" if not later else f"{later} more rows differ from truth"
        console.print(Text(f"In the {left} that follow {more}.", style="dim"))


def _wide_table(found: Replay, records: Sequence[Mapping[Any, Any]]) -> Table:
    """Return a row per agent and period, prescribed play in columns of its own."""
    table = plain_table()
    for header in ("period", "agent", "signal", "report", "decision", "earns", "pays"):
        table.add_column(header, justify="right" if header in MONEY else "left", no_wrap=True)
    for header in ("truth:\nreport", "decision", "earns", "pays"):
        table.add_column(header, justify="right" if header in MONEY else "left", no_wrap=True, style="dim")
    lies = _lying(found)

    def cells(row: Mapping[Any, Any]) -> list[Text]:
        return [
            Text(str(row["agent"])),
            Text(_label(row["signal"])),
            Text(_sent(row["report"], row["counted"]), style="bold red" if lies(row) else ""),
            Text(_label(row["decision"])),
            *(Text(amount(row[key])) for key in ("utility", "transfer")),
            Text(_sent(row["truth report"], row["truth counted"])),
            Text(_label(row["truth decision"])),
            *(Text(amount(row[f"truth {key}"])) for key in ("utility", "transfer")),
        ]

    for when, rows in _runs(records, cells):
        for row in rows:
            table.add_row(when, *row)
    return table


def _narrow_table(found: Replay, records: Sequence[Mapping[Any, Any]]) -> Table:
    """Return a row per agent and period, prescribed play in brackets; what is decided once a period."""
    table = plain_table()
    for header in ("period", "agent", "signal", "report", "decision", "earns", "pays"):
        table.add_column(header, justify="right" if header in MONEY else "left", overflow="fold")
    lies = _lying(found)

    def cells(row: Mapping[Any, Any]) -> list[Text]:
        sent, asked = (_sent(row[f"{who}report"], row[f"{who}counted"]) for who in ("", "truth "))
        return [
            Text(str(row["agent"])),
            _beside(_label(row["signal"]), _label(row["truth signal"])),
            _beside(sent, asked, "bold red" if lies(row) else ""),
            _beside(_label(row["decision"]), _label(row["truth decision"])),
            *(_beside(amount(row[key]), amount(row[f"truth {key}"])) for key in ("utility", "transfer")),
        ]

    for when, rows in _runs(records, cells):
        for k, row in enumerate(rows):
            told = [*row[:3], row[3] if k == 0 or row[3] != rows[k - 1][3] else Text(), *row[4:]]
            table.add_row(when if k == 0 else "", *told)
    return table


def _runs(
    records: Sequence[Mapping[Any, Any]], cells: Callable[[Mapping[Any, Any]], list[Text]]
) -> Iterator[tuple[str, list[list[Text]]]]:
    """Yield the cells of periods in a row that are alike, once, with the first and the last of the periods."""
    for key, group in groupby(
        ((period, [cells(row) for row in rows]) for period, rows in groupby(records, key=itemgetter("period"))),
        key=itemgetter(1),
    ):
        periods = [period for period, _ in group]
        yield str(periods[0]) if len(periods) == 1 else f"{periods[0]} to {periods[-1]}", key


def _beside(played: str, prescribed: str, style: str = "") -> Text:
    """Return what was played, and what is prescribed in brackets where that is something else."""
    text = Text(played, style=style)
    return text if played == prescribed else text.append(f" ({prescribed or 'nothing'})", style="not bold default dim")


def _lying(found: Replay) -> Callable[[Mapping[Any, Any]], bool]:
    """Return whether a row is a lie of a deviator."""
    direct = all(row["truth report"] == row["truth signal"] for row in found.played.to_dict("records"))
    return lambda row: _lies(row, direct) and row["agent"] in found.deviators


def _differs(row: Mapping[Any, Any]) -> bool:
    """Return whether a row is not what prescribed play gives."""
    return any(row[key] != row[f"truth {key}"] for key in ("report", "decision", "utility", "transfer"))


def _lies(row: Mapping[Any, Any], direct: bool) -> bool:
    """Return whether a report is not the prescribed one, as far as the log tells.

    Args:
        direct: truth reports the signal, so that a signal which an earlier lie has moved is reported truly, too.
    """
    if direct:
        return bool(row["report"] != row["signal"])
    return bool(row["signal"] == row["truth signal"] and row["report"] != row["truth report"])


def _sent(report: object, counted: object) -> str:
    """A report, and what the designer took instead if it came late or not at all."""
    said, taken = _label(report), _label(counted)
    return said if said == taken else f"{said or 'nothing'} (counted: {taken})"


def _label(value: object) -> str:
    """A label, a number, or nothing (a closing period)."""
    return "" if value is None or value != value else str(value)
