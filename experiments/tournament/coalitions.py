"""Coalitions in a tournament: the joint best response of some agents, in play beside the oracle's exact figure.

A coalition pools its signals, sends what is best for the sum of its members' payoffs, and everybody else plays as
prescribed. What it gains is measured against prescribed play by all under the same draws of nature:

    gain(C) = Σ_{i∈C} E[V_i(plan of C, prescribed play of the others) − V_i(prescribed play)],

exactly by dynamic programming (`dynmech.agents.oracle.search`), and in play as a mean of batches with its interval. The
two must agree up to four standard errors and the tail. The plan is the oracle's for the mechanism at hand, so a
coalition is no strategy that one agent could choose: it stands beside the profiles, not among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import is_shipped
from dynmech.experiments.figures.comparisons import FLAGGED, standard_errors_apart
from dynmech.experiments.runs.agent_profiles import agent_index
from dynmech.experiments.runs.loading import run_isolated
from dynmech.experiments.runs.moments import LEVEL, ZERO
from dynmech.experiments.runs.shards import users_code
from dynmech.experiments.runs.simulation import Case
from dynmech.experiments.runs.tally import Tally, properties
from dynmech.experiments.searches.exact import Collusion, collusion
from dynmech.experiments.tournament.bootstrap import standard_error
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import DynmechError, WorkerDied
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.game import Game

PREFIX = "coalition."
"""How the cases of coalitions begin; the name of a profile has no dot."""


@dataclass(frozen=True, eq=False)
class Plot:
    """A coalition under one mechanism: who, and what the oracle has found for it."""

    name: str
    members: tuple[int, ...]
    found: Collusion

    @property
    def key(self) -> str:
        """The name of its case."""
        return f"{PREFIX}{self.name}"

    def case(self, agents: int) -> Case | None:
        """Return the case in which the members play their plan and the others as prescribed; None without a plan."""
        if self.found.witness is None:
            return None
        parts: Mapping[int, Strategy] = self.found.witness.parts()
        return Case(self.key, tuple(parts.get(i, Truthful()) for i in range(agents)), tied=True)


@dataclass(frozen=True)
class CoalitionGain:
    """What a coalition gained.

    Attributes:
        name, members: of the coalition; the members' names.
        exact, exact_bound: the oracle's figure, and how far it may be off; None where it was not searched.
        gain, half_width: in play, with its 95 % interval; None where it could not be played.
        apart: how many standard errors the gain in play lies above the exact one, beyond the tail; None: not compared.
        gains: whether the exact figure is more than rounding.
        agrees: whether the two do, up to four standard errors and the tail.
        shares: what each member gains of it in play.
        words: what the coalition does where it gains most.
        refused: why there are no figures, if so.
        properties: what it does to welfare, revenue, budget and participation.
    """

    name: str
    members: tuple[str, ...]
    exact: float | None = None
    exact_bound: float | None = None
    gain: float | None = None
    half_width: float | None = None
    apart: float | None = None
    gains: bool = False
    agrees: bool = True
    shares: tuple[float, ...] = ()
    words: str = ""
    refused: str = ""
    properties: Mapping[str, float] | None = None

    def data(self) -> dict[str, Any]:
        """Return the gain as plain data."""
        return {**vars(self), "members": list(self.members), "shares": list(self.shares)}


def find_plots(coalitions: Mapping[str, Sequence[str]], game: Game, workers: Workers) -> list[Plot]:
    """Return each coalition's joint best response; a user's mechanism is searched in a separate process."""
    out = []
    for name, members in coalitions.items():
        who = member_indices(members, game.environment)
        try:
            ours = is_shipped(game.mechanism)
            found = collusion(game, who) if ours else run_isolated(workers, users_code(game), collusion, game, who)
        except WorkerDied:
            raise
        except DynmechError as error:
            found = Collusion(None, None, str(error))
        out.append(Plot(name, who, found))
    return out


def member_indices(members: Sequence[str], environment: Environment) -> tuple[int, ...]:
    """Return the indices of a coalition's members, in the order of the agents.

    Raises:
        InputError: there is no such agent.
    """
    return tuple(sorted(agent_index(environment.agents, who) for who in members))


def coalition_gain(
    plot: Plot, game: Game, payoffs: FloatArray | None, honest: FloatArray | None, tally: Tally | None
) -> CoalitionGain:
    """Return simulated and exact gain of one coalition.

    Args:
        payoffs, honest: by agent and batch `(N, B)`, of the plan and of prescribed play under the same draws; None
            where they could not be played.
        tally: of the plan.
    """
    from scipy.special import ndtri

    names = tuple(game.environment.agents[i] for i in plot.members)
    figure, witness = plot.found.gain, plot.found.witness
    if figure is None or witness is None:
        return CoalitionGain(plot.name, names, refused=plot.found.refused)
    scale = money_scale(game.environment)
    gains = figure.gain > figure.bound + ZERO * scale
    known = CoalitionGain(plot.name, names, figure.gain, figure.bound, gains=gains, words=witness.words)
    if payoffs is None or honest is None or tally is None:
        return known
    batches = min(payoffs.shape[1], honest.shape[1])
    each = (payoffs[:, :batches] - honest[:, :batches])[list(plot.members)]
    gain, error = float(each.sum(axis=0).mean()), standard_error(each.sum(axis=0))
    apart = standard_errors_apart(gain, figure.gain, error, 2 * len(names) * game.tail + figure.bound, scale)
    return CoalitionGain(
        name=plot.name,
        members=names,
        exact=figure.gain,
        exact_bound=figure.bound,
        gain=gain,
        half_width=error * float(ndtri((1 + LEVEL) / 2)),
        gains=gains,
        apart=None if isnan(apart) else apart,
        agrees=not abs(apart) > FLAGGED,
        shares=tuple(map(float, each.mean(axis=1))),
        words=witness.words,
        properties=properties(game.environment, tally, tally),
    )
