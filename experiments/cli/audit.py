"""`dynmech audit`: exact verdicts, up to ε where signals are real, first report by first report where too large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.shared import hand_out, open_economy
from dynmech.sim.core.errors import Refusal

if TYPE_CHECKING:
    from dynmech.experiments.runs.simulation import Progress
    from dynmech.mechanisms.contingent.contingent_density import ContingentDensity
    from dynmech.mechanisms.rules.base import Mechanism
    from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
    from dynmech.sim.play.game import Game


def audit_command(
    environment: options.EnvironmentName,
    mechanism: options.MechanismName,
    coalition: Annotated[
        list[str],
        typer.Option("--coalition", metavar="A+B", help="Search this coalition instead of every agent alone."),
    ] = [],  # noqa: B006 - Typer copies defaults
    leave: Annotated[
        bool,
        typer.Option("--exit", help="Deviators may leave: what they owe stays unpaid, their payoff is 0 from then on."),
    ] = False,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="A promise that is missed by no more than this still holds.")
    ] = 1e-6,
    all_states: Annotated[
        bool, typer.Option("--all-states", help="Maxima over all states, not only those that some play leads to.")
    ] = False,
    plugin: options.Plugins = [],  # noqa: B006
    as_json: options.Json = False,
) -> None:
    """Exact verdicts: the most that any deviation gains, every promise; exit code 1 if one breaks or is open."""
    from dynmech.experiments.audits.frozen_weights import too_large
    from dynmech.experiments.runs.loading import open_game
    from dynmech.experiments.workers.pool import Workers
    from dynmech.mechanisms.contingent.contingent_density import ContingentDensity
    from dynmech.mechanisms.rules.base import Mechanism
    from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot

    staff = Workers()
    economy = open_economy(environment, plugin, staff)
    game = open_game(economy, mechanism, None, 1e-4, staff)
    assert isinstance(game.mechanism, Mechanism)
    asked = Asked(game, environment, mechanism, [members.split("+") for members in coalition], leave, as_json)
    if isinstance(game.mechanism, VirtualPivot) and too_large(game.mechanism) and not (coalition or leave):
        holds = _by_first_report(asked, game.mechanism, tolerance)
    elif isinstance(game.mechanism, ContingentDensity) and not (coalition or leave):
        holds = _up_to_epsilon(asked, game.mechanism)
    else:
        holds = _exactly(asked, game.mechanism, tolerance, all_states)
    if not holds:
        raise typer.Exit(1)


@dataclass(frozen=True)
class Asked:
    """What is audited, as typed, and how the result is printed.

    Attributes:
        game: the economy and the mechanism.
        environment, mechanism: as typed.
        coalitions: names of members; none: every agent alone.
        leave: deviators may leave.
        as_json: print JSON.
    """

    game: Game
    environment: str
    mechanism: str
    coalitions: list[list[str]]
    leave: bool
    as_json: bool

    @property
    def title(self) -> str:
        """What the screen is headed."""
        return f"{self.mechanism} on {self.environment}"

    def with_options(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a result's data and the mechanism's options as typed."""
        from dynmech.experiments.catalog.options import split

        return {**data, "options": split(self.mechanism, "mechanism")[1]}


def _exactly(asked: Asked, mechanism: Mechanism, tolerance: float, all_states: bool) -> bool:
    """Search all deviations and print what is found; where that is refused, a lower bound. True if all holds."""
    from dynmech.experiments.audits.audit_json import audit_data
    from dynmech.experiments.audits.auditing import audit
    from dynmech.experiments.cli.audit_screen import show_audit
    from dynmech.experiments.cli.console import progress_bars

    with progress_bars() as progress:
        try:
            result = audit(
                asked.game.environment,
                mechanism,
                coalitions=asked.coalitions,
                exit=asked.leave,
                tolerance=tolerance,
                all_states=all_states,
                progress=progress,
            )
        except Refusal as error:
            if asked.coalitions or asked.leave:
                raise
            return _lower_bound(asked, str(error), progress)
    hand_out(
        asked.as_json,
        lambda: asked.with_options(audit_data(result)),
        lambda console: show_audit(result, console, asked.title),
    )
    return result.holds


def _lower_bound(asked: Asked, reason: str, progress: Progress) -> bool:
    """Print the best of a sample of deviations; True if nothing that is promised breaks or is open."""
    from dynmech.experiments.audits.limited import limited_audit
    from dynmech.experiments.cli.audit_screen import show_limited

    result = limited_audit(asked.game, asked.mechanism, reason, progress=progress)
    hand_out(asked.as_json, result.data, lambda console: show_limited(result, console, asked.title))
    return result.holds


def _by_first_report(asked: Asked, mechanism: VirtualPivot, tolerance: float) -> bool:
    """Audit first report by first report and print it; True if all holds."""
    from dynmech.experiments.audits.frozen_weights import frozen_audit
    from dynmech.experiments.cli.audit_screen import show_frozen
    from dynmech.experiments.cli.console import progress_bars

    with progress_bars() as progress:
        result = frozen_audit(mechanism, tolerance=tolerance, progress=progress)
    hand_out(
        asked.as_json,
        lambda: asked.with_options(result.data()),
        lambda console: show_frozen(result, console, asked.title),
    )
    return result.holds


def _up_to_epsilon(asked: Asked, mechanism: ContingentDensity) -> bool:
    """Audit a mechanism for real signals up to ε and print it; True if the gain is within the limit."""
    from dynmech.experiments.audits.continuous import measure
    from dynmech.experiments.cli.continuous_screen import holds, miss_data, show_miss

    result = measure(mechanism)
    hand_out(
        asked.as_json,
        lambda: asked.with_options(miss_data(mechanism, result)),
        lambda console: show_miss(mechanism, result, console),
    )
    return holds(result)
