"""One deviator in many episodes at once, in Gymnasium's interface of vectorised environments, played from tables.

Observations, actions and rewards are those of `rl_flat`, a row per episode. All episodes have equally many periods, so
they begin and end together. Batch k of n episodes after `reset(seed=s)` is on the uniform numbers that the event loop
takes for shard k of n episodes under seed s and scope `SCOPE`: the same messages give the same flows to the last digit.
With one episode at a time it plays what `FlatDeviatorEnv` plays.

`info` holds arrays, a row per episode: `action_mask`, `prescribed`, `utility` and `transfer`, as in `rl`.
"""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from dynmech.experiments.bridges.rl import SCOPE, Stepper, playable
from dynmech.experiments.bridges.rl_flat import Layout
from dynmech.experiments.bridges.rl_tables import DeviatorTables
from dynmech.experiments.runs.agent_profiles import agent_index
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.streams import Streams, Tapes
from dynmech.sim.economy.environment import Environment
from dynmech.sim.play.game import Game

Stepped = tuple[Array, FloatArray, Array, Array, dict[str, Any]]


def vector_deviator_env(
    environment: Environment | str,
    mechanism: Mechanism | str,
    agent: int | str,
    *,
    num_envs: int = 1,
    seed: int = 0,
    tail: float = 1e-4,
    autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
) -> "DeviatorVectorEnv":
    """Make a vectorised environment of one deviator.

    Args:
        environment, mechanism: objects, or names with options as on the command line.
        agent: who learns, by name or number.
        num_envs: episodes at a time.
        seed: of the episodes until `reset` is given one.
        tail: where an infinite horizon is cut, see `dynmech.sim.play.game.make_game`.
        autoreset_mode: Gymnasium's: the next episodes begin with the step after the last one (`NextStep`), or with the
            last one itself, whose observation is then `info["final_obs"]` (`SameStep`).

    Raises:
        InputError: a name or number is wrong.
        Refusal: private actions, replies, lotteries, or sets that are not finite or too large.
    """
    game = playable(environment, mechanism, tail)
    return DeviatorVectorEnv(game, agent_index(game.environment.agents, str(agent)), num_envs, seed, autoreset_mode)


class DeviatorVectorEnv(gymnasium.vector.VectorEnv[Array, Array, Array]):
    """One agent against prescribed play by the others, in many episodes at once."""

    render_mode = None

    def __init__(
        self,
        game: Game,
        agent: int,
        num_envs: int = 1,
        seed: int = 0,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        if num_envs < 1:
            raise InputError(f"num_envs: {num_envs} is below 1")
        try:
            self.autoreset = AutoresetMode(autoreset_mode)
        except ValueError:
            raise InputError(f"autoreset_mode: {autoreset_mode!r} is none of NextStep, SameStep") from None
        if self.autoreset == AutoresetMode.DISABLED:
            raise InputError("autoreset_mode: all episodes end together; it is NextStep or SameStep")
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset}
        stepper = Stepper(game, seed)
        self.game, self.num_envs, self.seed, self.discount = game, num_envs, seed, game.environment.discount
        self.layout, self.messages = Layout(stepper, agent), stepper.messages[agent]
        self.tables = DeviatorTables(game, agent, self.layout)
        self.single_observation_space, self.single_action_space = self.layout.space(), spaces.Discrete(self.messages)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._number, self._nothing = -1, np.zeros(num_envs)
        self._over = True

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002 - the interface has it
    ) -> tuple[Array, dict[str, Any]]:
        """Begin the first batch of a seed, or without a seed the next batch.

        Raises:
            InputError: a seed per episode is given; each has an address under one seed.
        """
        if seed is not None and not isinstance(seed, int | np.integer):
            raise InputError("reset: one seed serves all episodes; each has random numbers of its own under it")
        self._number = 0 if seed is not None else self._number + 1
        self.seed = self.seed if seed is None else int(seed)
        periods = self.game.periods + self.game.closing
        streams = Streams(self.seed, SCOPE, self._number, self.num_envs, periods)
        self._tapes = Tapes(streams, self.num_envs, self.num_envs)
        self._t, self._over = 0, False
        self._last: Array | None = None
        profile = self.tables.environment.draw(0, None, None, self._uniforms(0)).profile
        assert profile is not None
        self._profile, self._place = profile, profile
        return self._observed(), self._info(self._nothing, self._nothing)

    def step(self, actions: Any) -> Stepped:
        """Play a period of all episodes, or, after their ends, begin the next ones.

        Raises:
            InputError: actions are not one whole number of at least 0 per episode, or nothing has begun.
        """
        if self._over:
            if self.autoreset == AutoresetMode.SAME_STEP or self._number < 0:
                raise InputError("step: call reset first")
            observations, info = self.reset()
            return observations, np.zeros(self.num_envs), *self._ends(False), info
        period = self.tables.at(self._t)
        case = np.minimum(self._sent(actions), period.open - 1) * period.places + self._place
        utility, transfer = period.utility.take(case), period.transfer.take(case)
        rewards, self._last = utility - transfer, period.last.take(case, axis=0)
        self._t += 1
        self._over = self._t == self.game.periods
        if not self._over or self.game.closing:
            self._draw(self._t, period.following, period.move, case)
        if self._over:
            rewards = rewards - self._settled()
        observations, info = self._observed(), self._info(utility, transfer)
        ends = self._ends(self._over)
        if self._over and self.autoreset == AutoresetMode.SAME_STEP:
            final, all_of_them = info, np.ones(self.num_envs, bool)
            last_seen = np.empty(self.num_envs, object)
            last_seen[:] = list(observations)
            observations, info = self.reset()
            info |= {"final_obs": last_seen, "_final_obs": all_of_them, "final_info": final, "_final_info": all_of_them}
        return observations, rewards, *ends, info

    def _sent(self, actions: Any) -> IntArray:
        """Return actions, `(n,)`, checked: a negative one would be counted from the end of a table."""
        sent = np.asarray(actions)
        if sent.shape != (self.num_envs,) or sent.dtype.kind not in "iu" or sent.min() < 0:
            raise InputError(f"step: {shown(actions, 60)} is not one action, 0 or more, for each of {self.num_envs}")
        return sent.astype(np.intp)

    def action_masks(self) -> Array:
        """Return which messages may be sent now, `(n, R)`, as learners that mask actions ask for it."""
        return np.tile(self._mask().astype(bool), (self.num_envs, 1))

    def _uniforms(self, t: int) -> FloatArray:
        return self._tapes.at(self.tables.environment.streams(t), 1, t, 0, self.num_envs)

    def _draw(self, t: int, following: IntArray, move: Any, case: IntArray) -> None:
        """Move on to period t from the cases of the period before."""
        self._profile = move(case, self._uniforms(t))
        self._place = following.take(case) + self._profile

    def _settled(self) -> FloatArray:
        """What still falls due, discounted to the last period played, `(n,)`."""
        weight, total = 1.0, np.zeros(self.num_envs)
        for t in range(self.game.periods, self.game.periods + self.game.closing):
            due, following, move = self.tables.closing
            weight, place = weight * self.discount, self._place
            total = total + weight * due.take(place)
            if t + 1 < self.game.periods + self.game.closing:
                self._draw(t + 1, following, move, place)
        return total

    def _ends(self, over: bool) -> tuple[Array, Array]:
        """Whether the episodes have terminated, and whether they were truncated."""
        cut = self.game.environment.horizon is None
        return np.full(self.num_envs, over and not cut), np.full(self.num_envs, over and cut)

    def _mask(self) -> Array:
        """Which messages may be sent now, `(R,)`."""
        count = 1 if self._over else self.tables.at(self._t).open
        return (np.arange(self.messages) < count).astype(np.int8)

    def _observed(self) -> Array:
        """Return what the deviator observes now in all episodes."""
        layout, rows = self.layout, np.zeros((self.num_envs, self.layout.size), np.float32)
        rows[:, layout.period] = layout.of_period(self._t)
        if self._over:
            rows[:, [layout.signal.start, layout.public.start]] = 1
        else:
            rows[:, layout.signal.start : layout.public.stop] = self.tables.at(self._t).now.take(self._profile, axis=0)
        if self._last is None:
            rows[:, [layout.decision.start, *(part.start for part in layout.messages)]] = 1
        else:
            rows[:, layout.decision.start : layout.mask.start] = self._last
        rows[:, layout.mask] = self._mask()
        return rows

    def _info(self, utility: FloatArray, transfer: FloatArray) -> dict[str, Any]:
        """Return what is told beside observations."""
        asked = np.zeros(self.num_envs, np.intp) if self._over else self.tables.at(self._t).asked.take(self._place)
        mask = np.broadcast_to(self._mask(), (self.num_envs, self.messages))
        return {"action_mask": mask, "prescribed": asked, "utility": utility, "transfer": transfer}
