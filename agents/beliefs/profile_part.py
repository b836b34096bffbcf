"""One agent's part of a profile as a strategy: messages drawn by what it recalls, the public state and its signal."""

from collections.abc import Iterator
from typing import Self

import numpy as np

from dynmech.agents.beliefs.profile_files import own_rows
from dynmech.agents.beliefs.profiles import Profile
from dynmech.agents.beliefs.recall import NOTHING
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.play.roles import View

NAME = "profile"


class ProfilePart(Strategy):
    """What an agent plays in a profile.

    Where the memory is not shown, the profile does not depend on it (`require_playable`), only on what is asked.

    Args:
        profile: of the game that is played.
        agent: whose part.
        file: where the profile is from.
    """

    source = "the search over beliefs"

    def __init__(self, profile: Profile, agent: int, file: str = "") -> None:
        self.name = NAME  # not of the class: it is no family of candidates that a registry offers
        self.profile, self.agent, self.file = profile, agent, file
        self.memory_periods = 0 if profile.recall == "none" else profile.periods
        chances = [period[agent] for period in profile.chances]
        self.width = int(any(((table > 0) & (table < 1)).any() for table in chances))
        self._rows, self._chances = list[dict[tuple[int, ...], int]](), list[FloatArray]()
        for t, table in enumerate(chances):
            rows, of_row = own_rows(profile, t, agent)
            self._rows.append({tuple(row): k for k, row in enumerate(rows.tolist())})
            self._chances.append(table[np.unique(of_row, return_index=True)[1]])

    def entry(self, t: int) -> int:
        """Return the entry of the game for period t."""
        return min(t, 1) if self.profile.game.environment.horizon is None else t

    def message(self, view: View) -> Array:
        """Return the messages, shape `(n,)`."""
        t = self.entry(view.t)
        chances = (
            self._unseen(view, t) if view.memory is None else self._chances[t][self._recalled(view, t, view.memory)]
        )
        chances = chances[np.arange(view.size), view.public, view.signal]
        if not self.width:
            likeliest: IntArray = chances.argmax(axis=-1)
            return likeliest
        drawn: IntArray = (np.cumsum(chances, axis=-1)[:, :-1] <= view.uniforms[:, :1]).sum(axis=1)
        return drawn

    def _recalled(self, view: View, t: int, memory: Array) -> IntArray:
        """Return the row of what the agent recalls, `(n,)`."""
        nothing = np.full(view.size, NOTHING)
        columns = [np.asarray(memory)]
        for back in range(1, self.profile.periods + 1):
            if self.profile.recall == "none" or view.t < back:
                columns += [nothing] * 3
                continue
            past = view.past[-back]
            if past.reports is None or past.decision is None:
                raise Refusal("strategy 'profile': it recalls messages, and needs everything public")
            shape = self.profile.game.tables[self.entry(past.t)].shape
            columns.append(np.ravel_multi_index([past.public, *past.reports.T.astype(np.intp)], shape))
            columns += [past.decision, past.signal if self.profile.recall == "signals" else nothing]
        distinct, where = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
        places = np.array([self._rows[t][tuple(row)] for row in distinct.tolist()], np.intp)
        return places[where.reshape(-1)]

    def _unseen(self, view: View, t: int) -> FloatArray:
        """Return the chances at what is asked for, whatever the memory, `(n, O, K, R)`."""
        game = self.profile.game
        table = self.profile.chances[t][self.agent]
        asked = game.tables[t].prescribed[self.agent][self.profile.recalled[t].memory]
        out = np.zeros((view.size, *table.shape[1:]))
        for k, (public, signal, message) in enumerate(zip(view.public, view.signal, view.prescribed, strict=True)):
            h = int(np.argmax(asked[:, public, signal] == message))
            out[k, public, signal] = table[h, public, signal]
        return out

    def options(self) -> dict[str, str]:
        """Return the file."""
        return {"file": self.file} if self.file else {}

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return what it does in words."""
        return f"plays its part of {self.file or 'a profile'}"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing: it is made from a profile."""
        return iter(())
