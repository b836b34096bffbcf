"""What a design must do: goals as data, checked for words and for contradictions.

Sentences of a result are made from these, so that what is asked and what is said cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from dynmech.sim.core.errors import InputError

INCENTIVES = ("ex-post", "bayesian", "none")
PARTICIPATIONS = ("none", "ex-ante", "interim", "ex-post", "exit", "default")
BUDGETS = ("none", "no-deficit", "balanced")
LEVELS = ("ex-post", "period", "ex-ante")
OBJECTIVES = ("largest", "deficit", "revenue", "welfare", "margin", "change", "total-change", "none")
MINIMISED = ("largest", "deficit", "change", "total-change")
MAXIMISED = ("revenue", "welfare", "margin")

LARGEST = 1000.0
"""Bound on transfers under which feasibility is decided, in units of the economy's scale."""


@dataclass(frozen=True)
class Memory:
    """What transfers may depend on beside the current reports.

    Attributes:
        kind: `none`, `last`, `lags` or `history`.
        lags: how many of the last periods; 0 for none, 1 for `last`; None for the whole history.
    """

    kind: str
    lags: int | None

    @classmethod
    def read(cls, text: str) -> "Memory":
        """Return the memory that a text asks for.

        Raises:
            InputError: it is none of the four.

        >>> Memory.read("lags=2"), Memory.read("last").lags
        (Memory(kind='lags', lags=2), 1)
        """
        known: dict[str, int | None] = {"none": 0, "last": 1, "history": None}
        if text in known:
            return cls(text, known[text])
        word, equals, number = text.partition("=")
        if word == "lags" and equals and number.isdecimal() and int(number) > 0:
            return cls("lags", int(number)) if int(number) > 1 else cls("last", 1)
        raise InputError(f"memory {text!r}: it is none of none, last, lags=L (L at least 1), history")

    @property
    def text(self) -> str:
        """The memory in words.

        >>> Memory.read("lags=2").text
        'with memory of the reports and decisions of the last 2 periods'
        """
        words = {
            "none": "without memory",
            "last": "with memory of last period's reports and decision",
            "history": "with memory of the whole history",
        }
        return words.get(self.kind, f"with memory of the reports and decisions of the last {self.lags} periods")

    @property
    def name(self) -> str:
        """The memory as it is asked for."""
        return f"lags={self.lags}" if self.kind == "lags" else self.kind


@dataclass(frozen=True)
class Goals:
    """What a mechanism must do, and what is best among those that do it.

    Attributes:
        memory: what transfers may depend on.
        incentive: `ex-post`, `bayesian` or `none`.
        participation: `none`, `ex-ante`, `interim`, `ex-post`, `exit` or `default`.
        budget: `none`, `no-deficit` or `balanced`.
        budget_level: where the budget counts: `ex-post`, `period` or `ex-ante`.
        largest: bound on every transfer; None: not asked for, `LARGEST` × scale.
        margin: by how much every lie must lose.
        objective: one of `OBJECTIVES`.
    """

    memory: Memory = Memory("last", 1)
    incentive: str = "ex-post"
    participation: str = "none"
    budget: str = "none"
    budget_level: str = "ex-post"
    largest: float | None = None
    margin: float = 0.0
    objective: str = "largest"

    def __post_init__(self) -> None:
        """Check every word, and what cannot be asked for together.

        Raises:
            InputError: which goal, and what would be right.
        """
        _known("incentive", self.incentive, INCENTIVES)
        _known("participation", self.participation, PARTICIPATIONS)
        _known("budget", self.budget, BUDGETS)
        _known("budget-level", self.budget_level, LEVELS)
        _known("objective", self.objective, OBJECTIVES)
        if self.largest is not None and not (isfinite(self.largest) and self.largest > 0):
            raise InputError(f"largest: {self.largest:g} is no bound on transfers; give a number above 0")
        if not (isfinite(self.margin) and self.margin >= 0):
            raise InputError(f"margin: {self.margin:g} is no amount that lies lose; give 0 or more")
        self._check_objective()

    def _check_objective(self) -> None:
        if self.margin > 0 and self.incentive == "none":
            raise InputError("margin: nothing loses by a lie under --incentive none; ask for ex-post or bayesian")
        if self.objective == "margin":
            if self.margin > 0:
                raise InputError("margin: either ask for one (--margin), or for the largest (--maximise margin)")
            if self.incentive == "none":
                raise InputError("maximise margin: needs --incentive ex-post or bayesian")
            if self.largest is None:
                raise InputError("maximise margin: larger transfers buy any margin; bound them by --largest")
        unbounded = self.participation == "none" and self.largest is None
        if self.objective in ("revenue", "deficit") and unbounded:
            word = "maximise" if self.objective == "revenue" else "minimise"
            raise InputError(
                f"{word} {self.objective}: nothing limits what agents pay; ask for --participation, or give --largest"
            )
        if self.objective in ("revenue", "deficit") and self.budget == "balanced":
            raise InputError(f"{self.objective}: a balanced budget leaves none; ask for --budget none or no-deficit")

    @property
    def exit(self) -> str:
        """Participation as it is imposed: leaving at any time never pays iff staying is worth it at every state."""
        if self.participation != "exit":
            return self.participation
        return "interim" if self.incentive == "bayesian" else "ex-post"

    def names(self, agents: tuple[str, ...]) -> list[str]:
        """Return the goals of every agent and of the budget, as they are named in a clash."""
        out = [f"truthful {agent}" for agent in agents if self.incentive != "none"]
        out += [f"participation of {agent}" for agent in agents if self.participation != "none"]
        return out + ["budget"] * (self.budget != "none")

    def to_dict(self) -> dict[str, Any]:
        """Return the goals as plain data."""
        return {
            "memory": self.memory.name,
            "incentive": self.incentive,
            "participation": self.participation,
            "budget": self.budget,
            "budget_level": self.budget_level,
            "largest": self.largest,
            "margin": self.margin,
            "objective": self.objective,
        }


def _known(what: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise InputError(f"{what} {word!r}: it is none of {', '.join(known)}")


INCENTIVE_WORDS: Mapping[str, str] = {
    "ex-post": "truth is periodic ex post optimal",
    "bayesian": "truth is Bayesian optimal",
    "none": "nothing is asked of incentives",
}
PARTICIPATION_WORDS: Mapping[str, str] = {
    "ex-ante": "every agent expects to be no worse off inside than outside",
    "interim": "staying is worth it at every signal, in every period",
    "ex-post": "staying is worth it at every profile, in every period",
    "exit": "leaving never pays",
    "default": "refusing to pay never pays",
}
BUDGET_WORDS: Mapping[tuple[str, str], str] = {
    ("no-deficit", "ex-post"): "no period runs a deficit",
    ("no-deficit", "period"): "no period is expected to run a deficit",
    ("no-deficit", "ex-ante"): "no deficit is expected over all periods",
    ("balanced", "ex-post"): "every period's budget is balanced",
    ("balanced", "period"): "every period's budget is expected to be balanced",
    ("balanced", "ex-ante"): "the budget is expected to be balanced over all periods",
}


def asked(goals: Goals) -> list[str]:
    """Return what is asked for in words, a clause each.

    >>> asked(Goals(budget="no-deficit"))
    ['truth is periodic ex post optimal', 'no period runs a deficit']
    """
    out = [INCENTIVE_WORDS[goals.incentive]] if goals.incentive != "none" else []
    if goals.margin > 0:
        out.append(f"every lie loses {goals.margin:g} or more")
    if goals.participation != "none":
        out.append(PARTICIPATION_WORDS[goals.participation])
    if goals.budget != "none":
        out.append(BUDGET_WORDS[goals.budget, goals.budget_level])
    return out
