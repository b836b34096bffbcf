"""The second-price auction, repeated every period.

Timing: bids; the highest wins (the first bidder of those that tie) and pays the second highest, at once. Values are
v^i(θ) = θ^i + γ Σ_{j≠i} θ^j (`bids`), awards move no signals.

Prescribed bid: what the object is worth if another bidder ties at the top, E[v | θ^i = θ^j = x, nobody above], given
all earlier bids. With private values (γ = 0) that is one's value, with two bidders (1 + γ) x. With three or more it is
less than c x, c = 1 + γ(N − 1), what the object would be worth if everybody had the signal x: whoever bids that may win
and repent. On a grid ties are likely, and who wins them matters: "nobody above" counts ties in the order in which they
are broken, and the other one at the top is any other bidder, each as likely:

    b^j(x) = mean over i ≠ j of E[v | θ^i = θ^j = x, θ^r < x for r < j, θ^r ≤ x for r > j].

The signals of bidders before j have to be lower, those of bidders after j may be equal, so that at one signal bids fall
along that order, by less than one signal's step. Where no such event is possible, it is c x. As the grid gets finer all
bidders bid alike.

Guarantee: efficient if γ ≤ 1. With two bidders or private values periodic ex post incentive compatible: the winner
gains θ^i − θ^m. With more, Bayesian, where signals are independent of each other and of the past, bidders are alike and
signals evenly spaced: then every bidder is glad to win against any bid below its own, and to lose against any above.
Where the past tells about signals, a bid today moves what others believe and bid tomorrow, which can be worth a lie.
With γ > 1 the lowest signal should win, which no auction of a single period achieves; `lowest-bid` does, by a second
instalment.

Assumptions: γ at most 1; two bidders or private values or signals that nothing tells about; awards that move no
signals.

Source: Liu 2025, indirect implementation, the standard format beside his; Milgrom–Weber 1982, Theorem 6; Vickrey 1961.
"""

from collections.abc import Iterator

import numpy as np

from dynmech.mechanisms.auctions.bids import BidMechanism
from dynmech.mechanisms.conditions.dependence import independent_types
from dynmech.mechanisms.rules.condition import Condition
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, IntArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import TIE, scale_of
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.laws_of_motion import laws
from dynmech.sim.play.roles import Acts, Promises, Situation

ORDERED = "γ at most 1"
"""The assumption of all, and the condition that decides it."""

UNTOLD = "signals that nothing tells about"
"""The assumption of three bidders or more, and the condition that decides it."""


class SecondPrice(BidMechanism):
    """The winner pays the second highest bid.

    Args:
        steps: bids from one prescribed bid to the next.

    Attributes:
        amounts: the bids in money, ascending, by what earlier bids tell, `(M, B)`.

    Raises:
        Refusal: values are not of the form, or prescribed bids would fall with signals.
    """

    name = "second-price"
    source = "Liu 2025, indirect implementation; Milgrom–Weber 1982; Vickrey 1961"
    promises = Promises(
        incentive="periodic ex post",
        budget="no deficit",
        efficient=True,
        assumptions=(ORDERED, "two bidders or private values", "awards that do not move signals"),
    )

    def __init__(self, environment: Environment, steps: int = 1) -> None:
        super().__init__(environment, steps)
        histories = self._histories()
        by_place = np.stack([self._amount(histories, *place) for place in self._places()], axis=1)
        unit = scale_of(by_place)
        tables, which = np.unique((by_place / unit).round(12), axis=0, return_inverse=True)
        if (np.diff(tables, axis=1) < -TIE).any():
            raise self.refuse("given earlier bids, prescribed bids fall with signals")
        apart = np.append(True, (np.diff(tables, axis=1) > TIE).any(axis=0))
        corners = tables[:, apart] * unit
        count = corners.shape[1] - 1
        self.amounts = np.array(
            [np.interp(np.arange(count * steps + 1) / steps, np.arange(count + 1), row) for row in corners]
        )
        self._told, index = which.reshape(-1), np.cumsum(apart) - 1
        agents = len(self.environment.agents)
        self.prescribed_bids = [index[level * agents + agents - 1 - j] * steps for j, level in enumerate(self.levels)]
        self.bids = Finite(self._labels(apart, steps))
        if agents > 2 and self.linear.gamma != 0:
            self.promises = Promises(
                incentive="bayesian",
                budget="no deficit",
                efficient=True,
                assumptions=(ORDERED, UNTOLD, "bidders that are alike", "awards that do not move signals"),
            )

    @property
    def lowest_wins(self) -> bool:
        """False: the highest bid wins."""
        return False

    # Prescribed bids

    def _histories(self) -> FloatArray:
        """Return the laws of the profile at the start and after every decision and profile, `(1 + D S, S)`."""
        prior = self.environment.prior.reshape(1, -1)
        if self.environment.horizon == 1:
            return prior
        return np.concatenate([prior, laws(self.environment, 0).reshape(-1, prior.shape[1])])

    def _places(self) -> Iterator[tuple[int, int]]:
        """Yield (level, bidder) in the order of prescribed bids: of one level the first bidder's comes last."""
        for level in range(len(self.own)):
            for agent in reversed(range(len(self.environment.agents))):
                yield level, agent

    def _amount(self, histories: FloatArray, level: int, agent: int) -> FloatArray:
        """Return the bid of an agent at a level of signals, by history, `(H,)`."""
        value, agents = self.linear.values()[agent].reshape(-1), range(len(self.environment.agents))
        total, events = np.zeros(len(histories)), np.zeros(len(histories))
        for other in agents:
            top = self._tie_at_the_top(level, agent, other) if other != agent else np.zeros(value.shape, np.bool_)
            mass = histories @ top
            mean = np.divide(histories @ (top * value), mass, out=np.zeros_like(mass), where=mass > 0)
            total, events = total + mean, events + (mass > 0)
        all_alike = np.full(len(histories), self.linear.scale * self.own[level])
        return np.divide(total, events, out=all_alike, where=events > 0)

    def _tie_at_the_top(self, level: int, agent: int, other: int) -> BoolArray:
        """Return in which profiles two bidders have the level, and all the rest come after `agent` in line, `(S,)`."""
        levels = np.meshgrid(*self.levels, indexing="ij")
        out = (levels[agent] == level) & (levels[other] == level)
        for j, own in enumerate(levels):
            if j not in (agent, other):
                out &= (own < level) | ((own == level) & (j > agent))
        return out.reshape(-1)

    def _labels(self, apart: BoolArray, steps: int) -> tuple[str, ...]:
        """Return the amounts; where these depend on earlier bids, whose prescribed bid it is and at which signal.

        Args:
            apart: which places have bids of their own.
        """
        if len(self.amounts) == 1:
            return tuple(f"{amount:.10g}" for amount in self.amounts[0])
        agents = self.environment.agents
        named = [f"{self.own[level]:.6g} ({agents[j]})" for level, j in self._places()]
        corners = [name for name, kept in zip(named, apart, strict=True) if kept]
        between = [f"{name} + {k}/{steps}" if k else name for name in corners[:-1] for k in range(steps)]
        return (*between, corners[-1])

    # What earlier bids tell

    def memory_size(self, t: int) -> int:
        """Return 1 at first; then the number of different tables of bids that earlier bids may lead to."""
        return 1 if t == 0 else len(self.amounts)

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:  # noqa: ARG002
        """Return the table of bids after the signals that the bids stand for, `(n,)`."""
        if len(self._told) == 1 or len(self.amounts) == 1:
            return np.zeros(len(messages), np.intp)
        meant = np.stack([_meant(own, messages[:, j]) for j, own in enumerate(self.prescribed_bids)])
        stage = self.environment.stage(0)
        profile = np.ravel_multi_index(tuple(meant), stage.axes)
        return self._told[1 + decision * stage.size + profile]

    def _table(self, now: Situation) -> IntArray:
        """Return which table of bids is in force, `(n,)`."""
        memory = np.asarray(now.memory, dtype=np.intp)
        return np.full(len(memory), self._told[0], np.intp) if now.t == 0 else memory

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """Return the second highest bid, paid by the winner, `(n, N)`."""
        return self.pays(self.winner(messages), self.amounts[self._table(now), self.next_in_line(messages)])

    def conditions(self) -> list[Condition]:
        """Return whether γ is at most 1; of three bidders or more with γ ≠ 0, whether anything tells about signals."""
        gamma = self.linear.gamma
        crossing = Condition(ORDERED, gamma <= 1 + TIE, gamma, {}, f"γ = {gamma:.6g}")
        if UNTOLD not in self.promises.assumptions:
            return [crossing]
        independent = independent_types(self.environment)
        fixed = bool(np.ptp(self._histories()[1:], axis=0).max(initial=0.0) <= TIE)
        note = "" if fixed else "earlier signals tell about later ones"
        told = Condition(UNTOLD, fixed and bool(independent.holds), independent.value, {}, note or independent.note)
        return [crossing, told]

    def transfer_bound(self) -> float:
        """Return the largest bid."""
        return float(np.abs(self.amounts).max())


def _meant(prescribed: IntArray, message: Array) -> IntArray:
    """Return the signal with the highest prescribed bid that is not above the message, or the lowest signal, `(n,)`."""
    order = np.argsort(prescribed, kind="stable")
    return order[np.maximum(np.searchsorted(prescribed[order], message, side="right") - 1, 0)]
