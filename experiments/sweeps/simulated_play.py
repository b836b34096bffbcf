"""What simulation says where no exact audit fits: prescribed play, and the best deviation found of every family."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from dynmech.agents.oracle.search import Family
from dynmech.experiments.catalog.names import STRATEGIES, is_shipped, make_strategy
from dynmech.experiments.runs.moments import ZERO, Moments
from dynmech.experiments.runs.pilot_choice import PILOT, PILOT_LEFT, pick
from dynmech.experiments.runs.simulation import Case, Sampling, lone_deviation, pilot, play, prescribed_case
from dynmech.experiments.runs.tally import Tally
from dynmech.experiments.runs.verdicts import BREAKS, NOT_PROMISED, NOT_REFUTED, OUTSIDE_ASSUMPTIONS, violated
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.ties import first_of, scale_of
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game, shortened

FIGURES = ("welfare", "revenue", "net_revenue", "budget", "largest_transfer")
"""What simulated prescribed play tells."""

NARROWER = {
    Family.ONE_SHOT: ("one-shot",),
    Family.BELIEF_MANIPULATION: ("one-shot", "belief-manipulation"),
}
"""Strategies that a family of the exact search has; a best response is any."""


def simulated_figures(game: Game, sampling: Sampling) -> dict[str, tuple[float, float | None]]:
    """Play as prescribed: means with the half-widths of their 95 % intervals; extremes bare, as seen."""
    tally: Tally | None = None
    largest = 0.0
    for number, (_, count) in enumerate(sampling.shards(game)):
        record = play(game, prescribed_case(game), sampling, number, count)
        shard = Tally.of(record, record.payoffs)
        tally = shard if tally is None else tally.merge(shard)
        largest = max(largest, float(np.abs(record.transfer).max(initial=0.0)))
    assert tally is not None
    means = {"welfare": tally.welfare, "revenue": tally.revenue, "net_revenue": tally.net_revenue}
    sums = {name: (float(moments.mean), float(moments.half())) for name, moments in means.items()}
    return {**sums, "budget": (tally.deficit, None), "largest_transfer": (largest, None)}


def simulated_gains(game: Game, sampling: Sampling) -> list[dict[str, Any]]:
    """Return a row per agent and family: the best member found, played on draws of its own.

    Members are chosen on a pilot, the best of several strategies on a second one. Intervals allow for all rows. A row
    is a lower bound: the lower end of the interval, less the tail that was cut.
    """
    short, agents = shortened(game, PILOT_LEFT), game.environment.agents
    trial = replace(sampling, episodes=PILOT, shard=PILOT)
    strategies = [cls for cls in STRATEGIES.all().values() if is_shipped(cls)]
    chosen: dict[tuple[int, str], Case] = {}
    for agent, cls in product(range(len(agents)), strategies):
        if (entry := pick((short, agent, cls), trial)) is not None:
            strategy = make_strategy(entry["strategy"])
            chosen[agent, cls.name] = lone_deviation(game, agent, strategy, f"{agent}.{cls.name}")
    trials = pilot(short, list(chosen.values()), trial, scope="second pilot")
    best = {
        (agent, family): first_of(own, lambda case, i=agent: float(trials[case.key][i].mean()))  # type: ignore[misc]
        for agent, family in product(range(len(agents)), (*NARROWER, Family.BEST_RESPONSE))
        if (own := [case for (i, name), case in chosen.items() if i == agent and name in _members(family, name)])
    }
    cases = list({case.key: case for case in best.values()}.values())
    whole = replace(sampling, shard=sampling.episodes)
    judged = pilot(game, cases, whole, scope="sweep")
    return [
        _row(game, agent, family, case, Moments.of(judged[case.key][agent]), len(best))
        for (agent, family), case in best.items()
    ]


def _members(family: Family, name: str) -> Sequence[str]:
    """Return the strategies of a family; of a best response the one that is asked about."""
    return NARROWER.get(family, (name,))


def _row(game: Game, agent: int, family: Family, case: Case, moments: Moments, comparisons: int) -> dict[str, Any]:
    """Return a gain as a row of an audit, with its half-width."""
    gain, half = float(moments.mean), float(moments.half(comparisons))
    return {
        "agent": game.environment.agents[agent],
        "family": family.value,
        "information": "ex_ante",
        "gain": gain,
        "bound": None,
        "lower": max(0.0, gain - half - 2 * game.tail),
        "upper": None,
        "kind": "lower_bound",
        "states": "reachable",
        "confidence": 0.95,
        "certified": False,
        "half_width": half,
        "strategy": case.strategies[agent].key(),
    }


def noise(row: Mapping[str, Any]) -> float:
    """Return what rounding may be of a gain, which is as large as the gain and its interval are."""
    return ZERO * scale_of(row["gain"], row["half_width"] or 0.0)


def gains_verdict(mechanism: Mechanism, gains: Sequence[Mapping[str, Any]]) -> str:
    """Return what simulated gains say of the promise that truth is best."""
    if mechanism.promises.incentive == "none":
        return NOT_PROMISED
    if not any(row["lower"] > noise(row) for row in gains):
        return NOT_REFUTED
    finite = isinstance(mechanism.environment, TableEnvironment)  # conditions of a large one take as long as its audit
    wrong = violated(mechanism.promises.assumptions, [] if finite else mechanism.conditions())
    return OUTSIDE_ASSUMPTIONS if wrong else BREAKS
