"""Small random economies to design for, and what must be so of every design."""

import json
from hashlib import sha256
from typing import Any

import numpy as np
import pytest

from dynmech.agents.oracle.search import Family
from dynmech.experiments.designs.design_result import Design
from dynmech.experiments.designs.safe_designs import GAIN
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation


def economy(seed: int, *, horizon: int | None = None, **options: float) -> TableEnvironment:
    """A small random economy; odd seeds have signals that move independently."""
    rng = np.random.default_rng(seed)
    apart = seed % 2 == 1
    return random_environment(
        rng,
        signals=2 + seed % 2,
        decisions=2 + seed % 3,
        horizon=horizon,
        discount=0.8,
        correlation=0.0 if apart else 1.0,
        independent=apart,
        **options,  # type: ignore[arg-type]
    )


def sealed(data: dict[str, Any]) -> dict[str, Any]:
    """The file with its hashes made anew: what a forger would do."""
    for part in ("environment", "rule"):
        text = json.dumps(data[part], sort_keys=True, separators=(",", ":"))
        data["hashes"][part] = sha256(text.encode()).hexdigest()
    return data


def gain(result: Design) -> float:
    """The most that the exact search finds, in units of the scale."""
    assert result.audit is not None
    kind = "ex_post" if result.goals.incentive == "ex-post" else "interim"
    figures = [one.gain for one in result.audit.figures if one.family == Family.BEST_RESPONSE.value]
    kinds = [one.information for one in result.audit.figures if one.family == Family.BEST_RESPONSE.value]
    return max(g for g, k in zip(figures, kinds, strict=True) if k == kind) / result.task.unit


def check(found: Design) -> None:
    """Nothing gains, promised budget and participation hold by the audit's own figures."""
    if not found.possible:
        assert (found.status, found.certified) == ("impossible", True)
        return
    assert found.audit is not None
    assert gain(found) <= GAIN
    assert all(verdict.status == "holds" for verdict in found.audit.verdicts), found.audit.verdicts
    scale = found.task.unit
    assert found.largest_transfer is not None
    if found.goals.objective == "largest":
        assert found.objective is not None
        assert found.largest_transfer <= found.objective, "to the last digit"
        assert found.largest_transfer == pytest.approx(found.objective, abs=1e-7 * scale)
    if found.goals.objective == "revenue":
        assert found.audit.truth.net_revenue == pytest.approx(found.objective, abs=1e-6 * scale)
    if found.goals.objective == "deficit":
        assert found.audit.truth.net_revenue is not None
        assert -found.audit.truth.net_revenue == pytest.approx(found.objective, abs=1e-6 * scale)
    stays = {"interim": "interim", "ex-post": "ex_post", "ex-ante": "ex_ante"}
    if found.goals.exit in stays:  # leaving at any time is asked for as staying at every state
        kind = stays[found.goals.exit]
        assert min(least.value for least in found.audit.participation[kind]) >= -1e-8 * scale


class Dice(DirectMechanism):
    """Draws decisions by lot, for whatever is reported."""

    name = "dice"

    def decide(self, now: Situation, messages: Array) -> Array:
        stage = self.environment.stage(now.t)
        lots = np.random.default_rng(3).dirichlet(np.ones(len(stage.decisions)), size=stage.size)
        return lots[np.ravel_multi_index(tuple(messages.T), stage.axes)]

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return np.zeros(messages.shape)

    def transfer_bound(self) -> float:
        return 0.0
