"""What a design comes to: the mechanism and its audit, or the goals that clash."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.designs.from_data import Safety
from dynmech.experiments.designs.transfer_tables import free_entries, transfer_rows
from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.mechanisms.design.free_seeking import first_best
from dynmech.mechanisms.design.goals import LARGEST, Goals, asked as clauses
from dynmech.mechanisms.design.history_rule import FREE
from dynmech.mechanisms.design.seeking import Found, Task
from dynmech.mechanisms.tables.tabulated_mechanism import TabulatedMechanism
from dynmech.sim.core.ties import figure

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 40
"""Rows of transfers on the screen."""

DIGITS = 6

NOTHING = 1e-8
"""Changes up to this share of the scale are none."""


@dataclass(frozen=True, eq=False, repr=False)
class Design(ShownResult):
    """A design, or why there is none.

    Attributes
    ----------
    task : Task
        The economy, the rule and the goals.
    status : str
        `possible`: `mechanism` does what was asked, and `audit` finds no deviation that gains. `impossible`: `clashes`
        are goals that cannot be had together. `open`: neither was shown; `reason` says why.
    found : Found
        What the program came to.
    mechanism : TabulatedMechanism or None
        The mechanism, where there is one.
    audit : Audit or None
        Its audit by the exact search.
    clashes : tuple of tuples of str
        The minimal sets of goals that cannot be had together.
    relaxations : dict
        By goal, the least amount by which it alone must give for the others to be met; None where the others clash.
    reason : str
        Why the status is open.
    path, certificate : str or None
        The files that were written.
    certified : bool
        Whether every clash is proved.
    proof : dict or None
        What proves them, or that truth is best under every law that data leaves possible, as plain data.
    safety : Safety or None
        Where the margin comes from data: what the data says, and what safety costs.
    """

    task: Task
    status: str
    found: Found
    mechanism: TabulatedMechanism | None = None
    audit: Audit | None = None
    clashes: tuple[tuple[str, ...], ...] = ()
    relaxations: dict[str, float | None] = field(default_factory=dict)
    reason: str = ""
    path: str | None = None
    certificate: str | None = None
    certified: bool = False
    proof: dict[str, Any] | None = None
    safety: Safety | None = None

    @property
    def price(self) -> pd.DataFrame:
        """What safety would cost by number of observations and confidence; empty unless asked for."""
        return pd.DataFrame() if self.safety is None else self.safety.price

    @property
    def goals(self) -> Goals:
        """What was asked."""
        return self.task.goals

    @property
    def possible(self) -> bool:
        """Whether there is a mechanism."""
        return self.status == "possible"

    @property
    def objective(self) -> float | None:
        """The least or most that can be had; None unless possible."""
        return self.found.objective if self.possible else None

    @property
    def largest_transfer(self) -> float | None:
        """The largest transfer of the mechanism."""
        return self.found.largest if self.possible else None

    @cached_property
    def transfers(self) -> pd.DataFrame:
        """Transfers by period, memory and reports, a column per agent; what nobody can bring about is left out."""
        return pd.DataFrame(list(transfer_rows(self.task, self.found)) if self.possible else [])

    @cached_property
    def changes(self) -> pd.DataFrame:
        """Of a repair: the transfers that change, what they were and what they are."""
        unit, given = self.task.unit, self.task.problem.given
        before = replace(self.found, transfers=tuple(own * unit for own in given))
        was = pd.DataFrame(list(transfer_rows(self.task, before)))
        agents = list(self.task.environment.agents)
        now = self.transfers
        differs = ((now[agents] - was[agents]).abs() > NOTHING * unit).any(axis=1)
        out = now.drop(columns=agents)[differs]
        for agent in agents:
            out[f"{agent} was"], out[f"{agent} pays"] = was[agent][differs], now[agent][differs]
        return out

    @property
    def sentence(self) -> str:
        """What was found, in one sentence."""
        if self.possible:
            return possible_text(self)
        if self.status == "impossible":
            return impossible_text(self)
        return f"{self.task.environment.name}: open. {self.reason}"

    def data(self) -> dict[str, Any]:
        """Return the result as plain data, for `--json`."""
        return {
            "environment": self.task.environment.name,
            "rule": self.task.problem.rule.name,
            "status": self.status,
            "objective": self.objective,
            "largest_transfer": self.largest_transfer,
            "memory": self.goals.memory.name,
            "goals": self.goals.names(self.task.environment.agents),
            "options": self.goals.to_dict(),
            "clashes": [list(clash) for clash in self.clashes],
            "relaxations": self.relaxations,
            "unique": self.found.unique and self.task.problem.rule.name != FREE,
            "free_entries": free_entries(self.found),
            "mechanism": self.path,
            "certificate": self.certificate,
            "sentence": self.sentence,
            "safety": None if self.safety is None else self.safety.data(),
            "audit": None if self.audit is None else self.audit.to_dict(),
        }

    def lines(self) -> list[str]:
        """Return the sentence, and how it is known."""
        return [self.sentence, *known_text(self)]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the transfers, or the clashes."""
        if self.possible and self.task.repaired:
            return {"changes": self.changes}
        if self.possible:
            return {"transfers": self.transfers} | ({} if self.price.empty else {"price": self.price})
        return {
            "clashes": pd.DataFrame({"cannot be had together": [" + ".join(clash) for clash in self.clashes]}),
            "relaxations": pd.DataFrame({"goal": list(self.relaxations), "gives": list(self.relaxations.values())}),
        }

    def show(self, console: "Console") -> None:
        """Print the result on the terminal."""
        from dynmech.experiments.designs.design_screen import show_design

        show_design(self, console)


def money(value: float) -> str:
    """Return an amount in words."""
    return figure(value, DIGITS)


def possible_text(design: Design) -> str:
    """Return the sentence of a mechanism that does what is asked."""
    goals = design.goals
    what = joined(clauses(goals)) or "nothing is asked of play"
    if design.safety is not None:
        truth, *others = clauses(goals)  # truth alone is proved for other laws
        sure = f"under every law of motion in the {100 * design.safety.confidence:g} % confidence set of the data"
        what = f"{truth}, {sure} (certified)" + (f", and under the estimated one {joined(others)}" if others else "")
    best = {
        "change": "",
        "total-change": "",
        "largest": "its largest transfer is {0}, and that is the least possible",
        "revenue": "its net revenue is {0}, and that is the most possible",
        "welfare": "its expected welfare is {0}, and that is the most possible",
        "deficit": "its expected deficit is {0}, and that is the least possible",
        "margin": "every lie loses {0} or more, and with transfers up to {1} no larger margin is possible",
    }[goals.objective]
    if goals.objective in ("change", "total-change"):
        return repaired_text(design, what)
    if design.task.problem.rule.name == FREE:
        best = best.replace(
            "the most possible", f"the most that any mechanism {'has' if goals.objective == 'welfare' else 'earns'}"
        )
        best = best.replace("the least possible", "the least of any mechanism")
        if goals.objective == "welfare":
            best += beside_text(design)
    bound = money(goals.largest or LARGEST * design.task.unit)
    if goals.objective == "margin":
        nothing = all(program.columns.margin not in program.matrix.indices for program in design.found.programs)
        if nothing:
            best = "no lie can cost anything, as no lie changes decisions or what comes next"
    if design.safety is not None:
        best = best.replace("that is the least possible", "less was not found, though less may do")
        best = best.replace("that is the most possible", "more was not found, though more may be had")
    return (
        f"There is a mechanism {goals.memory.text}{rule_text(design)} under which {what}; "
        f"{best.format(money(design.found.objective or 0.0), bound)}."
    )


def beside_text(design: Design) -> str:
    """Return how welfare compares with that of efficient decisions."""
    efficient, welfare = first_best(design.task), design.found.objective or 0.0
    if efficient - welfare <= NOTHING * design.task.unit:
        return ", as much as that of efficient decisions"
    return f" (efficient decisions have {money(efficient)}, which these goals forbid)"


def repaired_text(design: Design, what: str) -> str:
    """Return the sentence of a mechanism that was repaired."""
    name, amount = design.task.repaired, design.found.objective or 0.0
    if amount <= NOTHING * design.task.unit:
        return f"Under {name}, as it is, {what}."
    kind = (
        "changes of payments add up to {0}"
        if design.goals.objective == "total-change"
        else "no payment changes by more than {0}"
    )
    least = "and less is not possible" if design.safety is None else "less was not found, though less may do"
    return f"{name} can be repaired so that {what}: {kind.format(money(amount))}, {least}."


def impossible_text(design: Design) -> str:
    """Return the sentence of goals that clash."""
    goals = design.goals
    bound = money(goals.largest or LARGEST * design.task.unit)
    start = f"{goals.memory.text}{rule_text(design)}"
    parts = [_clash_text(clash, goals.margin) for clash in design.clashes]
    given = " (certified)" if design.certified else ""
    what = f"{start[0].upper()}{start[1:]}, and with transfers up to {bound}, {joined(parts)}{given}"
    level = {"ex-post": "in any period", "period": "expected in any period", "ex-ante": "expected over all periods"}
    if goals.budget != "none":
        kind = "no deficit" if goals.budget == "no-deficit" else "no imbalance"
        what = what.replace("the budget", f"{kind} {level[goals.budget_level]}")
    return f"{what}{_others_text(design)}."


def rule_text(design: Design) -> str:
    """Return whose decisions are kept; empty where they are efficient."""
    rule = design.task.problem.rule.name
    if rule == FREE and not design.possible:
        return ", whatever is decided"
    if rule in ("efficient", FREE):
        return ""
    return f" that decides as {rule}" if design.possible else f", deciding as {rule}"


def _clash_text(clash: tuple[str, ...], margin: float) -> str:
    if len(clash) == 1 and clash[0].startswith("truthful "):
        best = f"better for {{0}} than every lie by {money(margin)}" if margin > 0 else "best for {0}"
        return f"truth cannot be made {best.format(clash[0].removeprefix('truthful '))}"
    names = [_goal_text(name) for name in clash]
    return f"{names[0]} cannot be had" if len(names) == 1 else f"{joined(names)} cannot be had together"


def _goal_text(name: str) -> str:
    """Return a goal of a clash in words.

    >>> _goal_text("truthful firm 1"), _goal_text("participation of firm 1"), _goal_text("budget")
    ('truth-telling by firm 1', 'participation of firm 1', 'the budget')
    """
    kind, _, agent = name.partition(" ")
    return {"truthful": f"truth-telling by {agent}", "budget": "the budget"}.get(kind, name)


def _others_text(design: Design) -> str:
    """Return what less would do."""
    known = {name: value for name, value in design.relaxations.items() if value is not None}
    if not known:
        return ""
    name, value = min(known.items(), key=lambda item: item[1])
    kind, _, agent = name.partition(" ")
    left = design.goals.margin - value
    environment = design.task.environment
    acts = any(environment.actions(t) for t in range(len(environment.stages)))
    how = "by a lie or an action" if acts else "by a lie"
    lie = f"lies of {agent} lost only {money(left)}" if left > 0 else f"{agent} could gain {money(-left)} {how}"
    what = {
        "truthful": lie,
        "participation": f"the {name} fell short by {money(value)}",
        "budget": f"the budget missed by {money(value)}",
    }[kind]
    return f"; all of it could be had if {what}"


def known_text(design: Design) -> list[str]:
    """Return how sure that is: the audit, sizes, what is left open."""
    found, out = design.found, []
    free = design.task.problem.rule.name == FREE
    if design.audit is not None:
        gains = design.audit.figures
        kind = {"ex-post": "ex_post"}.get(design.goals.incentive, "interim")
        best = [g for g in gains if g.family == "best_response" and g.information == kind]
        most = max((gain.gain for gain in best), default=0.0)
        if design.goals.incentive != "none":
            small = f" ({most:.1e} is rounding)" if most <= design.audit.tolerance else f" above {most:.1e}"
            known = f"finds no gain{small if most > 0 else ''}"
            out.append(f"The exact search, which knows nothing of the program, {known}.")
    if design.possible and (free or not found.unique):
        why = "" if design.goals.objective == "total-change" else ": the program is too large to single them out"
        much = "are worth" if design.goals.objective == "welfare" else "earn"
        why = f"; of decisions that {much} as much others may exist" if free else why
        out.append(f"The value is unique, the tables need not be{why}.")
    if design.possible and (unread := free_entries(found)):
        out.append(f"{unread:,} transfers are read in no state that a single agent can bring about; they are 0.")
    return out


def joined(parts: list[str]) -> str:
    """Return words joined by commas and *and*.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
