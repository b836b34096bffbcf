"""The tables of a stress test: a row per deviation that was played, and a row per mechanism."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from dynmech.agents.oracle.search import Family
from dynmech.experiments.figures.comparisons import FLAGGED, TOLERANCE, standard_errors_apart
from dynmech.experiments.runs.assumptions import broken_assumptions
from dynmech.experiments.runs.moments import ENOUGH, ZERO, Moments
from dynmech.experiments.runs.pilot_choice import Contest
from dynmech.experiments.runs.simulation import PRESCRIBED
from dynmech.experiments.runs.stress_result import BEST, ordered
from dynmech.experiments.runs.tally import Tally, played_scale, properties, signal_dates
from dynmech.experiments.runs.verdicts import (
    BREAKS,
    HOLDS,
    NOT_PROMISED,
    NOT_REFUTED,
    OUTSIDE_ASSUMPTIONS,
)
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.spaces import Finite
from dynmech.sim.core.ties import first_of
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.game import Game


def gains_frame(contests: Sequence[Contest], tallies: dict[str, dict[str, Tally]], comparisons: int) -> pd.DataFrame:
    """A row per mechanism, family and agent, largest gain first."""
    rows = []
    for contest in contests:
        names, scale = contest.game.environment.agents, contest_scale(contest, tallies)
        for case in contest.cases:
            if case.key not in tallies[contest.mechanism]:  # it failed
                continue
            agent = case.deviates.index(True)
            tally = tallies[contest.mechanism][case.key]
            gain = float(tally.gain.mean[agent])
            strategy = case.strategies[agent]
            exact = _beside_exact(contest, agent, strategy.name, gain, float(tally.gain.error[agent]), scale)
            luck = (
                exact["agrees"] and exact["exact"] + exact["exact_bound"] <= TOLERANCE * scale
            )  # it is known to be none
            rows.append(
                {
                    "mechanism": contest.mechanism,
                    "family": strategy.name,
                    "complexity": strategy.complexity,
                    "agent": names[agent],
                    "strategy": strategy.key(),
                    "words": contest.words[case.key],
                    "gain": gain,
                    "half_width": float(tally.gain.half()[agent]),
                    "found": bool(gain - tally.gain.half(comparisons)[agent] > ZERO * scale) and not luck,
                    **exact,
                    **_largest_given(contest.game, tally.gain_given, agent, scale),
                    "tried": contest.tried[case.key],
                    "case": case.key,
                    **_unpaid(tally, agent),
                }
            )
    return ordered(pd.DataFrame(rows), "gain")


def _unpaid(tally: Tally, agent: int) -> dict[str, float]:
    """In how many episodes the deviator is in default, and the designer's loss; nothing where bills are always paid."""
    if tally.credit is None:
        return {}
    rate = float(tally.credit.defaults.mean[agent])
    return {"default_rate": rate, "designers_loss": float(tally.credit.loss.mean)}


def contest_scale(contest: Contest, tallies: dict[str, dict[str, Tally]]) -> float:
    """Return what money is measured against under a mechanism."""
    return played_scale(contest.game.environment, tallies[contest.mechanism][PRESCRIBED])


def _beside_exact(contest: Contest, agent: int, family: str, gain: float, error: float, scale: float) -> dict[str, Any]:
    """The exact gain that bounds a family's, how far the simulated one lies from it, and whether they agree.

    Only a best response is played as it was searched; of other families any member earns at most the exact figure.
    """
    bounding = {"one-shot": Family.ONE_SHOT, "belief-manipulation": Family.BELIEF_MANIPULATION}
    figure = contest.exact.gains.get((agent, bounding.get(family, Family.BEST_RESPONSE)))
    unknown, one_sided = float("nan"), family != BEST
    if figure is None:
        return {"exact": unknown, "exact_bound": unknown, "apart": unknown, "one_sided": one_sided, "agrees": True}
    apart = standard_errors_apart(gain, figure.gain, error, 2 * contest.game.tail + figure.bound, scale)
    agrees = not (apart if one_sided else abs(apart)) > FLAGGED
    return {
        "exact": figure.gain,
        "exact_bound": figure.bound,
        "apart": apart,
        "one_sided": one_sided,
        "agrees": agrees,
    }


def _largest_given(game: Game, given: Moments, agent: int, scale: float) -> dict[str, Any]:
    """The own signal at which the deviator gains most: words, mean and half-width; of those that tie the first."""
    seen = []
    half = given.half()
    for row, t in enumerate(signal_dates(game)):
        space = game.environment.signal_space(t, agent)
        assert isinstance(space, Finite)
        for k, label in enumerate(space.labels):
            if space.size > 1 and given.count[agent, row, k] >= ENOUGH:
                mean, width = float(given.mean[agent, row, k]), float(half[agent, row, k])
                seen.append((f"when its signal in period {t} is {label}", mean, width))
    nothing = ("", float("nan"), float("nan"))
    words, mean, width = first_of(seen, lambda one: one[1], scale) if seen else nothing
    return {"given": words, "given_gain": mean, "given_half_width": width}


EXACTLY_WORTH = ("welfare", "revenue", "net_revenue")
"""What prescribed play is worth exactly, where the mechanism was searched; columns end in `_exact`."""


def exactly(row: Mapping[Any, Any], key: str) -> float | None:
    """Return what prescribed play is worth exactly in a row of mechanisms; None where it was not searched."""
    value = row.get(f"{key}_exact")
    return None if value is None or value != value else float(value)


def mechanisms_frame(
    env: Environment,
    contests: Sequence[Contest],
    tallies: dict[str, dict[str, Tally]],
    gains: pd.DataFrame,
    workers: Workers | None = None,
) -> pd.DataFrame:
    """A row per mechanism, worst first; `workers` ask users' mechanisms for their conditions."""
    rows = []
    for contest in contests:
        scale = contest_scale(contest, tallies)
        truth = tallies[contest.mechanism][PRESCRIBED]
        own = gains[gains["mechanism"] == contest.mechanism]
        found = own[own["found"]]
        breaks = not found.empty or bool(contest.exact.witnesses)
        missing = broken_assumptions(contest.game, workers) if breaks else []
        rows.append(
            {
                "mechanism": contest.mechanism,
                "verdict": _verdict(contest, breaks, missing),
                "breaks": breaks,
                "violated": missing,
                "exact": contest.exact.holds(),
                "worst_gain": _rounded(max(_best_gains(contest) or found["gain"], default=0.0), scale),
                "exact_refused": contest.exact.refused,
                **properties(env, truth, truth),
                **{f"{key}_exact": contest.exact.worth.get(key, float("nan")) for key in EXACTLY_WORTH},
                **{f"payoff of {a}": float(v) for a, v in zip(env.agents, truth.payoff.mean, strict=True)},
            }
        )
    return ordered(pd.DataFrame(rows), "worst_gain")


def _rounded(gain: float, scale: float) -> float:
    """The gain without what is rounding, so that this does not put mechanisms in order."""
    return round(gain / scale, 9) * scale


def _verdict(contest: Contest, breaks: bool, missing: Sequence[str]) -> str:
    """What became of the promise that truth is best, as far as exact search and play can tell."""
    if contest.game.mechanism.promises.incentive == "none":
        return NOT_PROMISED
    if breaks:
        return OUTSIDE_ASSUMPTIONS if missing else BREAKS
    return HOLDS if contest.exact.holds() else NOT_REFUTED


def _best_gains(contest: Contest) -> list[float]:
    """What the best responses that gain something gain, exactly."""
    return [contest.exact.gains[agent, Family.BEST_RESPONSE].gain for agent in contest.exact.witnesses]
