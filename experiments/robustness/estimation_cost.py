"""One mechanism built on an estimate, audited exactly under the truth: its rules stay, the law is the true one."""

from dataclasses import dataclass
from typing import Any

from dynmech.agents.oracle.gains import ex_ante_gain, worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.robustness.drawn_counts import draw_counts
from dynmech.experiments.sweeps.contenders import Contender
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import largest_transfer
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.estimated import estimated_environment

FIGURES = ("gain", "gain_ex_ante", "welfare_lost", "deficit", "largest_transfer")
"""Of one replication; `truthful` follows from the gain."""


@dataclass(frozen=True, eq=False)
class Batch:
    """A mechanism on some replications of estimates from as many draws.

    Attributes:
        environment: the truth.
        replications: their numbers.
        joint, smoothing: how is estimated.
        keys: names in the run folder, one per replication.
    """

    environment: TableEnvironment
    contender: Contender
    draws: int
    seed: int
    replications: tuple[int, ...]
    joint: bool
    smoothing: float
    keys: tuple[str, ...]


def measured_batch(work: tuple[Batch, tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Return an entry of the journal per replication; what comes second are users' classes."""
    batch, _ = work
    first_best = float((plan(batch.environment).value[0] * batch.environment.prior).sum())
    entries = []
    for key, replication in zip(batch.keys, batch.replications, strict=True):
        counts = draw_counts(
            batch.environment, batch.draws, batch.seed, replication, joint=batch.joint, smoothing=batch.smoothing
        )
        try:
            mechanism = batch.contender.build(estimated_environment(batch.environment, counts))
            summary = {"refused": "", **cost_of(batch.environment, mechanism, first_best)}
        except Refusal as error:
            summary = {"refused": str(error)}
        entries.append({"key": key, "files": {}, "summary": summary})
    return entries


def cost_of(environment: TableEnvironment, mechanism: Mechanism, first_best: float) -> dict[str, float | None]:
    """Return what a mechanism does under a law of motion that need not be the one that it was made for.

    Args:
        environment: the truth.
        first_best: the largest welfare under the truth.

    Returns:
        `gain`: of a best response, ex post, largest over agents and reachable states; `gain_ex_ante` (None where the
        search is refused); `welfare_lost`; `deficit`, the designer's expected discounted loss, 0 where there is none;
        `largest_transfer`, of prescribed play, in absolute value.

    Raises:
        Refusal: it is too large.
    """
    game = FiniteGame(environment, mechanism)
    gain, ex_ante = 0.0, 0.0
    known = True
    for i in range(len(environment.agents)):
        problem = build_problem(game, (i,))
        prescribed, best = (
            solve(problem, family, Information.EX_POST) for family in (Family.PRESCRIBED, Family.BEST_RESPONSE)
        )
        gain = max(gain, worst_gain(problem, best, prescribed).gain)
        if problem.silence is not None:
            known = False
            continue
        prescribed, best = (
            solve(problem, family, Information.INTERIM) for family in (Family.PRESCRIBED, Family.BEST_RESPONSE)
        )
        ex_ante = max(ex_ante, ex_ante_gain(best, prescribed).gain)
    truthful, largest = game.truthful, largest_transfer(environment, game.truthful)
    return {
        "gain": gain,
        "gain_ex_ante": ex_ante if known else None,
        "welfare_lost": max(0.0, first_best - truthful.welfare),
        "deficit": max(0.0, -float(truthful.transfer.sum())),
        "largest_transfer": abs(largest.value),
    }
