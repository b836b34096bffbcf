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
            help="A two-period economy with independent types, or a separable one.",
            autocompletion=complete_scenario,
        ),
    ],
    leave: Annotated[bool, typer.Option("--leave", help="Agents may leave in the second period too.")] = False,
    relaxed: Annotated[
        bool, typer.Option("--relaxed", help="Also show what could be earned if only the first signals were private.")
    ] = False,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """The most that any mechanism can earn on a finite economy, and what stands in the way of more.

    Two periods: which constraints bind. A separable economy, or --relaxed: the relaxed bound and the gap to it.
    """
    from dynmech.experiments.audits.relaxed_economy import relaxation
    from dynmech.experiments.audits.revenue_bound import bound
    from dynmech.experiments.catalog.names import load
    from dynmech.sim.economy.separable import SeparableEnvironment

    economy = load(environment)
    if leave and relaxed:
        raise InputError("--leave and --relaxed: the relaxed bound is for agents that stay")
    two_periods = leave or not isinstance(economy, SeparableEnvironment)
    result = relaxation(economy) if relaxed or not two_periods else bound(economy, leave=leave)
    hand_out(as_json, result.data, result.show, quiet=quiet, brief=lambda: (result.sentence,))
