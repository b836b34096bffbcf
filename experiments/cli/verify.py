"""`dynmech verify`: a certificate checked in exact arithmetic, by the program that can do it alone."""

from pathlib import Path
from typing import Annotated

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import hand_out


def verify_command(
    certificate: Annotated[
        Path, typer.Argument(metavar="FILE", help="A certificate, of audit --certificate or design --certificate.")
    ],
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A certificate checked in exact arithmetic; exit code 1 if one of its claims is not proved."""
    from dynmech.experiments.certificates.verified import verify

    found = verify(certificate)
    hand_out(
        as_json,
        found.data,
        lambda console: console.print("\n".join(found.labelled), markup=False, highlight=False),
        quiet=quiet,
        brief=lambda: ["proved" if found.proved else "not proved"],
    )
    if not found.proved:
        raise typer.Exit(1)
