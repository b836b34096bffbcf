"""One deviator with a flat observation, as most learners want it: numbers in a row, the action mask among them.

| part | numbers |
| --- | --- |
| period | T + 1, one of them 1; where there are more than 32, one number, t/T |
| own signal, public state | one of each part is 1 |
| last decision | one is 1: the first before there is one |
| last message of every agent | one of each part is 1: the first before there is one |
| action mask | 1 for every message that may be sent now |

`dynmech/Deviator-v0` is its name in Gymnasium; `rl` says what is played and what is earned.
"""

from itertools import accumulate
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from dynmech.experiments.bridges.rl import DeviatorEnv, Info, Observation, Stepper, deviator_env
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array
from dynmech.sim.economy.environment import Environment

COUNTED = 32
"""Periods up to which each has a number of its own."""

FlatObservation = np.ndarray[Any, np.dtype[np.float32]]


class Layout:
    """Where each part of a flat observation stands.

    Attributes:
        period, signal, public, decision, mask: slices; `messages` one per agent.
        size: numbers in all.
    """

    def __init__(self, stepper: Stepper, agent: int) -> None:
        self.periods = stepper.game.periods
        periods = self.periods + 1 if self.periods < COUNTED else 1
        sizes = [periods, stepper.signals[agent], stepper.publics, stepper.decisions + 1]
        sizes += [k + 1 for k in stepper.messages] + [stepper.messages[agent]]
        ends = list(accumulate(sizes))
        parts = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
        self.period, self.signal, self.public, self.decision = parts[:4]
        self.messages, self.mask, self.size = parts[4:-1], parts[-1], ends[-1]

    def space(self) -> Any:
        """Return Gymnasium's space of such observations."""
        return spaces.Box(0.0, 1.0, (self.size,), np.float32)

    def of_period(self, t: int) -> Array:
        """Return the numbers of a period."""
        width = self.period.stop - self.period.start
        return np.array([t / self.periods]) if width == 1 else np.eye(width)[t]


class FlatDeviatorEnv(gymnasium.Env[FlatObservation, int]):
    """`DeviatorEnv` with a flat observation."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - the library declares it so
    render_mode = None

    def __init__(self, inner: DeviatorEnv) -> None:
        self.inner, self.discount = inner, inner.discount
        self.layout = Layout(inner.stepper, inner.agent)
        self.observation_space, self.action_space = self.layout.space(), inner.action_space
        self._mask: Array = np.zeros(0, np.int8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[FlatObservation, Info]:
        """Begin an episode."""
        super().reset(seed=seed, options=options)
        observation, info = self.inner.reset(seed=seed, options=options)
        return self._flat(observation, info), info

    def step(self, action: Any) -> tuple[FlatObservation, float, bool, bool, Info]:
        """Play a period.

        Raises:
            InputError: the episode is over.
        """
        observation, reward, over, cut, info = self.inner.step(action)
        return self._flat(observation, info), reward, over, cut, info

    def action_masks(self) -> Array:
        """Return which messages may be sent now, as learners that mask actions ask for it."""
        return self._mask.astype(bool)

    def _flat(self, observation: Observation, info: Info) -> FlatObservation:
        """Return the numbers of an observation in a row."""
        layout, row = self.layout, np.zeros(self.layout.size, np.float32)
        row[layout.period] = layout.of_period(int(observation["period"]))
        for part, key in ((layout.signal, "signal"), (layout.public, "public"), (layout.decision, "decision")):
            row[part.start + observation[key]] = 1
        for part, sent in zip(layout.messages, observation["messages"], strict=True):
            row[part.start + sent] = 1
        self._mask = info["action_mask"]
        row[layout.mask] = self._mask
        return row


def flat_deviator_env(
    environment: Environment | str, mechanism: Mechanism | str, agent: int | str, *, seed: int = 0, tail: float = 1e-4
) -> FlatDeviatorEnv:
    """Make `dynmech.experiments.bridges.rl.deviator_env` with a flat observation."""
    return FlatDeviatorEnv(deviator_env(environment, mechanism, agent, seed=seed, tail=tail))
