"""`dynmech bound`: the most that any mechanism earns."""

from typing import Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_scenario
from dynmech.experiments.cli.shared import hand_out
from dynmech.sim.core.errors import InputError


def bound_command(
    environment: Annotated[
        str,
        typer.Argument(
            metavar="ENV",
            help="A finite economy, or a separable one.",
            autocompletion=complete_scenario,
        ),
    ],
    leave: Annotated[bool, typer.Option("--leave", help="Agents may leave in later periods too.")] = False,
    relaxed: Annotated[
        bool, typer.Option("--relaxed", help="Also show what could be earned if only the first signals were private.")
    ] = False,
    periods: Annotated[
        int | None,
        typer.Option("--periods", metavar="T", min=1, help="Cut an endless horizon after so many periods."),
    ] = None,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """The most that any mechanism can earn on a finite economy, and what stands in the way of more.

    Which constraints bind, and with --periods how far the bound may be off. A separable economy, or --relaxed: the
    relaxed bound and the gap to it.
    """
    from dynmech.experiments.audits.relaxed_economy import relaxation
    from dynmech.experiments.audits.revenue_bound import bound
    from dynmech.experiments.catalog.names import load
    from dynmech.sim.economy.separable import SeparableEnvironment

    economy = load(environment)
    if leave and relaxed:
        raise InputError("--leave and --relaxed: the relaxed bound is for agents that stay")
    if periods is not None and relaxed:
        raise InputError("--periods and --relaxed: the relaxed bound is for horizons that end")
    free = leave or periods is not None or not isinstance(economy, SeparableEnvironment)
    result = relaxation(economy) if relaxed or not free else bound(economy, leave=leave, periods=periods)
    hand_out(as_json, result.data, result.show, quiet=quiet, brief=lambda: (result.sentence,))
