"""A finite mechanism as an OpenSpiel game: agents are players, nature the chance player, reports hidden until settled.

A second opinion on best responses, and a way into OpenSpiel's algorithms. Optional extra: `pip install dynmech[spiel]`.
A period is one chance move (the profile) and one report per agent in turn; a player's information state holds its own
signals and what is public once a period is over: all reports and decisions. Under another disclosure policy it holds
what a run would show: its own reports, transfers and utilities, what it is asked, and as much of decisions as is shown.
"""

from typing import Any

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.disclosure import shown_decision
from dynmech.sim.play.game import ProtocolOptions
from dynmech.sim.play.roles import Acts, Situation

try:
    import pyspiel
    from open_spiel.python import policy as spiel_policy
    from open_spiel.python.algorithms.best_response import BestResponsePolicy
except ImportError as missing:
    raise InputError("OpenSpiel is not installed; it is the optional extra: pip install dynmech[spiel]") from missing


def export_game(environment: TableEnvironment, mechanism: Mechanism, disclosure: str = "everything") -> "MechanismGame":
    """The mechanism as an extensive-form game.

    Raises:
        Refusal: an infinite horizon, private actions, replies, or messages that are not finite.
    """
    if environment.horizon is None:
        raise Refusal("OpenSpiel: the game tree of an infinite horizon is infinite; give a horizon")
    for t in range(environment.horizon):
        for i in range(len(environment.agents)):
            finite = isinstance(mechanism.messages(t, i), Finite)
            if environment.actions(t) or mechanism.asks(t, i) is not None or not finite:
                raise Refusal(f"OpenSpiel: period {t} has private actions, replies, or messages that are not finite")
    return MechanismGame(environment, mechanism, disclosure)


def best_response_value(
    environment: TableEnvironment, mechanism: Mechanism, agent: int, disclosure: str = "everything"
) -> float:
    """OpenSpiel's value of the agent's best response to prescribed play by the others."""
    game = export_game(environment, mechanism, disclosure)
    response = BestResponsePolicy(game, agent, Prescribed(game))
    return float(response.value(game.new_initial_state()))


class MechanismGame(pyspiel.Game):
    """The game; `environment`, `mechanism` and `disclosure` are kept."""

    def __init__(self, environment: TableEnvironment, mechanism: Mechanism, disclosure: str = "everything") -> None:
        self.environment, self.mechanism = environment, mechanism
        self.disclosure = ProtocolOptions(disclosure=disclosure).disclosure
        horizon = environment.horizon or 0
        count = len(environment.agents)
        bound = horizon * (environment.utility_bound() + mechanism.transfer_bound())
        sizes = [getattr(mechanism.messages(t, i), "size", 1) for t in range(horizon) for i in range(count)]
        kind = pyspiel.GameType(
            short_name="dynmech",
            long_name=f"{mechanism.name} on {environment.name}",
            dynamics=pyspiel.GameType.Dynamics.SEQUENTIAL,
            chance_mode=pyspiel.GameType.ChanceMode.EXPLICIT_STOCHASTIC,
            information=pyspiel.GameType.Information.IMPERFECT_INFORMATION,
            utility=pyspiel.GameType.Utility.GENERAL_SUM,
            reward_model=pyspiel.GameType.RewardModel.TERMINAL,
            max_num_players=count,
            min_num_players=count,
            provides_information_state_string=True,
            provides_information_state_tensor=False,
            provides_observation_string=False,
            provides_observation_tensor=False,
        )
        info = pyspiel.GameInfo(
            num_distinct_actions=max(sizes),
            max_chance_outcomes=max(environment.stage(t).size for t in range(horizon)),
            num_players=count,
            min_utility=-bound,
            max_utility=bound,
            max_game_length=horizon * count,
        )
        super().__init__(kind, info, {})

    def new_initial_state(self) -> "MechanismState":
        """Before nature's first move."""
        return MechanismState(self)

    def make_py_observer(self, iig_obs_type: Any = None, params: Any = None) -> None:
        """No tensors."""


class MechanismState(pyspiel.State):
    """A node of the tree."""

    def __init__(self, game: MechanismGame) -> None:
        super().__init__(game)
        self.environment, self.mechanism, self.disclosure = game.environment, game.mechanism, game.disclosure
        self.t, self.memory = 0, 0
        self.law = game.environment.prior.reshape(-1)
        self.profile: int | None = None
        self.reports: list[int] = []
        self.signals: list[list[int]] = [[] for _ in game.environment.agents]
        self.public: list[str] = []
        self.shown: list[list[str]] = [[] for _ in game.environment.agents]
        self.total = np.zeros(len(game.environment.agents))

    def current_player(self) -> int:
        """Nature, then the agents in turn."""
        if self.is_terminal():
            return int(pyspiel.PlayerId.TERMINAL)
        return int(pyspiel.PlayerId.CHANCE) if self.profile is None else len(self.reports)

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """Profiles of positive probability."""
        return [(int(k), float(self.law[k])) for k in np.flatnonzero(self.law > 0)]

    def _legal_actions(self, player: int) -> list[int]:
        space = self.mechanism.messages(self.t, player)
        assert isinstance(space, Finite)
        return list(range(space.size))

    def _apply_action(self, action: int) -> None:
        stage = self.environment.stage(self.t)
        if self.profile is None:
            self.profile = action
            place = np.unravel_index(action, stage.axes)
            for own, k in zip(self.signals, place[stage.offset :], strict=True):
                own.append(int(k))
            self.public += [f"o{int(place[0])}"] if stage.public else []
            return
        self.reports.append(action)
        if len(self.reports) == len(self.environment.agents):
            self._settle()

    def _settle(self) -> None:
        """The period ends: decide, charge, remember."""
        assert self.profile is not None
        stage, count = self.environment.stage(self.t), len(self.environment.agents)
        now, messages = self.situation(), np.array([self.reports])
        nobody = Acts(np.zeros((1, count), np.intp), np.zeros((1, count)))
        decision = self.mechanism.decide(now, messages)
        paid = self.mechanism.charge(now, messages, decision, nobody) + self.mechanism.due(now, messages)
        utility = stage.utility.reshape(count, -1)[:, int(decision[0]) * stage.size + self.profile]
        self.total += self.environment.discount**self.t * (utility - paid[0])
        self.public.append(f"{','.join(map(str, self.reports))}>{int(decision[0])}")
        for i, shown in enumerate(self.shown):
            told = shown_decision(self.disclosure, self.environment, self.t, decision, i)
            seen = None if told is None else int(told[0])
            shown.append(f"{self.reports[i]}>{seen},{paid[0, i]:.9f},{utility[i]:.9f}")
        self.memory = int(self.mechanism.remember(now, messages, decision, nobody)[0])
        if self.t + 1 < (self.environment.horizon or 0):
            self.law = self.environment.kernel(self.t).row(int(decision[0]), self.profile).reshape(-1)
        self.t, self.profile, self.reports = self.t + 1, None, []

    def situation(self) -> Situation:
        """What is common knowledge in this period."""
        stage = self.environment.stage(self.t)
        place = np.unravel_index(self.profile or 0, stage.axes)
        public = int(place[0]) if stage.public else 0
        return Situation(self.t, np.array([self.memory]), np.array([public]))

    def information_state_string(self, player: int | None = None) -> str:
        """Own signals, and what was public before this period's reports."""
        who = self.current_player() if player is None else player
        signals = ",".join(map(str, self.signals[who]))
        if self.disclosure == "everything":
            return f"{who}:{self.t}:{signals}:{'|'.join(self.public)}"
        asked = self.mechanism.prescribed(self.situation(), who, np.array(self.signals[who][-1:]))
        public = [text for text in self.public if text.startswith("o")]
        return f"{who}:{self.t}:{signals}:{'|'.join([*public, *self.shown[who]])}:{int(asked[0])}"

    def is_terminal(self) -> bool:
        """After the last period."""
        return self.t == self.environment.horizon

    def returns(self) -> list[float]:
        """Discounted payoffs."""
        return [float(value) for value in self.total]

    def _action_to_string(self, player: int, action: int) -> str:
        return f"{player}:{action}"

    def __str__(self) -> str:
        return f"{self.signals}{self.public}{self.profile}{self.reports}"


class Prescribed(spiel_policy.Policy):
    """Every player sends what the mechanism asks."""

    def __init__(self, game: MechanismGame) -> None:
        super().__init__(game, list(range(len(game.environment.agents))))

    def action_probabilities(self, state: MechanismState, player_id: int | None = None) -> dict[int, float]:
        """The prescribed message with certainty."""
        who = state.current_player() if player_id is None else player_id
        signal = np.array([state.signals[who][-1]])
        return {int(state.mechanism.prescribed(state.situation(), who, signal)[0]): 1.0}
