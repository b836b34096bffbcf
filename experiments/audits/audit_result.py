"""What an audit finds, whichever backend found it: gains, promises, budget, participation, conditions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dynmech.agents.oracle.gains import Gain, Search
from dynmech.agents.oracle.search import Family
from dynmech.agents.oracle.witness import Witness
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.runs.verdicts import ASSUMED, OPEN, Verdict, together, violated
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.condition import Condition
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import Largest, Least, TruthfulValues
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.plain_text import harmless
from dynmech.sim.core.ties import first_largest, first_smallest
from dynmech.sim.economy.environment import Environment

if TYPE_CHECKING:
    import pandas as pd

    from dynmech.experiments.audits.witness_text import WorstCase

UNKNOWN = float("nan")


@dataclass(frozen=True)
class AuditedGain:
    """The most that a deviator gains by one family of deviations, at one information.

    Attributes:
        agent: the deviator, an agent or a coalition.
        family: `one_shot`, `belief_manipulation` or `best_response`.
        information: `ex_ante`, `on_path`, `interim` or `ex_post`.
        gain: the figure; NaN where only bounds are known.
        bound: of the numerical error of the figure; NaN where there is none.
        lower, upper: the figure lies between them; NaN where that side is not known.
        kind: `exact`, `bounds`, `lower_bound` or `refused`.
        states: `reachable` or `all`: over which states the maximum is taken.
        confidence: 1, or 0.95 of a simulated interval.
        certified: whether a certificate proves it.
    """

    agent: str
    family: str
    information: str
    gain: float
    bound: float
    lower: float
    upper: float
    kind: str
    states: str
    confidence: float = 1.0
    certified: bool = False

    @classmethod
    def exact(
        cls, agent: str, family: Family, information: str, gain: float, bound: float, states: str
    ) -> "AuditedGain":
        """Return an exact figure within its numerical bound, or a refused one where it is NaN."""
        kind = "refused" if np.isnan(gain) else "exact"
        return cls(agent, family.value, information, gain, bound, max(0.0, gain - bound), gain + bound, kind, states)

    @classmethod
    def between(
        cls,
        agent: str,
        family: Family,
        information: str,
        lower: float,
        upper: float,
        states: str,
        confidence: float = 1.0,
    ) -> "AuditedGain":
        """Return a figure of which bounds alone are known."""
        return cls(agent, family.value, information, UNKNOWN, UNKNOWN, lower, upper, "bounds", states, confidence)


@dataclass(frozen=True, eq=False)
class Truth:
    """What prescribed play is worth, ex ante, expected and discounted; None where it was not worked out.

    Attributes:
        payoff, utility, transfer: by agent.
        welfare, first_best: utilities less costs, and the most that any decisions reach.
        revenue, net_revenue: payments, and payments less the designer's costs.
    """

    payoff: list[float] | None = None
    utility: list[float] | None = None
    transfer: list[float] | None = None
    welfare: float | None = None
    first_best: float | None = None
    revenue: float | None = None
    net_revenue: float | None = None


@dataclass(frozen=True, eq=False)
class Audit:
    """Everything that an audit says; the same class, JSON and screen for every backend.

    Attributes
    ----------
    request : AuditRequest
        What was audited, and the options.
    backend : str
        How gains were found: `exact`, `first reports`, `epsilon`, `sampled` or `bounds`.
    method : str
        The same in a sentence or two.
    reason : str
        Why there is no exact search; empty where there is one.
    figures : sequence of AuditedGain
        Every gain with its family, information, states, kind and bounds; `gains` has them as a DataFrame.
    truth : Truth
        What prescribed play is worth.
    verdicts : list of Verdict
        What became of every promise; `promises` has them as a DataFrame.
    conditions : list of Condition
        What is known of the environment and the mechanism.
    own : sequence of str
        The names of those that are about the mechanism.
    said : str
        The sentence, of a backend that has no stories to tell; see `sentence`.
    budget : dict
        By kind, the least that the designer takes in, before its costs.
    participation : dict
        By kind, every agent's least continuation payoff.
    largest_transfer : Largest or None
        The largest transfer under prescribed play.
    verified : str
        How the mechanism was held to what it declares.
    searches : list of Search
        One per deviator, of the exact search.
    game : FiniteGame or None
        The economy and the mechanism written out, of the exact search.
    proved : dict
        What a certificate proves of `budget`, by kind, and of `participation`, by kind and agent: `lower` and `upper`.
    details : dict
        What this backend alone says, as plain data: it goes into the JSON as it is.
    """

    request: AuditRequest
    backend: str
    method: str
    reason: str
    figures: Sequence[AuditedGain]
    truth: Truth
    verdicts: list[Verdict]
    conditions: list[Condition]
    own: Sequence[str] = ()
    said: str = ""
    budget: dict[str, Least] = field(default_factory=dict)
    participation: dict[str, list[Least]] = field(default_factory=dict)
    largest_transfer: Largest | None = None
    verified: str = ""
    searches: list[Search] = field(default_factory=list)
    game: FiniteGame | None = None
    proved: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def environment(self) -> Environment:
        """The economy."""
        return self.request.environment

    @property
    def mechanism(self) -> Mechanism:
        """The mechanism."""
        return self.request.mechanism

    @property
    def title(self) -> str:
        """What was audited, as it was typed."""
        environment, mechanism = self.request.names
        return f"{mechanism} on {environment}"

    @property
    def tolerance(self) -> float:
        """Up to which a promise holds, in units of utility: the relative tolerance times the economy's scale."""
        return self.request.relative_tolerance * self.request.scale

    @property
    def scale(self) -> float:
        """Of the figures, for ties: the largest value of prescribed play."""
        return self.game.truthful.scale if self.game else self.request.scale

    @property
    def truthful(self) -> TruthfulValues:
        """What prescribed play is worth in every state.

        Raises:
            Refusal: only the exact search knows.
        """
        if self.game is None:
            raise no_search(self)
        return self.game.truthful

    @property
    def verdict(self) -> str:
        """The most serious status of all promises; `not_promised` where truth is not promised to be best."""
        return together(verdict.status for verdict in self.verdicts)

    @property
    def holds(self) -> bool:
        """Whether no promise breaks or is open; what is not promised, or promised elsewhere only, does not count."""
        return self.verdict not in OPEN

    @property
    def violated(self) -> list[str]:
        """The assumptions of the mechanism that are shown not to hold on this environment."""
        return violated(self.mechanism.promises.assumptions, self.conditions)

    @property
    def relevant_conditions(self) -> list[Condition]:
        """The conditions on which a promise rests, and those of the mechanism itself."""
        assumptions = self.mechanism.promises.assumptions
        wanted = {name for assumption in assumptions for name in ASSUMED.get(assumption, ())} | set(self.own)
        return [
            condition
            for condition in self.conditions
            if condition.name in wanted or any(condition.name.startswith(f"{name}, if ") for name in assumptions)
        ]

    @property
    def deviators(self) -> list[str]:
        """Who deviates: agents, or coalitions."""
        return [self.request.name(who) for who in self.request.deviators]

    def name(self, search: Search) -> str:
        """The deviator: an agent, or a coalition."""
        return self.request.name(search.who)

    def worst(self, family: Family, kind: str) -> tuple[Search, Gain]:
        """The deviator that gains most by the exact search, and its figure."""
        figures = [search.figures[family][kind] for search in self.searches]
        gains = np.array([figure.gain for figure in figures])
        k = first_largest(gains, self.scale)
        return self.searches[k], replace(figures[k], gain=float(np.fmax.reduce(gains)))

    # What a user holds

    @cached_property
    def worst_case(self) -> "WorstCase | None":
        """The smallest case of the gain that matters; None where nothing gains."""
        from dynmech.experiments.audits.witness_text import worst_case

        return worst_case(self)

    @cached_property
    def sentence(self) -> str:
        """Who gains, how and when; or that nobody does."""
        from dynmech.experiments.audits.witness_text import story_text

        return story_text(self) if self.searches else self.said

    @cached_property
    def story(self) -> dict[str, Any] | None:
        """The worst case as data; None where nothing gains, or there is no exact search."""
        from dynmech.experiments.audits.witness_text import witness_data

        return witness_data(self) if self.searches else None

    @cached_property
    def gains(self) -> "pd.DataFrame":
        """A row per deviator, family and information; columns as in the JSON."""
        from dynmech.experiments.audits.audit_frames import gains_frame

        return gains_frame(self)

    @cached_property
    def promises(self) -> "pd.DataFrame":
        """A row per promise: `promise`, `status`, `worst`, `bound`, `where`."""
        from dynmech.experiments.audits.audit_frames import promises_frame

        return promises_frame(self)

    @cached_property
    def policy(self) -> "pd.DataFrame":
        """The whole worst deviation: a row per situation that it leads to, with the message sent there.

        Columns: `period`, `agent`, `signal`, `reported` (its own past lie), `public` (what was reported and decided
        last), `message`, `prescribed`, `act` (whether it obeys). Empty where nobody gains ex ante.
        """
        from dynmech.experiments.audits.audit_frames import policy_frame

        return policy_frame(self)

    @cached_property
    def sensitivity(self) -> "pd.DataFrame":
        """On which number of the economy the largest gain hangs: derivatives, largest effects first.

        Columns: `information`, `agent` (that gains most), `gain`, `unique` (whether no other deviation does as well),
        `input` (`law`, `prior`, `utility` or `discount`), `label`, `value`, `derivative`, `effect` (of 0.01 more; of a
        utility, of 1 % of the scale).
        """
        from dynmech.experiments.audits.audit_frames import sensitivity_frame

        return sensitivity_frame(self)

    @property
    def witness(self) -> Witness:
        """The strategy that plays the worst deviation: ex ante, of the agent that gains most.

        Raises:
            Refusal: this backend has none.
        """
        from dynmech.experiments.audits.audit_frames import best_deviation

        return best_deviation(self)

    @checked_arguments
    def deviation(self, agent: int | str, information: str = "interim", family: str = "best_response") -> Witness:
        """Return the best deviation of an agent as a strategy.

        Parameters
        ----------
        agent : int or str
            The agent, by name or index; of a coalition its first member.
        information : str
            `interim` (its own signal) or `ex_post` (the others' signals too).
        family : str
            `best_response`, `one_shot` or `belief_manipulation`; the last two interim only.

        Returns
        -------
        Strategy
            It plays against prescribed play by the others.

        Raises
        ------
        InputError
            No such agent, information or family.
        Refusal
            There is no exact search here.
        """
        from dynmech.experiments.audits.audit_frames import deviation_of

        return deviation_of(self, agent, information, family)

    @property
    def commands(self) -> list[str]:
        """The lines that play what breaks, on the command line; plug-in files are among their words.

        None where nothing breaks, or where the command line does not know what was audited.
        """
        from dynmech.experiments.audits.replay_commands import lines_to_play

        return [line for _, line in lines_to_play(self)]

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain data: what `dynmech audit --json` prints."""
        from dynmech.experiments.audits.audit_json import audit_data

        return audit_data(self)

    def to_json(self) -> str:
        """Return the audit as one JSON object, in text."""
        from dynmech.experiments.runs.to_json import json_text

        return json_text(self.to_dict())

    def __repr__(self) -> str:
        from dynmech.experiments.audits.audit_text import summary

        return harmless(summary(self))

    def _repr_html_(self) -> str:
        from dynmech.experiments.audits.audit_text import html

        return html(self)


def no_search(audit: Audit) -> Refusal:
    """Return the refusal of what only the exact search has."""
    given = audit.request
    of_beliefs = given.profile is not None or given.disclosure != "everything"
    why = "beliefs are searched, not what is reported" if of_beliefs else audit.reason or audit.method
    return Refusal(f"audit: {audit.title}: there is no exact search here ({why})")


def least_of(values: Sequence[Least], scale: float) -> Least:
    """The least of some figures, one that is not known before all others; the first of those that tie."""
    figures = np.array([least.value for least in values])
    k = first_smallest(np.where(np.isnan(figures), -np.inf, figures), scale)
    return replace(values[k], value=float(figures.min()))


Backend = Callable[[AuditRequest, Callable[[str, int], Callable[[int], None]]], Audit]
"""From what is asked, and a progress, to what is found."""
