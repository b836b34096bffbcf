"""`dynmech design`: a mechanism that does what is asked, or the goals that cannot be had together."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dynmech.experiments.cli import design_options, options
from dynmech.experiments.cli.shared import hand_out, open_economy
from dynmech.sim.core.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.designs.design_result import Design
    from dynmech.experiments.designs.mapping import PossibilityMap
    from dynmech.mechanisms.rules.base import Mechanism
    from dynmech.sim.economy.environment import Environment


CONFIDENCE = 0.95
"""What `--confidence` is unless it is given."""


def design_command(
    environment: options.EnvironmentName,
    rule: design_options.Rule = "efficient",
    memory: design_options.Memory = None,
    incentive: design_options.Incentive = "ex-post",
    participation: design_options.Participation = None,
    budget: design_options.Budget = "none",
    budget_level: design_options.BudgetLevel = "ex-post",
    largest: design_options.Largest = None,
    margin: design_options.Margin = "0",
    data: design_options.Data = None,
    confidence: design_options.Confidence = CONFIDENCE,
    observations: design_options.Observations = None,
    maximise: design_options.Maximise = None,
    minimise: design_options.Minimise = None,
    near: design_options.Near = None,
    out: design_options.Out = None,
    certificate: design_options.Proof = None,
    whole_map: design_options.Map = False,
    plot: options.Plot = None,
    workers: options.Count = 1,
    plugin: options.Plugins = [],  # noqa: B006 - Typer copies defaults
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A mechanism that does what is asked, audited on the spot, or what stands in its way.

    Transfers are sought for a decision rule. Exit code 1 if there are none, or if that is open.
    """
    asked: dict[str, Any] = {"memory": memory, "incentive": incentive, "participation": participation, "budget": budget}
    asked |= {"budget_level": budget_level, "largest": largest, "out": out}
    alone: dict[str, Any] = {"margin": _margin(margin), "data": data, "observations": _counts(observations)}
    alone |= {"near": near, "maximise": maximise, "minimise": minimise, "certificate": certificate}
    if not whole_map:
        _refuse_options_of_maps(plot, workers)
    if whole_map:
        alone["confidence"] = confidence if confidence != CONFIDENCE else None
        result: Any = _map(environment, rule, {**asked, "workers": workers}, alone, plot, plugin, quiet)
    else:
        result = _design(environment, rule, {**asked, **alone, "confidence": confidence}, plugin, quiet)
    left = () if whole_map else _left_out(result, out, certificate)
    hand_out(
        as_json,
        result.data,
        lambda console: _show(result, left, console),
        quiet=quiet,
        brief=lambda: (result.sentence, *_files(result, plot), *left),
    )
    if not whole_map and not result.possible:
        raise typer.Exit(1)


def _refuse_options_of_maps(plot: Path | None, workers: int) -> None:
    """Refuse what only a map knows.

    Raises:
        InputError: which option.
    """
    if plot is not None:
        raise InputError("design: --plot draws a map; add --map, or leave it out")
    if workers != 1:
        raise InputError("design: --workers is for a map, whose cells are worked out side by side; leave it out")


def _margin(text: str) -> float | str:
    """Return a margin, a number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def _counts(text: str | None) -> tuple[int, ...]:
    """Return the numbers of a list.

    Raises:
        InputError: one is no whole number.
    """
    out = []
    for word in (text or "").split(",") if text else []:
        if not word.strip().isdecimal():
            raise InputError(f"observations {word.strip()!r}: not a whole number; give some, as in 100,1000")
        out.append(int(word))
    return tuple(out)


def _show(result: Any, left: tuple[str, ...], console: "Console") -> None:
    from rich.text import Text

    result.show(console)
    for line in left:
        console.print(Text(line), soft_wrap=True)


def _left_out(result: "Design", out: Path | None, certificate: Path | None) -> tuple[str, ...]:
    """Say which files were asked for and are not written, and why."""
    lines = []
    if out is not None and result.path is None:
        lines.append(f"{out} is not written: there is no mechanism")
    if certificate is not None and result.certificate is None:
        lines.append(f"{certificate} is not written: nothing is proved")
    return tuple(lines)


def _opened(environment: str, rule: str, plugins: list[Path]) -> tuple["Environment", "str | Mechanism"]:
    """Open the economy, and the mechanism whose rule is kept."""
    from dynmech.experiments.runs.loading import open_rules
    from dynmech.experiments.workers.pool import Workers

    staff = Workers()
    economy = open_economy(environment, plugins, staff)
    return economy, rule if rule in ("efficient", "free") else open_rules(economy, rule, staff)


def _design(environment: str, rule: str, asked: dict[str, Any], plugins: list[Path], quiet: bool) -> "Design":
    """Seek a mechanism with progress shown."""
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.designs.designing import design

    economy, kept = _opened(environment, rule, plugins)
    if asked["near"] is not None:
        if rule != "efficient":
            raise InputError("design: --near keeps the mechanism's own rule; leave --rule out")
        asked["near"] = _opened(environment, asked["near"], plugins)[1]
    with progress_bars(quiet) as progress:
        return design(economy, rule=kept, progress=progress, **asked)


def _map(
    environment: str,
    rule: str,
    asked: dict[str, Any],
    alone: dict[str, Any],
    plot: Path | None,
    plugins: list[Path],
    quiet: bool,
) -> "PossibilityMap":
    """Draw up the map with progress shown; a goal that is `none` is asked for in its usual form.

    Raises:
        InputError: an option that a map does not know.
    """
    from dynmech.experiments.cli.console import progress_bars
    from dynmech.experiments.designs.mapping import USUAL, possibility_map
    from dynmech.experiments.runs.loading import make_workers
    from dynmech.experiments.workers.sandbox import Limits

    if given := [f"--{name}" for name, value in alone.items() if value]:
        raise InputError(f"design --map: does not know {', '.join(given)}; leave it out")
    economy, kept = _opened(environment, rule, plugins)
    memory = asked.pop("memory") or "last"
    limits = Limits()  # of users' code, of which there is none in a cell
    staff = make_workers(asked.pop("workers"), limits.seconds, limits.memory / 2**30)
    asked["participation"] = asked["participation"] or "none"
    usual = {name: USUAL[name] for name in ("participation", "budget")}  # which are `none` unless given
    forms = {name: value if value != "none" else usual.get(name, value) for name, value in asked.items()}
    memories = ("none", "last") if memory in ("none", "last") else ("none", "last", memory)
    with progress_bars(quiet) as progress:
        result = possibility_map(economy, rule=kept, memories=memories, workers=staff, progress=progress, **forms)
    if plot is not None:
        result.plot(plot)
    return result


def _files(result: Any, plot: Path | None) -> list[Path]:
    """Return the files that were written."""
    return [Path(one) for one in (getattr(result, "path", None), getattr(result, "certificate", None), plot) if one]
