"""Pictures of efficient trade that pays for itself, and of the optimal mechanism's allocation.

`python -m dynmech.experiments.plots.trade_plots FOLDER` draws all three (here, without a folder).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dynmech.experiments.figures.family import PAGE
from dynmech.experiments.figures.saving import save_figure
from dynmech.mechanisms.conditions.trade_budget import Trade
from dynmech.mechanisms.revenue.cutoff_rule import CutoffRule, optimal_rule
from dynmech.mechanisms.revenue.two_period_types import family
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.chains import persistent_chain

STYLES = ("-", "--", ":")
"""One per persistence, so that lines are told apart without colour."""


def two_values(persistence: float) -> Trade:
    """Yoon's α-chain: both sides value the good at 0 or 1, evenly at first."""
    points, even, chain = np.array([0.0, 1.0]), np.array([0.5, 0.5]), persistent_chain(2, persistence)
    return Trade(points, points, chain, chain, even, even)


def plot_deficit_and_fees(path: Path, persistences: Sequence[float] = (0.5, 0.75, 0.9)) -> Path:
    """What efficient trade costs the designer and what fees can bring in, per period, against the discount factor.

    The deficit per period is the same for all persistences: types are evenly distributed at any date.

    Raises:
        InputError: the file cannot be written.
    """
    figure, axes = _figure(PAGE, 3.6)
    discounts = np.linspace(0.0, 0.995, 300)
    deficit = [(1 - d) * two_values(persistences[0]).budget(float(d)).deficit for d in discounts]
    axes.plot(discounts, deficit, color="black", linewidth=1.4)
    axes.annotate("deficit of the pivot mechanism", (0.02, deficit[0]), (0, 4), textcoords="offset points", fontsize=9)
    for alpha, style in zip(persistences, STYLES, strict=False):
        trade = two_values(alpha)
        fees = np.array([(1 - d) * sum(trade.budget(float(d)).fees) for d in discounts])
        axes.plot(
            discounts, fees, style, color="tab:blue", label=f"largest fees, types stay with probability {alpha:g}"
        )
        at = trade.threshold()
        if at is not None:
            height = (1 - at) * trade.budget(at).deficit
            axes.plot([at], [height], "o", color="tab:blue", markersize=6)
            axes.annotate(f"δ = {at:.3g}", (at, height), (6, -13), textcoords="offset points", fontsize=9)
    axes.set(
        xlim=(0, 1), ylim=(0, 0.55), xlabel="discount factor δ", ylabel="value per period, (1 − δ) × present value"
    )
    axes.set_title("Patience pays for efficient trade: fees that every first type bears", loc="left", fontsize=11)
    axes.legend(loc="upper left", fontsize=8, frameon=False, bbox_to_anchor=(0.0, 0.9))
    return save_figure(figure, path)


def balance_region(persistences: FloatArray, discounts: FloatArray) -> FloatArray:
    """(1 − δ) × slack of (∗) for the α-chain, `(discounts, persistences)`; trade pays for itself where it is ≥ 0."""
    trades = [two_values(float(a)) for a in persistences]
    rows = [[(1 - d) * trade.budget(float(d)).slack for trade in trades] for d in discounts]
    return np.array(rows)


def plot_balance_region(path: Path, points: int = 101) -> Path:
    """Where trade pays for itself in the plane of persistence and patience, with the closed form δ = 1/(3 − 2α).

    Raises:
        InputError: the file cannot be written.
    """
    figure, axes = _figure(6.0, 4.8)
    alphas, discounts = np.linspace(0, 1, points), np.linspace(0, 0.995, points)
    slack = balance_region(alphas, discounts)
    axes.contourf(alphas, discounts, slack >= -1e-12, levels=[0.5, 1.5], colors=["#9ecae1"])
    axes.plot(alphas, 1 / (3 - 2 * alphas), "k--", linewidth=1.5, label="closed form δ = 1/(3 − 2α)")
    axes.text(0.12, 0.8, "fees pay for\nefficient trade", fontsize=11)
    axes.text(0.6, 0.2, "they do not", fontsize=11)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="persistence α", ylabel="discount factor δ")
    axes.set_title("Computed from condition (∗), two values", loc="left", fontsize=11)
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    return save_figure(figure, path)


def plot_allocation(path: Path, rule: CutoffRule | None = None) -> Path:
    """Who gets the good tomorrow under the optimal mechanism, over both types; and from which type on today.

    Raises:
        InputError: the file cannot be written.
    """
    rule = rule or optimal_rule(family("ar1", 0.5), 1.0)
    types = rule.types
    low, high = types.first_support
    first = np.linspace(low, high, 201)
    bottom, top = types.reach(first)
    cutoff = rule.second(first)
    figure, axes = _figure(6.4, 4.8)
    sold, kept = np.maximum(cutoff, bottom), np.clip(cutoff, bottom, top)
    axes.fill_between(first, sold, top, where=sold < top, color="#9ecae1", label="sold tomorrow")
    axes.fill_between(
        first, bottom, kept, where=kept > bottom, color="#f0b27a", hatch="//", label="efficient, not sold"
    )
    axes.plot(first, cutoff, "k-", linewidth=1.6, label="price tomorrow κ₂(θ₁), where ψ₂ = 0")
    axes.axvline(rule.first, color="black", linestyle=":", label=f"sold today from θ₁ = {rule.first:.3g} on (ψ₁ = 0)")
    axes.set(xlim=(low, high), ylim=(types.low, types.high), xlabel="type today θ₁", ylabel="type tomorrow θ₂")
    axes.set_title(f"Optimal mechanism, {types.label}: revenue {rule.revenue():.4f}", loc="left", fontsize=11)
    axes.legend(loc="upper left", fontsize=8, framealpha=0.9)
    return save_figure(figure, path)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def main(folder: str) -> None:
    """All pictures."""
    plot_deficit_and_fees(Path(folder) / "trade-fees.png")
    plot_balance_region(Path(folder) / "trade-region.png")
    plot_allocation(Path(folder) / "optimal-allocation.png")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else ".")
