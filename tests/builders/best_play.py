"""The best play of one agent by recursion over histories, and by a linear program."""

import numpy as np
from scipy.optimize import linprog

from dynmech.agents.oracle.search import Family
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation

ANYTHING, HONEST, RESPOND, DONE = "anything", "honest", "respond", "done"


class Tree:
    """The deviator's best play by plain recursion over histories: no merging, transfers counted when they are paid.

    Decisions that are drawn from a lottery are gone through one by one: the deviator acts, and goes on, knowing which.
    """

    def __init__(
        self, environment: TableEnvironment, mechanism: Mechanism, agent: int, respond: bool, spy: bool
    ) -> None:
        self.environment, self.mechanism, self.agent, self.respond, self.spy = (
            environment,
            mechanism,
            agent,
            respond,
            spy,
        )
        self.known: dict[tuple[int, tuple[int, ...], int, int, str], float] = {}
        self.nobody = Acts(np.zeros((1, len(environment.agents)), np.intp), np.zeros((1, len(environment.agents))))

    def value(self, t: int, law: FloatArray, memory: int, phase: str) -> float:
        """Σ over what the deviator sees of the best expected payoff; `law` `(*K)` need not sum to 1."""
        own = self.environment.stage(t).axes[self.agent]
        groups: dict[object, list[tuple[int, ...]]] = {}
        for profile in np.ndindex(*self.environment.stage(t).axes):
            groups.setdefault(profile if self.spy else profile[self.agent], []).append(profile)
        total = 0.0
        for members in groups.values():
            truth = members[0][self.agent]
            options = [
                sum(float(law[p]) * self.after(t, p, r, memory, phase) for p in members if law[p] > 0)
                for r in (range(own) if phase != DONE else [truth])
            ]
            total += max(options)
        return total

    def after(self, t: int, profile: tuple[int, ...], report: int, memory: int, phase: str) -> float:
        """The payoff of one report at one profile; histories that come to the same are looked at once."""
        key = (t, profile, report, memory, phase)
        if key not in self.known:
            self.known[key] = self.played(t, profile, report, memory, phase)
        return self.known[key]

    def played(self, t: int, profile: tuple[int, ...], report: int, memory: int, phase: str) -> float:
        """The payoff, the best play after the report included."""
        environment, i = self.environment, self.agent
        messages = np.array([profile])
        messages[0, i] = report
        now = Situation(t, np.array([memory]), np.array([0]))
        flat = int(np.ravel_multi_index(profile, environment.stage(t).axes))
        total = 0.0
        for chance, decision in outcomes(self.mechanism.decide(now, messages)):
            drawn = np.array([decision])
            paid = self.mechanism.charge(now, messages, drawn, self.nobody) + self.mechanism.due(now, messages)
            following = int(self.mechanism.remember(now, messages, drawn, self.nobody)[0])
            worth = []
            for done in self.own_acts(t, decision, phase):
                ahead = 0.0
                if t + 1 != environment.horizon:
                    law = environment.kernel(t).row(done, flat)
                    ahead = self.value(t + 1, law, following, self.next_phase(phase, report != profile[i]))
                utility = environment.stage(t).utility[i, done][profile]
                worth.append(float(utility - paid[0, i] + environment.discount * ahead))
            total += chance * max(worth)
        return total

    def own_acts(self, t: int, decision: int, phase: str) -> list[int]:
        """What may be done after a decision: as recommended, or, if anything goes, with any private action instead."""
        sizes = [len(labels) for labels in self.environment.actions(t)]
        if not sizes or phase != ANYTHING:
            return [decision]
        public, recommended = divmod(decision, int(np.prod(sizes)))
        parts = list(np.unravel_index(recommended, sizes))
        out = []
        for action in range(sizes[self.agent]):
            parts[self.agent] = np.intp(action)
            out.append(public * int(np.prod(sizes)) + int(np.ravel_multi_index(parts, sizes)))
        return out

    def next_phase(self, phase: str, lied: bool) -> str:
        """Honest agents may lie once; then they respond (if the family lets them), then they are done."""
        if phase == HONEST:
            return (RESPOND if self.respond else DONE) if lied else HONEST
        return DONE if phase == RESPOND else phase


def outcomes(decided: Array) -> list[tuple[float, int]]:
    """Return the decisions that are possible in the only case, each with its chance."""
    if decided.ndim == 1:
        return [(1.0, int(decided[0]))]
    return [(float(chance), k) for k, chance in enumerate(decided[0]) if chance > 0]


def tree_gain(environment: TableEnvironment, mechanism: Mechanism, agent: int, family: Family, spy: bool) -> float:
    """Ex ante gain of a family by the tree."""
    tree = Tree(environment, mechanism, agent, family is Family.BELIEF_MANIPULATION, spy)
    start = ANYTHING if family is Family.BEST_RESPONSE else HONEST
    return tree.value(0, environment.prior, 0, start) - tree.value(0, environment.prior, 0, DONE)


def occupation_value(environment: TableEnvironment, mechanism: Mechanism, agent: int) -> float:
    """The best ex post value from the prior by a linear program over occupation measures of (memory, θ, report)."""
    stage, rows = environment.stage(0), environment.kernel(0).rows()
    size, own = stage.size, stage.axes[agent]
    memories = mechanism.memory_size(1)
    assert memories is not None
    cases = np.array(list(np.ndindex(memories, size, own)))
    messages = np.array(np.unravel_index(cases[:, 1], stage.axes)).T
    messages[:, agent] = cases[:, 2]
    nobody = Acts(np.zeros(messages.shape, np.intp), np.zeros(messages.shape))
    now = Situation(1, cases[:, 0], np.zeros(len(cases), np.intp))
    decided = mechanism.decide(now, messages)
    lottery = decided if decided.ndim == 2 else np.eye(len(stage.decisions))[decided]
    balance, flow = np.zeros((memories * size, len(cases))), np.zeros(len(cases))
    balance[cases[:, 0] * size + cases[:, 1], np.arange(len(cases))] += 1
    for drawn in range(len(stage.decisions)):
        decision, chance = np.full(len(cases), drawn), lottery[:, drawn]
        paid = (mechanism.charge(now, messages, decision, nobody) + mechanism.due(now, messages))[:, agent]
        flow += chance * (stage.utility[agent].reshape(len(stage.decisions), -1)[drawn, cases[:, 1]] - paid)
        following = mechanism.remember(now, messages, decision, nobody)
        for k in np.flatnonzero(chance > 0):
            balance[following[k] * size : (following[k] + 1) * size, k] -= (
                environment.discount * chance[k] * rows[drawn, cases[k, 1]]
            )
    start = np.zeros(memories * size)
    start[:size] = environment.prior.reshape(-1)
    solution = linprog(-flow, A_eq=balance, b_eq=start, bounds=(0, None), method="highs")
    assert solution.x is not None, solution.message
    return float(flow @ solution.x)
