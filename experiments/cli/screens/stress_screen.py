"""What people see of a stress test: a sentence, a table, and what stands behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynmech.experiments.cli.screens.replay_line import is_logged, replay_line, rerun_line, show_line
from dynmech.experiments.cli.screens.verdict_text import STYLES, show_by_text, show_refusals
from dynmech.experiments.figures.amounts import amount
from dynmech.experiments.figures.comparisons import TOLERANCE, beside
from dynmech.experiments.figures.terminal_tables import fits, plain_table
from dynmech.experiments.report.gain_blocks import GainBlock, GainCell, gain_blocks
from dynmech.experiments.runs.stress_frames import exactly
from dynmech.experiments.runs.stress_result import StressResult, describe_gain, families_shown, headline
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import WORDS

if TYPE_CHECKING:
    import pandas as pd


NAMES = 44
"""Letters of a line of names of mechanisms that are told together."""

NARROW_NAMES, NARROW_VERDICT = 24, 12
"""Letters of a line of names, and of a verdict, where there is little room."""

NARROW_HEADERS = {"belief-manipulation": "belief-manip."}
"""Headers of families where there is little room."""


@dataclass(frozen=True, eq=False)
class _Rows:
    """What the tables are made of, read off a result once.

    Attributes:
        families: of lies, the simplest first.
        blocks: who gains what, broken promises first; mechanisms with the same rows are one.
        mechanisms: a row each, in the same order.
        scale: of the economy's money.
        defaults: by mechanism and agent, how often the best deviator found is in default; empty where bills are always
            paid.
    """

    families: list[str]
    blocks: list[GainBlock]
    mechanisms: list[dict[str, Any]]
    scale: float
    defaults: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, result: StressResult) -> "_Rows":
        """Return the rows of a result."""
        blocks = gain_blocks(result)
        mechanisms = [row for block in blocks for row in block.mechanisms]
        return cls(families_shown(result), blocks, mechanisms, result.scale, _defaults(result))

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
    show_refusals(result.refusals, console, why, result.asked)


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
    if "default_rate" in result.gains:
        text += "In default: in how many episodes who gains most by what was played has not paid. "
    known = any(exactly(row, "welfare") is not None for row in result.mechanisms.to_dict("records"))
    how = "exact, in brackets simulated" if known else "simulated, with 95 % intervals"
    text += f"Of prescribed play, discounted sums per episode, {how}: welfare"
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
    """Gains in as few tables as there is room for, then what prescribed play is worth.

    Where one table with both figures does not fit, the simulated figure is left out beside an exact one.
    """
    whole = _gain_table(rows, rows.families)
    worths = [_worth_table(rows, width, both) for width, both in ((NAMES, True), (NARROW_NAMES, True), (NAMES, False))]
    return [
        *([whole] if fits(whole, console) else _narrow_tables(rows, console)),
        next((worth for worth in worths if fits(worth, console)), worths[-1]),
    ]


def _narrow_tables(rows: _Rows, console: Console) -> list[Table]:
    """Gains with one figure in a cell, the verdict in the first table alone."""
    tables: list[Table] = []
    rest = rows.families
    while rest:
        some = len(rest)
        while not fits(table := _gain_table(rows, rest[:some], narrow=len(tables) + 1), console) and some > 1:
            some -= 1
        tables.append(table)
        rest = rest[some:]
    return tables


def _gain_table(rows: _Rows, families: Sequence[str], narrow: int = 0) -> Table:
    """Rows: mechanisms, equal ones together, and who gains; columns: families of lies.

    Args:
        narrow: which of several narrow tables it is, from 1; 0: the only one, and as wide as it likes.
    """
    table = plain_table()
    table.add_column("mechanism", overflow="fold", max_width=NARROW_NAMES if narrow else NAMES)
    if narrow <= 1:
        table.add_column("verdict", no_wrap=not narrow, max_width=NARROW_VERDICT if narrow else None)
    if rows.broken:
        table.add_column("gainer", overflow="fold")
    for family in families:
        header = NARROW_HEADERS.get(family, family) if narrow else family
        table.add_column(header.replace("-", "\n"), justify="right", no_wrap=True)
    if rows.defaults and narrow <= 1:
        table.add_column("in\ndefault", justify="right", no_wrap=True)
    for block in rows.blocks:
        first = [Text(", ".join(block.names)), Text(WORDS[block.verdict], style=STYLES[block.verdict])]
        for row in block.rows:
            cells = dict(zip(rows.families, row.cells, strict=True))
            whose = [Text(row.agent)] if rows.broken else []
            rate = [_rate(rows.defaults.get((block.names[0], row.agent)))] if rows.defaults and narrow <= 1 else []
            figures = [_cell(cells[family], rows.scale, both=not narrow) for family in families]
            table.add_row(*(first[:1] if narrow > 1 else first), *whose, *figures, *rate)
            first = [Text(), Text()]
    return table


def _worth_table(rows: _Rows, width: int, both: bool) -> Table:
    """Rows: mechanisms, those of equal worth together; columns: what prescribed play is worth, and participation.

    Args:
        width: letters of a line of names.
        both: whether simulated figures stand beside exact ones.
    """
    money = _money_columns(rows)
    table = plain_table()
    table.add_column("mechanism", overflow="fold", max_width=width)
    for header in (*money, "unwilling"):
        table.add_column(header, justify="right", no_wrap=True)
    alike: dict[tuple[str, ...], tuple[list[str], list[Text]]] = {}
    for row in rows.mechanisms:
        cells = [_money(row, key, rows.scale, both) for key in money.values()]
        cells.append(_share(row["participation_violations"], row["participation_cells"]))
        alike.setdefault(tuple(cell.plain for cell in cells), ([], cells))[0].append(row["mechanism"])
    for names, cells in alike.values():
        table.add_row(Text(", ".join(names)), *cells)
    return table


def _defaults(result: StressResult) -> dict[tuple[str, str], float]:
    """By mechanism and agent, how often the deviator that earned most is in default; empty where all bills are paid."""
    if "default_rate" not in result.gains:
        return {}
    best = result.gains.sort_values("gain", ascending=False, kind="stable").drop_duplicates(["mechanism", "agent"])
    return {(row["mechanism"], row["agent"]): row["default_rate"] for row in best.to_dict("records")}


def _rate(rate: float | None) -> Text:
    """`48 %`; nothing where nobody gains."""
    return Text("–", style="dim") if rate is None else Text(f"{rate:.0%}")


def _money_columns(rows: _Rows) -> dict[str, str]:
    """Columns of money by header; net revenue where the designer has a cost."""
    net = {"net\nrevenue": "net_revenue"} if has_costs(rows.mechanisms) else {}
    return {"welfare": "welfare", "revenue": "revenue", **net, "worst\nbudget": "worst_deficit"}


def _money(row: Mapping[str, Any], key: str, scale: float, both: bool) -> Text:
    """The exact figure, in brackets the simulated one; else a mean with its interval: `18.81 ± 0.33`."""
    if (known := exactly(row, key)) is not None:
        simulated = f" ({amount(row[key], scale=scale)})" if both else ""
        return Text(amount(known, scale=scale)).append(simulated, style="dim")
    text, half = Text(amount(row[key], scale=scale)), row.get(f"{key}_half_width", 0.0)
    return text.append(f" ± {amount(half, scale=scale)}", style="dim") if half > 0 else text


def _share(some: int, cells: int) -> Text:
    """`1/10`; nothing where nothing is looked at."""
    return Text(f"{some}/{cells}" if cells else "–")


def _cell(cell: GainCell | None, scale: float, both: bool) -> Text:
    """The exact gain where there is one, the simulated one in brackets (if both are shown); or the simulated one."""
    if cell is None:
        return Text("–", style="dim")
    simulated = "–" if cell.simulated is None else f"+{amount(cell.simulated, scale=scale)}"
    if cell.exact is None:
        return Text(f"({simulated})", style="red")
    text = Text(f"+{amount(cell.exact, scale=scale)}", style="bold red")
    if not both:
        return text
    return text.append(f" ({simulated})", style="not bold red dim")


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
