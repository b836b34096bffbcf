"""The best play of one agent by recursion over histories, and by a linear program."""

import numpy as np
from scipy.optimize import linprog

from dynmech.agents.oracle.search import Family
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation

ANYTHING, HONEST, RESPOND, DONE = "anything", "honest", "respond", "done"


class Tree:
    """The deviator's best play by plain recursion over histories: no merging, transfers counted when they are paid."""

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
        """The payoff of one report at one profile, the best play after it included."""
        environment, i = self.environment, self.agent
        messages = np.array([profile])
        messages[0, i] = report
        now = Situation(t, np.array([memory]), np.array([0]))
        decision = self.mechanism.decide(now, messages)
        paid = (self.mechanism.charge(now, messages, decision, self.nobody) + self.mechanism.due(now, messages))[0, i]
        utility = environment.stage(t).utility[i, int(decision[0])][profile]
        if t + 1 == environment.horizon:
            return float(utility - paid)
        following = int(self.mechanism.remember(now, messages, decision, self.nobody)[0])
        flat = int(np.ravel_multi_index(profile, environment.stage(t).axes))
        law = environment.kernel(t).row(int(decision[0]), flat)
        ahead = self.value(t + 1, law, following, self.next_phase(phase, report != profile[i]))
        return float(utility - paid + environment.discount * ahead)

    def next_phase(self, phase: str, lied: bool) -> str:
        """Honest agents may lie once; then they respond (if the family lets them), then they are done."""
        if phase == HONEST:
            return (RESPOND if self.respond else DONE) if lied else HONEST
        return DONE if phase == RESPOND else phase


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
    decision = mechanism.decide(now, messages)
    paid = (mechanism.charge(now, messages, decision, nobody) + mechanism.due(now, messages))[:, agent]
    flow = stage.utility[agent].reshape(len(stage.decisions), -1)[decision, cases[:, 1]] - paid
    following = mechanism.remember(now, messages, decision, nobody)
    balance = np.zeros((memories * size, len(cases)))
    balance[cases[:, 0] * size + cases[:, 1], np.arange(len(cases))] += 1
    for k in range(len(cases)):
        balance[following[k] * size : (following[k] + 1) * size, k] -= (
            environment.discount * rows[decision[k], cases[k, 1]]
        )
    start = np.zeros(memories * size)
    start[:size] = environment.prior.reshape(-1)
    solution = linprog(-flow, A_eq=balance, b_eq=start, bounds=(0, None), method="highs")
    assert solution.status == 0
    return float(flow @ solution.x)
