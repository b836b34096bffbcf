"""A small economy in tables, sound before it is broken."""

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

NAN, INF = float("nan"), float("inf")
LABELS = (("low", "high"), ("l", "m", "h"))
AXES = (2, 3)
GENERATOR = np.random.default_rng(0)
JOINT = GENERATOR.dirichlet(np.ones(6), (2, 6)).reshape(2, 2, 3, 2, 3)
FACTORS = (GENERATOR.dirichlet(np.ones(2), (2, 2)), GENERATOR.dirichlet(np.ones(3), (2, 3)))
PRIOR = GENERATOR.dirichlet(np.ones(6)).reshape(2, 3)
UTILITY = GENERATOR.normal(size=(2, 2, 2, 3))


def stage(**changes: object) -> Stage:
    """Two agents with 2 and 3 signals, two decisions, a joint kernel."""
    fields: dict[str, object] = {
        "signals": LABELS,
        "decisions": ("no", "yes"),
        "utility": UTILITY,
        "kernel": JointKernel(JOINT, AXES, AXES),
    }
    return Stage(**{**fields, **changes})  # type: ignore[arg-type] # one dict, many types


def economy(*stages: Stage, **changes: object) -> TableEnvironment:
    """The repeated stage above for ever, discounted by 0.9, but for the changes."""
    fields: dict[str, object] = {
        "name": "test",
        "agents": ("A", "B"),
        "prior": PRIOR,
        "stages": stages or (stage(),),
        "discount": 0.9,
        "horizon": None,
    }
    return TableEnvironment(**{**fields, **changes})  # type: ignore[arg-type] # one dict, many types


def changed(array: FloatArray, index: tuple[int, ...], value: float) -> FloatArray:
    """A copy with one other number."""
    copy = array.copy()
    copy[index] = value
    return copy


def weather(**changes: object) -> TableEnvironment:
    """Four public states before 2 and 3 signals; an independent kernel unless changed."""
    generator = np.random.default_rng(9)
    axes = (4, *AXES)
    fields: dict[str, object] = {
        "public": ("dry", "fair", "wet", "flood"),
        "utility": generator.normal(size=(2, 2, *axes)),
        "kernel": IndependentKernel(tuple(generator.dirichlet(np.ones(k), (2, k)) for k in axes)),
    }
    return economy(stage(**{**fields, **changes}), prior=generator.dirichlet(np.ones(24)).reshape(axes))
