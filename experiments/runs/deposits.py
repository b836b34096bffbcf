"""Deposits that are worked out: for each agent the least with which no default gains."""

from dataclasses import replace

from dynmech.agents.oracle.deposits import find_deposit
from dynmech.agents.oracle.payments import build_payment_problem
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game
from dynmech.sim.play.payment_terms import AUTO


def with_deposits(game: Game) -> Game:
    """Return a game in which `deposit=auto` has become a number for each agent.

    Raises:
        Refusal: the exact search does not take the game.
    """
    terms, environment, mechanism = game.protocol.voluntary, game.environment, game.mechanism
    if terms is None or terms.deposit != AUTO:
        return game
    if not (isinstance(environment, TableEnvironment) and isinstance(mechanism, Mechanism)):
        raise Refusal(f"mechanism {mechanism.name!r}: deposit: auto is worked out for finite economies; give a number")
    searched = FiniteGame(environment, mechanism)
    agents = range(len(environment.agents))
    problems = [build_payment_problem(searched, (i,), terms) for i in agents]
    return replace(game, deposits=tuple(find_deposit(problem).amount for problem in problems))
