"""How large transfers must be for how small an ε, where signals are continuous: a table and a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from dynmech.experiments.audits.continuous import measure
from dynmech.experiments.catalog.accepted import as_environment
from dynmech.experiments.figures.saving import save_figure
from dynmech.mechanisms.contingent.contingent_density import ContingentDensity, Method
from dynmech.sim.core.arguments import checked_arguments


@checked_arguments
def epsilon_curve(
    environment: object,
    bounds: Sequence[float] = (8.0, 12.0, 16.0, 24.0, 48.0),
    ridges: Sequence[float] = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5),
    methods: Sequence[Method] = ("ridge", "bounded", "one-sided"),
    **options: Any,
) -> pd.DataFrame:
    """Measure ε against the size of transfers.

    Parameters
    ----------
    environment : str, path or DensityEnvironment
        An economy with signals in [0, 1].
    bounds : sequence of float
        Largest transfers B, for `bounded` and `one-sided`.
    ridges : sequence of float
        Weights λ on the size of transfers, for `ridge`.
    methods : sequence of str
        How transfers are chosen: `ridge`, `bounded`, `one-sided`.
    options : Any
        More options of `contingent-density`.

    Returns
    -------
    DataFrame
        A row per method and parameter: `parameter`, then the figures of `Miss`, `epsilon`, `epsilon_everywhere`.

    Raises
    ------
    Refusal
        The mechanism does not fit the economy.

    Notes
    -----
    Liu 2014, §5: with ε the largest miss of the target, no deviation gains more than 2ε / (1 − δ), decisions apart.
    """
    environment, rows = as_environment(environment), []
    for method in methods:
        for parameter in ridges if method == "ridge" else bounds:
            size = {"ridge" if method == "ridge" else "bound": parameter}
            mechanism = ContingentDensity(environment, method=method, **{**options, **size})
            rows.append({"parameter": parameter, **measure(mechanism).data()})
    return pd.DataFrame(rows)


@checked_arguments
def plot_epsilon(frame: pd.DataFrame, path: Path) -> Path:
    """Draw ε (solid) and the largest gain (dashed) against the largest transfer, on logarithmic axes.

    Parameters
    ----------
    frame : DataFrame
        What `epsilon_curve` returned; every method has a marker of its own.
    path : Path
        The PNG file to write.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for (method, rows), marker, grey in zip(
        frame.groupby("method", sort=False), "os^D", ("0", "0.35", "0.6"), strict=False
    ):
        line = rows.sort_values("size")
        axes.loglog(line["size"], line["epsilon"], marker=marker, color=grey, label=f"{method}: ε")
        axes.loglog(line["size"], line["gain"].clip(lower=1e-12), marker=marker, color=grey, ls="--", mfc="white")
    axes.set_xlabel("largest transfer")
    axes.set_ylabel("ε: largest miss of the target (dashed: largest gain)")
    axes.legend(frameon=False)
    return save_figure(figure, path)
