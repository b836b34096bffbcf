"""The mechanism as a reinforcement-learning environment: the libraries' checks, seeds, and the event loop's digits."""

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import parallel_api_test

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.bridges.rl import SCOPE, DeviatorEnv, MechanismEnv, deviator_env, parallel_env
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import Game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import StrategyProtocol, View
from tests.builders.learning_games import learning_games

GAMES = learning_games()
KEYS = list(GAMES)


class Played(Strategy):
    """Sends what is written down: by period."""

    name = "played"
    source = "a test double"

    def __init__(self, messages: list[int]) -> None:
        self.messages = messages

    def message(self, view: View) -> Array:
        return np.full(view.size, self.messages[view.t])


def dice(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


def walk(env: MechanismEnv, rng: np.random.Generator, seed: int | None = None) -> list[Any]:
    """An episode of messages at random: all that is returned, the messages first."""
    out: list[Any] = [env.reset(seed=seed)]
    while env.agents:
        mask = {name: out[-1][-1][name]["action_mask"] for name in env.agents}
        actions = {name: int(rng.integers(mask[name].sum())) for name in env.agents}
        out.append((actions, *env.step(actions)))
    return out


def on_the_loop(game: Game, episode: list[Any], seed: int, number: int) -> Record:
    """The same messages on the event loop, under the same uniform numbers."""
    names = game.environment.agents
    profile: list[StrategyProtocol] = [Played([step[0][name] for step in episode[1:]]) for name in names]
    return play_shard(game, profile, Streams(seed, SCOPE, number, 1, game.periods + game.closing))


@pytest.mark.parametrize("key", KEYS)
def test_play_is_the_event_loops_to_the_last_digit(key: str) -> None:
    game = GAMES[key]
    env, rng = MechanismEnv(game, 9), dice(1)
    for number in range(6):
        episode = walk(env, rng)
        record = on_the_loop(game, episode, 9, number)
        total = np.zeros(len(env.possible_agents))
        assert len(episode) == game.periods + 1
        for t, (_, seen, rewards, _, _, infos) in enumerate(episode[1:]):
            for i, name in enumerate(env.possible_agents):
                before = episode[t][0 if t == 0 else 1][name]
                assert before["signal"] == record.signal[t, i, 0]
                assert before["public"] == record.public[t, 0]
                assert seen[name]["decision"] == record.decision[t, 0] + 1
                assert seen[name]["messages"].tolist() == (record.counted[t, :, 0] + 1).tolist()
                assert infos[name]["utility"] == record.utility[t, i, 0]
                assert infos[name]["transfer"] == record.transfer[t, i, 0]
                if t + 1 < game.periods:
                    assert rewards[name] == record.utility[t, i, 0] - record.transfer[t, i, 0]
                total[i] += game.weights[t] * rewards[name]
        assert total == pytest.approx(record.payoffs[:, 0], rel=0, abs=1e-12)


def test_closing_payments_are_in_the_last_reward() -> None:
    game = GAMES["contingent-spanning"]
    assert game.closing == 1
    env = MechanismEnv(game, 9)
    episode = walk(env, dice(1))
    record = on_the_loop(game, episode, 9, 0)
    last = game.periods - 1
    for i, name in enumerate(env.possible_agents):
        flow = record.utility[last, i, 0] - record.transfer[last, i, 0]
        due = record.transfer[last + 1, i, 0]
        assert abs(due) > 1e-6
        assert episode[-1][2][name] == flow - game.environment.discount * due


@pytest.mark.parametrize("key", KEYS)
def test_the_lone_deviator_plays_against_prescribed_play(key: str) -> None:
    game = GAMES[key]
    for agent in range(2):
        env, rng = DeviatorEnv(game, agent, 4), dice(2)
        for number in range(3):
            _, info = env.reset()
            sent, rewards, over = [], [], False
            while not over:
                sent.append(int(rng.integers(info["action_mask"].sum())))
                _, reward, terminated, truncated, info = env.step(sent[-1])
                rewards.append(reward)
                over = terminated or truncated
            profile: list[StrategyProtocol] = [Truthful()] * len(game.environment.agents)
            profile[agent] = Played(sent)
            record = play_shard(game, profile, Streams(4, SCOPE, number, 1, game.periods + game.closing))
            earned = sum(w * r for w, r in zip(game.weights, rewards, strict=False))
            assert record.report[: game.periods, agent, 0].tolist() == sent
            assert earned == pytest.approx(record.payoffs[agent, 0], rel=0, abs=1e-12)


# The libraries' checks


@pytest.mark.parametrize("key", KEYS)
def test_pettingzoos_check(key: str) -> None:
    parallel_api_test(MechanismEnv(GAMES[key], 0), num_cycles=60)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("agent", [0, 1])
def test_gymnasiums_check(key: str, agent: int) -> None:
    check_env(DeviatorEnv(GAMES[key], agent, 0), skip_render_check=True)


# Seeds, over whole episodes


def plain(value: Any) -> Any:
    """Arrays as lists, all the way down, so that whole episodes can be compared."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def story(make: Callable[[], MechanismEnv], seed: int | None, episodes: int = 8) -> Any:
    env, rng = make(), dice(7)
    return plain([walk(env, rng, seed if k == 0 else None) for k in range(episodes)])


def check_seeds(make: Callable[[], MechanismEnv]) -> None:
    """Equal seeds give equal whole episodes, other seeds others, one episode is not the next, a seed begins anew."""
    first = story(make, 5)
    assert first == story(make, 5), "equal seeds, other episodes"
    assert first != story(make, 6), "other seeds, equal episodes"
    env = make()
    walk(env, dice(1), 3)
    assert plain(walk(env, dice(7), 5)) == first[0], "what was played before a seed is given plays a part"
    starts = [[part["signal"] for part in episode[0][0].values()] for episode in first]
    assert any(start != starts[0] for start in starts), "every episode begins alike"


@pytest.mark.parametrize("key", KEYS)
def test_seeds(key: str) -> None:
    check_seeds(lambda: MechanismEnv(GAMES[key], 0))


def test_the_seed_of_the_constructor_is_that_of_the_first_reset() -> None:
    make = partial(MechanismEnv, GAMES["linked"])
    assert story(partial(make, 0), None) == story(partial(make, 9), 0)
    assert story(partial(make, 1), None) != story(partial(make, 0), None)


class Late(MechanismEnv):
    """A planted violation: the last period's rewards are drawn outside the streams; one step would not show it."""

    def step(self, actions: dict[str, Any]) -> Any:
        seen, rewards, *rest = super().step(actions)
        if not self.agents:
            rewards = {name: reward + np.random.default_rng().random() for name, reward in rewards.items()}
        return seen, rewards, *rest


class Stuck(MechanismEnv):
    """A planted violation: `reset` without a seed plays the same episode again."""

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return super().reset(seed=0 if seed is None else seed)


def test_the_seed_test_catches_what_it_should() -> None:
    with pytest.raises(AssertionError, match="equal seeds"):
        check_seeds(lambda: Late(GAMES["linked"], 0))
    with pytest.raises(AssertionError, match=r"begins alike|plays a part"):
        check_seeds(lambda: Stuck(GAMES["linked"], 5))


# What is learned on it


def test_the_contingent_lie_pays_here_as_well() -> None:
    """Lie in period 0 and again in period 1: Liu's deviation is worth 2 ex ante; under `linked` nothing."""
    gains = {}
    for mechanism in ("cremer-mclean", "linked"):
        env = deviator_env("oil-leases-prior", mechanism, "firm 1")
        totals = []
        for lie in (False, True):
            env.reset(seed=1)
            total = np.zeros(300)
            for k in range(300):
                _, info = env.reset()
                for t in range(3):
                    lied = 0 if t == 2 else 1 - info["prescribed"]
                    _, reward, over, _, info = env.step(lied if lie else info["prescribed"])
                    total[k] += reward
                assert over
            totals.append(total)
        gains[mechanism] = totals[1] - totals[0]
    half = {key: 4 * value.std() / np.sqrt(300) for key, value in gains.items()}
    assert abs(gains["cremer-mclean"].mean() - 2) < half["cremer-mclean"]
    assert gains["linked"].mean() < half["linked"]


# Ends, edges, refusals


def test_a_finite_horizon_terminates_and_an_infinite_one_is_truncated() -> None:
    finite, endless = (walk(MechanismEnv(GAMES[key], 0), dice(0))[-1] for key in ("linked", "lottery"))
    assert set(finite[3].values()) == {True}
    assert set(finite[4].values()) == {False}
    assert set(endless[3].values()) == {False}
    assert set(endless[4].values()) == {True}


def test_an_index_beyond_the_set_is_its_last_element() -> None:
    env = parallel_env("oil-leases-prior", "linked", seed=3)
    env.reset()
    seen, *_, infos = env.step({"firm 1": 1, "firm 2": 1})  # firm 2 has one message in period 0
    assert seen["firm 1"]["messages"].tolist() == [2, 1]
    assert infos["firm 2"]["action_mask"].tolist() == [1, 1]


def test_names_and_objects_serve_alike() -> None:
    env = OilLeasesPrior().build()
    typed = parallel_env("oil-leases-prior", "linked", seed=2)
    assert plain(walk(typed, dice(1))) == plain(walk(parallel_env(env, Linked(env), seed=2), dice(1)))
    assert isinstance(deviator_env("oil-leases-prior", "linked", 1), gymnasium.Env)


def test_what_does_not_fit_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="no agent '7'; agents: firm 1, firm 2"):
        deviator_env("oil-leases-prior", "linked", 7)
    with pytest.raises(Refusal, match="a set is not finite; use its version on a grid"):
        parallel_env("continuous-licence", "contingent-density")
    with pytest.raises(Refusal, match="private actions or replies"):
        parallel_env("oil-leases-prior", "team:reports=payoffs")
    env = parallel_env("oil-leases-prior", "linked")
    walk(env, dice(0))
    with pytest.raises(InputError, match="the episode is over"):
        env.step({})
    env.reset()
    with pytest.raises(InputError, match="no action of agent 'firm 2'"):
        env.step({"firm 1": 0})
