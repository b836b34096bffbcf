"""Strategy: the best response of the exact search, made when the game is known."""

from collections.abc import Iterator
from typing import Literal, Self

from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game
from dynmech.sim.play.roles import View

NAME = "best-response"


class BestResponse(Strategy):
    """Plays the best deviation of the exact search, the others playing as prescribed.

    Parameters
    ----------
    information : str
        `interim`: it knows its own signals; `ex_post`: it sees the others' current signals too.

    Notes
    -----
    It is the best reply to prescribed play by everybody else, whatever they play in fact. It needs a finite economy, a
    mechanism that the exact search takes, and everything public.
    """

    source = "the exact oracle"
    memory_periods = 1
    complexity = 5

    def __init__(self, information: Literal["interim", "ex_post"] = "interim", exit: bool = False) -> None:
        if exit:
            raise InputError("exit: leaving is no act of the protocol and cannot be played; see `audit --exit`")
        self.name = NAME  # not of the class: it is no family of candidates that a registry offers
        self.information = information
        self.exit = exit
        self.spies = information == "ex_post"

    def options(self) -> dict[str, str]:
        """Return the information where it is not the default."""
        return {"information": self.information} if self.spies else {}

    def made_for(self, game: Game, agent: int) -> Witness:
        """Return the best deviation of an agent in a game.

        Raises
        ------
        Refusal
            The exact search does not take the game.
        """
        environment, mechanism = game.environment, game.mechanism
        if not (isinstance(environment, TableEnvironment) and isinstance(mechanism, Mechanism)):
            raise Refusal(f"strategy 'best-response': environment {environment.name!r} is not finite")
        if game.protocol.disclosure != "everything" or game.protocol.latency:
            raise Refusal("strategy 'best-response': it needs everything public and no late messages")
        information = Information.EX_POST if self.spies else Information.INTERIM
        return Witness(
            build_problem(FiniteGame(environment, mechanism), (agent,)), Family.BEST_RESPONSE, information=information
        )

    def message(self, view: View) -> Array:
        """Raise: `made_for` gives what is played."""
        raise PlayError(f"strategy {self.key()!r} in period {view.t}: it is made for a game before it is played")

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return what it does in words."""
        return "plays its best response"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing: a stress test adds the best response where it gains."""
        return iter(())
