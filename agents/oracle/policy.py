"""A best response written out: every situation that it leads to with a choice of messages, and the one sent there.

Rows are found by playing the policy forward from the prior over everything of positive probability. Where prescribed
play by the others reveals their signals, what is public is what they reported and what was decided.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from dynmech.agents.oracle.payments import PaymentPeriod, is_out, payment_text
from dynmech.agents.oracle.problem import Period, Problem
from dynmech.agents.oracle.search import Value, best_actions, best_messages
from dynmech.sim.core.arrays import IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.labels import own_text, shown_period
from dynmech.sim.economy.laws_of_motion import LawOfMotion

MOST = 200_000
"""Situations and moves that are followed; a longer policy is refused."""

Origin = tuple[int, int, int]
"""(merged memory, last decision, last profile): what a situation at t ≥ 1 comes from."""


def policy_rows(problem: Problem, value: Value) -> list[dict[str, Any]]:
    """Return the interim best response as rows: a row per situation that it leads to.

    Returns:
        `period`, `agent`, `signal`, `last_signal` (its own true one), `reported` (its own last message), `public`
        (what the others reported, what was decided), `message`, `prescribed`, `act` (whether it obeys after the
        reports; empty where there is nothing to choose).

    Raises:
        Refusal: there are too many situations.
    """
    return [*_Walk(problem, value).rows()]


class _Walk:
    """Everything that a policy leads to, period by period."""

    def __init__(self, problem: Problem, value: Value) -> None:
        self.problem = problem
        self.messages = best_messages(problem, value)
        self.actions = best_actions(problem, value)
        self.left = MOST

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of all periods; of a repeated period those of any later date, once."""
        problem = self.problem
        first = problem.periods[0]
        start = int(first.merged[0])
        policy = self.messages[0][start]
        possible = np.flatnonzero(problem.prior > 0)
        for own in np.unique(first.own[possible]) if _has_choice(first) else ():
            profiles = possible[first.own[possible] == own]
            yield self._row(0, None, set(), int(own), int(policy[own])) | self._act(
                0, start, profiles, int(policy[own])
            )
        frontier = self._next(0, [(start, int(k), int(policy[first.own[k]])) for k in possible])
        if problem.stationary:
            yield from self._repeated_rows(frontier)
            return
        for t in range(1, len(problem.periods)):
            yield from self._period_rows(t, frontier)
            frontier = self._next(t, self._cases(t, frontier))

    def _repeated_rows(self, frontier: dict[Origin, set[int]]) -> Iterator[dict[str, Any]]:
        """Yield the rows of a repeated period: everything that any later date leads to."""
        seen: dict[Origin, set[int]] = {}
        while frontier := {origin: sent for origin, sent in frontier.items() if not sent <= seen.get(origin, set())}:
            for origin, sent in frontier.items():
                seen.setdefault(origin, set()).update(sent)
            frontier = self._next(1, self._cases(1, frontier))
        yield from self._period_rows(1, seen)

    def _entry(self, t: int) -> int:
        return min(t, 1) if self.problem.stationary else t

    def _law(self, t: int) -> LawOfMotion:
        """Return the law of the profile of period t by last decision and profile."""
        law = self.problem.periods[self._entry(t) if self.problem.stationary else t - 1].law
        assert law is not None
        return law

    def _cases(self, t: int, origins: dict[Origin, set[int]]) -> Iterator[tuple[int, int, int]]:
        """Yield (memory, profile, message) for every profile that may follow an origin."""
        entry = self._entry(t)
        period, law = self.problem.periods[entry], self._law(t)
        for memory, decision, before in origins:
            for k in np.flatnonzero(law.row(decision, before) > 0):
                yield memory, int(k), int(self.messages[entry][memory, decision, before, period.own[k]])

    def _next(self, t: int, cases: Iterable[tuple[int, int, int]]) -> dict[Origin, set[int]]:
        """Return what cases of period t lead to, with the own messages that lead there."""
        period = self.problem.periods[self._entry(t)]
        out: dict[Origin, set[int]] = {}
        for memory, profile, message in cases:
            self.left -= 1
            if self.left < 0:
                raise Refusal(f"policy: more than {MOST:,} situations; look at `.witness` instead")
            if message >= period.flow.shape[2]:  # it leaves
                continue
            acts = self.actions[self._entry(t)][memory, profile, message] + period.acts * np.arange(period.draws)
            for act in acts:  # one per draw
                decision = int(period.decision[memory, profile, message, act])
                following = int(period.following[memory, profile, message, act])
                if (after := self.problem.after(self._entry(t))) and is_out(self.problem, after, following):
                    continue
                out.setdefault((following, decision, profile), set()).add(message)
        return out

    def _period_rows(self, t: int, origins: dict[Origin, set[int]]) -> Iterator[dict[str, Any]]:
        """Yield the rows of one period, by origin and own signal."""
        entry = self._entry(t)
        period, law = self.problem.periods[entry], self._law(t)
        if not _has_choice(period):
            return
        alike = Counter((frozenset(sent), decision, before) for (_, decision, before), sent in origins.items())
        for origin in sorted(origins):
            memory, decision, before = origin
            sent = origins[origin]
            older = alike[frozenset(sent), decision, before] > 1  # more than the last period matters
            possible = np.flatnonzero(law.row(decision, before) > 0)
            for own in np.unique(period.own[possible]):
                message = int(self.messages[entry][memory, decision, before, own])
                profiles = possible[period.own[possible] == own]
                row = self._row(t, origin, sent, int(own), message) | self._act(entry, memory, profiles, message)
                yield {**row, "public": f"{row['public']}, memory {memory}"} if older else row

    def _row(self, t: int, origin: Origin | None, sent: set[int], own: int, message: int) -> dict[str, Any]:
        problem, environment = self.problem, self.problem.environment
        entry = self._entry(t)
        memory = int(problem.periods[0].merged[0]) if origin is None else origin[0]
        truth = int(_truth_at(problem.periods[entry], memory, own))
        last, public = ("", "") if origin is None else self._past(t, origin)
        return {
            "period": shown_period(environment, t),
            "agent": " + ".join(environment.agents[i] for i in problem.deviator),
            "signal": own_text(environment, t, problem.deviator, own),
            "last_signal": last,
            "reported": " or ".join(problem.message_text(max(t - 1, 0), r) for r in sorted(sent)),
            "public": public,
            "message": problem.message_text(t, message),
            "prescribed": problem.message_text(t, truth),
        }

    def _act(self, entry: int, memory: int, profiles: IntArray, message: int) -> dict[str, str]:
        """Return whether the deviator obeys and pays after a message, whatever the others' signals are."""
        period = self.problem.periods[entry]
        if period.acts == 1 or message >= period.flow.shape[2]:
            return {"act": ""}
        chosen, asked = (table[memory, profiles, message] for table in (self.actions[entry], period.obey))
        paying: list[str] = []
        if isinstance(period, PaymentPeriod):
            paying = [payment_text({period.way(int(act)) for act in chosen.flat})]
            if period.acts == period.ways:
                return {"act": paying[0]}
            chosen, asked = chosen // period.ways, asked // period.ways
        obeys = chosen == asked
        text = "obeys" if obeys.all() else "disobeys after some reports" if obeys.any() else "disobeys"
        return {"act": ", ".join([text, *paying])}

    def _past(self, t: int, origin: Origin) -> tuple[str, str]:
        """Return the own last signal, and what is public of the last period."""
        problem, environment = self.problem, self.problem.environment
        _, decision, before = origin
        stage = environment.stage(t - 1)
        own = int(problem.periods[self._entry(t - 1)].own[before])
        axes = [*range(stage.offset), *(stage.offset + i for i in range(len(environment.agents)))]
        places = np.unravel_index(before, stage.axes)
        labelled = stage.labelled_axes
        others = [k for k in axes if k - stage.offset not in problem.deviator or k < stage.offset]
        said = [
            f"{environment.agents[k - stage.offset] if k >= stage.offset else 'public'} {labelled[k][int(places[k])]}"
            for k in others
        ]
        text = ", ".join([*said, f"decision {stage.decisions[decision]}"])
        return own_text(environment, t - 1, problem.deviator, own), text


def _has_choice(period: Period) -> bool:
    """Return whether there is more than one message to send, or an act to choose."""
    return period.flow.shape[2] * period.acts > 1


def _truth_at(period: Period, memory: int, own: int) -> IntArray:
    """Return the prescribed message for what the deviator knows."""
    return period.truth[memory, np.argmax(period.own == own)]
