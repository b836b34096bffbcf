"""Exact gains beside the simulated ones: what a stress test can expect, and the best responses that attain it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dynmech.agents.oracle.gains import Gain, ex_ante_gain, worst_gain
from dynmech.agents.oracle.paying_witness import PayingWitness
from dynmech.agents.oracle.payments import PaymentProblem, build_payment_problem
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.story import find_story, past_lies
from dynmech.agents.oracle.witness import Witness
from dynmech.experiments.figures.comparisons import TOLERANCE as TOLERANCE
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.labels import own_text
from dynmech.sim.play.game import Game

WORK = 30_000_000
"""Decisions × profiles × next profiles up to which a stress test searches exactly."""


FAMILIES = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE)
"""Families whose gains stand beside simulated ones."""


@dataclass(frozen=True, eq=False)
class Exact:
    """Exact ex ante gains of one mechanism.

    Attributes:
        gains: by agent and family.
        witnesses: best responses of the agents that have something to gain.
        refused: why there is nothing here, if so.
        worth: of prescribed play, ex ante: `welfare`, `revenue`, `net_revenue` (less the designer's costs).
        tolerance: gains up to this are none.
    """

    gains: dict[tuple[int, Family], Gain]
    witnesses: dict[int, Witness]
    refused: str = ""
    tolerance: float = TOLERANCE
    worth: Mapping[str, float] = field(default_factory=dict)

    def holds(self) -> bool:
        """Whether every agent's best response was searched and gains nothing."""
        free = [
            figure.gain + figure.bound for (_, family), figure in self.gains.items() if family is Family.BEST_RESPONSE
        ]
        return bool(free) and max(free) <= self.tolerance


@dataclass(frozen=True, eq=False)
class Collusion:
    """What a coalition can gain together under one mechanism.

    Attributes:
        gain: of all members together, ex ante; None where it was not searched.
        witness: the joint best response; `witness.parts()` are the members' strategies.
        refused: why there is nothing here, if so.
    """

    gain: Gain | None
    witness: Witness | None
    refused: str = ""


def collusion(game: Game, members: Sequence[int]) -> Collusion:
    """Search a coalition's joint deviations exactly, where that is possible under the game's house rules."""
    try:
        environment, mechanism = _searchable(game)
        if game.protocol.voluntary is not None:
            raise Refusal("a coalition's plan is searched where payments are enforced only")
        problem = build_problem(FiniteGame(environment, mechanism), members, exit=game.protocol.exit)
        truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
        witness = Witness(problem, Family.BEST_RESPONSE, story(problem))
    except Refusal as error:
        return Collusion(None, None, str(error))
    return Collusion(ex_ante_gain(witness.value, truth), witness)


def _searchable(game: Game) -> tuple[TableEnvironment, Mechanism]:
    """Economy and mechanism of a game that can be searched.

    Raises:
        Refusal: it cannot.
    """
    environment, mechanism = game.environment, game.mechanism
    if not (isinstance(environment, TableEnvironment) and isinstance(mechanism, Mechanism)):
        raise Refusal("the economy is not finite")
    if game.protocol.disclosure != "everything" or game.protocol.latency:
        raise Refusal("exact search is for everything public and no late messages")
    searched_size(environment)
    return environment, mechanism


def searched_size(environment: TableEnvironment) -> int:
    """Return how large an exact search is: decisions × profiles × next profiles.

    Raises:
        Refusal: too large for what stands beside a simulation.
    """
    size = max(len(stage.decisions) * stage.size**2 for stage in environment.stages)
    if size > WORK:
        raise Refusal(f"decisions × profiles² = {size:,}, more than {WORK:,}")
    return size


def exact_gains(game: Game, families: Sequence[Family] = FAMILIES) -> Exact:
    """Search every agent's deviations exactly, where that is possible under the game's house rules.

    Args:
        families: which are searched, the best response among them.
    """
    gains: dict[tuple[int, Family], Gain] = {}
    witnesses = {}
    try:
        environment, mechanism = _searchable(game)
        searched = FiniteGame(environment, mechanism)
        tolerance = TOLERANCE * environment.scale
        for agent in range(len(environment.agents)):
            problem = _problem(game, searched, agent)
            truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
            for family in families:
                gains[agent, family] = ex_ante_gain(solve(problem, family, Information.INTERIM), truth)
            free = gains[agent, Family.BEST_RESPONSE]
            if free.gain - free.bound > tolerance:
                witnesses[agent] = _witness(problem)
    except Refusal as error:
        return Exact({}, {}, str(error))
    return Exact(gains, witnesses, tolerance=tolerance, worth=_worth(searched))


def _worth(game: FiniteGame) -> dict[str, float]:
    """Return what prescribed play is worth, ex ante."""
    truthful = game.truthful
    revenue, costs = float(truthful.transfer.sum()), float(truthful.periods[0].cost_ahead[0] @ truthful.prior)
    return {"welfare": truthful.welfare, "revenue": revenue, "net_revenue": revenue - costs}


def _problem(game: Game, searched: FiniteGame, agent: int) -> Problem:
    """Return an agent's problem, payments included where they are voluntary."""
    terms = game.protocol.voluntary
    if terms is None:
        return build_problem(searched, (agent,), exit=game.protocol.exit)
    return build_payment_problem(searched, (agent,), terms, game.deposits[agent])


def _witness(problem: Problem) -> Witness:
    """Return the best response as a strategy."""
    if isinstance(problem, PaymentProblem):
        return PayingWitness(problem, "plays its best response (lies and payments)")
    return Witness(problem, Family.BEST_RESPONSE, story(problem))


def story(problem: Problem) -> str:
    """What the best response does in the state in which it gains most, as words that follow the deviator's name."""
    plays = "plays its best response" if len(problem.deviator) == 1 else "play their joint best response"
    truth = solve(problem, Family.PRESCRIBED, Information.INTERIM)
    best = solve(problem, Family.BEST_RESPONSE, Information.INTERIM)
    worst_case = find_story(problem, best, truth, worst_gain(problem, best, truth))
    if worst_case is None:
        return plays
    t = worst_case.state.period
    lies = past_lies(problem, worst_case)
    signal = own_text(problem.environment, t, problem.deviator, worst_case.state.profile)
    before = f", {' and '.join(lies)}" if lies else ""
    return (
        f"{plays} (in period {len(worst_case.history)}, with signal {signal}{before}: "
        f"{problem.message_text(t, worst_case.message)} instead of {problem.message_text(t, worst_case.prescribed)})"
    )
