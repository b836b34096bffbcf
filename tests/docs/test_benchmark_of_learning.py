"""The benchmark of a learner's environment at a size at which only its workings are tested."""

import pytest

pytest.importorskip("gymnasium", reason="it is no dependency: pip install dynmech[rl]")

from benchmarks import learning
from dynmech.experiments.bridges.rl_flat import flat_deviator_env
from dynmech.experiments.bridges.rl_vector import vector_deviator_env


def test_the_row_compares_steps_with_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "paired", lambda *_: (0.5, 0.25, 0.5))
    (row,) = learning.measure(1)
    assert row.ours == pytest.approx(learning.ENVS * learning.STEPS / 0.5 / 1e3)
    assert row.theirs is not None
    assert row.theirs == pytest.approx(learning.ALONE / 0.25 / 1e3)
    assert row.ratio == pytest.approx(row.ours / row.theirs)
    assert row.met == (row.ratio is not None and row.ratio >= 200)


def test_both_walk() -> None:
    env = vector_deviator_env("oil-leases-prior", "linked", 0, num_envs=3, autoreset_mode="SameStep")
    learning.walk_many(env, 7)
    learning.walk_alone(flat_deviator_env("oil-leases-prior", "linked", 0), 7)
    assert env.game.periods == 3
