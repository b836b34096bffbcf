"""`dynmech audit`: verdicts on a mechanism, exact where that is possible."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import hand_out, open_economy, terms_of

if TYPE_CHECKING:
    from rich.console import Console

    from dynmech.experiments.audits.audit_request import AuditRequest
    from dynmech.experiments.audits.audit_result import Audit
    from dynmech.experiments.workers.bound_effort import BoundEffort


Coalition = Annotated[
    list[str],
    typer.Option("--coalition", metavar="A+B", help="Search this coalition instead of every agent alone."),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tolerance",
        help="A promise that is missed by no more than this share of the economy's scale still holds.",
        show_default="1e-6",
    ),
]
Sensitivity = Annotated[
    bool, typer.Option("--sensitivity", help="On which number of the economy the largest gain hangs.")
]

AllStates = Annotated[
    bool, typer.Option("--all-states", help="Maxima over all states, not only those that some play leads to.")
]
Policy = Annotated[
    Path | None,
    typer.Option("--policy", metavar="FILE.csv", help="Write the whole worst deviation, situation by situation."),
]
PlayedByAll = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE.json", help="What everybody plays in place of the truth."),
]


def audit_command(
    environment: options.EnvironmentName,
    mechanism: options.MechanismName,
    coalition: Coalition = [],  # noqa: B006 - Typer copies defaults
    leave: options.Leave = False,
    tolerance: Tolerance = None,
    all_states: AllStates = False,
    bounds: options.Bounds = False,
    width: options.Width = None,
    effort: options.Effort = 1.0,
    workers: options.BoundWorkers = 1,
    out: options.BoundFolder = None,
    profile: PlayedByAll = None,
    disclosure: options.Disclosure = "everything",
    policy: Policy = None,
    sensitivity: Sensitivity = False,
    payments: options.Payments = "enforced",
    default: options.Default = None,
    grace: options.Grace = None,
    deposit: options.Deposit = None,
    certificate: options.Certificate = None,
    plugin: options.Plugins = [],  # noqa: B006
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Verdicts: the most that any deviation gains, every promise; exit code 1 if one breaks or is open."""
    terms = terms_of(payments, default, grace, deposit)
    flags: dict[str, Any] = {"exit": leave, "all_states": all_states, "bounds": bounds, "width": width, "terms": terms}
    coalitions = [members.split("+") for members in coalition]
    flags |= {"profile": profile, "disclosure": disclosure, "playing": _playing(effort, workers, out)}
    request = _request(environment, mechanism, plugin).with_options(coalitions, tolerance, **flags)
    _require_places(request, policy, certificate)
    result = _audit(request, quiet, sensitivity)
    if policy is not None:
        _write_policy(result, policy)
    result, files = _certified(result, certificate), {"policy": policy, "certificate": certificate}
    hand_out(
        as_json,
        result.to_dict,
        lambda console: _show(result, console, verbose, files),
        quiet=quiet,
        brief=lambda: _brief(result, files),
    )
    if not result.holds:
        raise typer.Exit(1)


def _playing(effort: float, workers: int, out: Path | None) -> "BoundEffort":
    """How much is played for bounds, by whom, and where it is kept."""
    from dynmech.experiments.workers.bound_effort import BoundEffort

    return BoundEffort(effort, workers, out)


def _request(environment: str, mechanism: str, plugins: list[Path]) -> "AuditRequest":
    """Open an economy and a mechanism by name, a user's own in a process of its own first."""
    from dynmech.experiments.audits.audit_request import AuditRequest
    from dynmech.experiments.catalog.options import split
    from dynmech.experiments.runs.loading import open_rules
    from dynmech.experiments.workers.pool import Workers

    staff = Workers()
    economy = open_economy(environment, plugins, staff)
    rules = open_rules(economy, mechanism, staff)
    names = environment, mechanism
    return AuditRequest(economy, rules, names, split(mechanism, "mechanism")[1], typed=names, plugins=tuple(plugins))


def _require_places(request: "AuditRequest", policy: Path | None, certificate: Path | None) -> None:
    """Before the search: refuse files that cannot be written after it."""
    from dynmech.sim.core.whole_files import require_place

    require_place(policy, certificate)
    if certificate is not None:
        from dynmech.experiments.certificates.certified_audit import require_certifiable

        require_certifiable(request)


def _audit(request: "AuditRequest", quiet: bool, sensitivity: bool) -> "Audit":
    """Audit with progress shown, and find out on what the gain hangs, if that is asked."""
    from dynmech.experiments.audits.auditing import run_audit
    from dynmech.experiments.cli.console import progress_bars

    if sensitivity:
        from dynmech.experiments.audits.sensitivity import check_sensitivity

        check_sensitivity(request)
    with progress_bars(quiet) as progress:
        result = run_audit(request, progress)
    if not sensitivity:
        return result
    from dynmech.experiments.audits.sensitivity import with_sensitivity

    return with_sensitivity(result)


def _brief(result: "Audit", files: dict[str, Path | None]) -> list[object]:
    """The verdict, and the files that were written."""
    from dynmech.experiments.audits.audit_text import headline

    told = []
    if rows := result.details.get("sensitivity"):
        from dynmech.experiments.audits.sensitivity import hinge_sentences

        told = hinge_sentences(rows)
    return [headline(result), *told, *filter(None, files.values())]


def _certified(result: "Audit", path: Path | None) -> "Audit":
    """Write a certificate, if one is asked for; its figures are marked."""
    if path is None:
        return result
    from dynmech.experiments.certificates.certified_audit import certify

    return certify(result, path)


def _write_policy(result: "Audit", path: Path) -> None:
    """Write the worst deviation as CSV; no file is left half-written.

    Raises:
        InputError: the file cannot be written.
        Refusal: there is no exact search, or the deviation has too many situations.
    """
    from dynmech.sim.core.whole_files import write_whole

    write_whole(path, result.policy.to_csv(index=False))


def _show(result: "Audit", console: "Console", verbose: bool, files: dict[str, Path | None]) -> None:
    from rich.text import Text

    from dynmech.experiments.cli.screens.audit_screen import show_audit

    show_audit(result, console, verbose=verbose)
    if "sensitivity" in result.details:
        from dynmech.experiments.cli.screens.sensitivity_screen import show_sensitivity

        show_sensitivity(result, console, verbose)
    for what, file in files.items():
        if file is not None:
            console.print(Text(f"{what:11} {file}", no_wrap=True, overflow="ignore"), crop=False)
