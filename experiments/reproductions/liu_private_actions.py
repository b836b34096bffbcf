"""Liu 2014, §6, "Private Actions": what carries over, and the condition that is missing.

Actions that move no signals leave the results as they are if they concern nobody but who takes them. If they concern
others, as in free riding, nothing that is paid depends on them: after the truth an agent does what is best for itself,
and gains the same under every transfer of the paper's kind.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np

from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.figures import largest_gain
from dynmech.experiments.reproductions.liu_misprints import ActionsThatConcernOthers
from dynmech.mechanisms.contingent.average_externality import AverageExternality
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.surplus_extraction import SurplusExtraction
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage

CLOSE = 1e-7
"""Up to which gains and levels count as what they should be."""

MANY = range(6)

RESULTS = (
    ("Theorem 3.1", ContingentConvex, 1.0),
    ("Theorem 3.2", ContingentSpanning, 1.0),
    ("Proposition 3.7", AverageExternality, 0.5),
    ("Proposition 4.1", SurplusExtraction, 0.0),
)
"""Results, their mechanisms, and the share of the surplus that is left to an agent, for two."""


def private_actions() -> Iterator[Claim]:
    """The results on economies in which actions are one's own business; and where they are not."""
    where = "2014 §6, private actions that move no signals"
    for name, rule, share in RESULTS:
        gain = off = 0.0
        for environment in map(acting_apart, MANY):
            mechanism = rule(environment)
            gain = max(gain, largest_gain(environment, mechanism))
            level = share * plan(environment).value[0].reshape(-1)
            off = max(
                off, float(np.abs(FiniteGame(environment, mechanism).truthful.periods[0].stay[:, 0] - level).max())
            )
        text = f"{where}, nor concern others: {name}, the best lie and disobedience gains, on 6 economies"
        yield Claim("liu", text, 0.0, gain, tolerance=CLOSE)
        text = f"{where}, nor concern others: {name}, payoffs in the first period are off {share:g} W by"
        yield Claim("liu", text, 0.0, off, tolerance=CLOSE)
    helping = [acting_apart(seed, 2.0) for seed in MANY]
    gains = [largest_gain(environment, ActionsThatConcernOthers(environment)) for environment in helping]
    yield Claim(
        "liu",
        f"{where}, but help others: economies of 6 on which truth and obedience is optimal (Theorem 3.2)",
        float(len(MANY)),
        float(sum(gain <= CLOSE for gain in gains)),
        float(sum(disobedience(environment) <= CLOSE for environment in helping)),
        "what disobedience after the truth earns at once, whatever is paid",
        "private actions must concern nobody else's utility either: no transfer depends on what is done",
    )


@cache
def acting_apart(seed: int, helps: float = 0.0) -> TableEnvironment:
    """Interdependent values, correlated signals, and two private actions each; `helps`: how much one helps the other.

    A public choice of two moves signals; what an action is worth to oneself depends on everybody's signals.
    """
    draws = np.random.Generator(np.random.Philox(key=seed))
    base = random_environment(draws, signals=2, decisions=2, discount=0.8, singular_value=0.1)
    law, worth = base.kernel(0).rows(), draws.uniform(-1, 1, (2, 2, 2, 2, 2))
    utility = np.empty((2, 8, 2, 2))
    for decision, (public, *acts) in enumerate(np.ndindex(2, 2, 2)):
        for i in range(2):
            utility[i, decision] = worth[i, public, acts[i]] + helps * acts[1 - i]
    labels = ("rest", "work")
    stage = Stage(
        base.stage(0).signals,
        tuple(f"{choice}, {first}, {second}" for choice in ("no", "yes") for first in labels for second in labels),
        utility,
        JointKernel(np.repeat(law, 4, axis=0).reshape(8, 2, 2, 2, 2), (2, 2), (2, 2)),
        private_actions=(labels, labels),
    )
    return TableEnvironment("acting apart", base.agents, base.prior, (stage,), 0.8, None)


def disobedience(environment: TableEnvironment) -> float:
    """The most that an agent's own utility is above that of the efficient action, at any profile."""
    stage, policy = environment.stage(0), plan(environment).policy[0].reshape(-1)
    split = stage.utility.reshape(2, 2, 2, 2, -1)  # by agent, public choice, both actions and profile
    public, first, second = np.unravel_index(policy, (2, 2, 2))
    profiles, gains = np.arange(stage.size), []
    gains.append(split[0, public, :, second, profiles].max(axis=1) - split[0, public, first, second, profiles])
    gains.append(split[1, public, first, :, profiles].max(axis=1) - split[1, public, first, second, profiles])
    return float(np.max(gains))
