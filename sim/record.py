"""What happened in one shard, as arrays: periods first, episodes last, so that blocks write contiguous pieces."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from sim.arrays import Array, BoolArray, FloatArray
from sim.game import Game
from sim.spaces import Interval

NOTHING = -1
"""Code of a value that does not exist (no message, no decision, no act)."""


@dataclass(frozen=True, eq=False)
class Record:
    """One shard's play; axes `(P,)` periods (closing ones included), `(N,)` agents, `(E,)` episodes.

    `public`, `decision` `(P, E)`; `signal`, `report` (sent), `counted` (what the designer used), `action`,
    `reply`, `utility`, `transfer`, `latency`, `late`, `defaulted` `(P, N, E)`; `cost` `(P, E)`.
    """

    game: Game
    public: Array
    signal: Array
    report: Array
    counted: Array
    decision: Array
    action: Array
    reply: FloatArray
    utility: FloatArray
    transfer: FloatArray
    cost: FloatArray
    latency: FloatArray
    late: BoolArray
    defaulted: BoolArray

    @classmethod
    def empty(cls, game: Game, episodes: int) -> Self:
        """Room for `episodes` episodes."""
        periods, agents = game.periods + game.closing, len(game.environment.agents)
        continuous = any(
            isinstance(space, Interval)
            for t in range(game.periods)
            for space in (
                game.environment.decision_space(t),
                game.environment.public_space(t),
                *game.lexicon.messages[t],
                *(game.environment.signal_space(t, i) for i in range(agents)),
            )
        )
        kind = np.float64 if continuous else np.int32
        nothing = np.nan if continuous else NOTHING

        def room(*axes: int) -> Array:
            return np.full((*axes, episodes), nothing, kind)

        return cls(
            game=game,
            public=room(periods),
            signal=room(periods, agents),
            report=room(periods, agents),
            counted=room(periods, agents),
            decision=room(periods),
            action=np.full((periods, agents, episodes), NOTHING, np.int32),
            reply=np.full((periods, agents, episodes), np.nan),
            utility=np.zeros((periods, agents, episodes)),
            transfer=np.zeros((periods, agents, episodes)),
            cost=np.zeros((periods, episodes)),
            latency=np.zeros((periods, agents, episodes)),
            late=np.zeros((periods, agents, episodes), np.bool_),
            defaulted=np.zeros((periods, agents, episodes), np.bool_),
        )

    def discounted(self, flows: FloatArray) -> FloatArray:
        """Σ_t δ^t flow_t over the leading axis, added in the order of the periods."""
        total = np.zeros(flows.shape[1:])
        for weight, flow in zip(self.game.weights, flows, strict=True):
            total += weight * flow
        return total

    @property
    def payoffs(self) -> FloatArray:
        """Discounted utility minus transfers, `(N, E)`."""
        return self.discounted(self.utility) - self.discounted(self.transfer)
