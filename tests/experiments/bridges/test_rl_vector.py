"""Flat observations, many episodes at once: the event loop's digits, the lone environment's rows, Gymnasium's names."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.bridges.rl import SCOPE, DeviatorEnv
from dynmech.experiments.bridges.rl_flat import FlatDeviatorEnv
from dynmech.experiments.bridges.rl_vector import DeviatorVectorEnv, vector_deviator_env
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import StrategyProtocol, View
from tests.builders.learning_games import learning_games
from tests.builders.shown_play import Machine, changing_economy

GAMES = learning_games()
KEYS = list(GAMES)
MANY = 50


def dice(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


class Written(Strategy):
    """Sends what is written down: by period and episode."""

    name = "written"
    source = "a test double"

    def __init__(self, messages: list[Array]) -> None:
        self.messages = messages

    def message(self, view: View) -> Array:
        return self.messages[view.t]


def walk(env: DeviatorVectorEnv, rng: np.random.Generator, seed: int | None = None) -> list[Any]:
    """A batch of episodes of messages at random: all that is returned, the messages first."""
    out: list[Any] = [env.reset(seed=seed)]
    for _ in range(env.game.periods):
        sent = rng.integers(out[-1][-1]["action_mask"][0].sum(), size=env.num_envs)
        out.append((sent, *env.step(sent)))
    return out


def on_the_loop(game: Game, agent: int, sent: list[Array], seed: int, number: int) -> Record:
    """The same messages on the event loop, under the same uniform numbers."""
    profile: list[StrategyProtocol] = [Truthful()] * len(game.environment.agents)
    profile[agent] = Written(sent)
    return play_shard(game, profile, Streams(seed, SCOPE, number, len(sent[0]), game.periods + game.closing))


def same_as_the_loop(env: DeviatorVectorEnv, agent: int, seed: int) -> None:
    """Flows, signals and payoffs of three batches, episode by episode."""
    game, layout = env.game, env.layout
    for number in range(3):
        batch = walk(env, dice(number), seed if number == 0 else None)
        record = on_the_loop(game, agent, [step[0] for step in batch[1:]], seed, number)
        total = np.zeros(env.num_envs)
        for t, (_, _, rewards, _, _, info) in enumerate(batch[1:]):
            rows = batch[t][0 if t == 0 else 1]
            np.testing.assert_array_equal(rows[:, layout.signal].argmax(axis=1), record.signal[t, agent])
            np.testing.assert_array_equal(rows[:, layout.public].argmax(axis=1), record.public[t])
            np.testing.assert_array_equal(info["utility"], record.utility[t, agent])
            np.testing.assert_array_equal(info["transfer"], record.transfer[t, agent])
            total += game.weights[t] * rewards
        np.testing.assert_allclose(total, record.payoffs[agent], rtol=0, atol=1e-12)


@pytest.mark.parametrize("agent", [0, 1])
@pytest.mark.parametrize("key", KEYS)
def test_play_is_the_event_loops_to_the_last_digit(key: str, agent: int) -> None:
    same_as_the_loop(DeviatorVectorEnv(GAMES[key], agent, MANY), agent, 5)


class Elsewhere(DeviatorVectorEnv):
    """A planted violation: the last period's draws are those of another place."""

    def _uniforms(self, t: int) -> Any:
        numbers = super()._uniforms(t)
        return np.roll(numbers, 1, axis=0) if t == self.game.periods - 1 else numbers


def test_draws_of_another_place_would_be_seen() -> None:
    with pytest.raises(AssertionError, match="not equal"):
        same_as_the_loop(Elsewhere(GAMES["cremer-mclean"], 0, MANY), 0, 5)


@pytest.mark.parametrize("agent", [0, 1])
@pytest.mark.parametrize("key", KEYS)
def test_one_episode_at_a_time_is_the_lone_environment(key: str, agent: int) -> None:
    """Rows, rewards, masks and what is prescribed: two programs that fill them in by different ways."""
    many, alone = DeviatorVectorEnv(GAMES[key], agent, 1, 3), FlatDeviatorEnv(DeviatorEnv(GAMES[key], agent, 3))
    rng = dice(4)
    for _ in range(3):
        (rows, infos), (row, info) = many.reset(), alone.reset()
        for _ in range(GAMES[key].periods):
            np.testing.assert_array_equal(rows[0], row)
            np.testing.assert_array_equal(infos["action_mask"][0], info["action_mask"])
            np.testing.assert_array_equal(many.action_masks()[0], alone.action_masks())
            assert infos["prescribed"][0] == info["prescribed"]
            sent = int(rng.integers(many.messages))  # beyond the open set, too: it is the last that may be sent
            rows, rewards, over, cut, infos = many.step([sent])
            row, reward, *ends, info = alone.step(sent)
            assert (rewards[0], over[0], cut[0]) == (reward, *ends)
        np.testing.assert_array_equal(rows[0], row)
        assert over[0] or cut[0]


def test_the_two_ways_to_begin_anew() -> None:
    """The same episodes one after the other, told as Gymnasium has it for each way."""
    game, rng = GAMES["linked"], dice(8)
    later, at_once = (DeviatorVectorEnv(game, 0, 6, 1, mode) for mode in ("NextStep", "SameStep"))
    later.reset(seed=2), at_once.reset(seed=2)
    for _ in range(3):
        for t in range(game.periods):
            sent = rng.integers(2, size=6)
            rows, rewards, over, _, _ = later.step(sent)
            begun, earned, ended, _, info = at_once.step(sent)
            np.testing.assert_array_equal(rewards, earned)
            np.testing.assert_array_equal(over, ended)
            assert over.all() == (t == game.periods - 1)
        np.testing.assert_array_equal(np.stack(list(info["final_obs"])), rows)
        assert info["_final_obs"].all()
        rows, rewards, over, _, _ = later.step(sent)
        np.testing.assert_array_equal(rows, begun)
        assert not rewards.any()
        assert not over.any()


# Gymnasium's names and checks


GIVEN: dict[str, Any] = {"environment": "oil-leases-prior", "mechanism": "cremer-mclean", "agent": "firm 1"}


@pytest.mark.parametrize("name", ["dynmech/Deviator-v0", "dynmech/DeviatorDict-v0"])
def test_gymnasium_makes_them_by_name(name: str) -> None:
    env: Any = gymnasium.make(f"dynmech.experiments.bridges.rl:{name}", **GIVEN)
    check_env(env.unwrapped, skip_render_check=True)
    assert env.unwrapped.discount == 1.0


@pytest.mark.parametrize("key", KEYS)
def test_gymnasiums_check_of_flat_observations(key: str) -> None:
    check_env(FlatDeviatorEnv(DeviatorEnv(GAMES[key], 1, 0)), skip_render_check=True)


def test_gymnasium_makes_many_at_once() -> None:
    made = gymnasium.make_vec("dynmech/Deviator-v0", num_envs=7, vectorization_mode="vector_entry_point", **GIVEN)
    assert isinstance(made.unwrapped, DeviatorVectorEnv)
    rows, info = made.reset(seed=1)
    assert made.observation_space.contains(rows)
    assert info["prescribed"].shape == (7,)
    rows, *_ = made.step(made.action_space.sample())
    assert made.observation_space.contains(rows)


# What can be earned


def test_the_contingent_lie_earns_what_the_audit_says() -> None:
    """Lie in period 0 and again in period 1: worth 2 under `cremer-mclean`, nothing under `linked`."""
    for mechanism, gain in (("cremer-mclean", 2.0), ("linked", 0.0)):
        env = vector_deviator_env("oil-leases-prior", mechanism, 0, num_envs=20_000)
        totals = []
        for lie in (False, True):
            _, info = env.reset(seed=1)
            total = np.zeros(env.num_envs)
            for t in range(3):
                asked = info["prescribed"]
                _, rewards, _, _, info = env.step(1 - asked if lie and t < 2 else asked)
                total += rewards
            totals.append(total)
        gains = totals[1] - totals[0]
        half = 4 * gains.std() / np.sqrt(env.num_envs)
        assert half < 0.5
        assert gains.mean() < half if gain == 0 else abs(gains.mean() - gain) < half


# Refusals


def test_what_does_not_fit_is_refused_in_one_line() -> None:
    with pytest.raises(Refusal, match="decides by lottery; use deviator_env"):
        vector_deviator_env(changing_economy(14), Machine(changing_economy(14), 14), 0)
    with pytest.raises(InputError, match="num_envs: 0 is below 1"):
        vector_deviator_env("oil-leases-prior", "linked", 0, num_envs=0)
    with pytest.raises(InputError, match="'never' is none of NextStep, SameStep"):
        vector_deviator_env("oil-leases-prior", "linked", 0, autoreset_mode="never")
    with pytest.raises(InputError, match="it is NextStep or SameStep"):
        vector_deviator_env("oil-leases-prior", "linked", 0, autoreset_mode="Disabled")
    env = vector_deviator_env("oil-leases-prior", "linked", 0, num_envs=2)
    with pytest.raises(InputError, match="call reset first"):
        env.step([0, 0])
    with pytest.raises(InputError, match="one seed serves all episodes"):
        env.reset(seed=[1, 2])


@pytest.mark.parametrize("actions", [[0, -1, 0], [0, 0], 0, [[0], [0], [0]], [0.5, 0.0, 0.0]])
def test_actions_that_are_none_are_refused(actions: Any) -> None:
    env = DeviatorVectorEnv(GAMES["linked"], 0, 3)
    env.reset(seed=0)
    with pytest.raises(InputError, match="is not one action, 0 or more, for each of 3"):
        env.step(actions)
