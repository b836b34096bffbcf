"""What a certificate claims of prescribed play: the budget, and how a figure becomes a claim.

`dynmech.experiments.certificates.verify_promises` says what is claimed and checks it; it shares no code with this.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import PeriodValues, budget
from dynmech.sim.core.arrays import IntArray

SLACK = 8
"""How many error bounds a claim is wider than its figure: what is proved is wider than what is computed."""


def claimed(information: str, figure: float, bound: float) -> dict[str, Any]:
    """Return what is claimed of a figure that is within a bound of what it stands for."""
    width = SLACK * bound
    return {"information": information, "states": "reachable", "lower": figure - width, "upper": figure + width}


def budget_claims(game: FiniteGame) -> Iterator[dict[str, Any]]:
    """Yield what is claimed of what the designer takes in, one per kind that is known."""
    bound = game.truthful.bound * len(game.environment.agents)
    for kind, least in budget(game.environment, game.truthful, silent=game.silence).items():
        if np.isfinite(least.value):
            yield {"what": "budget", **claimed(kind, least.value, bound)}


def revenue_vector(game: FiniteGame) -> dict[str, Any]:
    """Return the nodes that prescribed play leads to, and the revenue expected from each of them on.

    `nodes` and `revenue` are lists per entry of the game, empty for the first: (memory, decision, profile before).
    """
    periods = game.truthful.periods
    before = [[], *([page] for page in periods[:-1])]
    if game.truthful.stationary:
        before = [[], list(periods)]
    nodes: list[list[list[int]]] = [[]]
    revenue: list[list[float]] = [[]]
    for pages, page in zip(before[1:], periods[1:], strict=True):
        moves = np.unique(np.concatenate([_moves(one) for one in pages]), axis=0)
        memory, decision, profile = moves.T
        law = pages[-1].law
        assert law is not None
        taken = law.sum_at(page.transfer_ahead.sum(axis=0), memory, decision * law.size + profile)
        nodes.append(moves.tolist())
        revenue.append(taken.tolist())
    return {"nodes": nodes, "revenue": revenue}


def _moves(page: PeriodValues) -> IntArray:
    """Return the next memory, decision and profile of every case that prescribed play leads to, `(n, 3)`."""
    memories, profiles = np.nonzero(page.occurs)
    drawn = page.chance[memories, profiles] > 0
    columns = (page.following[memories, profiles], page.decision[memories, profiles], profiles[:, None])
    return np.stack([np.broadcast_to(column, drawn.shape)[drawn] for column in columns], axis=1)
