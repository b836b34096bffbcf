"""What `verify_infeasible.py`, its neighbour, checks proofs about: an economy and a decision rule, in rationals.

It needs `verify.py`, which reads economies, and the standard library.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Any

verify: Any = import_module("dynmech.experiments.certificates.verify" if __package__ else "verify")

Key = tuple[tuple[int, int], ...]  # reported profiles and decisions, the oldest first
Past = tuple[int, Key, int, int]  # entry, history, own last signal, own last action
Law = list[tuple[int, Fraction]]

KNOWN = {
    "incentive": ("ex-post", "bayesian", "none"),
    "participation": ("none", "ex-ante", "interim", "ex-post", "exit", "default"),
    "budget": ("none", "no-deficit", "balanced"),
    "budget_level": ("ex-post", "period", "ex-ante"),
}


def number(value: Any, where: str) -> Fraction:
    """Return a number as the rational that it is."""
    return Fraction(verify.amount(value, where), 1 << verify.UNIT)


def exact(pairs: tuple[list[tuple[int, int]], int]) -> Law:
    """Return a law in rationals."""
    return [(k, Fraction(weight, pairs[1])) for k, weight in pairs[0]]


def known_goals(goals: dict[str, Any]) -> dict[str, Any]:
    """Return goals; raise Malformed at a word that is not known: rows would be read in one sense, and said in another.

    What is not `bayesian`, say, is proved ex post: of another word the line would claim what was not looked at.
    """
    for name, words in KNOWN.items():
        if goals[name] not in words:
            raise verify.Malformed(f"goals.{name}: it is none of {', '.join(words)}")
    return goals


def require_names(agents: Iterable[str], goals: Iterable[str], where: str) -> None:
    """Raise Malformed where a goal is said to clash that nothing here stands for."""
    known = {f"{goal} {agent}" for goal in ("truthful", "participation of") for agent in agents} | {"budget"}
    if not known.issuperset(goals):
        raise verify.Malformed(f"{where}: a goal is of nobody, or none that is known here")


def asked_text(goals: dict[str, Any], margin: Fraction) -> str:
    """Return in which form goals are asked for."""
    parts = [f"{name} {goals[name]}" for name in ("incentive", "participation", "budget") if goals[name] != "none"]
    parts += [f"budget level {goals['budget_level']}"] * (goals["budget"] != "none")
    parts += [f"margin {float(margin):g}"] * (margin > 0)
    return ", ".join(parts)


class Economy:
    """An economy and a decision rule; `keep` periods are remembered."""

    deciding = ""  # what is said of the rule in a line that is proved

    def __init__(self, data: dict[str, Any], rule: list[Any], goals: dict[str, Any]) -> None:
        self.agents, self.horizon, self.goals = data["agents"], data["horizon"], known_goals(goals)
        stages = [verify.Stage(x, len(self.agents), f"stages[{k}]") for k, x in enumerate(data["stages"])]
        self.periods = 1 if self.horizon is None else verify.index(self.horizon, 1 << 20, "horizon")
        self.stages = stages * (self.periods if len(stages) == 1 else 1)
        self.discount = number(data["discount"], "discount")
        endless = self.horizon is None
        if not (0 < self.discount < 1 or (self.discount == 1 and not endless)) or len(self.stages) != self.periods:
            raise verify.Malformed("discount or stages do not fit the horizon")
        if len(set(self.agents)) < len(self.agents):
            raise verify.Malformed("agents: two have the same name")
        self.rule: list[list[Law]] = self.read(rule)
        shape = self.stages[0].shape
        self.prior: Law = exact(verify.law(verify.flat(data["prior"], shape, "prior"), "prior"))
        self.costs = [self._costs(x, s) for x, s in zip(data["stages"] * self.periods, self.stages, strict=False)]
        self.out = [number(flow, "outside") for flow in data.get("outside") or [0.0] * len(self.agents)]
        if len(self.out) != len(self.agents):
            raise verify.Malformed("outside: not a number per agent")
        memory = goals["memory"]
        lags = {"none": 0, "last": 1}.get(memory, 0)
        lags = int(memory.partition("=")[2]) if memory.startswith("lags=") else lags
        self.keep = self.periods if memory == "history" and not endless else max(lags, 1)
        if memory not in ("none", "last") and not lags and (endless or memory != "history"):
            raise verify.Malformed("goals.memory: it is none that is known here")
        self.law, self.pasts = cache(self._law), cache(self._pasts)

    @property
    def bills(self) -> bool:
        """Whether an agent that may default learns something by its bill: the others' reports, or what was drawn."""
        drawn = any(len(law) > 1 for table in self.rule for law in table)
        tells = self.goals["incentive"] == "bayesian" or (drawn and self.goals["incentive"] == "ex-post")
        return self.goals["participation"] == "default" and tells

    def read(self, rule: Any) -> list[list[Law]]:
        """Return decisions and their chances by period and profile."""
        if len(rule) != self.periods:
            raise verify.Malformed("rule: not a table per period")
        tables = [
            [exact(verify.law(verify.flat(row, (s.decisions,), "rule"), "rule")) for row in table]
            for s, table in zip(self.stages, rule, strict=True)
        ]
        if any(len(table) != s.size for s, table in zip(self.stages, tables, strict=True)):
            raise verify.Malformed("rule: not a row per profile")
        return tables

    def _costs(self, data: dict[str, Any], stage: Any) -> list[list[Fraction]]:
        """Return the cost of every decision by public state."""
        given = data.get("cost")
        if given is None:
            return [[Fraction(0)] * stage.axes[0] for _ in range(stage.decisions)]
        rows = [row if isinstance(row, list) else [row] * stage.axes[0] for row in given]
        return [[number(value, "cost") for value in row] for row in rows]

    def gone(self, e: int, agent: int) -> Fraction:
        """Return what it is worth to an agent to be out from the next period on."""
        delta, left = self.discount, 0 if self.horizon is None else self.periods - 1 - e
        years = (
            delta / (1 - delta) if self.horizon is None else sum((delta**s for s in range(1, left + 1)), Fraction(0))
        )
        return self.out[agent] * years

    def t(self, e: int) -> int:
        """Return the stage of an entry."""
        return 0 if self.horizon is None else e

    def after(self, e: int) -> int | None:
        """Return the entry that follows."""
        if self.horizon is None:
            return min(e + 1, self.keep)
        return e + 1 if e + 1 < self.periods else None

    def step(self, key: Key, profile: int, decision: int) -> Key:
        """Return what is remembered next."""
        return (*key, (profile, decision))[-self.keep :]

    def table(self, e: int, key: Key) -> tuple[int, Key]:
        """Return the transfer table that is in force."""
        return (-1 if self.horizon is None else e, () if self.goals["memory"] == "none" else key)

    def with_own(self, t: int, profile: int, agent: int, signal: int) -> int:
        """Return the profile with an agent's signal replaced."""
        axes = list(self.stages[t].profiles[profile])
        axes[1 + agent] = signal
        return int(verify.numbered(axes, self.stages[t].axes))

    def own(self, t: int, profile: int, agent: int) -> int:
        """Return an agent's signal in a profile."""
        return int(self.stages[t].profiles[profile][1 + agent])

    def acting(self, t: int, decision: int, agent: int, action: int) -> int:
        """Return the decision with an agent's action replaced."""
        stage = self.stages[t]
        public, combination = divmod(decision, len(stage.combinations))
        done = list(stage.combinations[combination])
        done[agent] = action
        return int(verify.numbered(done, stage.actions, public))

    def asked(self, t: int, decision: int, agent: int) -> int:
        """Return the action that a decision recommends."""
        stage = self.stages[t]
        return int(stage.combinations[decision % len(stage.combinations)][agent])

    def utility(self, t: int, agent: int, decision: int, profile: int) -> Fraction:
        """Return a flow utility."""
        stage = self.stages[t]
        return Fraction(stage.utility[agent][decision * stage.size + profile], 1 << verify.UNIT)

    def _law(self, agent: int, past: Past) -> Law:
        """Return the law of the profile that follows an agent's past."""
        e, key, signal, action = past
        if e == 0:
            return self.prior
        before = 0 if self.horizon is None else e - 1
        profile, decision = key[-1]
        if agent >= 0:
            profile, decision = (
                self.with_own(before, profile, agent, signal),
                self.acting(before, decision, agent, action),
            )
        return exact(self.stages[before].law(decision, profile, self.stages[self.t(e)]))

    def _pasts(self, agent: int) -> set[Past]:
        """Return what an agent's lies and actions, the others true, can lead to; -1: nobody lies."""
        start: Past = (0, (), 0, 0)
        found, todo = {start}, [start]
        while todo:
            past = todo.pop()
            e, key = past[:2]
            t, after = self.t(e), self.after(e)
            if after is None:
                continue
            for profile, _ in self.law(agent, past):
                for new in self._next(agent, t, after, key, profile):
                    if new not in found:
                        found.add(new)
                        todo.append(new)
        return found

    def _next(self, agent: int, t: int, after: int, key: Key, profile: int) -> Iterator[Past]:
        own = self.own(t, profile, agent) if agent >= 0 else 0
        stage = self.stages[t]
        for report in range(stage.signals[agent]) if agent >= 0 else (0,):
            x = self.with_own(t, profile, agent, report) if agent >= 0 else profile
            for decision, _ in self.rule[t][x]:
                for action in range(stage.actions[agent]) if agent >= 0 else (0,):
                    yield after, self.step(key, x, decision), own, action
