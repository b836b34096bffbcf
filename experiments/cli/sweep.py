"""`dynmech sweep`: how large contingent transfers must be, as one number varies; a table, and a picture."""

from __future__ import annotations

from math import isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dynmech.experiments.cli import options
from dynmech.experiments.cli.completion import complete_mechanism, complete_scenario
from dynmech.experiments.cli.shared import hand_out
from dynmech.sim.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from dynmech.mechanisms.contingent.contingent_density import Method

WAYS: dict[str, tuple[Method, ...]] = {"bound": ("bounded", "one-sided"), "ridge": ("ridge",)}
"""What may vary where signals are continuous, and the ways to choose transfers that take it."""

SHOWN = ("method", "parameter", "size", "epsilon_everywhere", "epsilon", "gain", "limit_everywhere")
"""What the table has of a measurement up to ε."""


def sweep_command(
    environment: Annotated[
        str,
        typer.Argument(
            metavar="ENV", help="A scenario, name:key=value,…, without OPTION.", autocompletion=complete_scenario
        ),
    ],
    option: Annotated[
        str,
        typer.Argument(metavar="OPTION", help="The scenario's option that varies; bound or ridge if signals are real."),
    ],
    values: Annotated[list[str], typer.Argument(metavar="VALUE…", help="Its values.")],
    mechanism: Annotated[
        str,
        typer.Option(
            "--mechanism",
            metavar="M",
            help="Whose transfers; not where signals are real.",
            autocompletion=complete_mechanism,
        ),
    ] = "contingent-spanning",
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="A picture (PNG).")] = None,
    verbose: options.Timed = False,  # noqa: ARG001
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Size of transfers, conditioning and budget as correlation fades; if signals are real, ε as transfers may grow."""
    frame, drawn = _swept(environment, option, values, mechanism, plot)
    hand_out(
        as_json,
        lambda: frame,
        lambda console: _show(frame, drawn, console),
        quiet=quiet,
        brief=lambda: [drawn] if drawn else [],
    )


def _swept(
    environment: str, option: str, values: list[str], mechanism: str, plot: Path | None
) -> tuple[pd.DataFrame, Path | None]:
    """The table, and where the picture is."""
    from dynmech.experiments.audits.correlation import plot_correlation, sweep_correlation
    from dynmech.experiments.audits.transfer_sizes import epsilon_curve, plot_epsilon
    from dynmech.experiments.catalog.names import load
    from dynmech.sim.economy.density import DensityEnvironment

    economy = load(environment) if option in WAYS else None
    if not isinstance(economy, DensityEnvironment):
        frame = sweep_correlation(environment, option, [_number(value) for value in values], mechanism)
        return frame, None if plot is None else plot_correlation(frame, plot)
    numbers = [_size(option, value) for value in values]
    frame = epsilon_curve(economy, bounds=numbers, ridges=numbers, methods=WAYS[option])
    return frame[list(SHOWN)], None if plot is None else plot_epsilon(frame, plot)


def _number(value: str) -> Any:
    """A number where it is one."""
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _size(option: str, value: str) -> float:
    number = _number(value)
    if isinstance(number, str) or not isfinite(number) or number < 0:
        raise InputError(f"sweep: {option}: {value!r} is no number of 0 or more")
    return float(number)


def _show(frame: pd.DataFrame, drawn: Path | None, console: Console) -> None:
    """Print the table, why values were refused, and where the picture is."""
    import pandas as pd
    from rich.text import Text

    from dynmech.experiments.cli.console import plain_table

    table = plain_table()
    for column in frame.columns:
        if column != "refused":
            table.add_column(str(column).replace("_", " "), justify="right")
    refused = frame["refused"] if "refused" in frame else pd.Series("", index=frame.index)
    for row in frame.drop(columns="refused", errors="ignore").to_dict("records"):
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table)
    for value, why in zip(frame.iloc[:, 0], refused, strict=True):
        if why:
            console.print(Text(f"{frame.columns[0]}={value}: {why}", style="yellow"))
    if drawn is not None:
        console.print(f"plot: {drawn}", soft_wrap=True)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if isnan(value) else f"{value:.4g}" if abs(value) > 1e-12 else "0"
    return str(value)
