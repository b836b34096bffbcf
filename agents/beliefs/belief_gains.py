"""Gains against a profile, at what a deviator is shown: every family, ex ante, on path, interim and ex post.

A gain compares the best deviation with the deviator's own part of the profile at the same belief. Where not every
belief is followed, it lies between two bounds; at beliefs that were not reached, no gain is above that of a deviator
who is shown everything from there on.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from dynmech.agents.beliefs.belief_values import BeliefValues, Bounds
from dynmech.agents.beliefs.graph_of_beliefs import FOLLOWED, MOST, BeliefGraph, belief_graph
from dynmech.agents.beliefs.period_outcomes import Shown
from dynmech.agents.oracle.gains import FAMILIES
from dynmech.agents.oracle.search import Family
from dynmech.sim.core.arrays import BoolArray
from dynmech.sim.core.ties import first_largest, rounded_up, scale_of

CLOSE = 1e-10
"""Bounds no further apart than this, relative to the scale of the values, are one figure."""


@dataclass(frozen=True)
class BoundedGain:
    """A gain between two bounds, which are one figure where nothing is left out.

    Attributes:
        lower, upper: the figure lies between them, up to `error`.
        error: of the numbers.
        node: of the graph, where the lower one is attained; None ex ante.
    """

    lower: float
    upper: float
    error: float
    node: int | None = None

    @property
    def exact(self) -> bool:
        """Whether the two bounds are one figure."""
        return self.upper == self.lower


@dataclass(frozen=True, eq=False)
class BeliefSearch:
    """What one deviator gains against a profile.

    Attributes:
        who: indices of its members.
        figures: gains by family and kind.
        least: by kind (at the start, interim, ex post), the least that following the profile is worth; NaN where not
            every belief is followed.
        graph, values: what it may believe and what that is worth, seeing its own signals only.
    """

    who: tuple[int, ...]
    figures: dict[Family, dict[str, BoundedGain]]
    least: dict[str, float]
    graph: BeliefGraph
    values: BeliefValues


def search_beliefs(
    shown: Shown,
    *,
    families: tuple[Family, ...] = FAMILIES,
    ex_post: bool = True,
    most: int = MOST,
    followed: int = FOLLOWED,
    advance: Callable[[int], None] = lambda _: None,
) -> BeliefSearch:
    """Return the gains of one deviator.

    Args:
        families: the families of deviations.
        ex_post: whether also of a deviator that sees the others' current signals.
        most, followed: see `belief_graph`.
        advance: called with 1 after each of two pieces of work.

    Raises:
        Refusal: see `belief_graph`.
    """
    graph = belief_graph(replace(shown, spying=False), most=most, followed=followed)
    values = BeliefValues(graph)
    figures: dict[Family, dict[str, BoundedGain]] = {}
    for family in families:
        bounds = values.solve(family)
        figures[family] = {
            "ex_ante": _ex_ante(values, bounds),
            "on_path": _worst(values, bounds, graph.on_path),
            "interim": _worst(values, bounds, np.ones_like(graph.on_path)),
        }
    least = {
        "at_the_start": float(values.profile[list(graph.start)].min()),
        "interim": _least(values),
        "ex_post": float("nan"),
    }
    advance(1)
    if ex_post:
        spying = BeliefValues(belief_graph(replace(shown, spying=True), most=most, followed=followed))
        for family in families:
            everywhere = np.ones(len(spying.graph.nodes), np.bool_)
            figures[family]["ex_post"] = _worst(spying, spying.solve(family), everywhere)
        least["ex_post"] = _least(spying)
    advance(1)
    return BeliefSearch(shown.who, figures, least, graph, values)


def _least(values: BeliefValues) -> float:
    return float("nan") if values.graph.leaves.any() else float(values.profile.min())


def _ex_ante(values: BeliefValues, bounds: Bounds) -> BoundedGain:
    nodes, masses = (np.array(column) for column in zip(*values.graph.start.items(), strict=True))
    lower, upper = ((side - values.profile)[nodes] @ masses for side in (bounds.lower, bounds.upper))
    return _figure(values, bounds, float(lower), float(upper), None)


def _worst(values: BeliefValues, bounds: Bounds, counts: BoolArray) -> BoundedGain:
    """Return the largest gain over nodes; where some are leaves, also over whatever they may lead to."""
    lower = np.where(counts, bounds.lower - values.profile, -np.inf)
    upper = float(np.where(counts, bounds.upper - values.profile, -np.inf).max())
    if (values.graph.leaves & counts).any():
        tables = zip(values.informed[0], values.followed[0], strict=True)
        upper = max(upper, *(float((knowing - kept).max()) for knowing, kept in tables))
    node = first_largest(lower, scale_of(values.scale, bounds.lower))
    return _figure(values, bounds, float(lower.max()), upper, node)


def _figure(values: BeliefValues, bounds: Bounds, lower: float, upper: float, node: int | None) -> BoundedGain:
    scale = scale_of(values.scale, bounds.upper)
    error = bounds.error + values.followed[1]
    if upper - lower <= CLOSE * scale:
        error, lower = error + (upper - lower), upper
    return BoundedGain(lower + 0.0, upper + 0.0, rounded_up(error, values.scale), node)
