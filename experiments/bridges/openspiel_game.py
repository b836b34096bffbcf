"""The game and its states for OpenSpiel; `openspiel` says what they stand for."""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote, unquote
from weakref import WeakValueDictionary

import numpy as np

from dynmech.experiments.bridges.openspiel_observer import MechanismObserver, information_text, observation_text
from dynmech.experiments.bridges.openspiel_periods import Settled
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.spaces import Finite
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.disclosure import ANNOUNCED, shown_decision
from dynmech.sim.play.game import ProtocolOptions
from dynmech.sim.play.roles import Acts, Situation

try:
    import pyspiel
except ImportError as missing:
    raise InputError("OpenSpiel is not installed; it is the optional extra: pip install dynmech[spiel]") from missing

SHORT_NAME = "dynmech"
"""What the game is called in `pyspiel.load_game`."""

MOST_PLAYERS = 64
"""Agents that a loaded game may have; OpenSpiel wants a number."""


@dataclass(frozen=True, eq=False)
class GameRules:
    """What the states of a game have in common; a copy of a state holds the same ones.

    Attributes:
        environment, mechanism, disclosure: what is played, and what becomes public.
        signals, messages, publics, decisions: the largest number of each, over periods and agents.
    """

    environment: TableEnvironment
    mechanism: Mechanism
    disclosure: str
    signals: int
    messages: int
    publics: int
    decisions: int
    _settled: dict[tuple[int, ...], tuple[Settled, int]] = field(default_factory=dict)

    def __deepcopy__(self, memo: dict[int, Any]) -> "GameRules":
        """Return itself: nothing in it changes."""
        return self

    @property
    def periods(self) -> int:
        """How many there are."""
        return self.environment.horizon or 0

    @property
    def agents(self) -> int:
        """How many there are."""
        return len(self.environment.agents)

    def settle(self, state: "MechanismState", decision: int) -> tuple[Settled, int]:
        """Return what happened in a state's open period, and the next memory; worked out once for all who get there."""
        assert state.profile is not None
        case = (state.t, state.memory, state.profile, decision, *state.reports)
        if case not in self._settled:
            self._settled[case] = self._work_out(state, state.profile, np.array([decision]))
        return self._settled[case]

    def _work_out(self, state: "MechanismState", profile: int, decision: IntArray) -> tuple[Settled, int]:
        """Ask the mechanism about a period in which this is decided, `(1,)`."""
        players, mechanism, disclosure = range(self.agents), self.mechanism, self.disclosure
        stage, now, messages = self.environment.stage(state.t), state.situation(), np.array([state.reports])
        nobody = Acts(np.zeros((1, self.agents), np.intp), np.zeros((1, self.agents)))
        paid = (mechanism.charge(now, messages, decision, nobody) + mechanism.due(now, messages))[0]
        utility = stage.utility.reshape(self.agents, -1)[:, int(decision[0]) * stage.size + profile]
        announced = mechanism.announces(now, messages, decision)[0] if disclosure == ANNOUNCED else 0.0
        told = (shown_decision(disclosure, self.environment, state.t, decision, i) for i in players)
        settled = Settled(
            public=state.public if stage.public else None,
            signals=state.signals,
            asked=tuple(state.asked(i) for i in players),
            reports=tuple(state.reports),
            decision=int(decision[0]),
            announced=float(announced),
            told=tuple(None if seen is None else int(seen[0]) for seen in told),
            transfer=tuple(paid.tolist()),
            utility=tuple(utility.tolist()),
        )
        return settled, int(mechanism.remember(now, messages, decision, nobody)[0])


_OBJECTS: "WeakValueDictionary[str, GameRules]" = WeakValueDictionary()
"""Rules of games made of objects, by the name that a text of the game has for them."""

_NUMBERS = count(1)


def game_rules(environment: Environment | str, mechanism: Mechanism | str, disclosure: str) -> GameRules:
    """Return the rules of a game, held to what a game tree can be.

    Raises:
        InputError: a name, an option or the disclosure policy is wrong.
        Refusal: an infinite horizon, private actions, replies, or sets or a memory that are not finite.
    """
    economy = load(environment)
    if not isinstance(economy, TableEnvironment):
        raise Refusal(f"OpenSpiel: environment {economy.name!r} is not finite; use its version on a grid")
    rule = make_mechanism(mechanism, economy) if isinstance(mechanism, str) else mechanism
    if economy.horizon is None:
        raise Refusal("OpenSpiel: the game tree of an infinite horizon is infinite; give a horizon")
    messages = 1
    for t in range(economy.horizon):
        if rule.memory_size(t) is None:
            raise Refusal(f"OpenSpiel: period {t}: mechanism {rule.name!r} has a memory that is not finite")
        for i in range(len(economy.agents)):
            space = rule.messages(t, i)
            if economy.actions(t) or rule.asks(t, i) is not None or not isinstance(space, Finite):
                raise Refusal(f"OpenSpiel: period {t} has private actions, replies, or messages that are not finite")
            messages = max(messages, space.size)
    stages = [economy.stage(t) for t in range(economy.horizon)]
    return GameRules(
        economy,
        rule,
        ProtocolOptions(disclosure=disclosure).disclosure,
        signals=max(size for stage in stages for size in stage.axes[stage.offset :]),
        messages=messages,
        publics=max(stage.axes[0] if stage.public else 0 for stage in stages),
        decisions=max(len(stage.decisions) for stage in stages),
    )


def game_parameters(rules: GameRules, environment: Environment | str, mechanism: Mechanism | str) -> dict[str, str]:
    """Return what OpenSpiel writes into the text of a game, and reads it from: names, or a number of objects.

    Commas, brackets and signs of equality mean something in that text, so in names they are written as in addresses of
    the web: `%2C` and so on.
    """
    if isinstance(environment, str) and isinstance(mechanism, str):
        names = {"env": environment, "mechanism": mechanism}
    else:
        number = f"#{next(_NUMBERS)}"
        _OBJECTS[number] = rules
        names = {"env": number, "mechanism": number}
    return {key: quote(text, safe="/:.#") for key, text in {**names, "disclosure": rules.disclosure}.items()}


def loaded_game(params: Mapping[str, str]) -> "MechanismGame":
    """Return the game of some parameters, as `pyspiel.load_game` gives them.

    Raises:
        InputError, Refusal: as in `game_rules`, or one of the two names is missing, or the objects are gone.
    """
    given = {key: unquote(str(text)) for key, text in params.items()}
    environment, mechanism = given.get("env", ""), given.get("mechanism", "")
    if environment.startswith("#"):
        rules = _OBJECTS.get(environment)
        if rules is None:
            raise InputError(
                f"OpenSpiel: game {environment} was made of objects that are gone; "
                "to write a game down, make it from names or files: export_game('economy.json', 'linked')"
            )
        return MechanismGame(rules, dict(params))
    for key in ("env", "mechanism"):
        if not given.get(key):
            raise InputError(f"OpenSpiel: no {key}; write load_game('dynmech(env=oil-leases-prior,mechanism=linked)')")
    rules = game_rules(environment, mechanism, given.get("disclosure") or "everything")
    return MechanismGame(rules, game_parameters(rules, environment, mechanism))


def _game_type(name: str, players: tuple[int, int]) -> Any:
    """Return OpenSpiel's description of games like ours."""
    return pyspiel.GameType(
        short_name=SHORT_NAME,
        long_name=name,
        dynamics=pyspiel.GameType.Dynamics.SEQUENTIAL,
        chance_mode=pyspiel.GameType.ChanceMode.EXPLICIT_STOCHASTIC,
        information=pyspiel.GameType.Information.IMPERFECT_INFORMATION,
        utility=pyspiel.GameType.Utility.GENERAL_SUM,
        reward_model=pyspiel.GameType.RewardModel.TERMINAL,
        min_num_players=players[0],
        max_num_players=players[1],
        provides_information_state_string=True,
        provides_information_state_tensor=True,
        provides_observation_string=True,
        provides_observation_tensor=True,
        parameter_specification={"env": "", "mechanism": "", "disclosure": "everything"},
        default_loadable=False,
    )


class MechanismGame(pyspiel.Game):
    """The game; `rules` hold its economy and its mechanism, `params` what OpenSpiel calls it."""

    def __init__(self, rules: GameRules, params: dict[str, str]) -> None:
        self.rules = rules
        environment, mechanism, players = rules.environment, rules.mechanism, rules.agents
        bound = rules.periods * (environment.utility_bound() + mechanism.transfer_bound())
        info = pyspiel.GameInfo(
            num_distinct_actions=rules.messages,
            max_chance_outcomes=max(rules.decisions, *(environment.stage(t).size for t in range(rules.periods))),
            num_players=players,
            min_utility=-bound,
            max_utility=bound,
            max_game_length=rules.periods * players,
        )
        name = f"{mechanism.name} on {environment.name}"
        super().__init__(_game_type(name, (players, players)), info, params)

    def new_initial_state(self) -> "MechanismState":
        """Before nature's first move."""
        return MechanismState(self)

    def make_py_observer(self, iig_obs_type: Any = None, params: Any = None) -> MechanismObserver:
        """What a player knows, as a tensor and as a text."""
        return MechanismObserver(self.rules, iig_obs_type or pyspiel.IIGObservationType(perfect_recall=False), params)


class MechanismState(pyspiel.State):
    """A node of the tree."""

    def __init__(self, game: MechanismGame) -> None:
        super().__init__(game)
        self.rules = game.rules
        self.t, self.memory = 0, 0
        self.law = game.rules.environment.prior.reshape(-1)
        self.profile: int | None = None
        self.lottery: FloatArray | None = None
        self.reports: list[int] = []
        self.past: list[Settled] = []
        self.total = np.zeros(game.rules.agents)

    @property
    def signals(self) -> tuple[int, ...]:
        """Every agent's signal of the open period; none until nature has moved."""
        stage = self.rules.environment.stage(min(self.t, self.rules.periods - 1))
        return () if self.profile is None else self._place()[stage.offset :]

    @property
    def public(self) -> int:
        """The public state of the open period; 0 where there is none."""
        stage = self.rules.environment.stage(min(self.t, self.rules.periods - 1))
        return self._place()[0] if stage.public and self.profile is not None else 0

    def _place(self) -> tuple[int, ...]:
        """The profile by its coordinates."""
        axes = self.rules.environment.stage(self.t).axes
        return tuple(int(k) for k in np.unravel_index(self.profile or 0, axes))

    def asked(self, player: int) -> int:
        """The message that is prescribed in the open period."""
        signal = np.array([self.signals[player]])
        return int(self.rules.mechanism.prescribed(self.situation(), player, signal)[0])

    def situation(self) -> Situation:
        """What is common knowledge in this period."""
        return Situation(self.t, np.array([self.memory]), np.array([self.public]))

    def current_player(self) -> int:
        """Nature, then the agents in turn."""
        if self.is_terminal():
            return int(pyspiel.PlayerId.TERMINAL)
        drawn = self.profile is None or self.lottery is not None
        return int(pyspiel.PlayerId.CHANCE) if drawn else len(self.reports)

    def chance_outcomes(self) -> list[tuple[int, float]]:
        """Profiles of positive probability; after the reports, decisions that may be drawn."""
        law = self.law if self.lottery is None else self.lottery
        return [(int(k), float(law[k])) for k in np.flatnonzero(law > 0)]

    def _legal_actions(self, player: int) -> list[int]:
        space = self.rules.mechanism.messages(self.t, player)
        assert isinstance(space, Finite)
        return list(range(space.size))

    def _apply_action(self, action: int) -> None:
        if self.profile is None:
            self.profile = action
            return
        if self.lottery is not None:
            self._settle(np.array([action]))
            return
        self.reports.append(action)
        if len(self.reports) == self.rules.agents:
            decided = np.asarray(self.rules.mechanism.decide(self.situation(), np.array([self.reports])))
            if decided.ndim == 1:
                self._settle(decided)
            else:
                self.lottery = decided[0]

    def _settle(self, decision: IntArray) -> None:
        """The period ends: charge and remember what was decided, `(1,)`."""
        assert self.profile is not None
        environment, drawn = self.rules.environment, int(decision[0])
        settled, self.memory = self.rules.settle(self, drawn)
        weight = environment.discount**self.t
        self.total += weight * np.subtract(settled.utility, settled.transfer)
        if self.t + 1 < self.rules.periods:
            self.law = environment.kernel(self.t).row(drawn, self.profile).reshape(-1)
        self.past.append(settled)
        self.t, self.profile, self.lottery, self.reports = self.t + 1, None, None, []

    def information_state_string(self, player: int | None = None) -> str:
        """All that the player has been shown so far."""
        return information_text(self, self.current_player() if player is None else player)

    def observation_string(self, player: int | None = None) -> str:
        """What the player is shown now, and of the last period."""
        return observation_text(self, self.current_player() if player is None else player)

    def is_terminal(self) -> bool:
        """After the last period."""
        return self.t == self.rules.periods

    def returns(self) -> list[float]:
        """Discounted payoffs; they are paid out at the end."""
        return [float(value) if self.is_terminal() else 0.0 for value in self.total]

    def _action_to_string(self, player: int, action: int) -> str:
        if player < 0:
            return f"{'profile' if self.profile is None else 'decision'} {action}"
        return f"{self.rules.environment.agents[player]} sends {action}"

    def __str__(self) -> str:
        return f"period {self.t}, profile {self.profile}, reports {self.reports}, {len(self.past)} settled: {self.past}"


# OpenSpiel lets go of what it registered after Python has ended: were that the last reference, the process would abort.
ctypes.pythonapi.Py_IncRef(ctypes.py_object(loaded_game))
pyspiel.register_game(_game_type("A dynamic mechanism", (1, MOST_PLAYERS)), loaded_game)
