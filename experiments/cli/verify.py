"""`dynmech verify`: a certificate checked in exact arithmetic, by the program that can do it alone."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import hand_out
from dynmech.sim.core.errors import InputError

KINDS = ("certificate", "infeasibility")
"""What a certificate's file says it is."""

WRITERS = "`dynmech audit` or `dynmech design`"


def verify_command(
    certificate: Annotated[
        Path, typer.Argument(metavar="FILE", help="A certificate, of audit --certificate or design --certificate.")
    ],
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """A certificate checked in exact arithmetic; exit code 1 if one of its claims is not proved."""
    found = _checked(certificate)
    hand_out(
        as_json,
        lambda: {"file": certificate, "proved": found["proved"], "lines": found["lines"]},
        lambda console: console.print("\n".join(found["labelled"]), markup=False, highlight=False),
        quiet=quiet,
        brief=lambda: ["proved" if found["proved"] else "not proved"],
    )
    if not found["proved"]:
        raise typer.Exit(1)


def _checked(path: Path) -> dict[str, Any]:
    """Return whether every claim is proved, and what is said of that, in the file's numbers and with its labels.

    Raises:
        InputError: it is no certificate.
    """
    from dynmech.experiments.certificates import verify, verify_infeasible
    from dynmech.experiments.certificates.labelled_lines import labelled

    data: Any = None
    try:
        data = verify.read(str(path))
        kind = data.get("kind") if isinstance(data, dict) else None
        if isinstance(kind, str) and kind not in KINDS:
            raise InputError(
                f"{path}: no certificate, but of kind {kind[:40]!r}; --certificate of {WRITERS} writes one"
            )
        clash = kind == "infeasibility"
        checker: Any = verify_infeasible if clash else verify
        lines = [*checker.check(data), *checker.SAID]
    except verify.Unproved as error:
        lines = [f"not proved: {error}"]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: no certificate: not JSON (line {error.lineno}, column {error.colno})") from None
    except InputError:
        raise
    except Exception as error:  # whatever a hostile file leads to
        raise InputError(f"{path}: no certificate: {type(error).__name__}: {str(error)[:300]}") from None
    proved = lines[0].startswith("proved")
    return {"proved": proved, "lines": lines, "labelled": [labelled(line, data) for line in lines]}
