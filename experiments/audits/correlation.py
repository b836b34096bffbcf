"""How fast do contingent transfers grow as correlation fades?

What a decision is paid for is learned from what the others say later; the less that tells, the larger the payments:
|p|₂ ≤ |v|₂ / (δ σ_min) under spanning, |p| ≤ (1/δ)(1 + 4/ε) max|v| for lotteries. A sweep varies one option of a
scenario and reads off transfers, conditioning and deficits.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dynmech.agents.oracle.budget_and_participation import budget
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.plots.stress_plots import save_figure
from dynmech.mechanisms.conditions.correlation import convex_independence, spanning
from dynmech.mechanisms.rules.condition import TOLERANCE
from dynmech.mechanisms.rules.values_of_truth import truthful_values
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment

COLUMNS = ("largest_transfer", "singular_value", "hull_distance", "worst_deficit", "revenue", "refused")


def sweep_correlation(
    economy: str, option: str, values: Sequence[Any], mechanism: str = "contingent-spanning"
) -> pd.DataFrame:
    """One row per value of a scenario's option.

    Args:
        economy: a scenario with its other options, as typed on the command line (`random:seed=3`).
        option: what varies.
        mechanism: with its options.

    Returns:
        the option's value; the largest transfer (the mechanism's bound on it), the least singular value σ_min and hull
        distance ε of all belief matrices, the worst Σ_i p_t^i of any period (a deficit is negative), the expected
        discounted Σ_i p^i. Where the mechanism does not fit, `refused` says why and its figures are NaN.

    Raises:
        InputError: scenario, option or mechanism are unknown; the economy is not finite.
    """
    return pd.DataFrame([_row(economy, option, value, mechanism) for value in values], columns=[option, *COLUMNS])


def _row(economy: str, option: str, value: Any, name: str) -> list[Any]:
    environment = load(f"{economy}{',' if ':' in economy else ':'}{option}={value}")
    if not isinstance(environment, TableEnvironment):
        raise InputError(f"sweep: environment {environment.name!r} is not finite")
    told = [spanning(environment).value, convex_independence(environment).value]
    try:
        mechanism = make_mechanism(name, environment)
        truthful = truthful_values(environment, mechanism)
    except Refusal as error:
        return [value, np.nan, *told, np.nan, np.nan, str(error)]
    deficit = budget(environment, mechanism, truthful)["ex_post"].value
    return [value, mechanism.transfer_bound(), *told, deficit, float(truthful.transfer.sum()), ""]


def plot_correlation(frame: pd.DataFrame, path: Path) -> Path:
    """Largest transfer and worst deficit against how little the others tell, on logarithmic axes.

    That is 1/σ_min, or 1/ε where spanning fails but lotteries hold.

    Raises:
        InputError: no row has a transfer, or the file cannot be written.
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
