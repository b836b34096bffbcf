"""What people see of a stress test: a sentence, a table, and what stands behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynmech.experiments.cli.console import plain_table
from dynmech.experiments.cli.screens.replay_line import is_logged, replay_line, rerun_line, show_line
from dynmech.experiments.cli.screens.verdict_text import STYLES, show_by_text, show_refusals
from dynmech.experiments.figures.amounts import amount
from dynmech.experiments.figures.comparisons import TOLERANCE, beside
from dynmech.experiments.runs.stress_result import (
    EXACT,
    StressResult,
    describe_gain,
    families_shown,
    gain_cells,
    gainers_of_all,
    headline,
)
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import WORDS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class _Rows:
    """What the tables are made of, read off a result once.

    Attributes:
        families: of lies, the simplest first.
        mechanisms: a row each, worst first.
        simulated, exact: the figures shown, by mechanism, agent and family.
        gainers: by mechanism, who gains.
        scale: of the economy's money.
    """

    families: list[str]
    mechanisms: list[dict[str, Any]]
    simulated: Mapping[tuple[str, str, str], float]
    exact: Mapping[tuple[str, str, str], float]
    gainers: Mapping[str, list[str]]
    scale: float

    @classmethod
    def of(cls, result: StressResult) -> "_Rows":
        """Return the rows of a result."""
        return cls(
            families_shown(result),
            result.mechanisms.to_dict("records"),  # type: ignore[arg-type]
            gain_cells(result, "gain"),
            gain_cells(result, "exact"),
            gainers_of_all(result),
            result.scale,
        )

    @cached_property
    def broken(self) -> bool:
        """Whether some mechanism has a deviation that gains."""
        return any(row["breaks"] for row in self.mechanisms)


def show_stress(result: StressResult, console: Console, why: bool = False) -> None:
    """One sentence, one table, and what stands behind it.

    Args:
        why: say of each mechanism that was not played why.
    """
    console.print(Text(result.sentence, style="bold"))
    console.print()
    rows = _Rows.of(result)
    for table in _fitting(rows, console):
        console.print(table)
        console.print()
    console.print(Text(_legend(result), style="dim"))
    if (apart := result.farthest) is not None:
        console.print(Text(apart.sentence, style="dim" if apart.likely else "bold yellow"))
    console.print()
    worst = {name: headline(result.gains, name, result.scale) for name in result.mechanisms["mechanism"]}
    said = {row["mechanism"]: _worst_line(result, row, worst[row["mechanism"]]) for row in rows.mechanisms}
    show_by_text(said, console, after=lambda name: _show_replay(result, name, worst[name], console))
    for row in result.gains[~result.gains["agrees"]].to_dict("records"):
        console.print(
            Text(
                f"DISAGREEMENT: {row['mechanism']}, {row['family']}, {row['agent']}: simulated "
                f"{amount(row['gain'], scale=result.scale)} ± {amount(row['half_width'], scale=result.scale)}, "
                f"exact {amount(row['exact'], scale=result.scale)}: {beside(row['apart'])}",
                style="bold yellow",
            )
        )
    show_by_text({name: f"not tried, {reason}" for name, reason in result.untried.items()}, console, style="dim")
    show_refusals(result.refusals, console, why)


def _show_replay(result: StressResult, mechanism: str, worst: "pd.Series[Any] | None", console: Console) -> None:
    """Print the line that plays a mechanism's worst lie again; nothing where nobody gains."""
    if worst is None:
        return
    if is_logged(result.folder):
        show_line(console, "  to see it", replay_line(result.folder, mechanism))
    elif result.command is not None:
        show_line(console, "  to play it", rerun_line(result.command, mechanism, worst["agent"], worst["strategy"]))


def _legend(result: StressResult) -> str:
    """What the figures of the table are, as far as they are there."""
    simulated = "the best member found of the family, simulated under the same draws of nature"
    level = f"95 % interval, allowing for all {result.comparisons} comparisons"
    refused = result.mechanisms["exact_refused"]
    first_best = result.mechanisms["first_best"].iloc[0]
    if (refused == "").any():
        text = (
            f"Gains ex ante (before anything is known) over prescribed play: exact, and in brackets {simulated}; "
            f"–: none (simulated: {level}). Best response: any deviation at all. "
        )
    else:
        reasons = "; ".join(refused.unique())
        text = f"Gains ex ante over prescribed play: in brackets {simulated}; –: none ({level}). No exact search: "
        text += f"{reasons}. "
    if (result.mechanisms["verdict"] == "not_refuted").any():
        text += "Not refuted: not searched exactly, nothing that was tried gains. "
    text += "Of prescribed play, simulated, discounted sums per episode with 95 % intervals: welfare"
    text += f" (first best {amount(first_best)}, exact)" if np.isfinite(first_best) else ""
    net = has_costs(result.mechanisms.to_dict("records"))
    text += (
        ", revenue (before and after the designer's costs), the least that"
        if net
        else ", revenue, the least that a period's payments add up to (below 0: a deficit)"
    )
    if result.mechanisms["participation_cells"].any():
        text += ", and how many (agent, date, own signal) would rather leave"
    return f"{text}."


def _fitting(rows: _Rows, console: Console) -> list[Table]:
    """One table if it fits; else properties in a table of their own, and families in as many as it takes."""
    whole = _stress_table(rows, rows.families, properties=True)
    if _fits(whole, console):
        return [whole]
    tables = []
    rest = rows.families
    while rest:
        some = len(rest)
        while not _fits(table := _stress_table(rows, rest[:some], properties=False), console) and some > 1:
            some -= 1
        tables.append(table)
        rest = rest[some:]
    return [*tables, _stress_table(rows, [], properties=True)]


def _fits(table: Table, console: Console) -> bool:
    return console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width


def _stress_table(rows: _Rows, families: Sequence[str], properties: bool) -> Table:
    """Rows: mechanisms, worst first, and who gains; columns: families of lies, then what prescribed play is worth."""
    table = plain_table()
    table.add_column("mechanism", overflow="fold")
    if families:  # a table of properties alone comes after those that say it
        table.add_column("verdict", no_wrap=True)
    if broken := families and rows.broken:
        table.add_column("gainer", overflow="fold")
    for family in families:
        table.add_column(family.replace("-", "\n"), justify="right", no_wrap=True)
    money = _money_columns(rows) if properties else {}
    for header in (*money, *(("unwilling",) if properties else ())):
        table.add_column(header, justify="right", no_wrap=True)
    for row in rows.mechanisms:
        name, worth = row["mechanism"], []
        if properties:
            worth = [_money(row, key, rows.scale) for key in money.values()]
            worth += [_share(row["participation_violations"], row["participation_cells"])]
        first = [Text(name), *([Text(WORDS[row["verdict"]], style=STYLES[row["verdict"]])] if families else [])]
        for who in (families and rows.gainers[name]) or [""]:
            whose = [Text(who)] if broken else []
            table.add_row(*first, *whose, *_cells(rows, name, who, families), *worth)
            first, worth = [Text() for _ in first], []
    return table


def _money_columns(rows: _Rows) -> dict[str, str]:
    """Columns of money by header; net revenue where the designer has a cost."""
    net = {"net\nrevenue": "net_revenue"} if has_costs(rows.mechanisms) else {}
    return {"welfare": "welfare", "revenue": "revenue", **net, "worst\nbudget": "worst_deficit"}


def _money(row: Mapping[str, Any], key: str, scale: float) -> Text:
    """A mean with its interval, where it has one: `18.81 ± 0.33`."""
    text, half = Text(amount(row[key], scale=scale)), row.get(f"{key}_half_width", 0.0)
    return text.append(f" ± {amount(half, scale=scale)}", style="dim") if half > 0 else text


def _share(some: int, cells: int) -> Text:
    """`1/10`; nothing where nothing is looked at."""
    return Text(f"{some}/{cells}" if cells else "–")


def _cells(rows: _Rows, mechanism: str, agent: str, families: Sequence[str]) -> list[Text]:
    """One agent's gains under a mechanism."""
    keys = [(mechanism, agent, family) for family in families]
    return [
        _cell(rows.simulated.get(key, np.nan), rows.exact.get(key, np.nan) if key[2] in EXACT else np.nan, rows.scale)
        for key in keys
    ]


def _cell(simulated: float, exact: float, scale: float) -> Text:
    """The exact gain where there is one, the simulated one in brackets; or the simulated one alone."""
    if not np.isnan(exact):
        text = Text(f"+{amount(exact, scale=scale)}", style="bold red")
        return text.append(
            f" (+{amount(simulated, scale=scale)})" if not np.isnan(simulated) else " (–)", style="not bold red dim"
        )
    if not np.isnan(simulated):
        return Text(f"(+{amount(simulated, scale=scale)})", style="red")
    return Text("–", style="dim")


def _worst_line(result: StressResult, known: Mapping[str, Any], worst: "pd.Series[Any] | None") -> str:
    """Who gains most under a mechanism, and how; or that nobody was found to; `known`: the mechanism's row."""
    mechanism = known["mechanism"]
    mine = result.gains[result.gains["mechanism"] == mechanism]
    if not known["breaks"]:
        exactly = ", and none in any other: the exact best response gains nothing" if known["exact"] else ""
        return f"no gain in {int(mine['tried'].sum())} deviations tried{exactly}."
    text = "" if worst is None else f"{describe_gain(worst, result.scale)}."
    single = mine[mine["family"] == "one-shot"]
    exactly_one = (single["exact"] - single["exact_bound"] > TOLERANCE * result.scale).any()
    if not single.empty and not single["found"].any() and not exactly_one:
        text += " No single lie on the path of truth gains."
    return f"{result.excuse(mechanism)}{text}"
