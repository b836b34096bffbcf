"""Economies by functions that the checker holds to what they declare."""

from typing import Any

import numpy as np
import pytest

from dynmech.sim.conformance.environment_check import check_environment
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import DynmechError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.function import FunctionEnvironment
from tests.builders.small_economies import AGENTS, LOW_HIGH, STAY


def persist(_t: int, last: Array | None, _decision: Array | None, uniforms: FloatArray) -> Array:
    """Each signal starts evenly and then stays as it was with probability 3/4."""
    if last is None:
        return (uniforms < 0.5).astype(np.intp)
    return np.where(uniforms < STAY, last, 1 - last)


def match(_t: int, signals: Array, decision: Array) -> FloatArray:
    """1 where the decision is one's signal."""
    return (signals == decision[:, None]).astype(np.float64)


def town(**changes: Any) -> FunctionEnvironment:
    """A sound economy of two agents, but for the changes."""
    sound: dict[str, Any] = {
        "name": "town", "agents": AGENTS, "discount": 0.9, "horizon": None, "signals": (LOW_HIGH, LOW_HIGH),
        "decisions": Finite(("no", "yes")), "law": persist, "payoff": match, "bound": 1.0,
    }  # fmt: skip
    return FunctionEnvironment(**{**sound, **changes})


# Planted violations


def caught(environment: FunctionEnvironment | TableEnvironment, like: TableEnvironment | None = None) -> DynmechError:
    with pytest.raises(DynmechError) as raised:
        check_environment(environment, like)
    assert len(str(raised.value).splitlines()) == 1
    assert str(raised.value).startswith(f"environment {environment.name!r}")
    return raised.value
