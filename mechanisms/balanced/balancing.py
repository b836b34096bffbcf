"""The balanced mechanism: incentives of any base mechanism, and a budget that balances in every period and history.

Timing: that of the base mechanism, payment at once. Let Ψ_j(m, θ) be the expected present value, from this period on,
of what the base mechanism pays *to* agent j when all report the truth (memory m, profile θ; of the team mechanism
V_{−j}(θ)). In each period agent j is paid the change in it that its report brings, and the others pay that in equal
parts:

    γ_j(θ_j; h) = E[Ψ_j(m, (θ_j, θ̃_{−j})) | h] − E[Ψ_j(m, θ̃) | h],
    p^i = −γ_i(r_i; h) + (1/(N − 1)) Σ_{j≠i} γ_j(r_j; h),

h = (base memory, last decision, last reports, this period's public state); at t = 0 the priors. In a Markov economy
with the team mechanism as base this is (6.1); over a finite horizon, with a base that remembers, (5.1)–(5.2) with the
transfers already paid, which cancel, left out. A public state is known before anybody reports, as if an agent 0 had
moved first.

Guarantee: Σ_i p^i = 0 always. With independent types E[γ_j | h] = 0 whatever the others have reported, so nobody can
move what it pays for the others; truth stays a Bayesian equilibrium if it was one under the base, and i's payoff is its
expected utility. It is not ex post incentive compatible: γ_i averages over the others' current signals. With correlated
types it is not even Bayesian (E[· | θ_j] is then conditional on the report, where that can occur).

Assumptions: independent types, and those of the base mechanism.

Source: Athey–Segal 2007, §5 (5.1)–(5.2), Proposition 2; (6.1) for the Markov form (its first θ_τ lacks a tilde).
"""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import NamedTuple

import numpy as np

from dynmech.mechanisms.conditions.dependence import independent_types
from dynmech.mechanisms.rules.base import DirectMechanism, Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.tabulation import acts_matter
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.laws_of_motion import laws
from dynmech.sim.play.roles import Acts, Promises, Situation

LARGEST = 50_000_000
"""Numbers that the beliefs after all histories of a period may hold."""


class Histories(NamedTuple):
    """The histories h of a period: what the base remembers, what was decided, what was reported; `(H,)` each."""

    memory: IntArray
    decision: IntArray
    reports: IntArray


class Balancing(DirectMechanism, ABC):
    """Balances the direct mechanism `base`; memory is the index of the history h.

    Args:
        force: also where types are not independent; the promises then fail.

    Raises:
        Refusal: fewer than two agents, types that are not independent, a base that does not fit.
    """

    @abstractmethod
    def __init__(self, environment: Environment, base: Mechanism, force: bool = False) -> None:
        super().__init__(environment)
        if len(environment.agents) < 2:
            raise self.refuse("one agent has nobody to balance the budget with")
        if base.environment is not self.environment:
            raise self.refuse(f"its base {base.name!r} was made for another economy")
        if not (isinstance(base, DirectMechanism) and self._asks_for_signals(base)):
            raise self.refuse(f"its base {base.name!r} does not ask for all signals in every period, or asks for more")
        types = independent_types(self.environment)
        if not (types.holds or force):
            place = ", ".join(f"{key} {value}" for key, value in types.where.items())
            raise self.refuse(
                f"types are not independent: {types.note} (by {types.value:.3g}; {place}); "
                "force=true plays it all the same"
            )
        self.base, self.force = base, force
        self.promises = Promises(
            incentive="none" if base.promises.incentive == "none" else "bayesian",
            budget="ex post",
            efficient=base.promises.efficient,
            assumptions=tuple(dict.fromkeys((*base.promises.assumptions, "independent types"))),
        )

    def _asks_for_signals(self, base: Mechanism) -> bool:
        """Return whether the base asks for signals and prescribes the truth."""
        agents = range(len(self.environment.agents))
        direct = all(base.messages(t, i) == self.environment.signal_space(t, i) for t in self.periods for i in agents)
        return direct and not any(acts_matter(base, t) for t in self.periods)

    @property
    def periods(self) -> range:
        """One period per distinct table: the first, and the repeated one or all the others."""
        return range(2 if self.environment.stationary else int(self.environment.horizon or 0))

    def _place(self, t: int) -> int:
        """Return the index of period t among the distinct ones."""
        return min(t, self.periods[-1])

    @cached_property
    def _base_game(self) -> FiniteGame:
        """The economy under the base."""
        return FiniteGame(self.environment, self.base)

    @cached_property
    def steps(self) -> list[tuple[Histories, list[IntArray]]]:
        """The possible histories per period t ≥ 1, and h′ by (base memory, reports) of period t − 1, `(M, S)`.

        Under an infinite horizon the last entry serves all later periods and has a table each for periods 0 and 1.
        """
        before = [0, 1] if self.environment.stationary else None
        return [self._step(before or [t - 1]) for t in self.periods[1:]]

    def _step(self, before: list[int]) -> tuple[Histories, list[IntArray]]:
        """Return the histories that may follow the periods `before`, and h′ by (base memory, reports) of each."""
        triples = []
        for t in before:
            rules = self._base_game.tables[t]
            if rules.draws > 1:
                raise self.refuse(f"its base {self.base.name!r} decides by lottery")
            decide, remember = rules.decide[..., 0], rules.remember[..., 0]
            reports = np.broadcast_to(np.arange(decide.shape[1]), decide.shape)
            triples.append(np.stack([remember, decide, reports], axis=-1))
        rows = np.concatenate([triple.reshape(-1, 3) for triple in triples])
        distinct, codes = np.unique(rows, axis=0, return_inverse=True)
        ends = np.cumsum([triple[..., 0].size for triple in triples])[:-1]
        tables = [
            part.reshape(triple.shape[:2])
            for part, triple in zip(np.split(codes.reshape(-1), ends), triples, strict=True)
        ]
        return Histories(*distinct.T), tables

    def memory_size(self, t: int) -> int:
        """Return 1 at first (and after the end), else the number of possible (base memory, decision, reports)."""
        over = self.environment.horizon is not None and t >= self.environment.horizon
        return 1 if t == 0 or over else len(self.steps[self._place(t) - 1][0].memory)

    def _base_memory(self, now: Situation) -> IntArray:
        """Return what the base remembers, `(n,)`."""
        return now.memory if now.t == 0 else self.steps[self._place(now.t) - 1][0].memory[now.memory]

    def _in_base(self, now: Situation) -> Situation:
        """Return the situation as the base sees it."""
        return now._replace(memory=self._base_memory(now))

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the base's decision, `(n,)`."""
        return self.base.decide(self._in_base(now), messages)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the index of the next period's history, `(n,)`."""
        if now.t >= self.periods[-1] and not self.environment.stationary:
            return np.zeros(len(messages), np.intp)
        _, tables = self.steps[min(now.t, len(self.steps) - 1)]
        return tables[min(now.t, len(tables) - 1)][self._base_memory(now), self.profile(now, messages)]

    @cached_property
    def tables(self) -> list[list[FloatArray]]:
        """γ_j per distinct period and agent, `(H, O, K_j)`."""
        truthful = self._base_game.truthful
        return [self._incentives(t, -truthful.periods[t].transfer_ahead) for t in self.periods]

    def _incentives(self, t: int, worth: FloatArray) -> list[FloatArray]:
        """Return γ_j in period t, given Ψ `(N, M, S)`."""
        stage = self.environment.stage(t)
        if t == 0:
            memory, law = np.zeros(1, np.intp), self.environment.prior.reshape(1, -1)
        else:
            histories, _ = self.steps[t - 1]
            need = len(histories.memory) * stage.size
            if need > LARGEST:
                raise self.refuse(
                    f"beliefs after all histories of a period are {need:,} numbers, more than {LARGEST:,}"
                )
            memory, law = histories.memory, laws(self.environment, t - 1)[histories.decision, histories.reports]
        out = []
        for j in range(len(self.environment.agents)):
            axes = (len(memory), max(len(stage.public), 1), *(len(labels) for labels in stage.signals))
            mass = np.moveaxis(law.reshape(axes), 2 + j, 2).reshape(*axes[:2], axes[2 + j], -1)
            value = np.moveaxis(worth[j, memory].reshape(axes), 2 + j, 2).reshape(mass.shape)
            out.append(news(mass, value))
        return out

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return p^i = −γ_i + (1/(N − 1)) Σ_{j≠i} γ_j, `(n, N)`."""
        tables = self.tables[self._place(now.t)]
        paid = np.stack([table[now.memory, now.public, messages[:, j]] for j, table in enumerate(tables)], axis=1)
        return (paid.sum(axis=1, keepdims=True) - len(tables) * paid) / (len(tables) - 1)

    def transfer_bound(self) -> float:
        """Return the most that an agent is paid, plus as much from the others."""
        return 2 * max(float(np.abs(table).max()) for tables in self.tables for table in tables)


def news(mass: FloatArray, value: FloatArray) -> FloatArray:
    """Return by how much learning k changes the expectation of `value`: `(H, O, K, R)` each to `(H, O, K)`.

    E[value | k] − E[value] under the law `mass` of (k, rest) given (h, o), which need not sum to 1. Where k cannot
    occur, the rest follows its own marginal; where o cannot, the answer is 0.

    >>> news(np.array([[[[0.25, 0.25], [0.25, 0.25]]]]), np.array([[[[4.0, 8.0], [0.0, 0.0]]]])).tolist()
    [[[3.0, -3.0]]]
    """
    rest, own = mass.sum(axis=2, keepdims=True), mass.sum(axis=3, keepdims=True)
    conditional = np.divide(mass, own, out=np.zeros_like(mass), where=own > 0)
    total = rest.sum(axis=3, keepdims=True)
    marginal = np.divide(rest, total, out=np.zeros_like(rest), where=total > 0)
    expected = (np.where(own > 0, conditional, marginal) * value).sum(axis=3)
    mean = np.divide(
        (own[..., 0] * expected).sum(axis=2, keepdims=True),
        total[..., 0],
        out=np.zeros_like(total[..., 0]),
        where=total[..., 0] > 0,
    )
    return np.where(total[..., 0] > 0, expected - mean, 0.0)
