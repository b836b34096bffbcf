"""Strategy: an agent's part of a profile file, or its best deviation from the profile, made when the game is known."""

from collections.abc import Iterator
from typing import Self

from dynmech.agents.beliefs.belief_gains import search_beliefs
from dynmech.agents.beliefs.belief_witness import BeliefWitness
from dynmech.agents.beliefs.period_outcomes import Shown
from dynmech.agents.beliefs.profile_files import load_profile
from dynmech.agents.beliefs.profile_part import NAME, ProfilePart
from dynmech.agents.beliefs.profiles import prescribed_profile, require_playable
from dynmech.agents.oracle.search import Family
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.experiments.catalog.names import make_strategy
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import PlayError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game
from dynmech.sim.play.roles import View


class ProfilePlay(Strategy):
    """Plays its part of a profile, or the best deviation from it.

    Parameters
    ----------
    file : str
        The profile's file, as `dynmech equilibrium -o FILE` writes it; without one everybody does what is asked.
    deviate : bool
        Whether it plays the best response to the others' parts, found by the search over beliefs.

    Notes
    -----
    A best response is to the others' parts, whatever they play in fact: let all of them play this strategy.
    """

    source = "the search over beliefs"
    memory_periods = 1
    width = 1
    complexity = 5

    def __init__(self, file: str = "", deviate: bool = False) -> None:
        self.name = NAME  # not of the class: it is no family of candidates that a registry offers
        self.file, self.deviate = file, deviate

    def options(self) -> dict[str, str]:
        """Return the file, and whether it deviates."""
        return {**({"file": self.file} if self.file else {}), **({"deviate": "true"} if self.deviate else {})}

    def made_for(self, game: Game, agent: int) -> ProfilePart:
        """Return an agent's part of the profile in a game, or the best deviation from it.

        Raises
        ------
        InputError
            The file cannot be read, or a field is wrong.
        Refusal
            The profile does not fit the game, or the search does not take it.
        """
        environment, mechanism = game.environment, game.mechanism
        if not (isinstance(environment, TableEnvironment) and isinstance(mechanism, Mechanism)):
            raise Refusal(f"strategy 'profile': environment {environment.name!r} is not finite")
        if game.protocol.latency or game.protocol.voluntary is not None:
            raise Refusal("strategy 'profile': it needs messages in time and bills that are always paid")
        searched = FiniteGame(environment, mechanism)
        profile = load_profile(self.file, searched, make_strategy) if self.file else prescribed_profile(searched)
        require_playable(profile, game.protocol.disclosure)
        part = ProfilePart(profile, agent, self.file)
        if not self.deviate:
            return part
        shown = Shown(profile, (agent,), game.protocol.disclosure)
        return BeliefWitness(search_beliefs(shown, families=(Family.BEST_RESPONSE,), ex_post=False), part)

    def message(self, view: View) -> Array:
        """Raise: `made_for` gives what is played."""
        raise PlayError(f"strategy {self.key()!r} in period {view.t}: it is made for a game before it is played")

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return what it does in words."""
        what = self.file or "what is asked"
        return f"plays its best response to {what}" if self.deviate else f"plays its part of {what}"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        """Yield nothing: a stress test has no profile."""
        return iter(())
