"""A finite mechanism as a reinforcement-learning environment: for all agents (PettingZoo) or one deviator (Gymnasium).

Optional extra: `pip install dynmech[rl]`. A step is a period: every agent observes, then sends a message (its index).

- *Observation*: `period`; own `signal`; `public` state; the last `decision` and all agents' last `messages`, each
  counted from 1 (0: there is none yet). After the last period: the period T, no signal, what was decided.
- *Action*: a message index. The space is as large as the largest message set; `info["action_mask"]` marks what may be
  sent in the open period, and an index beyond is read as the last one that may.
- *Reward*: flow utility − transfer of the period. What falls due in closing periods is added to the last period's,
  discounted to it; so Σ_t δ^t reward_t is the payoff (`env.discount` is δ). `info` holds `utility` and `transfer` of
  the period just played, and `prescribed`, what the mechanism asks for now.
- *End*: a finite horizon terminates; an infinite one is truncated where a simulation cuts it (`tail`).

Episode k after `reset(seed=s)` is on the uniform numbers that the event loop takes for shard k of one episode under
seed s and scope `SCOPE`: the same messages give the same flows to the last digit. Without a seed, `reset` goes on to
the next episode.

Gymnasium knows two names once this module is imported: `dynmech/Deviator-v0`, one deviator with a flat observation
(`rl_flat`; many episodes at once with `gymnasium.make_vec`, `rl_vector`), and `dynmech/DeviatorDict-v0`, the same with
the observation above.
"""

from typing import Any, ClassVar

import numpy as np

from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.agent_profiles import agent_index
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.episode import Episode
from dynmech.sim.play.game import Game, make_game

try:
    import gymnasium
    from gymnasium import spaces
    from pettingzoo import ParallelEnv
except ImportError as missing:
    raise InputError(
        "PettingZoo or Gymnasium is not installed; the optional extra: pip install dynmech[rl]"
    ) from missing

SCOPE = "rl"
"""Scope of the uniform numbers, see `dynmech.sim.core.streams`."""

Observation = dict[str, Any]
Info = dict[str, Any]


def parallel_env(
    environment: Environment | str, mechanism: Mechanism | str, *, seed: int = 0, tail: float = 1e-4
) -> "MechanismEnv":
    """Make a PettingZoo environment in which every agent learns.

    Args:
        environment, mechanism: objects, or names with options as on the command line.
        seed: of the episodes until `reset` is given one.
        tail: where an infinite horizon is cut, see `dynmech.sim.play.game.make_game`.

    Raises:
        InputError: a name or number is wrong.
        Refusal: private actions, replies, or sets that are not finite.
    """
    return MechanismEnv(playable(environment, mechanism, tail), seed)


def deviator_env(
    environment: Environment | str,
    mechanism: Mechanism | str,
    agent: int | str,
    *,
    seed: int = 0,
    tail: float = 1e-4,
) -> "DeviatorEnv":
    """One agent (name, or number from 0) learns, the others play as prescribed; the rest as in `parallel_env`."""
    game = playable(environment, mechanism, tail)
    return DeviatorEnv(game, agent_index(game.environment.agents, str(agent)), seed)


def playable(environment: Environment | str, mechanism: Mechanism | str, tail: float) -> Game:
    """Return the game, held to what a learner's environment can be: finite sets."""
    env = load(environment) if isinstance(environment, str) else environment
    game = make_game(env, make_mechanism(mechanism, env) if isinstance(mechanism, str) else mechanism, tail=tail)
    game_spaces = game.game_spaces
    for t in range(game.periods):
        everything = (
            *game_spaces.messages[t],
            *game_spaces.signals[t],
            game_spaces.decisions[t],
            game_spaces.publics[t],
        )
        if not all(isinstance(space, Finite) for space in everything):
            raise Refusal(f"environment {env.name!r}: in period {t} a set is not finite; use its version on a grid")
    return game


class Stepper:
    """The episodes of one environment, one after the other, and what each agent observes of them."""

    def __init__(self, game: Game, seed: int) -> None:
        self.game, self.seed, self.number = game, seed, -1
        game_spaces, agents = game.game_spaces, range(len(game.game_spaces.agents))
        self.signals = [_most(row[i] for row in game_spaces.signals) for i in agents]
        self.messages = [_most(row[i] for row in game_spaces.messages) for i in agents]
        self.publics, self.decisions = _most(game_spaces.publics), _most(game_spaces.decisions)
        self.episode = self._begin(0)

    def reset(self, seed: int | None) -> None:
        """Begin the first episode of a seed, or without a seed the next episode."""
        self.number = 0 if seed is not None else self.number + 1
        self.seed = self.seed if seed is None else seed
        self.episode = self._begin(self.number)

    def _begin(self, number: int) -> Episode:
        return Episode(self.game, Streams(self.seed, SCOPE, number, 1, self.game.periods + self.game.closing))

    def send(self, messages: Array) -> Array:
        """Play a period; rewards `(N,)`."""
        if self.episode.over:
            raise InputError("step: the episode is over; call reset first")
        self.episode.send(messages)
        return self.episode.utility - self.episode.transfer - self.episode.settlement

    def message(self, agent: int, action: Any) -> int:
        """An action as a message that may be sent now."""
        return min(int(action), self._open(agent) - 1)

    def _open(self, agent: int) -> int:
        """How many messages there are now; 1 when all is over."""
        return 1 if self.episode.over else _most([self.game.game_spaces.messages[self.episode.t][agent]])

    def observation_space(self, agent: int) -> Any:
        """What an agent may observe."""
        return spaces.Dict(
            {
                "period": spaces.Discrete(self.game.periods + 1),
                "signal": spaces.Discrete(self.signals[agent]),
                "public": spaces.Discrete(self.publics),
                "decision": spaces.Discrete(self.decisions + 1),
                "messages": spaces.MultiDiscrete([k + 1 for k in self.messages]),
            }
        )

    def action_space(self, agent: int) -> Any:
        """What an agent may send in some period."""
        return spaces.Discrete(self.messages[agent])

    def observation(self, agent: int) -> Observation:
        """Return what an agent observes now; see the module for the entries."""
        episode = self.episode
        sent = np.zeros(len(self.messages), np.int64) if episode.messages is None else episode.messages + 1
        return {
            "period": np.int64(episode.t),
            "signal": np.int64(0 if episode.over else episode.signals[agent]),
            "public": np.int64(0 if episode.over else episode.now.public[0]),
            "decision": np.int64(0 if episode.decision is None else episode.decision + 1),
            "messages": sent.astype(np.int64),
        }

    def info(self, agent: int) -> Info:
        """Return the `info` of an agent: what may be sent, what is prescribed, the last flows."""
        episode = self.episode
        return {
            "action_mask": (np.arange(self.messages[agent]) < self._open(agent)).astype(np.int8),
            "prescribed": 0 if episode.over else int(episode.prescribed[agent]),
            "utility": float(episode.utility[agent]),
            "transfer": float(episode.transfer[agent]),
        }

    @property
    def ends(self) -> tuple[bool, bool]:
        """Whether the episode has terminated, and whether it was truncated."""
        cut = self.game.environment.horizon is None
        return self.episode.over and not cut, self.episode.over and cut


def _most(sets: Any) -> int:
    """Return the size of the largest of finite sets."""
    listed: list[Space] = list(sets)
    return max(space.size for space in listed if isinstance(space, Finite))


class MechanismEnv(ParallelEnv):  # type: ignore[misc] # the library ships no types that mypy is shown
    """All agents, in PettingZoo's parallel interface; the module docstring says what they see, do and get."""

    metadata: ClassVar[dict[str, Any]] = {"name": "dynmech_v0", "render_modes": [], "is_parallelizable": True}
    render_mode = None

    def __init__(self, game: Game, seed: int) -> None:
        self.stepper, self.discount = Stepper(game, seed), game.environment.discount
        self.possible_agents = list(game.environment.agents)
        self.agents: list[str] = []
        self.observation_spaces = {n: self.stepper.observation_space(i) for i, n in enumerate(self.possible_agents)}
        self.action_spaces = {n: self.stepper.action_space(i) for i, n in enumerate(self.possible_agents)}

    def observation_space(self, agent: str) -> Any:
        """The same object every time."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Any:
        """The same object every time."""
        return self.action_spaces[agent]

    def reset(
        self,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002 - the interface has it
    ) -> tuple[dict[str, Observation], dict[str, Info]]:
        """Begin an episode."""
        self.stepper.reset(seed)
        self.agents = list(self.possible_agents)
        return self._seen()

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Info]]:
        """Play a period.

        Raises:
            InputError: an agent sends nothing, or the episode is over.
        """
        for name in self.agents:
            if name not in actions:
                raise InputError(f"step: no action of agent {name!r}")
        messages = [self.stepper.message(i, actions.get(name, 0)) for i, name in enumerate(self.possible_agents)]
        rewards = self.stepper.send(np.array(messages))
        observations, infos = self._seen()
        over, cut = (dict.fromkeys(self.possible_agents, end) for end in self.stepper.ends)
        if self.stepper.episode.over:
            self.agents = []
        return observations, dict(zip(self.possible_agents, rewards.tolist(), strict=True)), over, cut, infos

    def _seen(self) -> tuple[dict[str, Observation], dict[str, Info]]:
        named = list(enumerate(self.possible_agents))
        return {n: self.stepper.observation(i) for i, n in named}, {n: self.stepper.info(i) for i, n in named}

    def render(self) -> None:
        """Nothing: the log of a run shows more."""

    def close(self) -> None:
        """Nothing is held."""


class DeviatorEnv(gymnasium.Env[Observation, int]):
    """One agent against prescribed play by the others, in Gymnasium's interface."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - the library declares it so
    render_mode = None

    def __init__(self, game: Game, agent: int, seed: int) -> None:
        self.stepper, self.agent, self.discount = Stepper(game, seed), agent, game.environment.discount
        self.observation_space = self.stepper.observation_space(agent)
        self.action_space = self.stepper.action_space(agent)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, Info]:
        """Begin an episode."""
        super().reset(seed=seed, options=options)
        self.stepper.reset(seed)
        return self.stepper.observation(self.agent), self.stepper.info(self.agent)

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, Info]:
        """Play a period.

        Raises:
            InputError: the episode is over.
        """
        messages = self.stepper.episode.prescribed.copy()
        messages[self.agent] = self.stepper.message(self.agent, action)
        reward = float(self.stepper.send(messages)[self.agent])
        over, cut = self.stepper.ends
        return self.stepper.observation(self.agent), reward, over, cut, self.stepper.info(self.agent)


gymnasium.register(
    "dynmech/Deviator-v0",
    entry_point="dynmech.experiments.bridges.rl_flat:flat_deviator_env",
    vector_entry_point="dynmech.experiments.bridges.rl_vector:vector_deviator_env",
)
gymnasium.register("dynmech/DeviatorDict-v0", entry_point="dynmech.experiments.bridges.rl:deviator_env")
