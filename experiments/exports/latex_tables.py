"""The tables of each kind of run, as LaTeX for a paper; the captions say where the figures come from."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from dynmech.experiments.exports.latex import one_line, table
from dynmech.experiments.exports.robust_tables import robust_latex
from dynmech.experiments.exports.sources import Source
from dynmech.experiments.figures.comparisons import TOLERANCE
from dynmech.experiments.report.stress_page import largest_gain
from dynmech.experiments.report.tournament_page import spelled
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.stress_result import EXACT
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.experiments.tournament.from_result import make_roles

ROWS = 40
"""Profiles of a game that a table holds, those with the least regret."""

Row = Mapping[str, Any]


def latex_tables(source: Source, mechanism: str | None = None) -> str:
    """Return the tables of a run as the text of a `.tex` file.

    Raises:
        InputError: no such mechanism.
    """
    if source.kind == "tournament":
        made = [_game(source, game, number) for number, game in enumerate(source.games(mechanism), 1)]
    else:
        made = {"run": _run, "stress": _stress, "sweep": _sweep, "robust": robust_latex}[source.kind](source)
    head = f"% {one_line(source.provenance.text())}\n% needs \\usepackage[T1]{{fontenc}} and \\usepackage{{booktabs}}\n"
    return head + "".join(f"\n{one}" for one in made)


def _run(source: Source) -> list[str]:
    result = source.result
    rows = [[row["agent"], row["strategy"], _between(row, "payoff"), _between(row, "gain")] for row in result["agents"]]
    caption = (
        f"Payoffs under {_told(source, result)}. Discounted sums per episode with 95 % intervals; a gain is against "
        f"prescribed play under the same draws. Welfare {_between(result, 'welfare')}, revenue "
        f"{_between(result, 'revenue')}."
    )
    return [table(["agent", "strategy", "payoff", "gain"], "llrr", rows, caption, f"tab:{source.name}")]


def _stress(source: Source) -> list[str]:
    return [_gains(source), _worth(source)]


def _gains(source: Source) -> str:
    """Return the table of mechanisms and families of deviations."""
    gains, rows = source.result["gains"], source.result["mechanisms"]
    order = sorted(gains, key=lambda row: (row["complexity"], row["family"]))
    families = list(dict.fromkeys(row["family"] for row in order))
    cells = [
        [
            row["mechanism"],
            WORDS[row["verdict"]],
            *(_gain(gains, row["mechanism"], family, source.result.get("scale", 1.0)) for family in families),
        ]
        for row in rows
    ]
    caption = (
        f"What the best deviation of each family gains ex ante on {_where(source)}: exactly, or in brackets simulated, "
        "with its 95 % interval; –: none found."
    )
    heads, columns = ["mechanism", "verdict", *families], "ll" + "r" * len(families)
    return table(heads, columns, cells, caption, f"tab:{source.name}-gains")


def _gain(gains: Sequence[Row], mechanism: str, family: str, scale: float) -> str:
    """Return the largest gain of a family under a mechanism, exact where it is known; a dash for none."""
    rows = [row for row in gains if (row["mechanism"], row["family"]) == (mechanism, family)]
    exact = [row["exact"] for row in rows if row["exact"] is not None and family in EXACT]
    if exact:
        return amount(max(exact)) if max(exact) > TOLERANCE * scale else "–"
    found = [row for row in rows if row["found"]]
    if not found:
        return "–"
    most = max(found, key=lambda row: float(row["gain"]))
    return f"({amount(most['gain'])} ± {amount(most['half_width'])})"


def _worth(source: Source) -> str:
    """Return the table of what prescribed play is worth under each mechanism."""
    gains, rows = source.result["gains"], source.result["mechanisms"]
    money = {"welfare": "welfare", "revenue": "revenue", **({"net revenue": "net_revenue"} if has_costs(rows) else {})}
    cells = [
        [
            row["mechanism"],
            amount(largest_gain(gains, row)),
            *(_between(row, key) for key in money.values()),
            amount(row["worst_deficit"]),
        ]
        for row in rows
    ]
    caption = f"What prescribed play is worth on {_where(source)}: discounted sums per episode with 95 % intervals."
    heads, columns = ["mechanism", "worst gain", *money, "worst budget"], "lr" + "r" * (len(money) + 1)
    return table(heads, columns, cells, caption, f"tab:{source.name}-worth")


def _sweep(source: Source) -> list[str]:
    """Return a table per mechanism: a row per economy."""
    swept = source.swept
    rows = swept.table(swept.information)
    made = []
    for number, (name, cells) in enumerate(swept.groups.items(), 1):
        texts = {cell["mechanism"] for cell in cells}
        played = rows[rows["mechanism"].isin(texts) & (rows["refused"] == "")]
        options = [option for option in swept.varied if played[option].notna().all()]
        records: list[dict[Any, Any]] = played.to_dict("records")
        money = {key: text for key, text in SWEPT.items() if key != "net_revenue" or has_costs(records)}
        body = [[*(str(row[option]) for option in options), *(_figure(row, key) for key in money)] for row in records]
        simulated = played.filter(like="half_width").notna().any(axis=None)
        origin = _origin(source) if simulated else "exact"
        caption = (
            f"{name} on {swept.environment} ({origin}): what the best response of any agent gains "
            f"{swept.information.replace('_', ' ')}, and what prescribed play is worth"
            f"{'; with ±: simulated' if simulated else ''}."
        )
        heads, columns = [*options, *money.values()], "l" * len(options) + "r" * len(money)
        made.append(table(heads, columns, body, caption, f"tab:{source.name}-{number}"))
    return made


SWEPT = {
    "best_response": "best response",
    "welfare": "welfare",
    "revenue": "revenue",
    "net_revenue": "net revenue",
    "budget": "worst budget",
    "largest_transfer": "largest transfer",
}
"""Columns of a sweep's tables."""


def _figure(row: Row, key: str) -> str:
    """Return a figure, with its half-width where it is simulated; a dash where it is not known."""
    value, half = row[key], row.get(f"{key}_half_width")
    if value is None or isnan(value):
        return "–"
    return amount(value) if half is None or isnan(half) else f"{amount(value)} ± {amount(half)}"


def _spelled(game: Row, names: Sequence[str]) -> str:
    """Return what the name of a profile means, by an example: one in which agents alike play differently, if any."""
    roles = make_roles(game)
    example = next((name for name in names if "." in name), names[0])
    told = [
        f"of {who}, {said}" if len(role.agents) > 1 else f"{who} {said}"
        for role, (who, said) in zip(roles, spelled(example, roles)[1], strict=True)
    ]
    return f"Names of profiles: in {example}, {'; '.join(told)}."


def _game(source: Source, game: Row, number: int) -> str:
    """Return the table of one game: profiles, the least regret first."""
    every = sorted(game["profiles"], key=lambda row: (not row["regret_known"], row["regret"]))
    cells = [
        [
            row["profile"],
            amount(row["regret"]),
            _interval(row["regret_low"], row["regret_high"]),
            row["best_deviation"] or "–",
            _between(row, "welfare"),
            _between(row, "revenue"),
            amount(row["worst_deficit"]),
        ]
        for row in every[:ROWS]
    ]
    part = f" The {ROWS} of {len(every)} profiles with the least regret." if len(every) > ROWS else ""
    caption = (
        f"Profiles under {_told(source, game)}: regret, the most that one agent gains by another strategy of the list, "
        f"with its bootstrap interval of 95 %.{part} {game['sentence'].partition('; it plays ')[0].rstrip('.')}. "
        f"{_spelled(game, [str(row['profile']) for row in every[:ROWS]])}"
    )
    heads = ["profile", "regret", "95 % interval", "best deviation", "welfare", "revenue", "worst budget"]
    return table(heads, "lrrlrrr", cells, caption, f"tab:{source.name}-{number}")


def _told(source: Source, row: Row) -> str:
    """Return mechanism and economy, and how they were played."""
    return f"{row['mechanism']} on {row['environment']} ({_origin(source)})"


def _where(source: Source) -> str:
    return f"{source.result['environment']} ({_origin(source)})"


def _origin(source: Source) -> str:
    """Return how many episodes were played, and with which seed."""
    per = " per profile" if source.kind == "tournament" else ""
    return f"{source.episodes:,} episodes{per}, seed {source.provenance.seed}"


def _between(row: Row, key: str) -> str:
    return f"{amount(row[key])} ± {amount(row[f'{key}_half_width'])}"


def _interval(low: float | None, high: float | None) -> str:
    """Return an interval; an end that is not known is infinite."""
    return f"[{'-∞' if low is None else amount(low)}, {'∞' if high is None else amount(high)}]"
