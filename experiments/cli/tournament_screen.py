"""A tournament on the terminal: regret first, equilibria second."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dynmech.experiments.cli.refusals import show_refusals
from dynmech.experiments.cli.replay_line import show_line
from dynmech.experiments.cli.tournament_lines import line_to_play
from dynmech.experiments.runs.moments import ZERO, amount
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import BREAKS, WORDS
from dynmech.experiments.tournament.coalitions import CoalitionGain
from dynmech.experiments.tournament.empirical import Dominance, EmpiricalGame, Regret
from dynmech.experiments.tournament.equilibria import mixed, pure
from dynmech.experiments.tournament.found import Part, Tournament, truth_regret
from dynmech.experiments.tournament.study import Study
from dynmech.sim.core.errors import InputError

ROWS = 12
"""Profiles that are shown of each game."""

COLUMNS = ("profile", "regret", "95 % interval", "best deviation", "welfare", "revenue", "worst budget", "unwilling")

COALITION = ("coalition", "members", "exact gain", "in play", "of it each", "welfare", "revenue", "worst budget")

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
    for role in found.assumed:
        console.print(
            Text(f"role {role}: taken as symmetric; on an economy of functions this is not checked", style="dim")
        )
    show_refusals(found.refusals, console, why)


def _show_part(part: Part, study: Study, typed: Sequence[str], console: Console) -> None:
    game, truth = part.game, study.truth
    console.print(Text(f"{part.mechanism} on {part.environment}", style="bold"))
    regret = truth_regret(game, truth)
    if regret is not None:
        word = WORDS[regret.verdict(game.scale)]
        console.print(
            Text(f"Truth by all {word if word == 'breaks' else 'is ' + word}. Regret: {regret_text(regret, game)}")
        )
        if word == WORDS[BREAKS] and (again := line_to_play(part, regret, study, typed)):
            show_line(console, *again)
    console.print(_table(part, truth))
    for line in notes(part):
        console.print(Text(line, style="dim"))
    if part.coalitions:
        console.print(_coalitions(part.coalitions))
        for one in part.coalitions:
            console.print(Text(coalition_text(one), style="dim"))
    console.print()


def _coalitions(coalitions: Sequence[CoalitionGain]) -> Table:
    """What coalitions gain together against prescribed play by the others."""
    table = Table(title="Coalitions, against prescribed play by the others", title_justify="left")
    for column in COALITION:
        table.add_column(column, justify="left" if column in ("coalition", "members") else "right")
    for one in coalitions:
        seen, figures = one.gain is not None and one.half_width is not None, one.properties or {}
        table.add_row(
            one.name,
            "\n".join(one.members),
            "–" if one.exact is None else amount(one.exact),
            f"{amount(one.gain or 0.0)} ± {amount(one.half_width or 0.0)}" if seen else "–",
            "\n".join(map(amount, one.shares)) or "–",
            *(amount(figures[name]) if name in figures else "–" for name in ("welfare", "revenue", "worst_deficit")),
        )
    return table


def coalition_text(one: CoalitionGain) -> str:
    """What a coalition does, or why nothing is known of it."""
    if one.exact is None:
        return f"{one.name}: not searched, {one.refused}"
    if one.exact <= (one.exact_bound or 0.0) + ZERO:
        return f"{one.name}: no joint deviation gains anything"
    flag = "" if one.agrees else "; EXACT AND PLAYED FIGURES DISAGREE"
    return f"{one.name}: {' and '.join(one.members)} {one.words}{flag}"


def regret_text(regret: Regret, game: EmpiricalGame) -> str:
    """A regret with its interval, and the deviation that brings it."""
    low, high = regret.interval
    text = f"{amount(regret.value, 3)} [{amount(low, 3)}, {amount(high, 3)}]"
    if regret.move is not None:
        who, old, new = game.roles[regret.move.role].name, regret.move.old, regret.move.new
        text += f": {who} gains most by playing {new} instead of {old}"
    return text if regret.known else f"at least {text}"


def _table(part: Part, truth: str) -> Table:
    table = Table(title_justify="left")
    game = part.game
    rows = {row["profile"]: row for row in part.table.to_dict("records")}
    net = has_costs(rows.values())
    for column in (*COLUMNS[:6], *(("net revenue",) if net else ()), *COLUMNS[6:]):
        table.add_column(column, justify="left" if column in ("profile", "best deviation") else "right")
    shown = game.regrets[:ROWS]
    everybody = game.truth(truth)
    if everybody is not None and everybody not in {regret.profile for regret in shown}:
        shown = [*shown, game.regret(everybody)]
    for regret in shown:
        row = rows[game.label(regret.profile)]
        table.add_row(
            game.label(regret.profile),
            ("" if regret.known else "≥ ") + amount(regret.value, 3),
            f"{amount(regret.interval[0], 3)} – {amount(regret.interval[1], 3)}",
            row["best_deviation"] or "–",
            amount(row["welfare"]),
            amount(row["revenue"]),
            *((amount(row["net_revenue"]),) if net else ()),
            amount(row["worst_deficit"]),
            f"{row['participation_violations']}/{row['participation_cells']}",
        )
    if len(game.regrets) > len(shown):
        table.caption = f"the {len(shown)} of {len(game.regrets)} profiles with the least regret"
    return table


def notes(part: Part) -> list[str]:
    """Dominated strategies, equilibria, and where a population goes."""
    game, out = part.game, []
    worst: dict[tuple[str, str], Dominance] = {}
    for beaten in game.dominated():
        worst.setdefault((beaten.role, beaten.old), beaten)
    for beaten in worst.values():
        sure = "" if beaten.interval[0] > 0 else ", not surely"
        least = f"by at least {amount(beaten.least, 3)}{sure}"
        out.append(f"{beaten.role}: {beaten.new} beats {beaten.old} in all {beaten.comparisons} profiles, {least}")
    stable = pure(game)
    names = ", ".join(game.label(regret.profile) for regret in stable[:5])
    more = f" and {len(stable) - 5} more" if len(stable) > 5 else ""
    out.append(
        f"Equilibria in pure strategies, as far as the intervals tell: {names}{more}"
        if stable
        else "No profile is stable: in each some deviation gains beyond its interval."
    )
    for one in part.population:
        census = ", ".join(f"{s} {share:.1%}" for s, share in one["shares"].items() if share > CENSUS)
        out.append(f"Replicator dynamics from equal shares lead {one['role']} to: {census}")
    if game.whole and game.players == 2:
        out += _mixed_lines(game)
    return out


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
