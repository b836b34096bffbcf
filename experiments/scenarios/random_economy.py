"""A random finite economy of chosen size, correlation, interdependence and conditioning.

Who would care: whoever writes a mechanism and wants to try it on an economy that nobody chose to suit it.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment


class RandomEconomy(Scenario):
    """Drawn from a seed of its own, so the name with its options says it all.

    Args:
        seed: which economy.
        agents, signals, decisions: its size.
        discount, horizon: δ, and the number of periods (none: infinitely many).
        correlation, interdependence, singular_value, independent: see
            `dynmech.sim.economy.builders.random_environment`.
    """

    name = "random"
    source = "generated"
    summary = "a random economy of chosen size, correlation, interdependence and conditioning"

    def __init__(
        self,
        seed: int = 0,
        agents: int = 2,
        signals: int = 3,
        decisions: int = 2,
        discount: float = 0.9,
        horizon: int | None = None,
        correlation: float = 1.0,
        interdependence: float = 1.0,
        singular_value: float = 0.0,
        independent: bool = False,
    ) -> None:
        self.arguments = {
            "agents": agents,
            "signals": signals,
            "decisions": decisions,
            "discount": discount,
            "horizon": horizon,
            "correlation": correlation,
            "interdependence": interdependence,
            "singular_value": singular_value,
            "independent": independent,
        }
        self.seed = seed

    def build(self) -> TableEnvironment:
        """The economy of this seed."""
        generator = np.random.Generator(np.random.Philox(key=self.seed))
        return random_environment(generator, **self.arguments)  # type: ignore[arg-type] # one dict, many types
