"""From one episode to a block: write a strategy as a plain function of one episode, play it on thousands."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.play.roles import Past, View


@dataclass(frozen=True)
class EpisodeView:
    """One episode's part of a view: scalars where the view has arrays."""

    t: int
    agent: int
    signal: float
    public: float
    space: Space
    prescribed: float
    uniforms: tuple[float, ...]
    past: tuple[Past, ...]
    private: dict[str, Any]


class EpisodeStrategy(Strategy):
    """A strategy that thinks about one episode at a time; slower than arrays, easier to write."""

    @abstractmethod
    def report(self, view: EpisodeView) -> float:
        """The message of one episode."""

    def message(self, view: View) -> Array:
        """`report`, episode by episode."""
        notes = view.private.setdefault("per_episode", np.array([{} for _ in range(view.size)], dtype=object))
        answers = [self.report(_episode(view, k, notes[k])) for k in range(view.size)]
        if isinstance(view.space, Finite) and all(isinstance(a, int | np.integer) for a in answers):
            return np.array(answers, np.intp)
        return np.array(answers)


def _episode(view: View, k: int, notes: dict[str, Any]) -> EpisodeView:
    def pick(array: Array | None) -> Any:
        return None if array is None else array[k]

    return EpisodeView(
        t=view.t,
        agent=view.agent,
        signal=view.signal[k].item(),
        public=view.public[k].item(),
        space=view.space,
        prescribed=view.prescribed[k].item(),
        uniforms=tuple(view.uniforms[k].tolist()),
        past=tuple(Past(past.t, *(pick(value) for value in past[1:])) for past in view.past),
        private=notes,
    )
