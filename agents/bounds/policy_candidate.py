"""Any policy as a lower bound: it is played against prescribed play on the same draws, episode by episode.

The one door for learners (a strategy), for policies trained in the Gymnasium environment of one deviator (an object
with `predict(observation)`, as stable-baselines3's models have it) and for plain functions of such an observation.
Nothing is assumed of the policy; what it gains lies between bounds that are known beforehand.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dynmech.agents.bounds.inner_problem import Limits, Samples
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import View

Observation = dict[str, Array]
"""As in `dynmech.experiments.bridges.rl`, with a leading axis of n episodes."""

PER_PERIOD = 5.0
"""Elementary steps of work that a period of play is taken for."""


class ObservedPolicy(Strategy):
    """A strategy made of `predict(observation)` or of a function of an observation.

    Args:
        policy: asked for n episodes at a time: entries have a leading axis of n, and so has the answer, the message's
            index, or the message itself where it is from an interval.
    """

    memory_periods = 1

    def __init__(self, policy: Any) -> None:
        ask = getattr(policy, "predict", policy)
        if not callable(ask):
            raise InputError(f"policies: {type(policy).__name__} is no strategy, no function and has no predict()")
        self.name = "observed-policy"  # of the object: no line of a command can name a function
        self.policy, self._ask = policy, ask

    def message(self, view: View) -> Array:
        """Return what the policy says, `(n,)`; an index beyond the set is its last one."""
        answer = self._ask(observed(view))
        sent = np.asarray(answer[0] if isinstance(answer, tuple) else answer).reshape(-1)
        if sent.shape != view.signal.shape:
            raise InputError(f"policies: {len(sent)} answers for {len(view.signal)} observations")
        if isinstance(view.space, Finite):
            return np.clip(sent, 0, view.space.size - 1).astype(np.intp)
        return np.clip(sent.astype(np.float64), view.space.low, view.space.high)


def observed(view: View) -> Observation:
    """Return what the environment of one deviator shows, for all episodes at once."""
    n, agents = len(view.signal), len(view.game_spaces.agents)
    last = view.past[-1] if len(view.past) else None
    nothing = np.zeros(n, np.int64)
    told = np.zeros((n, agents), np.int64) if last is None or last.reports is None else last.reports + 1
    return {
        "period": np.full(n, view.t, np.int64),
        "signal": view.signal if view.signal.dtype.kind == "f" else view.signal.astype(np.int64),
        "public": view.public.astype(np.int64),
        "decision": nothing if last is None or last.decision is None else last.decision + 1,
        "messages": told,
    }


@dataclass(frozen=True, eq=False)
class PolicyCandidate:
    """What a policy gains, as a lower bound; its upper samples say nothing.

    Attributes:
        agent: who deviates.
        strategy: what it plays.
        seed: of all draws.
    """

    game: Game
    agent: int
    strategy: Strategy
    seed: int
    name: str
    shift: float = 0.0
    batch: int = 1024

    @property
    def steps(self) -> float:
        """Elementary steps of work per episode."""
        return 2 * PER_PERIOD * self.game.periods * max(1, self.strategy.rounds)

    @cached_property
    def limits(self) -> Limits:
        """Between which a gain lies, and what the horizon's cut leaves out."""
        each = self.game.environment.utility_bound() + float(self.game.mechanism.transfer_bound())
        most = 2 * each * sum(self.game.weights)
        return Limits(-most, most, 2 * self.game.tail, 2 * self.game.tail)

    def play(self, scope: str, shard: int, n: int) -> Samples:
        """Return the gains of n episodes."""
        payoffs = [self._payoff(strategy, scope, shard, n) for strategy in (self.strategy, Truthful())]
        return Samples(np.full(n, self.limits.high), payoffs[0] - payoffs[1], np.zeros(n))

    def _payoff(self, strategy: Strategy, scope: str, shard: int, n: int) -> FloatArray:
        profile: list[Strategy] = [Truthful()] * len(self.game.environment.agents)
        profile[self.agent] = strategy
        streams = Streams(self.seed, f"{scope} policy", shard, n, self.game.periods + self.game.closing)
        record = play_shard(self.game, profile, streams, keep="payoffs")
        paid: FloatArray = record.payoffs[self.agent]
        return paid


def policy_candidates(
    game: Game, agent: int, policies: Mapping[str, Any], opened: Callable[[Any], Strategy], seed: int
) -> list[PolicyCandidate]:
    """Return a candidate for the policy of an agent, if there is one.

    Args:
        policies: by the agent's name.
        opened: makes a strategy of a name, or of a strategy.
    """
    given = policies.get(game.environment.agents[agent])
    if given is None:
        return []
    known = isinstance(given, str | Strategy) or (isinstance(given, type) and issubclass(given, Strategy))
    strategy = opened(given) if known else ObservedPolicy(given)
    label = strategy.name if known else getattr(given, "__name__", type(given).__name__)
    return [PolicyCandidate(game, agent, strategy.made_for(game, agent), seed, f"policy: {label}")]
