"""The possibility map as Hasse diagrams, one panel per memory; readable in black and white."""

from typing import TYPE_CHECKING

from dynmech.experiments.designs.mapping import GOALS, PossibilityMap, cell_text, subsets

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHORT = {"incentive": "truth", "participation": "stays", "budget": "budget"}
"""Names of goals in a node."""

STYLE = {
    "possible": {"facecolor": "white", "edgecolor": "black", "linestyle": "-"},
    "impossible": {"facecolor": "0.25", "edgecolor": "black", "linestyle": "-"},
    "open": {"facecolor": "white", "edgecolor": "black", "linestyle": ":"},
}
"""Of a node by status: white, dark, dotted."""


def draw_map(result: PossibilityMap) -> "Figure":
    """Return the diagrams: sets of goals, the larger ones above, lines between neighbours."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(result.memories), 3.4), layout="constrained")
    for place, memory in enumerate(result.memories, 1):
        axes = figure.add_subplot(1, len(result.memories), place)
        axes.set_title(f"memory: {memory}", fontsize=9)
        _panel(axes, result, memory)
    figure.suptitle(f"{result.environment}: what can be had together", fontsize=10)
    figure.supxlabel(
        "white: possible, with the least largest transfer; dark: impossible (proved); dotted: open", fontsize=7
    )
    return figure


def _panel(axes: "Axes", result: PossibilityMap, memory: str) -> None:
    places = {frozenset[str](): (0.0, 0.0)}
    for size in range(1, len(GOALS) + 1):
        level = [some for some in subsets() if len(some) == size]
        for k, some in enumerate(level):
            places[frozenset(some)] = (k - (len(level) - 1) / 2, float(size))
    for one, (x, y) in places.items():
        for other, (u, v) in places.items():
            if len(other) == len(one) + 1 and one < other:
                axes.plot([x, u], [y, v], color="0.6", linewidth=0.8, zorder=1)
    for asked, (x, y) in places.items():
        cell = result.cell(memory, sorted(asked)) if asked else {"status": "possible", "largest_transfer": 0.0}
        names = "\n".join(SHORT[goal] for goal in GOALS if goal in asked) or "nothing"
        value = f"\n{cell_text(cell)}" if asked and cell["status"] == "possible" else ""
        dark = cell["status"] == "impossible"
        box = {"boxstyle": "round,pad=0.3", **STYLE[str(cell["status"])]}
        axes.text(
            x, y, names + value, ha="center", va="center", fontsize=7, color="white" if dark else "black", bbox=box,
            zorder=2,
        )  # fmt: skip
    axes.set_xlim(-1.6, 1.6)
    axes.set_ylim(-0.5, len(GOALS) + 0.5)
    axes.axis("off")
