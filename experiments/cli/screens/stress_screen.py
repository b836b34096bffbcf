"""A stress test on the terminal: one sentence, one table, and what stands behind it."""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynmech.experiments.cli.console import plain_table
from dynmech.experiments.cli.screens.replay_line import is_logged, replay_line, rerun_line, show_line
from dynmech.experiments.cli.screens.verdict_text import STYLES, show_by_text, show_refusals
from dynmech.experiments.runs.comparisons import beside
from dynmech.experiments.runs.exact import TOLERANCE
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.stress_result import EXACT, StressResult, describe_gain, gain_table, gainers, headline
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import WORDS

GainCells = Mapping[str, Mapping[str, Mapping[str, Text]]]
"""What is shown of a gain, by mechanism, agent and family."""


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
