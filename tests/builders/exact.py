"""Exact expected payoffs by brute force, written without the engine: trees of nature's moves, and fixed points.

A second way to every number that the event loop simulates. It only calls the mechanism's rules.
"""

from collections.abc import Callable
from itertools import product

import numpy as np

from dynmech.mechanisms.rules.base import DirectMechanism, Mechanism
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.best_play import outcomes

Past = tuple[int, ...]

Report = Callable[[int, int, Past, Past], int]
"""(period, agent, own signals so far, own past reports) to a report."""


def truth(_t: int, _agent: int, signals: tuple[int, ...], _reports: tuple[int, ...]) -> int:
    """Report the signal."""
    return signals[-1]


def tree_payoffs(
    environment: TableEnvironment, mechanism: Mechanism, report: Report = truth
) -> tuple[FloatArray, float]:
    """Expected payoffs `(N,)` and revenue of a finite game, over every path of nature."""
    assert environment.horizon is not None
    agents = len(environment.agents)
    nobody = Acts(np.zeros((1, agents), np.intp), np.zeros((1, agents)))
    payoffs, revenue = np.zeros(agents), 0.0

    def walk(t: int, law: FloatArray, weight: float, memory: int, signals: list[Past], sent: list[Past]) -> None:
        nonlocal revenue
        stage = environment.stage(t)
        for profile in product(*map(range, stage.axes)):
            p = float(law[profile]) * weight
            if p == 0:
                continue
            public, own = (profile[0], profile[1:]) if stage.public else (0, profile)
            seen = [(*past, k) for past, k in zip(signals, own, strict=True)]
            reports = [report(t, i, seen[i], sent[i]) for i in range(agents)]
            now = Situation(t, np.array([memory]), np.array([public]))
            messages = np.array([reports])
            flat = int(np.ravel_multi_index(profile, stage.axes))
            for chance, drawn in outcomes(mechanism.decide(now, messages)):
                decision, q = np.array([drawn]), p * chance
                transfers = mechanism.charge(now, messages, decision, nobody)[0] + mechanism.due(now, messages)[0]
                utility = stage.utility[:, drawn].reshape(agents, -1)[:, flat]
                payoffs[:] += q * environment.discount**t * (utility - transfers)
                revenue += q * environment.discount**t * float(transfers.sum())
                if t + 1 < (environment.horizon or 0):
                    following = mechanism.remember(now, messages, decision, nobody)
                    ahead = environment.kernel(t).row(drawn, flat)
                    told = [(*s, r) for s, r in zip(sent, reports, strict=True)]
                    walk(t + 1, ahead, q, int(following[0]), seen, told)

    walk(0, environment.prior, 1.0, 0, [()] * agents, [()] * agents)
    return payoffs, revenue


def payoffs_of_truth(environment: TableEnvironment, mechanism: DirectMechanism) -> FloatArray:
    """Continuation payoffs under truth in an infinite game, before what is due now: `(N, S)`, by a linear solve.

    V_0(θ) = u(a*, θ) − charge(θ) + δ E[V_0(θ′) − due(θ′; memory left by θ) | a*, θ].
    """
    stage, kernel = environment.stage(0), environment.kernel(0)
    size, agents = stage.size, len(environment.agents)
    messages = np.array(np.unravel_index(np.arange(size), stage.axes)).T
    nobody = Acts(np.zeros((size, agents), np.intp), np.zeros((size, agents)))
    now = Situation(1, np.zeros(size, np.intp), np.zeros(size, np.intp))
    decision = mechanism.decide(now, messages)
    memory = mechanism.remember(now, messages, decision, nobody)
    flow = stage.utility.reshape(agents, -1)[:, decision * size + np.arange(size)]
    flow = flow - mechanism.charge(now, messages, decision, nobody).T
    law = kernel.rows()[decision, np.arange(size)]
    for k in range(size):
        due = mechanism.due(Situation(2, np.full(size, memory[k]), now.public), messages).T
        flow[:, k] -= environment.discount * due @ law[k]
    return np.asarray(np.linalg.solve(np.eye(size) - environment.discount * law, flow.T).T, dtype=np.float64)


def best_ex_post_gain(environment: TableEnvironment, mechanism: DirectMechanism) -> FloatArray:
    """The most each agent can gain by lying for ever, knowing the others' signals: max over states, `(N,)`.

    A Markov decision problem over θ solved by value iteration: report r at θ brings u(a(r, θ_{−i}), θ) − charge and
    leaves a due transfer, counted where it is caused. Valid where decisions and charges do not depend on the memory.
    """
    stage, kernel = environment.stage(0), environment.kernel(0)
    size, agents = stage.size, len(environment.agents)
    signals = np.array(np.unravel_index(np.arange(size), stage.axes)).T
    rows, nobody = kernel.rows(), Acts(np.zeros((size, agents), np.intp), np.zeros((size, agents)))
    now = Situation(1, np.zeros(size, np.intp), np.zeros(size, np.intp))
    truth = payoffs_of_truth(environment, mechanism)
    gains = np.zeros(agents)
    for i in range(agents):
        flows, laws = [], []
        for report in range(stage.axes[i]):
            messages = signals.copy()
            messages[:, i] = report
            decision = mechanism.decide(now, messages)
            flow = stage.utility.reshape(agents, -1)[i, decision * size + np.arange(size)]
            flow = flow - mechanism.charge(now, messages, decision, nobody)[:, i]
            law = rows[decision, np.arange(size)]
            memory = mechanism.remember(now, messages, decision, nobody)
            for k in range(size):
                due = mechanism.due(Situation(2, np.full(size, memory[k]), now.public), signals)[:, i]
                flow[k] -= environment.discount * law[k] @ due
            flows.append(flow)
            laws.append(law)
        value = truth[i]
        for _ in range(400):
            value = np.max([f + environment.discount * law @ value for f, law in zip(flows, laws, strict=True)], axis=0)
        gains[i] = (value - truth[i]).max()
    return gains
