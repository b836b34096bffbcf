"""What people see on the terminal."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from dynmech.experiments.cli.screens.replay_line import is_logged, logged_line, replay_line, rerun_line, show_line
from dynmech.experiments.cli.screens.verdict_text import STYLES, show_by_text, show_refusals
from dynmech.experiments.runs.comparisons import beside
from dynmech.experiments.runs.exact import TOLERANCE
from dynmech.experiments.runs.failures import said_once
from dynmech.experiments.runs.moments import ZERO, amount
from dynmech.experiments.runs.run_result import RunResult
from dynmech.experiments.runs.simulation import silent
from dynmech.experiments.runs.stress_result import EXACT, StressResult, describe_gain, gain_table, gainers, headline
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.sim.core.plain_text import harmless
from dynmech.sim.core.ties import scale_of

PLAIN_WIDTH = 120
"""Columns where standard output is no terminal and COLUMNS is not set."""


PLAIN_EVERY = 10.0
"""Seconds between plain lines of progress."""


def make_console() -> Console:
    """Standard output, names shown as they are (no markup, no emoji)."""
    wide = None if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal() else PLAIN_WIDTH
    return HarmlessConsole(width=wide, highlight=False, soft_wrap=False, markup=False, emoji=False)


class HarmlessConsole(Console):
    """A console on which text from outside (labels, names of files) cannot give orders to the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Yield segments, their text with everything escaped that a terminal obeys; styles are Rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=harmless(segment.text))


@contextmanager
def progress_bars(quiet: bool = False) -> Iterator[Callable[[str, int], Callable[[int], None]]]:
    """Bars on a terminal, plain lines elsewhere, with rate and time left; both on standard error. Or nothing."""
    if quiet:
        yield silent
        return
    console = HarmlessConsole(stderr=True)
    if not console.is_terminal:
        yield lambda name, total: PlainProgress(name, total).advance
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:

        def phase(name: str, total: int) -> Callable[[int], None]:
            task = bars.add_task(name, total=total)
            return lambda done: bars.advance(task, done)

        yield phase


class _Rate(ProgressColumn):
    """Pieces a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.3g}/s" if task.speed else "")


class PlainProgress:
    """A phase as lines of text: one at its start, one every ten seconds, one at its end if that took as long.

    Args:
        clock: seconds (for tests).
    """

    def __init__(self, name: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.total, self.clock = name, total, clock
        self.done, self.start = 0, clock()
        self.last = self.start
        self._say(f"{name}: {total} pieces")

    def advance(self, done: int) -> None:
        """So many more are done."""
        self.done += done
        now = self.clock()
        if now - self.last < PLAIN_EVERY:
            return
        self.last = now
        rate = self.done / (now - self.start)
        left = f", {timedelta(seconds=round((self.total - self.done) / rate))} left" if rate else ""
        self._say(f"{self.name}: {self.done} of {self.total}, {rate:.3g}/s{left}")

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - plain lines without a TTY


def show_names(kind: str, rows: Sequence[tuple[str, str, list[str], str]], console: Console) -> None:
    """A line for each name, its source at the end; below it, its options with their defaults."""
    console.print(Text(kind, style="bold"))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, about, options, source in rows:
        table.add_row(Text(name, style="bold"), Text.assemble(about, (f"  [{source}]", "dim")))
        if options:
            table.add_row("", Text(f"options: {', '.join(options)}", style="dim"))
    console.print(table)
    console.print()


def show_meanings(meanings: Mapping[str, str], console: Console) -> None:
    """What options may be."""
    for option, meaning in meanings.items():
        console.print(Text.assemble((f"{option}: ", "bold"), meaning))
    console.print()


def show_stress(result: StressResult, console: Console, why: bool = False) -> None:
    """One sentence, one table, and what stands behind it.

    Args:
        why: say of each mechanism that was not played why.
    """
    console.print(Text(result.sentence, style="bold"))
    console.print()
    families = list(gain_table(result).columns)
    for table in _fitting(result, families, console):
        console.print(table)
        console.print()
    console.print(Text(_legend(result), style="dim"))
    if (apart := result.farthest) is not None:
        console.print(Text(apart.sentence, style="dim" if apart.likely else "bold yellow"))
    console.print()
    said = {name: _worst_line(result, name) for name in result.mechanisms["mechanism"]}
    show_by_text(said, console, after=lambda name: _show_replay(result, name, console))
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


def _show_replay(result: StressResult, mechanism: str, console: Console) -> None:
    """Print the line that plays a mechanism's worst lie again; nothing where nobody gains."""
    worst = headline(result.gains, mechanism, result.scale)
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
    text += "Of prescribed play, discounted sums per episode: welfare"
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


def show_faults(
    console: Console, failures: Sequence[dict[str, Any]], remarks: Sequence[dict[str, Any]], damaged: Sequence[str]
) -> None:
    """What could not be played, a line for each plug-in; what wrote where it should not; what was made again."""
    for reason in said_once(failures):
        console.print(Text.assemble(("failed: ", "bold red"), reason))
    if failures:
        console.print(Text("What failed is left out of the table; the same line tries it again.", style="dim"))
    for remark, count in Counter(entry["remark"] for entry in remarks).items():
        console.print(Text.assemble(("note: ", "bold yellow"), remark, f" ({count} times)" if count > 1 else ""))
    for name in damaged:
        console.print(Text.assemble(("made again: ", "bold yellow"), name))


GainCells = Mapping[str, Mapping[str, Mapping[str, Text]]]
"""What is shown of a gain, by mechanism, agent and family."""


def _fitting(result: StressResult, families: Sequence[str], console: Console) -> list[Table]:
    """One table if it fits; else properties in a table of their own, and families in as many as it takes."""
    gains = _gain_cells(result, families)
    whole = _stress_table(result, gains, families, properties=True)
    if _fits(whole, console):
        return [whole]
    tables = []
    rest = list(families)
    while rest:
        some = len(rest)
        while some > 1 and not _fits(_stress_table(result, gains, rest[:some], properties=False), console):
            some -= 1
        tables.append(_stress_table(result, gains, rest[:some], properties=False))
        rest = rest[some:]
    return [*tables, _stress_table(result, gains, [], properties=True)]


def _fits(table: Table, console: Console) -> bool:
    return console.measure(table, options=console.options.update(max_width=10_000)).maximum <= console.width


def _stress_table(result: StressResult, gains: GainCells, families: Sequence[str], properties: bool) -> Table:
    """Rows: mechanisms, worst first, and who gains; columns: families of lies, then what prescribed play is worth."""
    table = plain_table()
    table.add_column("mechanism", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    if broken := families and result.mechanisms["breaks"].any():
        table.add_column("gainer", overflow="fold")
    for family in families:
        table.add_column(family.replace("-", "\n"), justify="right", no_wrap=True)
    money = _money_columns(result) if properties else {}
    for header in (*money, *(("unwilling",) if properties else ())):
        table.add_column(header, justify="right", no_wrap=True)
    for row in result.mechanisms.to_dict("records"):
        name, worth = row["mechanism"], []
        if properties:
            worth = [Text(amount(row[key], scale=result.scale)) for key in money.values()]
            worth += [_share(row["participation_violations"], row["participation_cells"])]
        first = [Text(name), Text(WORDS[row["verdict"]], style=STYLES[row["verdict"]])]
        for who in gains[name] if families else [""]:
            whose = [Text(who)] if broken else []
            table.add_row(*first, *whose, *(gains[name][who][family] for family in families), *worth)
            first, worth = [Text(), Text()], []
    return table


def _money_columns(result: StressResult) -> dict[str, str]:
    """Columns of money by header; net revenue where the designer has a cost."""
    net = {"net\nrevenue": "net_revenue"} if has_costs(result.mechanisms.to_dict("records")) else {}
    return {"welfare": "welfare", "revenue": "revenue", **net, "worst\nbudget": "worst_deficit"}


def _share(some: int, cells: int) -> Text:
    """`1/10`; nothing where nothing is looked at."""
    return Text(f"{some}/{cells}" if cells else "–")


def _gain_cells(result: StressResult, families: Sequence[str]) -> GainCells:
    """Return the gains under each mechanism of the agents that gain; a row of nobody's where nobody does."""
    whose = {name: gainers(result, name) or [""] for name in result.mechanisms["mechanism"]}
    known = {
        agent: [gain_table(result, column, agent).to_dict("index") for column in ("gain", "exact")]
        for agent in {agent for agents in whose.values() for agent in agents}
    }

    def cell(mechanism: str, agent: str, family: str) -> Text:
        simulated, exact = (table[mechanism][family] for table in known[agent])
        return _cell(simulated, exact if family in EXACT else np.nan, result.scale)

    return {
        name: {agent: {family: cell(name, agent, family) for family in families} for agent in agents}
        for name, agents in whose.items()
    }


def _cell(simulated: float, exact: float, scale: float) -> Text:
    """The exact gain where there is one, the simulated one in brackets; or the simulated one alone."""
    import pandas as pd

    if pd.notna(exact):
        text = Text(f"+{amount(exact, scale=scale)}", style="bold red")
        return text.append(
            f" (+{amount(simulated, scale=scale)})" if pd.notna(simulated) else " (–)", style="not bold red dim"
        )
    if pd.notna(simulated):
        return Text(f"(+{amount(simulated, scale=scale)})", style="red")
    return Text("–", style="dim")


def plain_table() -> Table:
    """A line under the header, nothing else."""
    return Table(header_style="bold", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0), pad_edge=False)


def _worst_line(result: StressResult, mechanism: str) -> str:
    """Who gains most under a mechanism, and how; or that nobody was found to."""
    mine = result.gains[result.gains["mechanism"] == mechanism]
    known = result.mechanisms.set_index("mechanism").loc[mechanism]
    if not known["breaks"]:
        exactly = ", and none in any other: the exact best response gains nothing" if known["exact"] else ""
        return f"no gain in {int(mine['tried'].sum())} deviations tried{exactly}."
    worst = headline(mine, mechanism, result.scale)
    text = "" if worst is None else f"{describe_gain(worst, result.scale)}."
    single = mine[mine["family"] == "one-shot"]
    exactly_one = (single["exact"] - single["exact_bound"] > TOLERANCE * result.scale).any()
    if not single.empty and not single["found"].any() and not exactly_one:
        text += " No single lie on the path of truth gains."
    return f"{result.excuse(mechanism)}{text}"


def run_sentence(result: RunResult) -> str:
    """Who plays what, and what it gains."""
    s = result.summary
    liars = result.agents[result.agents["strategy"] != "truthful"]
    if liars.empty:
        return f"Everybody plays as prescribed by {s['mechanism']} on {s['environment']}."
    parts = [
        f"{row['agent']} plays {row['strategy']} and gains {amount(row['gain'])} ± {amount(row['gain_half_width'])}"
        for row in liars.to_dict("records")
    ]
    return f"Under {s['mechanism']} on {s['environment']}, {'; '.join(parts)}."


def show_run(result: RunResult, console: Console) -> None:
    """A sentence, a table by agent, a line of totals."""
    s = result.summary
    console.print(Text(run_sentence(result), style="bold"))
    console.print()
    table = plain_table()
    for header in ("agent", "strategy"):
        table.add_column(header, overflow="fold")
    for header in ("payoff", "gain against\nprescribed play"):
        table.add_column(header, justify="right", no_wrap=True)
    for row in result.agents.to_dict("records"):
        table.add_row(
            row["agent"],
            row["strategy"],
            f"{amount(row['payoff'], 3)} ± {amount(row['payoff_half_width'], 3)}",
            f"{amount(row['gain'], 3)} ± {amount(row['gain_half_width'], 3)}",
        )
    console.print(table)
    console.print()
    first_best = f" (first best {amount(s['first_best'], 3)}, exact)" if np.isfinite(s["first_best"]) else ""
    facts = [
        ("welfare", f"{amount(s['welfare'], 3)} ± {amount(s['welfare_half_width'], 3)}{first_best}"),
        ("revenue", f"{amount(s['revenue'], 3)} ± {amount(s['revenue_half_width'], 3)}"),
        *_net_revenue(s),
        ("budget", f"{amount(s['worst_deficit'])} in the worst period (below 0: a deficit)"),
        (
            "unwilling",
            f"{s['participation_violations']} of {s['participation_cells']} (agent, date, own signal) "
            "under prescribed play",
        ),
        ("episodes", f"{s['episodes']}, {s['periods']} period{'s' * (s['periods'] > 1)} each"),
    ]
    if s["tail"]:
        facts.append(("horizon", f"infinite, cut after {s['periods']} periods: at most {s['tail']:.1g} left out"))
    for name, fact in facts:
        console.print(Text.assemble((f"{name:10}", "bold"), fact))
    liars = result.agents[result.agents["strategy"] != "truthful"]
    if (liars["gain"] - liars["gain_half_width"] > ZERO * scale_of(result.agents["payoff"].to_numpy())).any():
        _show_gain_again(result, console)


def _show_gain_again(result: RunResult, console: Console) -> None:
    """Print the line that shows the episode in which a deviator gains most, or that makes a log which has it."""
    console.print()
    if is_logged(result.folder):
        show_line(console, "To see where it gains most", replay_line(result.folder))
    elif result.command is not None:
        show_line(console, "To log it for replay", logged_line(result.command))


def _net_revenue(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Revenue less the designer's costs, where there are any."""
    if not has_costs([summary]):
        return []
    mean, half_width = (amount(summary[key], 3) for key in ("net_revenue", "net_revenue_half_width"))
    return [("net rev.", f"{mean} ± {half_width}, less the designer's costs")]
