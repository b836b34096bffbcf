"""A replayed episode on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from dynmech.experiments.cli.console import plain_table
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

    Args:
        periods: how many are shown; 0: all.
    """
    console.print(Text(replay_sentence(found), style="bold"))
    if found.chosen:
        console.print(Text(f"Case {found.case}: {found.chosen}. --case names another.", style="dim"))
    console.print()
    table = plain_table()
    for header in ("period", "agent", "signal", "report", "decision", "earns", "pays"):
        table.add_column(header, justify="right" if header in MONEY else "left", overflow="fold")
    for header in ("truth:\nreport", "decision", "earns", "pays"):
        table.add_column(header, justify="right" if header in MONEY else "left", overflow="fold", style="dim")
    records: list[dict[Any, Any]] = found.played.to_dict("records")
    direct = all(row["truth report"] == row["truth signal"] for row in records)
    dates = list(dict.fromkeys(row["period"] for row in records))
    shown = set(dates[: periods or None])
    for row in (one for one in records if one["period"] in shown):
        lie = _lies(row, direct) and row["agent"] in found.deviators
        said = Text(_sent(row["report"], row["counted"]), style="bold red" if lie else "")
        table.add_row(
            str(row["period"]),
            str(row["agent"]),
            _label(row["signal"]),
            said,
            _label(row["decision"]),
            amount(row["utility"]),
            amount(row["transfer"]),
            _sent(row["truth report"], row["truth counted"]),
            _label(row["truth decision"]),
            amount(row["truth utility"]),
            amount(row["truth transfer"]),
        )
    console.print(table)
    if left := len(dates) - len(shown):
        console.print(Text(f"The first {len(shown)} of {len(dates)} periods; --periods {len(dates)} shows all.", "dim"))
        later = sum(_differs(row) for row in records if row["period"] not in shown)
        more = "nothing differs from truth" if not later else f"{later} more rows differ from truth"
        console.print(Text(f"In the {left} that follow {more}.", style="dim"))


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
