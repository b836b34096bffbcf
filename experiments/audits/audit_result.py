"""What an audit finds: the searches of every deviator, the figures of prescribed play, a verdict per promise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dynmech.agents.oracle.budget_and_participation import Largest, Least, largest_transfer
from dynmech.agents.oracle.gains import Gain
from dynmech.agents.oracle.problem import Problem
from dynmech.agents.oracle.search import Family, Information
from dynmech.agents.oracle.story import Story
from dynmech.experiments.runs.verdicts import OPEN, Verdict, together, violated
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.values_of_truth import TruthfulValues
from dynmech.sim.core.ties import first_largest, first_smallest
from dynmech.sim.economy.environment import TableEnvironment

FAMILIES = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE)
KINDS = ("ex_ante", "on_path", "interim", "ex_post")
NOT_SEARCHED = Gain(float("nan"), float("nan"), None)


@dataclass(frozen=True, eq=False)
class Search:
    """What one deviator can gain.

    Attributes:
        who: indices of its members.
        figures: gains by family and kind; NaN where the search does not cover the case.
        refused: why interim figures are missing, if they are.
        stories: the smallest case behind the gain of the best response, interim and ex post.
        ties: on the path of truth, states at which another message does as well and matters, and all states.
        deposit: with exit, what it would have to leave as security so that it never pays to run.
    """

    who: tuple[int, ...]
    problem: Problem
    figures: dict[Family, dict[str, Gain]]
    refused: str
    stories: dict[Information, Story | None]
    ties: tuple[int, int]
    deposit: float | None


@dataclass(frozen=True, eq=False)
class Audit:
    """Everything that `dynmech audit` says; `audit_data` makes JSON of it.

    Attributes:
        tolerance: up to which a promise holds.
        exit: whether deviators may leave.
        all_states: whether maxima are over all states, or over those only that some play leads to.
        truthful: what prescribed play is worth in every state.
        searches: one per deviator.
        budget: by kind, the least that the designer takes in.
        participation: by kind, every agent's least continuation payoff.
        promises: a verdict per promise.
        conditions: what is known of the environment and the mechanism.
    """

    environment: TableEnvironment
    mechanism: Mechanism
    tolerance: float
    exit: bool
    all_states: bool
    truthful: TruthfulValues
    searches: list[Search]
    budget: dict[str, Least]
    participation: dict[str, list[Least]]
    promises: list[Verdict]
    conditions: list[Condition]

    @property
    def verdict(self) -> str:
        """The most serious status of all promises; `not_promised` where truth is not promised to be best."""
        return together(verdict.status for verdict in self.promises)

    @property
    def violated(self) -> list[str]:
        """The assumptions of the mechanism that are shown not to hold on this environment."""
        return violated(self.mechanism.promises.assumptions, self.conditions)

    @property
    def cost(self) -> float:
        """The designer's expected discounted costs under prescribed play."""
        return float(self.truthful.periods[0].cost_ahead[0] @ self.truthful.prior)

    @property
    def revenue(self) -> float:
        """Expected discounted payments under prescribed play."""
        return float(self.truthful.transfer.sum())

    @cached_property
    def largest_transfer(self) -> Largest:
        """The largest |p_t^i| under prescribed play."""
        return largest_transfer(self.environment, self.truthful)

    @cached_property
    def scale(self) -> float:
        """Of the figures: the largest value of prescribed play."""
        return self.truthful.scale

    @property
    def holds(self) -> bool:
        """Whether no promise breaks or is open; what is not promised, or promised elsewhere only, does not count."""
        return self.verdict not in OPEN

    def name(self, search: Search) -> str:
        """The deviator: an agent, or a coalition."""
        return " + ".join(self.environment.agents[i] for i in search.who)

    def worst(self, family: Family, kind: str) -> tuple[Search, Gain]:
        """The deviator that gains most, and its figure."""
        figures = [search.figures[family][kind] for search in self.searches]
        gains = np.array([figure.gain for figure in figures])
        k = first_largest(gains, self.scale)
        return self.searches[k], replace(figures[k], gain=float(np.fmax.reduce(gains)))


def least_of(values: Sequence[Least], scale: float) -> Least:
    """The least of some figures, one that is not known before all others; the first of those that tie."""
    figures = np.array([least.value for least in values])
    k = first_smallest(np.where(np.isnan(figures), -np.inf, figures), scale)
    return replace(values[k], value=float(figures.min()))
