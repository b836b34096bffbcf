"""A tournament on the terminal: truth by all, regret, equilibria; tables that fit the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynmech.experiments.cli.screens.replay_line import show_line
from dynmech.experiments.cli.screens.tournament_lines import coalition_line, line_to_play
from dynmech.experiments.cli.screens.verdict_text import STYLES, show_refusals
from dynmech.experiments.figures.comparisons import beside
from dynmech.experiments.figures.terminal_tables import fits, plain_table
from dynmech.experiments.runs.moments import amount, signed
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.experiments.tournament.coalitions import CoalitionGain
from dynmech.experiments.tournament.empirical import NEGLIGIBLE, Dominance, EmpiricalGame, Regret
from dynmech.experiments.tournament.equilibria import mixed
from dynmech.experiments.tournament.found import Part, Tournament
from dynmech.experiments.tournament.sentence import truth_text
from dynmech.experiments.tournament.study import Study
from dynmech.experiments.tournament.unequal import unequal, unequal_text
from dynmech.sim.core.errors import InputError

FEW = 5
"""Profiles that a line names."""

CENSUS = 1e-3
"""Shares of a population below this are not shown."""


def show_tournament(found: Tournament, console: Console, why: bool = False, typed: Sequence[str] = ()) -> None:
    """Per economy and mechanism one sentence and one table.

    Args:
        why: say of each mechanism that was not played why.
        typed: the words after `dynmech tournament` that say what is played.
    """
    console.print(Text(found.sentence, style="bold"))
    console.print()
    for part in found.parts:
        _show_part(part, found.study, typed, console)
    if (apart := found.farthest) is not None:
        console.print(Text(apart.sentence, style="dim" if apart.likely else "bold yellow"))
    for role in found.assumed:
        console.print(
            Text(f"role {role}: taken as symmetric; on an economy of functions this is not checked", style="dim")
        )
    show_refusals(found.refusals, console, why, found.refusals)  # a study names all of them


def _show_part(part: Part, study: Study, typed: Sequence[str], console: Console) -> None:
    console.print(Text(f"{part.mechanism} on {part.environment}", style="bold"))
    console.print(Text(truth_text(part), style=STYLES.get(part.verdict, "")))
    if part.search.refused:
        console.print(Text(f"No exact search: {part.search.refused}.", style="dim"))
    if part.regret is not None:
        told = regret_text(part.regret, part.game)
        console.print(Text(f"Regret of truth by all among the strategies played: {told}."))
    if again := line_to_play(part, study, typed):
        show_line(console, *again)
    console.print()
    for table in profile_tables(part, console):
        console.print(table)
        console.print()
    for line in notes(part):
        console.print(Text(line, style="dim"))
    if part.coalitions:
        console.print()
        for table in coalition_tables(part.coalitions, console):
            console.print(table)
            console.print()
        for one in part.coalitions:
            console.print(Text(coalition_text(one), style="dim"))
            if (played := coalition_line(part, study, one)) is not None:
                show_line(console, "  to play it", played)
    console.print()


def coalition_text(one: CoalitionGain) -> str:
    """What a coalition does, or why nothing is known of it."""
    if one.exact is None:
        return f"{one.name}: not searched, {one.refused}"
    if not one.gains:
        return f"{one.name}: no joint deviation gains anything"
    off = "" if one.apart is None else f"; in play it gains {beside(one.apart)}"
    flag = "" if one.agrees else "; EXACT AND PLAYED FIGURES DISAGREE"
    return f"{one.name}: {' and '.join(one.members)} {one.words}{off}{flag}"


def regret_text(regret: Regret, game: EmpiricalGame) -> str:
    """A regret with its interval, and the deviation that brings it."""
    low, high = regret.interval
    text = f"{amount(regret.value, 3)} [{amount(low, 3)}, {amount(high, 3)}]"
    if regret.move is not None:
        role, old, new = game.roles[regret.move.role], regret.move.old, regret.move.new
        who = f"an agent of role {role.name}" if len(role.agents) > 1 else role.name
        text += f": {who} gains most by playing {new} instead of {old}"
    return text if regret.known else f"at least {text}"


def notes(part: Part) -> list[str]:
    """Dominated strategies, equilibria, and where a population goes."""
    game = part.game
    out = [
        f"role {role.name}: {', '.join(part.agents[i] for i in role.agents)}"
        for role in game.roles
        if len(role.agents) > 1
    ]
    out += [unequal_text(one, tuple(part.agents)) for one in unequal(game)]
    worst: dict[tuple[str, str], Dominance] = {}
    for beaten in game.dominated():
        worst.setdefault((beaten.role, beaten.old), beaten)
    for beaten in worst.values():
        sure = "" if beaten.interval[0] > 0 else ", not surely"
        least = f"by at least {amount(beaten.least, 3)}{sure}"
        out.append(f"{beaten.role}: {beaten.new} beats {beaten.old} in all {beaten.comparisons} profiles, {least}")
    out += _pure_lines(part)
    for one in part.population:
        census = ", ".join(f"{s} {share:.1%}" for s, share in one["shares"].items() if share > CENSUS)
        out.append(f"Replicator dynamics from equal shares lead {one['role']} to: {census}")
    if game.whole and game.players == 2:
        out += _mixed_lines(game)
    return out


def _pure_lines(part: Part) -> list[str]:
    """Equilibria in pure strategies that are not refuted, and those that are undecided."""
    small = amount(NEGLIGIBLE * part.game.scale, 3)
    rule = f"regret surely at most {small}, {NEGLIGIBLE:.0%} of the largest payoff"
    first = (
        f"Equilibria in pure strategies of the list that are not refuted ({rule}): {_some(part.not_refuted) or 'none'}"
    )
    return [first, *([f"Undecided, as their intervals are wider: {_some(part.undecided)}"] if part.undecided else [])]


def _some(names: Sequence[str]) -> str:
    return f"{', '.join(names[:FEW])}{f' and {len(names) - FEW} more' if len(names) > FEW else ''}"


def _mixed_lines(game: EmpiricalGame) -> list[str]:
    try:
        search = mixed(game)
    except InputError as error:
        return [str(error)]
    lines = []
    names = [game.roles[0].strategies, game.roles[-1].strategies]
    for one in search.found:
        players = [
            " + ".join(f"{share:.2f} {s}" for s, share in zip(strategies, shares, strict=True) if share > CENSUS)
            for strategies, shares in zip(names, one.shares, strict=True)
        ]
        worth = " and ".join(amount(payoff) for payoff in one.payoffs)
        lines.append(f"Equilibrium: {players[0]} against {players[1]}, worth {worth}")
    return [*lines, *([f"Mixed equilibria: {search.note}"] if search.note else [])]


# Tables; what does not fit beside each other stands in two

ROWS = 12
"""Profiles that are shown of each game."""

MONEY = {"welfare": "welfare", "revenue": "revenue", "net\nrevenue": "net_revenue", "worst\nbudget": "worst_deficit"}
"""Columns of money by header."""

Columns = Mapping[str, Sequence[str | Text]]
"""Cells by header."""


def profile_tables(part: Part, console: Console) -> list[Table]:
    """Return the profiles with the least regret, and truth by all: regret, then what they do to the mechanism."""
    game = part.game
    rows = {row["profile"]: row for row in part.table.to_dict("records")}
    shown = game.regrets[:ROWS]
    if part.regret is not None and part.regret.profile not in {regret.profile for regret in shown}:
        shown = [*shown, part.regret]
    chosen = [rows[game.label(regret.profile)] for regret in shown]
    left = len(rows) - len(chosen)
    caption = f"The {len(chosen)} of {len(rows)} profiles with the least regret." if left else ""
    regrets: Columns = {
        "": [Text(WORDS[row["verdict"]], style=STYLES[row["verdict"]]) for row in chosen],
        "regret": [("" if row["regret_known"] else "≥ ") + amount(row["regret"], 3) for row in chosen],
        "95 % interval": [f"{amount(row['regret_low'], 3)} … {amount(row['regret_high'], 3)}" for row in chosen],
        "best deviation": [row["best_deviation"] or "–" for row in chosen],
    }
    worth = {
        **_money(chosen, net=has_costs(rows.values())),
        "unwilling": [f"{row['participation_violations']}/{row['participation_cells']}" for row in chosen],
    }
    return _fitting({"profile": [row["profile"] for row in chosen]}, [regrets, worth], console, caption)


def coalition_tables(coalitions: Sequence[CoalitionGain], console: Console) -> list[Table]:
    """Return what coalitions gain together against prescribed play by the others, then what that does."""
    gains: Columns = {
        "members": ["\n".join(one.members) for one in coalitions],
        "exact\ngain": [_known(one.exact) for one in coalitions],
        "in play": [_interval(one) for one in coalitions],
        "standard\nerrors apart": ["–" if one.apart is None else signed(one.apart, 1) for one in coalitions],
        "of it\neach": ["\n".join(map(amount, one.shares)) or "–" for one in coalitions],
    }
    played = [one.properties for one in coalitions if one.properties is not None]
    worth = _money([one.properties or {} for one in coalitions], net=has_costs(played))
    title = "Coalitions, against prescribed play by the others."
    return _fitting({"coalition": [one.name for one in coalitions]}, [gains, worth], console, title)


def _money(rows: Sequence[Mapping[Any, Any]], *, net: bool) -> dict[str, list[str]]:
    """Return columns of money; net revenue where the designer has a cost, – where a row has no figures."""
    keys = {header: key for header, key in MONEY.items() if net or key != "net_revenue"}
    return {header: [_known(row.get(key)) for row in rows] for header, key in keys.items()}


def _known(value: float | None) -> str:
    return "–" if value is None else amount(value)


def _interval(one: CoalitionGain) -> str:
    if one.gain is None or one.half_width is None:
        return "–"
    return f"{amount(one.gain)} ± {amount(one.half_width)}"


def _fitting(names: Columns, groups: Sequence[Columns], console: Console, caption: str) -> list[Table]:
    """Return one table with all groups of columns if it fits, else a table for each group."""
    whole = _table(names, groups, caption)
    if fits(whole, console):
        return [whole]
    return [_table(names, [group], caption if k == 0 else "") for k, group in enumerate(groups)]


LEFT = ("profile", "", "best deviation", "coalition", "members")
"""Headers of columns of words."""

FOLDED = ("profile", "best deviation", "coalition", "members")
"""Those of them that may be long."""


def _table(names: Columns, groups: Iterable[Columns], caption: str) -> Table:
    table = plain_table()
    columns = {**names, **{header: cells for group in groups for header, cells in group.items()}}
    for header in columns:
        justify, fold = ("left" if header in LEFT else "right"), header in FOLDED
        table.add_column(header, justify=justify, overflow="fold", no_wrap=not fold)  # type: ignore[arg-type]
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    if caption:
        table.caption, table.caption_justify = caption, "left"
    return table
