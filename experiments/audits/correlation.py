"""How fast contingent transfers grow as correlation fades.

What a decision is paid for is learned from what the others say later; the less that tells, the larger the payments:
|p|₂ ≤ |v|₂ / (δ σ_min) under spanning, |p| ≤ (1/δ)(1 + 4/ε) max|v| for lotteries. A sweep varies one option of a
scenario and reads off transfers, conditioning and deficits.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.figures.saving import save_figure
from dynmech.mechanisms.conditions.correlation import convex_independence, spanning
from dynmech.mechanisms.rules.condition import TOLERANCE
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import budget
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment

COLUMNS = ("largest_transfer", "singular_value", "hull_distance", "worst_deficit", "revenue", "refused")


def sweep_correlation(
    economy: str, option: str, values: Sequence[Any], mechanism: str = "contingent-spanning"
) -> pd.DataFrame:
    """Work out transfers, conditioning and deficits for every value of a scenario's option.

    Parameters
    ----------
    economy : str
        A scenario with its other options, as typed on the command line (`random:seed=3`).
    option : str
        The option that varies.
    values : sequence
        Its values, in the order of the rows.
    mechanism : str
        A mechanism's name, or `name:key=value,…`.

    Returns
    -------
    DataFrame
        A row per value. Columns: the option; `largest_transfer`, the mechanism's bound on a transfer of one period;
        `singular_value` and `hull_distance`, the least σ_min and ε of all belief matrices; `worst_deficit`, the least
        Σ_i p_t^i of any period, negative for a deficit; `revenue`, E Σ_t δ^t Σ_i p_t^i. Money is in units of utility.
        Where the mechanism does not fit, `refused` says why and its figures are NaN.

    Raises
    ------
    InputError
        Scenario, option or mechanism are unknown; the economy is not finite.

    Notes
    -----
    Under spanning |p|₂ ≤ |v|₂ / (δ σ_min), for lotteries |p| ≤ (1/δ)(1 + 4/ε) max |v|.

    Examples
    --------
    >>> frame = sweep_correlation("common-state", "informativeness", [0.8, 0.4])
    >>> bool(frame["largest_transfer"].is_monotonic_increasing)
    True
    """
    return pd.DataFrame([_row(economy, option, value, mechanism) for value in values], columns=[option, *COLUMNS])


def _row(economy: str, option: str, value: Any, name: str) -> list[Any]:
    environment = load(f"{economy}{',' if ':' in economy else ':'}{option}={value}")
    if not isinstance(environment, TableEnvironment):
        raise InputError(f"sweep: environment {environment.name!r} is not finite")
    told = [spanning(environment).value, convex_independence(environment).value]
    try:
        mechanism = make_mechanism(name, environment)
        game = FiniteGame(environment, mechanism)
        truthful = game.truthful
    except Refusal as error:
        return [value, np.nan, *told, np.nan, np.nan, str(error)]
    deficit = budget(environment, truthful, silent=game.silence)["ex_post"].value
    return [value, mechanism.transfer_bound(), *told, deficit, float(truthful.transfer.sum()), ""]


def plot_correlation(frame: pd.DataFrame, path: Path) -> Path:
    """Draw largest transfer and worst deficit against how little the others tell, on logarithmic axes.

    How little the others tell is 1/σ_min, or 1/ε where spanning fails but lotteries hold.

    Parameters
    ----------
    frame : DataFrame
        What `sweep_correlation` returned.
    path : Path
        The PNG file to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        No row has a transfer, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    shown = frame[frame["largest_transfer"] > 0]
    if shown.empty:
        raise InputError(f"{path}: nothing to draw; the mechanism was refused at every value")
    figure = Figure(figsize=(6.4, 4.2), layout="constrained", dpi=150)
    axes = figure.add_subplot()
    spanned = (shown["singular_value"] > TOLERANCE).all()
    conditioning = 1 / np.maximum(shown["singular_value" if spanned else "hull_distance"], TOLERANCE)
    axes.loglog(conditioning, shown["largest_transfer"], "o-", color="black", label="largest transfer")
    axes.loglog(conditioning, np.maximum(-shown["worst_deficit"], 0), "s--", color="tab:orange", label="worst deficit")
    for x, y, value in zip(conditioning, shown["largest_transfer"], shown.iloc[:, 0], strict=True):
        axes.annotate(f"{value:g}" if isinstance(value, float) else str(value), (x, y), (4, -10), fontsize=7,
                      textcoords="offset points")  # fmt: skip
    measure = "least singular value" if spanned else "least distance from other beliefs' hull"
    axes.set_xlabel(f"1 / {measure}, of beliefs about the others' next signals")
    axes.set_ylabel("in one period")
    axes.set_title(f"Contingent transfers as {shown.columns[0]} fades", fontsize=11, loc="left")
    axes.grid(which="both", color="0.9")
    axes.legend(frameon=False)
    return save_figure(figure, path)
