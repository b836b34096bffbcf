"""What counts tell of welfare, against sums over the agents themselves."""

import numpy as np
import pytest

from dynmech.mechanisms.rules.by_counts import best_for_others, cases_of, decide_by_counts, others_welfare
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment, exchangeable_environment


def economy(seed: int) -> ExchangeableEnvironment:
    """Three agents with three signals who are alike: one common decision, or one of them is served."""
    rng = np.random.default_rng(seed)
    return exchangeable_environment(
        ("a", "b", "c"),
        ("low", "mid", "high"),
        ("all", "to a", "to b", "to c"),
        prior=rng.dirichlet(np.ones(3)),
        chain=rng.dirichlet(np.ones(3), 3),
        flow=rng.integers(-4, 5, (3, 3)).astype(float),
        discount=0.7,
    )


@pytest.mark.parametrize("seed", range(6))
def test_welfare_of_the_others_is_what_each_of_them_gets(seed: int) -> None:
    env = economy(seed)
    profiles = np.indices((3, 3, 3)).reshape(3, -1).T
    worth = np.stack([env.payoff(0, profiles, np.full(len(profiles), d)) for d in range(4)])  # (D, S, N)
    for d in range(4):
        for i, case in enumerate(cases_of(env, profiles, np.full(len(profiles), d))):
            others = np.delete(worth, i, axis=2).sum(axis=2)
            np.testing.assert_allclose(others_welfare(env, case), others[d], atol=1e-12)
            np.testing.assert_allclose(best_for_others(env, case), others.max(axis=0), atol=1e-12)
    welfare = worth.sum(axis=2)
    chosen = decide_by_counts(env, profiles)
    np.testing.assert_array_equal(chosen, np.argmax(welfare >= welfare.max(axis=0) - 1e-9, axis=0))
