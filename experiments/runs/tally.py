"""What a case's shards add up to: payoffs, gains, welfare, gross and net revenue, deficits, participation.

A tally is small whatever the number of episodes; it is stored with each shard, so a resumed run adds up the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from dynmech.experiments.runs.credit import Credit
from dynmech.experiments.runs.moments import ENOUGH, ZERO, Moments, by_signal
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import scale_of
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.game import Game
from dynmech.sim.play.record import Record

DATES = 3
"""How many early periods are looked at by own signal where the game is long (all of a game of up to six)."""


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums of one case over episodes.

    Attributes:
        payoff, gain: by agent `(N,)`; a gain is the paired difference against prescribed play by all.
        welfare: Σ_t δ^t (Σ_i u^i − c).
        revenue: Σ_t δ^t Σ_i p^i.
        net_revenue: Σ_t δ^t (Σ_i p^i − c).
        deficit: the least Σ_i p_t^i of any period of any episode.
        gain_given: by agent, date and own signal `(N, dates, K)`.
        stay_given: continuation payoff from the date on, same axes (participation is read from prescribed play).
        credit: what became of bills, where they are paid voluntarily.
    """

    payoff: Moments
    gain: Moments
    welfare: Moments
    revenue: Moments
    net_revenue: Moments
    deficit: float
    gain_given: Moments
    stay_given: Moments
    credit: Credit | None = None

    @classmethod
    def of(cls, record: Record, prescribed: FloatArray) -> Self:
        """Of one shard; `prescribed` `(N, E)` are payoffs of prescribed play under the same draws."""
        payoffs = record.payoffs
        gains = payoffs - prescribed
        agents = len(payoffs)
        dates = signal_dates(record.game)
        widths = [[signal_count(record.game, t, i) for t in dates] for i in range(agents)]
        width = max((k for row in widths for k in row), default=1)
        stay, signals = record.continuation[dates], record.signal[dates]
        return cls(
            payoff=Moments.of(payoffs),
            gain=Moments.of(gains),
            welfare=Moments.of(record.discounted_utility.sum(axis=0) - record.discounted_cost),
            revenue=Moments.of(record.discounted_transfer.sum(axis=0)),
            net_revenue=Moments.of(record.discounted_transfer.sum(axis=0) - record.discounted_cost),
            deficit=float(record.least_revenue.min()),
            gain_given=_stack(
                [
                    by_signal(np.broadcast_to(gains[i], signals[:, i].shape), signals[:, i], [width])
                    for i in range(agents)
                ]
            ),
            stay_given=_stack([by_signal(stay[:, i], signals[:, i], [width]) for i in range(agents)]),
            credit=Credit.of(record),
        )

    def merge(self, other: "Tally") -> "Tally":
        """Of both together."""
        joined = {name: getattr(self, name).merge(getattr(other, name)) for name in MOMENTS}
        credit = self.credit.merge(other.credit) if self.credit and other.credit else None
        return Tally(deficit=min(self.deficit, other.deficit), credit=credit, **joined)

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        sums = {name: getattr(self, name).to_data() for name in MOMENTS}
        credit = {} if self.credit is None else {"credit": self.credit.to_data()}
        return {"deficit": self.deficit, **sums, **credit}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """From `to_data`."""
        credit = Credit.from_data(data["credit"]) if "credit" in data else None
        sums = {name: Moments.from_data(data[name]) for name in MOMENTS}
        return cls(deficit=float(data["deficit"]), credit=credit, **sums)


MOMENTS = tuple(field.name for field in fields(Tally) if field.name not in ("deficit", "credit"))


def signal_dates(game: Game) -> list[int]:
    """Dates that are looked at by own signal; none where signals are continuous."""
    periods = range(game.periods if game.periods <= 6 else DATES)
    agents = range(len(game.environment.agents))
    finite = all(isinstance(game.environment.signal_space(t, i), Finite) for t in periods for i in agents)
    return list(periods) if finite else []


def signal_count(game: Game, t: int, agent: int) -> int:
    """K_i in period t."""
    space = game.environment.signal_space(t, agent)
    assert isinstance(space, Finite)
    return space.size


def played_scale(environment: Environment, prescribed: Tally) -> float:
    """Return what money is measured against: the economy's scale, or the size of payoffs of prescribed play.

    The bound that an economy by functions declares says nothing: one with unbounded costs has one of 1e17.
    """
    if isinstance(environment, TableEnvironment):
        return environment.scale
    payoff = prescribed.payoff
    return scale_of(np.sqrt(payoff.mean**2 + payoff.square / np.maximum(payoff.count, 1)))


def properties(environment: Environment, played: Tally, prescribed: Tally) -> dict[str, Any]:
    """Welfare, gross and net revenue and worst deficit of what was played; participation of prescribed play.

    A participation violation is an (agent, date, own signal) whose mean continuation payoff under prescribed play is
    below 0, allowing for as many comparisons as there are such cells (those seen in enough episodes).
    """
    stay, least = prescribed.stay_given, ZERO * played_scale(environment, prescribed)
    seen = stay.count >= ENOUGH
    unwilling = seen & (stay.mean + stay.half(max(int(seen.sum()), 1)) < -least)
    return {
        "welfare": float(played.welfare.mean),
        "welfare_half_width": float(played.welfare.half()),
        "first_best": first_best(environment),
        "revenue": float(played.revenue.mean),
        "revenue_half_width": float(played.revenue.half()),
        "net_revenue": float(played.net_revenue.mean),
        "net_revenue_half_width": float(played.net_revenue.half()),
        "worst_deficit": played.deficit if played.deficit < -least else 0.0,
        "participation_violations": int(unwilling.sum()),
        "participation_cells": int(seen.sum()),
        "worst_participation": float(np.where(seen, stay.mean, np.inf).min(initial=np.inf)),
        **({} if played.credit is None else played.credit.summary()),
    }


def has_costs(rows: Iterable[Mapping[Any, Any]]) -> bool:
    """Whether the designer has a cost anywhere, so that net revenue is a figure of its own."""
    return any(
        abs(row["revenue"] - row["net_revenue"]) > ZERO * scale_of(row["revenue"], row["net_revenue"]) for row in rows
    )


def first_best(environment: Environment) -> float:
    """E[W(θ_0)], exact; NaN where the environment is not finite."""
    if not isinstance(environment, TableEnvironment):
        return float("nan")
    return float((plan(environment).value[0] * environment.prior).sum())


def _stack(rows: list[Moments]) -> Moments:
    return Moments(*(np.stack([getattr(row, f) for row in rows]) for f in ("count", "mean", "square")))
