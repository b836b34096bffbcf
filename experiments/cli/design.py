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


def design_command(
    environment: options.EnvironmentName,
    rule: design_options.Rule = "efficient",
    memory: design_options.Memory = "last",
    incentive: design_options.Incentive = "ex-post",
    participation: design_options.Participation = "none",
    budget: design_options.Budget = "none",
    budget_level: design_options.BudgetLevel = "ex-post",
    largest: design_options.Largest = None,
    margin: design_options.Margin = 0.0,
    maximise: design_options.Maximise = None,
    minimise: design_options.Minimise = None,
    near: design_options.Near = None,
    out: design_options.Out = None,
    certificate: design_options.Proof = None,
    whole_map: design_options.Map = False,
    plot: options.Plot = None,
    plugin: options.Plugins = [],  # noqa: B006 - Typer copies defaults
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A mechanism that does what is asked, audited on the spot, or what stands in its way.

    Transfers are sought for a decision rule. Exit code 1 if there are none, or if that is open.
    """
    asked = {
        "memory": memory,
        "incentive": incentive,
        "participation": participation,
        "budget": budget,
        "budget_level": budget_level,
        "largest": largest,
        "out": out,
    }
    alone = {"margin": margin, "maximise": maximise, "minimise": minimise, "certificate": certificate, "near": near}
    if whole_map:
        result: Any = _map(environment, rule, asked, alone, plot, plugin, quiet)
    else:
        if plot is not None:
            raise InputError("design: --plot draws a map; add --map, or leave it out")
        result = _design(environment, rule, {**asked, **alone}, plugin, quiet)
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
        proves = "there is a mechanism; of what it gains a proof is written by `dynmech audit --certificate`"
        lines.append(f"{certificate} is not written: {proves if result.possible else 'nothing is proved'}")
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

    if given := [f"--{name}" for name, value in alone.items() if value]:
        raise InputError(f"design --map: does not know {', '.join(given)}; leave it out")
    economy, kept = _opened(environment, rule, plugins)
    memory = asked.pop("memory")
    usual = {name: USUAL[name] for name in ("participation", "budget")}  # which are `none` unless given
    forms = {name: value if value != "none" else usual.get(name, value) for name, value in asked.items()}
    memories = ("none", "last") if memory in ("none", "last") else ("none", "last", memory)
    with progress_bars(quiet) as progress:
        result = possibility_map(economy, rule=kept, memories=memories, progress=progress, **forms)
    if plot is not None:
        result.plot(plot)
    return result


def _files(result: Any, plot: Path | None) -> list[Path]:
    """Return the files that were written."""
    return [Path(one) for one in (getattr(result, "path", None), getattr(result, "certificate", None), plot) if one]
