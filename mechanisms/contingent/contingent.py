"""Contingent transfers: today's decision is paid for by what the others report tomorrow.

Timing (code periods): at t reports r_t and decision a_t = a*(r_t). For it agent i pays, in t + 1, …, t + L,

    p_l^i(y; r_t),   y = r_{t+l}^{−i},   with   Σ_l δ^l E[p_l^i(θ_{t+l}^{−i}; r_t) | a, θ_t] = v^i(a, θ_t) under truth.

The target makes i's continuation payoff a share λ of the social surplus. With welfare w = Σ_j u^j − c,

    v_t^i(a, θ) = u_t^i(a, θ) − λ w_t(a, θ)

leaves V_t^i = λ W_t(θ_t) − (what is still due), after every history: i wants what the planner wants, whatever the
others' signals mean for its own utility. λ = 1: everybody is residual claimant; 1/N: the designer breaks even on
average; 0: it keeps all. `dynmech.mechanisms.numerics.targets` has the two ways to hit a target, by what the others'
next signals say about one's own: the *spanning* one, which depends on i's report only through a_t, and the *convex*
one, a lottery per report under which sending another signal's report never pays.

Last period (T − 1). Nothing later can be made contingent, so the decision must be implementable by itself: payments
p_T^i that make truth ex post optimal (Assumption 4), V_T^i = u^i − p_T^i, and the period before is corrected for it,

    v_{T−2}^i = u^i − λ w + δ E[V_T^i − λ W_T | a, θ].

Or the last decision is held constant, p_T = 0: then every other decision is still efficient and V_0 = λ W_0.

Several lags (L > 1) use what one lag leaves open. They need a law of motion that no decision moves: which decisions
come later follows from later signals and from i's own later reports, so that given later decisions, as the printed
conditions have it, nothing identifies what is needed and lies pay.

Private actions are admitted where they neither move signals nor concern anybody but who takes them; utilities are
then those of best own actions, and a decision that is held constant is held in its public part (`private_actions`).

Source: Liu 2014, Theorems 3.1 and 3.2, Propositions 3.7 and 4.1, Remarks 3.4 and 3.5, §6; Liu 2025, Corollary 3.3,
Propositions 5.3 and 5.4; with signs, discounting and transposes corrected. For a share λ between, the same proof holds.
"""

from abc import abstractmethod
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from dynmech.mechanisms.contingent.private_actions import (
    action_that_concerns_others,
    held_public_part,
    moving_action,
    with_best_actions,
)
from dynmech.mechanisms.numerics.ex_post import implementing_payments, utility_by_report, worst_cycle
from dynmech.mechanisms.numerics.lags import lagged_beliefs, moved_by_decisions, split_profiles
from dynmech.mechanisms.numerics.solvers import OutOfReachError, Solver, Systems
from dynmech.mechanisms.planning.planner import continuation
from dynmech.mechanisms.rules.remembering import HistoryMechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import first_largest
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import labels_text
from dynmech.sim.play.roles import Acts, Situation

ONE_LAG = ("spanning", "convex independence", "spanning or convex independence")
"""Assumptions about what others report in the following period alone."""


class ContingentMechanism(HistoryMechanism):
    """Transfers that leave every agent a share of the surplus, paid by what the others report later.

    Args:
        solver: how targets are hit.
        share: λ.
        lags: L, over how many periods.
        last: the decision taken in the last period whatever is reported, by label or number; None: the efficient one.

    Raises:
        Refusal: private actions that move signals or concern others; a target out of reach (agent, decision, others'
            profile, certificate); the last decision cannot be implemented (the cycle), or there is none to hold; with
            several lags, decisions that move signals.
        InputError: `last` is no decision; too few lags.
    """

    way_out: ClassVar[str] = ""
    """What may be done where the last decision cannot be implemented."""

    @abstractmethod
    def __init__(
        self, environment: TableEnvironment, solver: Solver, share: float, lags: int = 1, last: str | None = None
    ) -> None:
        super().__init__(environment, lags)
        self.solver, self.share = solver, share
        if lags > 1:  # what one lag leaves open is then no assumption
            assumptions = self.promises.assumptions
            later = (f"{text}, over {lags} periods" if text in ONE_LAG else text for text in assumptions)
            self.promises = replace(self.promises, assumptions=tuple(later))
        unfit = self._unfit_actions()
        if unfit is not None:
            raise self.refuse(unfit)
        self.settled = with_best_actions(environment)
        moved = moved_by_decisions(environment, lags)
        if moved is not None:
            raise self.refuse(
                f"payments over {lags} periods need signals that no decision moves (which decisions follow depends on "
                f"later signals and reports), but {moved}"
            )
        self.constant = None if last is None else self._last_decision(last)
        self.last_payments = self._last_payments()
        self.tables = [
            [self.delayed(t, i) for i in range(len(environment.agents))] for t in range(self._causing_periods)
        ]

    def _unfit_actions(self) -> str | None:
        """Return in words what private actions do that transfers cannot answer for; None: nothing."""
        return moving_action(self.environment) or action_that_concerns_others(self.environment)

    @property
    def lags(self) -> int:
        """L, the number of periods over which a decision is paid for."""
        return self.remembered

    @property
    def _causing_periods(self) -> int:
        """Number of distinct periods after which something falls due."""
        return 1 if self.environment.horizon is None else self.environment.horizon - 1

    def lags_after(self, t: int) -> int:
        """Return how many payments follow period t: L, or as many as there are periods left."""
        horizon = self.environment.horizon
        return self.remembered if horizon is None else min(self.remembered, horizon - 1 - t)

    # Decisions, and the last period

    def _last_decision(self, label: str) -> int:
        """Return the index of the decision that is taken in the last period."""
        where = f"mechanism {self.name!r}: last"
        horizon = self.environment.horizon
        if horizon is None:
            raise self.refuse(f"last={label}: there is no last period")
        return Finite(self.environment.stage(horizon - 1).decisions).index(label, where)

    def policy(self, t: int) -> IntArray:
        """Return the decision in every reported profile of period t, `(S,)`."""
        efficient = self.plan.policy[self.plan.at(t)].reshape(-1)
        if self.constant is None or t != (self.environment.horizon or 0) - 1:
            return efficient
        return held_public_part(self.environment.stage(t), self.constant)

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return a*(r), or the constant last decision, `(n,)`."""
        return self.policy(now.t)[self.profile(now, messages)]

    def _last_payments(self) -> FloatArray | None:
        """Return p_T, `(N, S)`; None under an infinite horizon."""
        horizon = self.environment.horizon
        if horizon is None:
            return None
        stage, agents = self.settled.stage(horizon - 1), len(self.environment.agents)
        out = np.zeros((agents, stage.size))
        for i in range(agents if self.constant is None else 0):
            payments = implementing_payments(stage, i, self.policy(horizon - 1).reshape(stage.axes))
            if payments is None:
                raise self._no_last_payments(horizon - 1, i)
            others, own = split_profiles(stage, i)
            out[i] = payments[others, own]
        return out

    def _no_last_payments(self, t: int, agent: int) -> Refusal:
        """Return the refusal that names the cycle of reports which gains whatever is paid."""
        stage = self.settled.stage(t)
        utility = utility_by_report(stage, agent, self.policy(t).reshape(stage.axes))
        cycles = [worst_cycle(table) for table in utility]
        others = first_largest([gain for gain, _ in cycles])
        gain, cycle = cycles[others]
        steps = " → ".join(stage.signals[agent][k] for k in [*cycle, *cycle[:1]])
        return self.refuse(
            f"the last decision cannot be implemented ex post: agent {self.environment.agents[agent]!r}"
            f"{self._others_text(t, agent, others)} gains {gain:.6g} around the cycle of reports {steps}, whatever is "
            f"paid{self.way_out}"
        )

    # Targets and payments

    def target(self, t: int, agent: int) -> FloatArray:
        """Return v_t^i, `(D, *A)`."""
        stage, horizon = self.settled.stage(t), self.environment.horizon
        target = stage.utility[agent] - self.share * stage.welfare
        if horizon is None or t < horizon - 2:
            return target
        return target + continuation(self.environment, t, self._last_surplus(agent))

    def _last_surplus(self, agent: int) -> FloatArray:
        """Return V_T^i − λ W_T, `(*A)`: what the last period leaves the agent beyond its share."""
        t = (self.environment.horizon or 0) - 1
        own = self.last_value(agent)
        return own.reshape(self.environment.stage(t).axes) - self.share * self.plan.value[t]

    def last_value(self, agent: int) -> FloatArray:
        """Return V_T^i = u^i − p_T^i, `(S,)`."""
        assert self.last_payments is not None
        t = (self.environment.horizon or 0) - 1
        stage = self.settled.stage(t)
        flat = stage.utility[agent].reshape(len(stage.decisions), -1)
        return flat[self.policy(t), np.arange(stage.size)] - self.last_payments[agent]

    def cells(self, t: int, agent: int) -> tuple[IntArray, IntArray]:
        """Return the (decision, others' profile) that occur, `(n, 2)`, and the one of each reported profile, `(S,)`."""
        others, _ = split_profiles(self.environment.stage(t), agent)
        pairs, cell = np.unique(np.stack([self.policy(t), others], axis=1), axis=0, return_inverse=True)
        return pairs.astype(np.intp), cell.reshape(-1).astype(np.intp)

    def beliefs(self, t: int, agent: int) -> list[FloatArray]:
        """Return δ^l M_l for every lag, `(D, O_i, O_i(t + l), K_i)` each."""
        by_lag = lagged_beliefs(self.environment, t, agent, self.lags_after(t))
        return [self.environment.discount**lag * matrices for lag, matrices in enumerate(by_lag, 1)]

    def delayed(self, t: int, agent: int) -> list[FloatArray]:
        """Return p_l^i by reported profile and the others' later one, for every lag, `(S, O_i(t + l))` each."""
        stage = self.environment.stage(t)
        pairs, cell = self.cells(t, agent)
        pieces = [matrices[pairs[:, 0], pairs[:, 1]] for matrices in self.beliefs(t, agent)]
        target = np.moveaxis(self.target(t, agent), 1 + stage.offset + agent, -1)
        by_own = target.reshape(len(target), -1, target.shape[-1])[pairs[:, 0], pairs[:, 1]]
        _, own = split_profiles(stage, agent)
        stacked = np.concatenate(pieces, axis=1)
        try:
            systems = Systems(stacked, by_own, cell, own, stage.signals[agent], self.environment.scale)
            paid = self.solver.solve(systems)
        except OutOfReachError as error:
            raise self._out_of_reach(error, t, agent, pairs[error.cell]) from None
        ends = np.cumsum([piece.shape[1] for piece in pieces])[:-1]
        return np.split(paid, ends, axis=1)

    def _out_of_reach(self, error: OutOfReachError, t: int, agent: int, pair: IntArray) -> Refusal:
        """Return the refusal that names the agent, the decision and the profile at which the target is missed."""
        stage = self.environment.stage(t)
        later = "" if self.remembered == 1 else f" over {self.lags_after(t)} periods"
        return self.refuse(
            f"no {error.condition}{later} for agent {self.environment.agents[agent]!r}, decision "
            f"{stage.decisions[pair[0]]!r}{self._others_text(t, agent, int(pair[1]))}: {error.why}"
        )

    def _others_text(self, t: int, agent: int, others: int) -> str:
        """Return `, others' profile (…), period t`, without what there is none of."""
        stage = self.environment.stage(t)
        labels = ([stage.public] if stage.public else []) + [s for j, s in enumerate(stage.signals) if j != agent]
        shown = labels_text(labels, others)
        when = f", period {t}" if self.environment.horizon is not None else ""
        return (f", others' profile ({shown})" if shown else "") + when

    # Rules

    def upfront(self, t: int) -> FloatArray | None:
        """Return what is charged at once by reported profile, `(N, S)`; None: nothing."""
        last = self.environment.horizon is not None and t == self.environment.horizon - 1
        return self.last_payments if last else None

    @cached_property
    def _upfront(self) -> list[FloatArray | None]:
        """`upfront` by period; over an infinite horizon the second entry serves all later ones."""
        horizon = self.environment.horizon
        return [self.upfront(t) for t in range(2 if horizon is None else horizon)]

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return what is charged at once, `(n, N)`."""
        table = self._upfront[min(now.t, len(self._upfront) - 1)]
        if table is None:
            return np.zeros(messages.shape)
        return table[:, self.profile(now, messages)].T

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Return Σ_l p_l^i(r_t^{−i}; r_{t−l}), `(n, N)`."""
        stage = self.environment.stage(now.t)
        out = np.zeros((len(self.environment.agents), len(messages)))
        for lag in range(1, self.remembered + 1):
            profile = self.recall(now, lag)
            paid = profile >= 0
            if not paid.any():
                break
            tables = self.tables[0 if self.environment.horizon is None else now.t - lag]
            for i, by_lag in enumerate(tables):
                later = by_lag[lag - 1][profile, stage.others_flat(i, now.public, messages)]
                out[i] += np.where(paid, later, 0.0)
        return out.T

    def transfer_bound(self) -> float:
        """Return the largest entry of each lag's tables, plus that of what is charged at once."""
        at_once = [float(np.abs(table).max()) for table in self._upfront if table is not None]
        later = [
            max(
                (float(np.abs(by_lag[lag]).max()) for tables in self.tables for by_lag in tables if lag < len(by_lag)),
                default=0.0,
            )
            for lag in range(self.remembered)
        ]
        return max(at_once, default=0.0) + sum(later)
