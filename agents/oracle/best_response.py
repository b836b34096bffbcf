"""Strategy: the best response of the exact search, made when the game is known."""

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from dynmech.agents.oracle.paying_witness import PayingWitness
from dynmech.agents.oracle.payments import build_payment_problem
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

SPECIAL = frozenset("+,=:")
"""What separates options and partners: an agent with one of these in its name is called by its number."""


class BestResponse(Strategy):
    """Plays the best deviation of the exact search, the others playing as prescribed.

    Parameters
    ----------
    information : str
        `interim`: it knows its own signals; `ex_post`: it sees the others' current signals too.
    exit : bool
        Whether it may leave when it reports: what it owes stays unpaid, and its payoff is 0 from then on.
    partners : str
        The other members of a coalition, by name or number, `+` between them. Members pool their signals and do what is
        best for all of them together; each plays its part of it. Let all of them play this strategy.

    Notes
    -----
    It is the best reply to prescribed play by everybody else, whatever they play in fact. It needs a finite economy, a
    mechanism that the exact search takes, and everything public.
    """

    source = "the exact oracle"
    memory_periods = 1
    complexity = 5

    def __init__(
        self, information: Literal["interim", "ex_post"] = "interim", exit: bool = False, partners: str = ""
    ) -> None:
        self.name = NAME  # not of the class: it is no family of candidates that a registry offers
        self.information = information
        self.exit = exit
        self.partners = partners
        self.leaves = exit
        self.spies = information == "ex_post" or bool(partners)

    def options(self) -> dict[str, str]:
        """Return the options that are not the default."""
        given: dict[str, str] = {"information": self.information} if self.information == "ex_post" else {}
        given |= {"exit": "true"} if self.exit else {}
        return given | ({"partners": self.partners} if self.partners else {})

    def made_for(self, game: Game, agent: int) -> Witness:
        """Return the best deviation of an agent in a game, or its part in that of its coalition.

        Raises
        ------
        Refusal
            The exact search does not take the game.
        InputError
            A partner is no other agent, or is named twice.
        """
        environment, mechanism = game.environment, game.mechanism
        if not (isinstance(environment, TableEnvironment) and isinstance(mechanism, Mechanism)):
            raise Refusal(f"strategy 'best-response': environment {environment.name!r} is not finite")
        if game.protocol.disclosure != "everything" or game.protocol.latency:
            raise Refusal("strategy 'best-response': it needs everything public and no late messages")
        information = Information.EX_POST if self.information == "ex_post" else Information.INTERIM
        who, terms = self._coalition(environment.agents, agent), game.protocol.voluntary
        if terms is not None:
            if self.exit:
                raise Refusal(
                    "strategy 'best-response': exit: not with payments=voluntary, where not paying is the way out"
                )
            payments = build_payment_problem(FiniteGame(environment, mechanism), who, terms, game.deposits[agent])
            return PayingWitness(payments, information=information)
        problem = build_problem(FiniteGame(environment, mechanism), who, exit=self.exit)
        return Witness(problem, Family.BEST_RESPONSE, information=information).parts()[agent]

    def _coalition(self, agents: Sequence[str], agent: int) -> tuple[int, ...]:
        """Return the members of the agent's coalition, in order."""
        who = [agent]
        for partner in self.partners.split("+") if self.partners else []:
            named = [i for i, name in enumerate(agents) if partner in (name, name.replace(" ", "-"))]
            known = named or [i for i in range(len(agents)) if partner == str(i)]
            if not known or known[0] in who:
                raise InputError(
                    f"strategy 'best-response': partner {partner!r} of {agents[agent]!r} is no other agent, or named "
                    f"twice; agents: {', '.join(agents)}"
                )
            who.append(known[0])
        return tuple(sorted(who))

    def message(self, view: View) -> Array:
        """Raise: `made_for` gives what is played."""
        raise PlayError(f"strategy {self.key()!r} in period {view.t}: it is made for a game before it is played")

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return what it does in words."""
        leaving = ", leaving where that pays" if self.exit else ""
        if not self.partners:
            return f"plays its best response{leaving}"
        return f"plays its part in a joint best response with {' and '.join(self.partners.split('+'))}{leaving}"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing: a stress test adds the best response where it gains."""
        return iter(())


def called(agents: Sequence[str], agent: int) -> str:
    """Return an agent's name, or its number where a list of names could not be taken apart."""
    return str(agent) if SPECIAL & set(agents[agent]) else agents[agent]


def joint_response(
    agents: Sequence[str], who: Sequence[int], information: str = "interim", *, exit: bool = False
) -> list[str]:
    """Return AGENT=STRATEGY for every member: together they play the best response of an agent or a coalition.

    >>> joint_response(["ann", "bob", "c+"], (0, 2))
    ['ann=best-response:partners=2', 'c+=best-response:partners=ann']
    >>> joint_response(["ann", "bob"], (1,), "ex_post")
    ['bob=best-response:information=ex_post']
    >>> joint_response(["ann", "bob"], (1,), exit=True)
    ['bob=best-response:exit=true']
    """
    given = [] if information == "interim" else [f"information={information}"]
    given += ["exit=true"] if exit else []
    parts = []
    for i in who:
        partners = "+".join(called(agents, j) for j in who if j != i)
        options = ",".join([*given, *([f"partners={partners}"] if partners else [])])
        parts.append(f"{agents[i]}={NAME}{options and ':' + options}")
    return parts
