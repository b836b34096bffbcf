"""Write a proof that truth is best under every law within radii: economy, mechanism, radii, and what truth is worth.

`dynmech.experiments.certificates.verify_robust` says what is proved and checks it. What can be claimed is its
own bound; the numbers that lead there are the exact search's.
"""

from collections.abc import Sequence
from math import inf
from typing import Any

import numpy as np

from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.certificates.certifying import canonical_hash
from dynmech.experiments.certificates.sharp_claims import rounded
from dynmech.experiments.certificates.verify import Game
from dynmech.experiments.certificates.verify_robust import Truth, read_radii
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.tables.mechanism_files import mechanism_to_data
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.files import environment_to_data

SCHEMA = 1


def robust_truth(mechanism: Mechanism, radii: Sequence[FloatArray | None]) -> dict[str, Any]:
    """Return a proof that nobody gains anything, as plain data; the checker has not seen it yet.

    Args:
        radii: how far the law out of every stage may be off, `(D, S)`.

    Raises:
        Refusal: the mechanism is not finite, or too large.
    """
    economy = mechanism.environment
    if not isinstance(economy, TableEnvironment):
        raise mechanism.refuse("a certificate needs a finite environment")
    environment, tables = environment_to_data(economy), mechanism_to_data(mechanism)
    game = FiniteGame(economy, mechanism)
    return {
        "schema": SCHEMA,
        "kind": "robustness",
        "hashes": {"environment": canonical_hash(environment), "mechanism": canonical_hash(tables)},
        "radii": [None if own is None else own.tolist() for own in radii],
        "environment": environment,
        "mechanism": tables,
        "values": [values_of_truth(game, i) for i in range(len(economy.agents))],
        "gains": [0.0] * len(economy.agents),
    }


def with_bounds(proof: dict[str, Any]) -> dict[str, Any]:
    """Return a proof that claims what its own numbers prove, rounded upwards."""
    game = Game(proof["environment"], proof["mechanism"])
    radii = read_radii(proof["radii"], game, len(proof["environment"]["stages"]))
    gains = [Truth(game, i, values, radii).gain() for i, values in enumerate(proof["values"])]
    return {**proof, "gains": [rounded(gain, inf) for gain in gains]}


def values_of_truth(game: FiniteGame, agent: int) -> list[list[list[float]]]:
    """Return what truth is worth to an agent, by entry, memory and profile."""
    problem = build_problem(game, (agent,), merge=False, exit=True)  # what is due is counted when due
    truth = solve(problem, Family.PRESCRIBED, Information.EX_POST)
    out = []
    for t, period in enumerate(problem.periods):
        ahead = truth.ahead[t]
        worth = period.flow if ahead is None else period.flow + problem.discount * ahead[period.post_decision]
        reports = (worth * np.broadcast_to(period.chance, worth.shape)).sum(axis=3)
        honest = np.take_along_axis(reports, period.truth[..., None], axis=2)[..., 0]
        out.append(honest.tolist())
    return out
