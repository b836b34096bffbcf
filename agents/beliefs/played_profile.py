"""What a profile leads to: payoffs, welfare, revenue, and how often every state is visited.

States of a period are (what is recalled, profile of signals), as in `period_outcomes`; everybody obeys.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from dynmech.agents.beliefs.period_outcomes import Shown, drawn_rows, law_rows, recalled_after
from dynmech.agents.beliefs.profiles import Profile, places
from dynmech.agents.oracle.search import fixed_point
from dynmech.sim.core.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class PlayedPeriod:
    """One entry: flows (utilities, transfers, cost) `(2N + 1, states)`, and moves: state, next state, chance."""

    flows: FloatArray
    state: IntArray
    following: IntArray
    chance: FloatArray


@dataclass(frozen=True, eq=False)
class PlayedProfile:
    """A profile as it is played.

    Attributes:
        periods: one per entry of the game.
    """

    profile: Profile
    periods: tuple[PlayedPeriod, ...]

    @classmethod
    def of(cls, profile: Profile) -> "PlayedProfile":
        """Play a profile.

        Raises:
            Refusal: the mechanism acts on replies or observed actions, or it is too large.
        """
        return cls(profile, tuple(_period(profile, t) for t in range(profile.game.entries)))

    @cached_property
    def totals(self) -> FloatArray:
        """Expected discounted utilities, transfers and cost, `(2N + 1,)`."""
        environment = self.profile.game.environment
        values = np.zeros(0)
        prior = environment.prior.reshape(-1)
        out = np.empty(len(self.periods[0].flows))
        for k in range(len(out)):
            if environment.horizon is None:
                values = self._back(0, k, self._repeated(k))
            else:
                for t in reversed(range(len(self.periods))):
                    values = self._back(t, k, values)
            out[k] = values[: len(prior)] @ prior
        return out

    def _repeated(self, k: int) -> FloatArray:
        """Return the value of one flow in the repeated period, by state."""
        environment, start = self.profile.game.environment, np.zeros(self.periods[1].flows.shape[1])
        back: Callable[[FloatArray], FloatArray] = partial(self._back, 1, k)
        return fixed_point(back, start, environment.discount, environment.scale, centred=True)[0]

    def _back(self, t: int, k: int, ahead: FloatArray) -> FloatArray:
        """Return one flow plus the discounted expectation of what is ahead, by state."""
        period = self.periods[t]
        if not len(period.state):
            return period.flows[k]
        worth = np.bincount(period.state, period.chance * ahead[period.following], period.flows.shape[1])
        return period.flows[k] + self.profile.game.environment.discount * worth

    @property
    def agents(self) -> int:
        """N."""
        return len(self.profile.game.environment.agents)

    @property
    def utility(self) -> FloatArray:
        """Expected discounted utilities, `(N,)`."""
        return self.totals[: self.agents]

    @property
    def transfer(self) -> FloatArray:
        """Expected discounted transfers, `(N,)`."""
        return self.totals[self.agents : -1]

    @property
    def payoff(self) -> FloatArray:
        """Utilities less transfers, `(N,)`."""
        return self.utility - self.transfer

    @property
    def welfare(self) -> float:
        """Utilities less the designer's costs."""
        return float(self.utility.sum() - self.totals[-1])

    @property
    def revenue(self) -> float:
        """What all agents pay."""
        return float(self.transfer.sum())

    @property
    def net_revenue(self) -> float:
        """The same less the designer's costs."""
        return self.revenue - float(self.totals[-1])

    @cached_property
    def visits(self) -> list[FloatArray]:
        """Discounted expected visits of every state, per entry; of a repeated period, over all later dates."""
        environment = self.profile.game.environment
        first = np.zeros(self.periods[0].flows.shape[1])
        prior = environment.prior.reshape(-1)
        first[: len(prior)] = prior
        out = [first]
        if environment.horizon is not None:
            for t in range(len(self.periods) - 1):
                out.append(self._forward(t, out[-1], self.periods[t + 1].flows.shape[1]))
            return out
        size = self.periods[1].flows.shape[1]
        arriving = self._forward(0, first, size)
        total = arriving.copy()
        while arriving.sum() > 1e-12 * total.sum():
            arriving = self._forward(1, arriving, size)
            total += arriving
        return [first, total]

    def _forward(self, t: int, visits: FloatArray, size: int) -> FloatArray:
        period, discount = self.periods[t], self.profile.game.environment.discount
        arrives = np.bincount(period.following, visits[period.state] * period.chance, size).astype(np.float64)
        return arrives * discount


def _period(profile: Profile, t: int) -> PlayedPeriod:
    """Return flows and moves of an entry."""
    game, shown = profile.game, Shown(profile, ())
    stage, tables, after = game.environment.stage(t), game.tables[t], shown.entry_after(t)
    rows = drawn_rows(shown, t)
    size, agents = stage.size, len(game.environment.agents)
    states = len(profile.recalled[t]) * size
    state, memory = rows.h * size + rows.s, profile.recalled[t].memory[rows.h]
    paid = tables.charge[:, memory, rows.sent, rows.draw] + tables.due[:, memory, rows.sent]
    utility = stage.utility.reshape(agents, -1)[:, rows.decided * size + rows.s]
    cost = stage.cost_table[rows.decided, places(game, t)[0][rows.s]]
    columns = [*utility, *paid, cost]
    flows = np.array([np.bincount(state, rows.chance * column, states).astype(np.float64) for column in columns])
    law = game.laws[t]
    if after is None or law is None:
        nothing = np.zeros(0, np.intp)
        return PlayedPeriod(flows, nothing, nothing, np.zeros(0))
    event, chances = law_rows(law, rows.decided * size + rows.s)
    origin, following = np.nonzero(chances[event] > 0)
    arrives = recalled_after(shown, t, after, rows)[origin] * game.environment.stage(after).size + following
    return PlayedPeriod(flows, state[origin], arrives, rows.chance[origin] * chances[event][origin, following])
