"""All pictures of a run folder, in one call: readable in black and white, every point with its number.

What the page draws is drawn here for papers and slides: who gains what, what it costs, payoffs, learning, populations.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dynmech.experiments.figures.columns import Column, draw_columns
from dynmech.experiments.figures.family import PAGE, SMALL
from dynmech.experiments.figures.forms import FORMS
from dynmech.experiments.figures.heat_map import draw_leaving
from dynmech.experiments.figures.provenance import Provenance
from dynmech.experiments.figures.saving import save_figure
from dynmech.experiments.figures.texts import as_text, lines, wrapped
from dynmech.experiments.plots.payoff_matrices import draw_matrices, payoff_matrices
from dynmech.experiments.plots.stress_plots import plot_stress
from dynmech.experiments.report.stress_page import largest_gain
from dynmech.experiments.report.tournament_page import (
    HALF,
    coalition_gains,
    deviations,
    largest_exact,
    replicator_paths,
    swept,
)
from dynmech.experiments.runs.foreign_folders import reading
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.results import open_runs, read_whole, refuse_sweep
from dynmech.experiments.runs.simulation import slug
from dynmech.experiments.runs.stress_frames import exactly
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.experiments.tournament.from_result import empirical_game, make_roles
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError

ROWS = 24
"""Rows of a picture at most: profiles with the least regret."""

PAYOFFS = 12
"""Rows of a picture of payoffs at most: of the profiles with the least regret."""

LINES = (("#0b5fa5", "-"), ("#a34700", "--"), ("#00694d", ":"), ("#8a2d6b", "-."), ("#55606b", (0, (6, 2, 1, 2, 1, 2))))
"""Colours that the colour-blind tell apart, and dashes for print."""

MARKERS = ("", "o", "s", "^", "v", "D")
"""Further lines repeat colours and dashes, with a marker."""


def line_style(k: int) -> dict[str, Any]:
    """How the k-th line of a picture looks; the first 30 differ."""
    colour, dash = LINES[k % len(LINES)]
    marker = MARKERS[k // len(LINES) % len(MARKERS)]
    return {"color": colour, "linestyle": dash, "marker": marker, "markersize": 4, "markevery": 0.15, "linewidth": 1.4}


@checked_arguments
def write_plots(folder: Path | str, target: Path | str | None = None, form: str = "png") -> list[Path]:
    """Draw everything that there is to draw of a run folder.

    Parameters
    ----------
    folder : Path or str
        The folder of a stress test, a run or a tournament; of one on several economies: the folder above theirs.
    target : Path or str, optional
        The folder to write to, made if absent; unless given, the run's own.
    form : str
        `pdf`, `svg` or `png`; the metadata of the files say seed, configuration and command.

    Returns
    -------
    list of Path
        The files, here as PNG. A stress test: `gains.png`, `tradeoff.png`. A run: `payoffs.png`, and `learning.png`
        where somebody learns. A tournament: `deviations.png`, `coalitions.png` if it has some, and for its k-th game
        under M `profiles-k-M.png`, `payoffs-k-M.png` and, where every profile was played, `replicator-k-M.png`; of a
        sweep M is followed by what is swept.

    Raises
    ------
    InputError
        It is no finished run, there is no such format, or a file cannot be written.
    """
    if form not in FORMS:
        raise InputError(f"pictures: {form!r} is none of {', '.join(FORMS)}")
    with reading(folder):
        return _written(folder, target, form)


def _written(folder: Path | str, target: Path | str | None, form: str) -> list[Path]:
    """As `write_plots`."""
    run = open_runs(folder)[0]
    refuse_sweep(run, "draw it by `dynmech sweep … --plot FILE`, in Python dm.sweep(…).plot(FILE)")
    result, where = read_whole(folder), Path(folder if target is None else target)
    about = Provenance.of_manifest(run.manifest, result.get("command"))
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{where}: cannot be made: {error.strerror or error}") from None
    return list(DRAWN[result["kind"]](result, Album(where, form, about)))


@dataclass(frozen=True)
class Album:
    """Where pictures are written, in which format, and what they come from."""

    folder: Path
    form: str
    about: Provenance

    def path(self, name: str) -> Path:
        """Return the file of a picture."""
        return self.folder / f"{name}.{self.form}"


# Stress tests


def _stress(result: Mapping[str, Any], album: Album) -> list[Path]:
    rows = result["mechanisms"]
    columns = [
        Column(f"worst gain{_exactly(rows)}", [largest_gain(result["gains"], row) for row in rows]),
        _worth(rows, "welfare", _first_best(rows)),
        _worth(rows, "revenue"),
        Column("worst budget", [row["worst_deficit"] for row in rows]),
    ]
    names = [f"{row['mechanism']} ({WORDS[row['verdict']]})" for row in rows]
    filled = [row["breaks"] for row in rows]
    title = f"{result['environment']}: what each mechanism costs"
    return [
        plot_stress(StressResult.from_data(result), album.path("gains"), about=album.about),
        plot_columns(names, columns, filled, title, album.path("tradeoff"), about=album.about),
    ]


def _worth(rows: Sequence[Mapping[str, Any]], key: str, mark: tuple[str, float] | None = None) -> Column:
    """Return what prescribed play is worth: exactly where every mechanism was searched, else simulated."""
    known = [exactly(row, key) for row in rows]
    if all(value is not None for value in known):
        return Column(f"{key}, exact", known, mark=mark)
    return Column.even(f"{key}, simulated", rows, key, mark)


def _first_best(rows: Sequence[Mapping[str, Any]]) -> tuple[str, float] | None:
    """Return the first best as a mark on welfare; None where it is not known."""
    best = rows[0].get("first_best") if rows else None
    return None if best is None or best != best else ("first best, exact", float(best))


def _exactly(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how the worst gains of mechanisms are known."""
    searched = [not row["exact_refused"] for row in rows]
    return ", exact" if all(searched) else ", simulated" if not any(searched) else ", exact where searched"


# Runs


def _run(result: Mapping[str, Any], album: Album) -> list[Path]:
    rows = result["agents"]
    names = [f"{as_text(row['agent'], 24)}: {as_text(row['strategy'], 30)}" for row in rows]
    columns = [Column.even("payoff", rows, "payoff"), Column.even("gain against prescribed play", rows, "gain")]
    title = f"{result['mechanism']} on {result['environment']}"
    filled = [row["strategy"] != "truthful" for row in rows]
    drawn = [plot_columns(names, columns, filled, title, album.path("payoffs"), about=album.about)]
    return (
        [*drawn, plot_learning(result, album.path("learning"), about=album.about)] if result.get("learning") else drawn
    )


def plot_learning(result: Mapping[str, Any], path: Path, about: Provenance | None = None) -> Path:
    """Payoff by round of every agent, with intervals, and what prescribed play by all gives those that learn.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    figure, axes = _figure(PAGE, 3.2)
    ends = []
    for i, agent in enumerate(result["agents"]):
        rows = [row for row in result["learning"] if row["agent"] == i]
        rounds = [(row["first_round"] + row["round"]) / 2 + 1 for row in rows]
        means, halves = [row["payoff"] for row in rows], [row["half_width"] for row in rows]
        style = line_style(i)
        colour = style["color"]
        axes.plot(rounds, means, **style)
        low, high = ([m + sign * h for m, h in zip(means, halves, strict=True)] for sign in (-1, 1))
        axes.fill_between(rounds, low, high, color=colour, alpha=0.15, linewidth=0)
        ends.append((means[-1], f"{as_text(agent['agent'], 20)} {amount(means[-1])}", colour))
        if agent["strategy"] != "truthful":
            truth = agent["payoff"] - agent["gain"]
            axes.axhline(truth, color=colour, linewidth=0.8, linestyle=(0, (1, 3)))
            ends.append((truth, f"{as_text(agent['agent'], 14)}, all prescribed {amount(truth)}", colour))
    _name_ends(axes, rounds[-1], ends)
    axes.set(xlabel="round (the last one counts)", ylabel="payoff")
    title = f"{result['mechanism']} on {result['environment']}: learning"
    figure.suptitle(wrapped(title, 84))
    return save_figure(figure, path, about)


# Tournaments


def _tournament(result: Mapping[str, Any], album: Album) -> list[Path]:
    games, truth, use = result["games"], result["study"]["truth"], result["study"]["environment"]["use"]
    several = len({game["environment"] for game in games}) > 1
    places = [swept(game["environment"], use) if several else "" for game in games]
    drawn = [_deviations(games, truth, places, album.path("deviations"), about=album.about)]
    if any(game["coalitions"] for game in games):
        drawn.append(_coalitions(games, places, album.path("coalitions"), about=album.about))
    for number, (game, place) in enumerate(zip(games, places, strict=True), 1):
        name = "-".join([str(number), *(slug(part)[:60] for part in (game["mechanism"], place) if part)])
        title = f"{game['mechanism']} on {game['environment']}"
        drawn.append(_profiles(game, title, album.path(f"profiles-{name}"), about=album.about))
        drawn.append(_payoffs(game, title, album.path(f"payoffs-{name}"), about=album.about))
        if (whole := empirical_game(game)) is not None:
            drawn.append(
                _replicator(replicator_paths(whole), title, album.path(f"replicator-{name}"), about=album.about)
            )
    return drawn


def _under(game: Mapping[str, Any], place: str) -> str:
    """Return what rows differ by: the mechanism, and what is swept."""
    return f"{game['mechanism']} ({place})" if place else str(game["mechanism"])


def _deviations(
    games: Sequence[Mapping[str, Any]], truth: str, places: Sequence[str], path: Path, about: Provenance | None = None
) -> Path:
    """Mechanism × strategy: what one agent gains by leaving truth, and by any deviation, exactly."""
    rows = {
        _under(game, place): {
            f"{role}: {strategy}" if len(game["roles"]) > 1 else strategy: gain
            for (role, strategy), gain in deviations(game, make_roles(game), truth).items()
        }
        for game, place in zip(games, places, strict=True)
    }
    exact = {_under(game, place): largest_exact(game) for game, place in zip(games, places, strict=True)}
    return save_figure(draw_leaving(rows, exact, truth), path, about)


def _coalitions(
    games: Sequence[Mapping[str, Any]], places: Sequence[str], path: Path, about: Provenance | None = None
) -> Path:
    """Coalition and mechanism: the exact gain of all members together, and the gain in play with its interval."""
    every = [(game, place, one) for game, place in zip(games, places, strict=True) for one in game["coalitions"]]
    found = every[: 2 * ROWS]
    names = [f"{one['name']}: {' + '.join(one['members'])}, {_under(game, place)}" for game, place, one in found]
    rows = [one for _, _, one in found]
    exact = [(None, None) if r["exact"] is None else _around(r["exact"], r["exact_bound"] or 0.0) for r in rows]
    ends = [(None, None) if r["half_width"] is None else _around(r["gain"], r["half_width"]) for r in rows]
    columns = [
        Column("exact gain", [row["exact"] for row in rows], exact),
        Column("gain in play", [row["gain"] for row in rows], ends),
    ]
    part = _part(len(found), len(every), "the first {} of {} rows; ")
    title = f"What coalitions gain together ({part}rings: nothing; – : not known)"
    return plot_columns(names, columns, [coalition_gains(row) for row in rows], title, path, about=about)


def _around(value: float, half: float) -> tuple[float, float]:
    return value - half, value + half


def _part(drawn: int, there: int, words: str) -> str:
    """Return a remark where only a part is drawn, else nothing."""
    return words.format(drawn, there) if drawn < there else ""


def _profiles(game: Mapping[str, Any], title: str, path: Path, about: Provenance | None = None) -> Path:
    """Regret with intervals, welfare, revenue and worst budget by profile."""
    rows = _least_regret(game)[:ROWS]
    ends = [(row["regret_low"], row["regret_high"]) for row in rows]
    columns = [
        Column("regret", [row["regret"] for row in rows], ends),
        Column.even("welfare", rows, "welfare", _first_best(rows)),
        Column.even("revenue", rows, "revenue"),
        Column("worst budget", [row["worst_deficit"] for row in rows]),
    ]
    filled = [row["profile"] not in game["not_refuted"] for row in rows]
    part = _part(len(rows), len(game["profiles"]), "the {} of {} profiles with the least regret; ")
    heading = f"{title} ({part}rings: not refuted)"
    return plot_columns([row["profile"] for row in rows], columns, filled, heading, path, about=about)


def _payoffs(game: Mapping[str, Any], title: str, path: Path, about: Provenance | None = None) -> Path:
    """Payoffs of two players as a matrix each; of others by profile and strategy, those with the least regret."""
    if (found := payoff_matrices(game)) is not None:
        return save_figure(draw_matrices(found, f"{title}: payoffs"), path, about)
    order = {row["profile"]: k for k, row in enumerate(_least_regret(game))}
    rows = sorted(game["payoffs"], key=lambda row: order.get(row["profile"], len(order)))[:PAYOFFS]
    several = len(game["roles"]) > 1
    names = [f"{row['profile']}: {row['role'] + ', ' if several else ''}{row['strategy']}" for row in rows]
    halves = [None if row["error"] is None else HALF * row["error"] for row in rows]
    ends = [
        (row["payoff"] - half, row["payoff"] + half) if half is not None else (None, None)
        for row, half in zip(rows, halves, strict=True)
    ]
    columns = [Column("payoff", [row["payoff"] for row in rows], ends)]
    part = _part(len(rows), len(game["payoffs"]), " (the {} of {} rows with the least regret)")
    return plot_columns(names, columns, [True] * len(rows), f"{title}: payoffs{part}", path, about=about)


def _least_regret(game: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return profiles, those with the least regret first."""
    return sorted(game["profiles"], key=lambda row: (not row["regret_known"], row["regret"] or 0.0))


def _replicator(paths: Sequence[Any], title: str, path: Path, about: Provenance | None = None) -> Path:
    """Shares of strategies over steps, a panel per role."""
    from matplotlib.figure import Figure

    heading = wrapped(title, 80)
    figure = Figure(figsize=(PAGE, 2.4 + 0.15 * lines(heading)), layout="constrained")
    for k, one in enumerate(paths):
        axes = figure.add_subplot(1, len(paths), k + 1)
        axes.spines[["top", "right"]].set_visible(False)
        ends = []
        for s, name in enumerate(one.role.strategies):
            style = line_style(s)
            axes.plot(one.shares[:, s], **style)
            said = f"{as_text(name, 20)} {100 * one.shares[-1, s]:.1f} %"
            ends.append((float(one.shares[-1, s]), said, style["color"]))
        axes.set(ylim=(-0.02, 1.02), xlabel="step", ylabel="share")
        axes.set_title(wrapped(f"{one.role.name}: replicator dynamics from equal shares", 44), loc="left")
        _name_ends(axes, len(one.shares) - 1, ends)
    figure.suptitle(heading)
    return save_figure(figure, path, about)


# Parts


def plot_columns(
    names: Sequence[str],
    columns: Sequence[Column],
    filled: Sequence[bool],
    title: str,
    path: Path,
    about: Provenance | None = None,
) -> Path:
    """Draw a row per name and a panel per column, as `draw_columns` does.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    return save_figure(draw_columns(names, columns, filled, title), path, about)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _name_ends(axes: Any, at: float, ends: Sequence[tuple[float, str, str]]) -> None:
    """Names beside the ends of lines, moved apart where they would cover each other, the lowest first."""
    low, high = axes.get_ylim()
    step, last = 0.07 * (high - low), float("-inf")
    for value, text, colour in sorted(ends):
        last = max(value, last + step)
        axes.annotate(
            text, (at, value), (at + 0.04 * max(at, 1), last), va="center", fontsize=SMALL, color=colour,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "relpos": (0, 0.5)},
        )  # fmt: skip


DRAWN: dict[str, Callable[[Mapping[str, Any], Album], list[Path]]] = {
    "stress": _stress,
    "run": _run,
    "tournament": _tournament,
}
"""What is drawn of each kind of run."""
