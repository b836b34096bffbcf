"""A base class for strategies that are written for one episode and played on a block of them."""

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
    """One episode's part of a view: scalars where the view has arrays.

    Parameters
    ----------
    t, agent : int
        Period and index of the agent.
    signal, public : float
        Its own signal and the public state: an index, or a number of an interval.
    space : Space
        The messages that it may send.
    prescribed : float
        The message that the mechanism asks for.
    uniforms : tuple of float
        Its own `width` uniform numbers of this period.
    past : tuple of Past
        Earlier periods, oldest first, `memory_periods` of them, with scalars.
    private : dict
        Its own notes, kept from period to period within the episode.
    """

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
    """Base class of strategies written for one episode at a time; slower than arrays, easier to write.

    A subclass gives `name` and `report`; traits and all other methods are those of `Strategy`.

    Examples
    --------
    A strategy that repeats its last message:

    >>> import numpy as np
    >>> from dynmech.agents.strategies import EpisodeStrategy
    >>> from dynmech.sim.core.spaces import Finite
    >>> from dynmech.sim.play.roles import GameSpaces, View
    >>> class Stubborn(EpisodeStrategy):
    ...     name = "stubborn"
    ...
    ...     def report(self, view):
    ...         return view.private.setdefault("sent", view.prescribed)
    >>> labels, notes = Finite(("low", "high")), {}
    >>> spaces = GameSpaces(("Ann",), (labels,) * 2, ((labels,),) * 2, (labels,) * 2)
    >>> def sent(t, signal):
    ...     view = View(t, 0, signal, 0 * signal, None, labels, signal, np.zeros((2, 0)), (), notes, spaces)
    ...     return Stubborn().message(view).tolist()
    >>> sent(0, np.array([1, 0])), sent(1, np.array([0, 0]))
    ([1, 0], [1, 0])
    """

    @abstractmethod
    def report(self, view: EpisodeView) -> float:
        """Return the message of one episode.

        Parameters
        ----------
        view : EpisodeView
            What the agent sees in this episode.

        Returns
        -------
        float
            An index (int) below `view.space.size` on a finite set, a number of the interval otherwise.
        """

    def message(self, view: View) -> Array:
        """Return `report` of every episode.

        Parameters
        ----------
        view : View
            What the agent sees when it reports, with n episodes.

        Returns
        -------
        Array
            The messages, shape `(n,)`.
        """
        notes = view.private.setdefault("per_episode", np.array([{} for _ in range(view.size)], dtype=object))
        reports = [self.report(_episode(view, k, notes[k])) for k in range(view.size)]
        if isinstance(view.space, Finite) and all(isinstance(report, int | np.integer) for report in reports):
            return np.array(reports, np.intp)
        return np.array(reports)


def _episode(view: View, k: int, notes: dict[str, Any]) -> EpisodeView:
    """Return the view of episode k."""

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
