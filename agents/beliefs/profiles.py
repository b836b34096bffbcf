"""A profile: what every agent sends, with chances, by what it recalls, the public state and its signal.

Axes: H what is recalled in a period (`dynmech.agents.beliefs.recall`), O public states, K_i signals, R_i messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import prod

import numpy as np

from dynmech.agents.beliefs.recall import Recalled, recalled
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.memory_budget import require_room

SURE = 1e-12
"""Chances no further apart are the same."""


@dataclass(frozen=True, eq=False)
class Profile:
    """Behaviour of all agents in a game.

    Attributes:
        recall: what it depends on beside own signals.
        recalled: per entry of the game, what can be recalled.
        chances: per entry and agent, the chance of every message, `(H, O, K_i, R_i)`.
        names: per agent, what its strategy is called.
        periods: how many past periods it depends on, where it recalls any.
    """

    game: FiniteGame
    recall: str
    recalled: tuple[Recalled, ...]
    chances: tuple[tuple[FloatArray, ...], ...]
    names: tuple[str, ...]
    periods: int = 1

    def of(self, t: int, who: Sequence[int]) -> FloatArray:
        """Return the chances of joint messages of some agents in entry t, `(H, S, messages)`; of nobody, 1."""
        stage = self.game.environment.stage(t)
        public, signals = places(self.game, t)
        sizes = prod(self.chances[t][i].shape[3] for i in who)
        require_room("the chances of messages under the profile", 2.0 * len(self.recalled[t]) * stage.size * sizes)
        parts = [self.chances[t][i][:, public, signals[i]] for i in who]
        return reduce(_together, parts, np.ones((len(self.recalled[t]), stage.size, 1)))

    @property
    def is_prescribed(self) -> bool:
        """Whether everybody does what the mechanism asks."""
        truth = prescribed_profile(self.game, self.recall, self.periods)
        return all(
            np.array_equal(chance, asked)
            for chances, asks in zip(self.chances, truth.chances, strict=True)
            for chance, asked in zip(chances, asks, strict=True)
        )


def _together(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the chances of pairs of messages, the second agent's fastest."""
    return (one[..., :, None] * other[..., None, :]).reshape(*one.shape[:2], -1)


def places(game: FiniteGame, t: int) -> tuple[IntArray, IntArray]:
    """Return the public state `(S,)` and the signals `(N, S)` of every profile of an entry."""
    stage = game.environment.stage(t)
    profile = np.array(np.unravel_index(np.arange(stage.size), stage.axes))
    public = profile[0] if stage.public else np.zeros(stage.size, np.intp)
    return public, profile[stage.offset :]


def prescribed_messages(game: FiniteGame, t: int, agent: int, memory: IntArray) -> IntArray:
    """Return what is asked of an agent at some memories, `(h, O, K_i)`."""
    return game.tables[t].prescribed[agent][memory]


def prescribed_profile(game: FiniteGame, recall: str = "none", periods: int = 1) -> Profile:
    """Return the profile in which everybody does what the mechanism asks."""
    known = recalled(game, recall, periods)
    chances = []
    for t, rows in enumerate(known):
        shape = game.tables[t].shape
        asked = [prescribed_messages(game, t, i, rows.memory) for i in range(len(shape) - 1)]
        chances.append(tuple(pure(sent, shape[1 + i]) for i, sent in enumerate(asked)))
    return Profile(game, recall, known, tuple(chances), ("truthful",) * len(game.environment.agents), periods)


def pure(sent: IntArray, messages: int) -> FloatArray:
    """Return messages as chances, one of which is 1, on a last axis."""
    return np.eye(messages)[sent]


def require_playable(profile: Profile, disclosure: str) -> None:
    """Raise where a strategy depends on what its agent is not shown.

    What is asked of an agent it is told, whatever is disclosed; so a strategy may depend on that, and on signals.

    Raises:
        Refusal: names the agent and the period.
    """
    if disclosure == "everything":
        return
    game = profile.game
    for t, rows in enumerate(profile.recalled):
        for i, chance in enumerate(profile.chances[t]):
            asked = prescribed_messages(game, t, i, rows.memory)
            told: dict[tuple[int, int, int], FloatArray] = {}
            for (h, o, k), message in np.ndenumerate(asked):
                seen = told.setdefault((o, k, int(message)), chance[h, o, k])
                if np.abs(seen - chance[h, o, k]).max() > SURE:
                    raise Refusal(
                        f"disclosure {disclosure}: the strategy of agent {game.environment.agents[i]!r} depends on the "
                        f"memory in period {t}, which it is not shown"
                    )
