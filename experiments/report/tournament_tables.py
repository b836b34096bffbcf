"""Tables of the page of a tournament."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from dynmech.experiments.figures.amounts import amount, signed
from dynmech.experiments.figures.html_tables import Cell, Group, Heading, Table
from dynmech.experiments.figures.html_text import name, names, profile
from dynmech.experiments.report.cells import figure, mean
from dynmech.experiments.report.drawing import strip_svg
from dynmech.experiments.report.stress_page import tag
from dynmech.experiments.runs.verdicts import BREAKS

ACROSS = 7
"""Columns of gains at most; a wider table is turned, or cut into several."""

FEW = 12
"""Profiles that are shown before the table is opened."""


def truth_table(games: Sequence[Mapping[str, Any]], several: bool) -> Table:
    """Return what truth by all is under each mechanism: the exact gain first, then the regret among what was played."""
    headings = [
        Heading("mechanism", left=True),
        *([Heading("economy", left=True)] if several else []),
        Heading("verdict", left=True),
        Heading("exact gain"),
        Heading("who gains", left=True),
        Heading("regret of truth"),
        Heading("95 % interval"),
    ]
    return Table.of(headings, [_truth_row(game, several) for game in games])


def _truth_row(game: Mapping[str, Any], several: bool) -> list[Cell]:
    truth, gain = game["truth"], game["exact_gain"]
    regret = [Cell("–", kind="dim"), Cell("–", kind="dim")]
    if truth:
        low, high = truth["interval"]
        least = "" if truth["known"] else "≥ "
        regret = [
            Cell(f"{least}{amount(truth['value'], 3)}", value=truth["value"]),
            Cell(f"{amount(low, 3)} … {amount(high, 3)}", value=high),
        ]
    return [
        Cell(name(game["mechanism"]), kind="who"),
        *([Cell(name(game["where"]), kind="who")] if several else []),
        Cell(tag(game["verdict"]) if game["verdict"] else ""),
        figure(gain, 3),
        Cell(name(game["exact"]["agent"]) if gain is not None and game["exact"]["agent"] else "–", kind="who"),
        *regret,
    ]


def leaving_tables(games: Sequence[Mapping[str, Any]], several: bool) -> list[Table]:
    """Return what one agent gains by each strategy while all others are truthful; tables no wider than the page."""
    keys = list(dict.fromkeys(key for game in games for key in game["deviations"]))
    roles, strategies = (list(dict.fromkeys(key[k] for key in keys)) for k in (0, 1))
    top = max([gain for game in games for gain in game["deviations"].values()], default=0.0)
    if len(strategies) <= ACROSS or len(strategies) <= len(games):
        return [
            _by_mechanism(games, several, roles, strategies[k : k + ACROSS], top)
            for k in range(0, len(strategies), ACROSS)
        ]
    return [_by_strategy(games[k : k + ACROSS], several, roles, strategies, top) for k in range(0, len(games), ACROSS)]


def _by_mechanism(
    games: Sequence[Mapping[str, Any]], several: bool, roles: Sequence[str], strategies: Sequence[str], top: float
) -> Table:
    """Return a row per mechanism and role, a column per strategy."""
    headings = [
        Heading("mechanism", left=True),
        *([Heading("economy", left=True)] if several else []),
        *([Heading("who leaves truth", left=True)] if len(roles) > 1 else []),
        *(Heading(name(one), narrow=one) for one in strategies),
    ]
    rows = [
        [
            Cell(name(game["mechanism"]), kind="who"),
            *([Cell(name(game["where"]), kind="who")] if several else []),
            *([Cell(name(role), kind="who")] if len(roles) > 1 else []),
            *(_gain(game["deviations"].get((role, one)), top) for one in strategies),
        ]
        for game in games
        for role in roles
        if any(key[0] == role for key in game["deviations"])
    ]
    return Table.of(headings, rows)


def _by_strategy(
    games: Sequence[Mapping[str, Any]], several: bool, roles: Sequence[str], strategies: Sequence[str], top: float
) -> Table:
    """Return a row per strategy, in a group per role, a column per mechanism."""
    called = [f"{game['mechanism']} ({game['where']})" if several else game["mechanism"] for game in games]
    headings = [Heading("strategy", left=True), *(Heading(name(one), narrow=one) for one in called)]
    groups = [
        Group(
            name(role) if len(roles) > 1 else "",
            [
                [Cell(name(one), kind="who"), *(_gain(game["deviations"].get((role, one)), top) for game in games)]
                for one in strategies
                if any((role, one) in game["deviations"] for game in games)
            ],
        )
        for role in roles
    ]
    return Table(headings, groups)


def _gain(gain: float | None, top: float) -> Cell:
    if gain is None:
        return Cell("–", kind="dim none")
    share = 100 * gain / top if gain > 1e-9 and top else None
    return Cell(signed(gain, 3), share=share, value=gain)


def profile_table(game: Mapping[str, Any]) -> Table:
    """Return regret, best deviation, welfare, revenue and budget by profile; columns that say the same go."""
    means = {"welfare": "welfare", "revenue": "revenue", **({"net_revenue": "net revenue"} if game["net"] else {})}
    drawn = {"net_revenue": game["strips"]["net"], **game["strips"]}
    headings = [
        Heading("profile", left=True),
        Heading("regret", constant=True),
        Heading("95 % interval", constant=True),
        Heading("best deviation", left=True, constant=True),
        *(Heading(text, constant=True) for text in (*means.values(), "worst budget", "unwilling", "episodes")),
    ]
    rows = [
        [
            Cell(profile(row["profile"]), kind="who", below=_remark(row, game["everybody"])),
            Cell(
                f"{'' if row['regret_known'] else '≥ '}{amount(row['regret'], 3)}",
                below=strip_svg(drawn["regret"][k]),
                value=row["regret"],
            ),
            Cell(f"{amount(row['regret_low'], 3)} … {amount(row['regret_high'], 3)}", value=row["regret_high"]),
            Cell(name(row["best_deviation"]) if row["best_deviation"] else "–"),
            *(mean(row, key, below=strip_svg(drawn[key][k])) for key in means),
            figure(row["worst_deficit"], below=strip_svg(drawn["budget"][k], bar=True)),
            Cell(f"{row['participation_violations']}/{row['participation_cells']}"),
            Cell(str(row["episodes"]), value=row["episodes"]),
        ]
        for k, row in enumerate(game["listed"])
    ]
    return Table.of(headings, rows).varying()


def _remark(row: Mapping[str, Any], everybody: str) -> Markup:
    """Return whether a profile is truth by all, and its verdict where that is not that it breaks."""
    parts = [Markup("truth by all")] if row["profile"] == everybody else []
    parts += [tag(row["verdict"])] if row["verdict"] != BREAKS else []
    return Markup(" ").join(parts)


def coalition_table(game: Mapping[str, Any]) -> Table:
    """Return what coalitions gain, exactly and in play, and what it costs."""
    headings = [
        Heading("coalition", left=True),
        Heading("members", left=True),
        *(Heading(text) for text in ("exact gain", "gain in play", "standard errors apart", "of it each")),
        *(Heading(text, constant=True) for text in ("welfare", "revenue", "worst budget")),
    ]
    return Table.of(headings, [_coalition_row(one) for one in game["coalitions"]]).varying()


def _coalition_row(one: Mapping[str, Any]) -> list[Cell]:
    half = "" if one["half_width"] is None else f" ± {amount(one['half_width'])}"
    apart, worth = one["apart"], one["properties"]
    return [
        Cell(name(one["name"]), kind="who"),
        Cell(names(one["members"]), kind="who"),
        figure(one["exact"]),
        Cell("–" if one["gain"] is None else f"{amount(one['gain'])}{half}", value=one["gain"]),
        Cell("–" if apart is None else signed(apart, 1), value=apart),
        Cell(", ".join(amount(share) for share in one["shares"]) or "–"),
        *(figure(worth[key] if worth else None) for key in ("welfare", "revenue", "worst_deficit")),
    ]


def comparison_table(game: Mapping[str, Any]) -> Table:
    """Return exact gains and simulated ones beside each other."""
    headings = [
        *(Heading(text, left=True) for text in ("who", "deviation from truth by all")),
        *(Heading(text) for text in ("exact", "simulated", "standard errors apart")),
    ]
    rows = [
        [
            Cell(name(row["who"]), kind="who"),
            Cell(name(row["deviation"]), kind="who"),
            Cell(f"{'at most ' if row['one_sided'] else ''}{amount(row['exact'], 3)}", value=row["exact"]),
            Cell(signed(row["gain"], 3), value=row["gain"]),
            Cell("–" if row["apart"] is None else signed(row["apart"], 1), value=row["apart"]),
        ]
        for row in game["comparisons"]
    ]
    return Table.of(headings, rows)


def payoff_table(game: Mapping[str, Any]) -> Table:
    """Return payoffs with their intervals by profile, role and strategy."""
    headings = [
        Heading("profile", left=True),
        Heading("role", left=True, constant=True),
        Heading("strategy", left=True),
        *(Heading(text, constant=text == "played by") for text in ("played by", "payoff", "95 % interval")),
    ]
    rows = [
        [
            Cell(profile(row["profile"]), kind="who"),
            Cell(name(row["role"]), kind="who"),
            Cell(name(row["strategy"])),
            Cell(str(row["players"]), value=row["players"]),
            figure(row["payoff"], 3),
            Cell("–" if row["half"] is None else _interval(row["payoff"], row["half"]), value=row["half"]),
        ]
        for row in game["payoffs"]
    ]
    return Table.of(headings, rows).varying()


def _interval(value: float, half: float) -> str:
    return f"{amount(value - half, 3)} … {amount(value + half, 3)}"
