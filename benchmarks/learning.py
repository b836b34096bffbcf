"""Steps of a learner's environment: many episodes at once, from tables, beside one episode at a time.

`cremer-mclean` on the oil leases: two firms, three periods. A step is a period of one episode.
"""

import numpy as np

from benchmarks.base import Row, paired
from dynmech.experiments.bridges.rl_flat import FlatDeviatorEnv, flat_deviator_env
from dynmech.experiments.bridges.rl_vector import DeviatorVectorEnv, vector_deviator_env

ENVS, STEPS, ALONE = 4096, 120, 1200


def measure(pairs: int) -> list[Row]:
    """Thousands of steps per CPU second."""
    many = vector_deviator_env("oil-leases-prior", "cremer-mclean", "firm 1", num_envs=ENVS, autoreset_mode="SameStep")
    alone = flat_deviator_env("oil-leases-prior", "cremer-mclean", "firm 1")
    ours, theirs, ratio = paired(lambda: walk_many(many), lambda: walk_alone(alone), pairs)
    per_step = ENVS * STEPS / ALONE
    title, unit = "steps of a learner, 4096 episodes at once", "thousand steps/s"
    row = Row(title, ENVS * STEPS / ours / 1e3, unit, "one episode at a time", ALONE / theirs / 1e3, ratio * per_step,
              "at least 200 times", ratio * per_step >= 200)  # fmt: skip
    return [row]


def walk_many(env: DeviatorVectorEnv, steps: int = STEPS) -> None:
    """Send messages that are drawn once."""
    actions = np.random.Generator(np.random.Philox(0)).integers(2, size=env.num_envs)
    env.reset(seed=0)
    for _ in range(steps):
        env.step(actions)


def walk_alone(env: FlatDeviatorEnv, steps: int = ALONE) -> None:
    """Send the same message all the time."""
    env.reset(seed=0)
    for _ in range(steps):
        _, _, over, _, _ = env.step(1)
        if over:
            env.reset()
