"""Write a certificate: an economy, a mechanism, what is claimed of them, and the vectors that prove it.

`dynmech.experiments.certificates.verify` says what the vectors are and checks them; it shares no code with this module.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from dynmech.agents.oracle.gains import FAMILIES, Search, ex_ante_gain, worst_gain, worst_stay
from dynmech.agents.oracle.merging import numbered, read_rules
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, Value, require_revealing, solve
from dynmech.experiments.certificates.promised_claims import SLACK, budget_claims, claimed, revenue_vector
from dynmech.experiments.certificates.verify import LARGEST
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.tables.mechanism_files import mechanism_to_data
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.whole_files import write_whole
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.files import environment_to_data

SCHEMA = 1

MARGIN = 1e-7
"""Truth must beat lies by so much, relative to the scale, for a claim of exactly 0."""


def certificate(
    mechanism: Mechanism,
    deviators: Sequence[Sequence[int]],
    *,
    exit: bool = False,
    searches: Sequence[Search] = (),
    promises: bool = True,
) -> dict[str, Any]:
    """Return a certificate of what deviators gain, by a best response and by single lies, and of what truth leaves.

    Args:
        deviators: members by index, of each coalition or agent.
        exit: they may leave when they report.
        searches: of an audit of the same, whose values are then not worked out again.
        promises: single lies, participation and the budget are part of it, not the best response alone.

    Raises:
        Refusal: the mechanism is not finite, or too large.
    """
    environment = mechanism.environment
    if not isinstance(environment, TableEnvironment):
        raise mechanism.refuse("a certificate needs a finite environment")
    parts = {"environment": environment_to_data(environment), "mechanism": mechanism_to_data(mechanism)}
    game = searches[0].problem.game if searches else FiniteGame(environment, mechanism)
    known = {search.who: search for search in searches if search.problem.exit == exit}
    claims: list[dict[str, Any]] = []
    proofs: list[dict[str, Any]] = []
    promised: list[dict[str, Any]] = []
    for who in deviators:
        names, seen = [environment.agents[i] for i in who], set[str]()
        for solved in _solved(game, tuple(who), exit, known.get(tuple(who)), promises):
            by = {"agents": names, "exit": exit, "proof": len(proofs)}
            claims += [{**claim, **by} for claim in solved.claims()]
            stays = [claim for claim in solved.stays() if claim["information"] not in seen]
            seen |= {claim["information"] for claim in stays}
            promised += [{**claim, **by} for claim in (*solved.lying(), *stays)]
            about = {"agents": names, "information": solved.information, "exit": exit}
            proofs.append({**about, **solved.vectors()})
    if not claims:
        raise Refusal("certificate: nothing can be claimed; what the deviator believes would be a state of its own")
    further = {"promises": [*promised, *budget_claims(game)], "budget": revenue_vector(game)} if promises else {}
    return {
        "schema": SCHEMA,
        "kind": "certificate",
        "hashes": {name: canonical_hash(part) for name, part in parts.items()},
        "claims": claims,
        **parts,
        "proofs": proofs,
        **further,
    }


def canonical_hash(data: Any) -> str:
    """Return a hash of plain data that does not depend on the order of keys."""
    return sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def save_certificate(data: dict[str, Any], path: Path) -> None:
    """Write a certificate, packed where its name ends in `.gz`; it is complete or absent.

    Raises:
        Refusal: it is larger than what is checked.
    """
    text = (json.dumps(data) + "\n").encode()
    if len(text) > LARGEST:
        size, most = len(text) / 1e6, LARGEST / 1e6
        raise Refusal(
            f"certificate: it would have {size:.0f} MB, more than the {most:.0f} MB (unpacked) that verify reads; take "
            "a smaller economy, or one coalition at a time"
        )
    write_whole(path, gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


@dataclass(frozen=True, eq=False)
class Solved:
    """A deviator's problem without merged memories, and its values."""

    problem: Problem
    best: Value
    truth: Value
    lies: tuple[Value, ...]

    @property
    def information(self) -> str:
        """`interim` or `ex_post`."""
        return "ex_post" if self.spying else "interim"

    @property
    def spying(self) -> bool:
        """Whether it sees the whole profile."""
        return self.best.information is Information.EX_POST

    def claims(self) -> Iterator[dict[str, Any]]:
        """Yield what is claimed of a best response, one per information."""
        for claim in self._gains(self.best):
            yield {"family": "best_response", **claim}

    def lying(self) -> Iterator[dict[str, Any]]:
        """Yield what is claimed of single lies, one per family and information."""
        for value in self.lies:
            for claim in self._gains(value):
                yield {"what": value.family.value, **claim}

    def _gains(self, best: Value) -> Iterator[dict[str, Any]]:
        problem, truth = self.problem, self.truth
        gains = (
            {"ex_post": worst_gain(problem, best, truth)}
            if self.spying
            else {
                "ex_ante": ex_ante_gain(best, truth),
                "on_path": worst_gain(problem, best, truth, on_path=True),
                "interim": worst_gain(problem, best, truth),
            }
        )
        for information, gain in gains.items():
            width = 0.0 if self.never else SLACK * gain.bound
            lower, upper = (0.0, 0.0) if self.never else (gain.gain - width, gain.gain + width)
            about = {"information": information, "states": "reachable"}
            yield {**about, "lower": max(lower, 0.0), "upper": max(upper, 0.0)}

    def stays(self) -> Iterator[dict[str, Any]]:
        """Yield what is claimed of the least that truth is worth to an agent, one per information."""
        problem, truth = self.problem, self.truth
        if len(problem.deviator) > 1:  # nobody promises anything to a coalition
            return
        least = {"ex_ante": truth.ex_ante}
        if self.spying:
            pairs = zip(truth.choices, problem.reachable, strict=True)
            least["ex_post"] = min(float(choices[..., 0][occurs].min(initial=np.inf)) for choices, (occurs, _) in pairs)
        else:
            least |= {"at_the_start": worst_stay(problem, truth, periods=1), "interim": worst_stay(problem, truth)}
        for information, worth in least.items():
            yield {"what": "participation", **claimed(information, worth, truth.bound)}

    @cached_property
    def never(self) -> bool:
        """Whether truth beats lies by so much that nothing at all is gained."""
        return not self.problem.exit and self.margin() >= MARGIN * self.best.scale

    def margin(self) -> float:
        """Return by how much truth beats every lie that changes anything, at reachable information sets."""
        problem, least = self.problem, np.inf
        for t, period in enumerate(problem.periods):
            if period.acts > 1:
                return -np.inf
            ahead = self.truth.ahead[t]
            worth = period.flow if ahead is None else period.flow + problem.discount * ahead[period.post_decision]
            lie = (worth * np.broadcast_to(period.chance, worth.shape)).sum(axis=3)
            honest = np.take_along_axis(lie, period.truth[..., None], axis=2)
            same = _changes_nothing(period.flow, period.following, period.decision, period.chance, period.truth)
            least = min(least, self._least(t, honest - lie, same))
        return least

    def _least(self, t: int, short: FloatArray, same: FloatArray) -> float:
        """Return the least average of what lies lose at information sets, lies that change nothing left out."""
        occurs, via = self.problem.reachable[t]
        if self.spying:
            return float(np.where(same, np.inf, short)[occurs].min(initial=np.inf))
        least, origins = np.inf, self.problem.post_decision_states[t]
        width = short.shape[2]
        both = np.concatenate([np.where(same, 0.0, short), 1.0 - same], axis=2)
        for part, mass, sums in self.problem.expectations(t).by_own(both):
            counts = mass > 0
            if origins is not None and via is not None:
                counts = counts & origins.among(via)[part, None]
            matters = counts[..., None] & (sums[..., width:] > 0)
            average = np.divide(sums[..., :width], mass[..., None], out=np.full(matters.shape, np.inf), where=matters)
            least = min(least, float(average.min(initial=np.inf)))
        return least

    def vectors(self) -> dict[str, Any]:
        """Return the nodes that can be reached, and the values and the policy there."""
        nodes: list[list[list[int]]] = [[]]
        solutions = {"best": self.best, "truth": self.truth, **{value.family.value: value for value in self.lies}}
        values: dict[str, list[list[float]]] = {name: [[]] for name in solutions}
        policy = [[self._policy(0)[0].tolist()]]
        for t in range(1, len(self.problem.periods)):
            via, origins = self.problem.reachable[t][1], self.problem.post_decision_states[t]
            assert via is not None
            assert origins is not None
            where = np.argwhere(via)
            nodes.append(where.tolist())
            at = np.flatnonzero(origins.among(via))
            for name, value in solutions.items():
                ahead = value.ahead[t if self.problem.stationary else t - 1]
                assert ahead is not None
                values[name].append(ahead[at].tolist())
            policy.append(self._policy(t)[at].tolist() if not self.spying else self._policy(t)[where[:, 0]].tolist())
        return {"nodes": nodes, **values, "policy_value": values["best"], "policy": policy}

    def _policy(self, t: int) -> IntArray:
        """Return the best message by post-decision state and own information, or by memory and profile; −1: leave."""
        problem, choices, period = self.problem, self.best.choices[t], self.problem.periods[t]
        messages = period.flow.shape[2]
        if self.spying:
            chosen = _preferring(choices, period.truth)
        else:
            honest = period.truth[:, np.unique(period.own, return_index=True)[1]]
            origins = problem.post_decision_states[t]
            memory = np.zeros(1, np.intp) if origins is None else origins.memory
            chosen = np.zeros((len(memory), period.width), np.intp)
            for part, _, worth in problem.expectations(t).by_own(choices):
                chosen[part] = _preferring(worth, honest[memory[part]])
        return np.where(chosen >= messages, -1, chosen)


def _preferring(worth: FloatArray, honest: IntArray) -> IntArray:
    """Return the index of the best on the last axis, the prescribed one where that is best too."""
    kept = np.take_along_axis(worth, honest[..., None], axis=-1)[..., 0]
    return np.where(worth.max(axis=-1) > kept, worth.argmax(axis=-1), honest)


def _changes_nothing(
    flow: FloatArray, following: IntArray, decision: IntArray, chance: FloatArray, truth: IntArray
) -> FloatArray:
    """Return which messages do exactly what the prescribed one does, `(C, S, R)`."""
    same = np.ones(flow.shape[:3], np.bool_)
    for table in (flow, following, decision, chance):
        honest = np.take_along_axis(table, truth[..., None, None], axis=2)
        same &= (table == honest).all(axis=3)
    return same.astype(np.float64)


def _solved(
    game: FiniteGame, who: tuple[int, ...], exit: bool, search: Search | None, promises: bool
) -> Iterator[Solved]:
    """Yield the problem solved at each information; interim only where the others' messages tell their signals.

    Memories stay apart, as in the file; over an infinite horizon value iteration begins at the values of the audit's
    problem, whose memories are merged, so that a step or two are left.
    """
    problem = replace(build_problem(game, who, merge=False, exit=True), exit=exit)  # what is due is counted when due
    merged = search.problem if search else build_problem(game, who, exit=exit) if problem.stationary else None
    values = {} if search is None else search.values
    for information in Information:
        try:
            if information is Information.INTERIM:
                require_revealing(problem)
        except Refusal:
            continue
        solved: dict[Family, Value] = {}
        for family in (Family.PRESCRIBED, *(FAMILIES if promises else (Family.BEST_RESPONSE,))):
            begin = None
            if problem.stationary and merged is not None:
                value = values.get((family, information)) or solve(merged, family, information)
                begin = _begin(problem, merged, value)
            solved[family] = solve(problem, family, information, begin, truth=solved.get(Family.PRESCRIBED))
        lies = tuple(solved[family] for family in FAMILIES if promises and family is not Family.BEST_RESPONSE)
        yield Solved(problem, solved[Family.BEST_RESPONSE], solved[Family.PRESCRIBED], lies)


def _begin(problem: Problem, merged: Problem, value: Value) -> FloatArray:
    """Return what the values of merged memories are at the post-decision states of a repeated period, `(n,)`.

    Merged, what falls due next is counted where it is caused, unless the deviator may leave: here it is still to come.
    """
    states, fewer, ahead = problem.post_decision_states[1], merged.post_decision_states[1], value.ahead[1]
    assert states is not None
    assert fewer is not None
    assert ahead is not None
    law = problem.law_into(1)
    memory = merged.periods[1].merged[states.memory]
    place = np.searchsorted(fewer.memory * law.events + fewer.event, memory * law.events + states.event)
    due = read_rules(problem.game, 1, problem.deviator, defer=not merged.exit).due
    if not due.any():
        return ahead[place]
    same = numbered(due)
    expected = law.expect(due[np.unique(same, return_index=True)[1]])
    return ahead[place] - expected[same[states.memory], states.event]
