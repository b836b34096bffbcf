"""A finite mechanism as an OpenSpiel game: agents are players, nature the chance player, reports hidden until settled.

A second opinion on best responses, and a way into OpenSpiel's algorithms. Optional extra: `pip install dynmech[spiel]`.
Once this module is imported, OpenSpiel loads our games by name; names with options are given as a dictionary:

    pyspiel.load_game("dynmech(env=oil-leases-prior,mechanism=linked)")
    pyspiel.load_game("dynmech", {"env": "repeated-auction:bidders=2,horizon=2", "mechanism": "pivot"})

A period is one chance move (the profile), one report per agent in turn and, where the mechanism decides by lottery,
another chance move; a player's information state holds its own signals and what is public once a period is over: all
reports and decisions. Under another disclosure policy it holds what a run would show: its own reports, transfers and
utilities, what it is asked, and as much of decisions and reports as is shown.
"""

from typing import Any

from dynmech.experiments.bridges.openspiel_game import (
    MechanismGame,
    MechanismState,
    game_parameters,
    game_rules,
)
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment

try:
    import pyspiel
    from open_spiel.python import policy as spiel_policy
    from open_spiel.python.algorithms.best_response import BestResponsePolicy
except ImportError as missing:
    raise InputError("OpenSpiel is not installed; it is the optional extra: pip install dynmech[spiel]") from missing

Tabular = dict[str, list[tuple[int, float]]]
"""By information state, every legal message and its chance: what OpenSpiel's C++ algorithms take."""


def export_game(
    environment: Environment | str, mechanism: Mechanism | str, disclosure: str = "everything"
) -> MechanismGame:
    """The mechanism as an extensive-form game.

    Args:
        environment, mechanism: objects, or names with options as on the command line. A game made from names can be
            written down (`pyspiel.serialize_game_and_state`) and read elsewhere, one of objects only while they exist.
        disclosure: what becomes public, see `dynmech.sim.play.disclosure`.

    Raises:
        InputError: a name or option is wrong.
        Refusal: an infinite horizon, private actions, replies, or messages that are not finite.
    """
    rules = game_rules(environment, mechanism, disclosure)
    return MechanismGame(rules, game_parameters(rules, environment, mechanism))


def best_response_value(
    environment: Environment | str, mechanism: Mechanism | str, agent: int, disclosure: str = "everything"
) -> float:
    """OpenSpiel's value of the agent's best response to prescribed play by the others."""
    game = export_game(environment, mechanism, disclosure)
    response = BestResponsePolicy(game, agent, Prescribed(game))
    return float(response.value(game.new_initial_state()))


def nash_conv(environment: Environment | str, mechanism: Mechanism | str, disclosure: str = "everything") -> float:
    """Return what all agents gain ex ante by best responses to prescribed play, added up, by OpenSpiel's C++."""
    game = export_game(environment, mechanism, disclosure)
    return float(pyspiel.nash_conv(game, prescribed_table(game)))


def prescribed_table(game: MechanismGame) -> Tabular:
    """Return prescribed play as a table of all information states, for OpenSpiel's C++ algorithms."""
    table: Tabular = {}
    open_states: list[Any] = [game.new_initial_state()]
    while open_states:
        state = open_states.pop()
        if state.is_terminal():
            continue
        if not state.is_chance_node():
            asked = state.asked(state.current_player())
            table[state.information_state_string()] = [(k, float(k == asked)) for k in state.legal_actions()]
        open_states += [state.child(action) for action in state.legal_actions()]
    return table


class Prescribed(spiel_policy.Policy):
    """Every player sends what the mechanism asks."""

    def __init__(self, game: MechanismGame) -> None:
        super().__init__(game, list(range(game.rules.agents)))

    def action_probabilities(self, state: MechanismState, player_id: int | None = None) -> dict[int, float]:
        """The prescribed message with certainty."""
        return {state.asked(state.current_player() if player_id is None else player_id): 1.0}
