"""What direct mechanisms for a separable economy have in common: whole types are reported every period."""

from math import prod

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.virtual.weights import node_of, with_others
from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.separable import SeparableEnvironment
from dynmech.sim.play.roles import Acts, Situation

ASSUMPTIONS = ("separable values", "monotone virtual values", "everybody can be left out")


class SeparableMechanism(Mechanism):
    """A direct mechanism for a separable economy: whole types are reported, first reports are remembered.

    Attributes:
        nodes: number of first signals per agent.
        profiles: X, the number of profiles of first signals.

    Raises:
        Refusal: the environment is not a separable one.
    """

    environment: SeparableEnvironment

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        if not isinstance(environment, SeparableEnvironment):
            raise self.refuse("it needs a separable economy, with the law of the first signals and their scale")
        self.economy = environment.economy
        self.count = len(environment.agents)
        self.nodes = environment.nodes
        self.profiles = prod(self.nodes)

    def messages(self, t: int, agent: int) -> Finite:
        """Return the agent's types."""
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:  # noqa: ARG002
        """Return the true type, `(n,)`."""
        return signal

    def memory_size(self, t: int) -> int:
        """Return the number of first profiles, X; 1 before they are reported."""
        return 1 if t == 0 else self.profiles

    def width(self, t: int, agent: int) -> int:
        """Return how many states a report of period t carries.

        With an endless horizon the state `-` of period 0 is one of them; with an end there is none at the start.
        """
        if self.economy.endless:
            return self.economy.later[0].axes[agent] + 1
        return 1 if t == 0 else self.economy.later[t - 1].axes[agent]

    def split(self, t: int, messages: Array) -> tuple[IntArray, IntArray]:
        """Return profiles of reported nodes and of reported states, `(n,)` each.

        After period 0 the state `-` counts as the first state.
        """
        nodes, states = np.zeros(len(messages), np.intp), np.zeros(len(messages), np.intp)
        for i in range(self.count):
            node, state = np.divmod(messages[:, i], self.width(t, i))
            nodes = nodes * self.nodes[i] + node
            if t > 0:
                state = np.maximum(state - 1, 0) if self.economy.endless else state
                states = states * self.economy.later[self.at(t)].axes[i] + state
        return nodes, states

    def at(self, t: int) -> int:
        """Return the index of period t ≥ 1 among the later periods."""
        return 0 if self.economy.endless else t - 1

    def default(self, now: Situation, agent: int) -> Array:
        """Return what counts for a late message: the lowest first signal; later the first report, first state."""
        if now.t == 0:
            return np.zeros(len(now.memory), np.intp)
        node = self.node_of(np.asarray(now.memory), agent)
        return node * self.width(now.t, agent) + (1 if self.economy.endless else 0)

    def node_of(self, profile: IntArray, agent: int) -> IntArray:
        """Return agent i's node in each profile of nodes, `(n,)`."""
        return node_of(self.nodes, profile, agent)

    def with_others(self, agent: int, others: IntArray) -> IntArray:
        """Return the first profiles in which agent i has node 0 and the others have the given profiles, `(n,)`."""
        return with_others(self.nodes, agent, others)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the profile of first reports, `(n,)`, kept for good."""
        return self.split(0, messages)[0] if now.t == 0 else now.memory
