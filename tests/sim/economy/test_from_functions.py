"""Environments from functions, mappings, arrays and long tables: the same arrays, and what is refused."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dynmech import audit, environment, make_mechanism
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import single_object
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel

AGENTS, VALUES, DECISIONS = ["ann", "bob"], [[0, 2], [0, 1, 3]], ["none", "ann", "bob"]


def utility(agent: str, decision: str, profile: tuple[int, ...]) -> float:
    return float(profile[AGENTS.index(agent)] * (decision == agent))


def stay(agent: str, decision: str, signal: int) -> dict[int, float]:
    own = VALUES[AGENTS.index(agent)]
    keep = 0.7 if decision == agent else 0.4
    return {k: keep + (1 - keep) / len(own) if k == signal else (1 - keep) / len(own) for k in own}


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    utilities = [
        {"agent": a, "decision": d, "ann": p[0], "bob": p[1], "utility": utility(a, d, p)}
        for a, d, p in product(AGENTS, DECISIONS, product(*VALUES))
    ]
    laws = [
        {"agent": a, "decision": d, "signal": k, "next": n, "probability": q}
        for i, a in enumerate(AGENTS)
        for d, k in product(DECISIONS, VALUES[i])
        for n, q in stay(a, d, k).items()
    ]
    return pd.DataFrame(utilities), pd.DataFrame(laws)


def test_functions_arrays_and_tables_make_the_same_environment() -> None:
    first = environment(AGENTS, VALUES, DECISIONS, utility=utility, transition=stay)
    rows = tables()
    second = environment(AGENTS, VALUES, DECISIONS, utility=rows[0].sample(frac=1, random_state=1), transition=rows[1])
    kernel = first.stage(0).kernel
    assert isinstance(kernel, IndependentKernel)
    third = environment(AGENTS, VALUES, DECISIONS, utility=first.stage(0).utility, transition=list(kernel.factors))
    for other in (second, third):
        np.testing.assert_array_equal(first.stage(0).utility, other.stage(0).utility)
        law = other.stage(0).kernel
        assert isinstance(law, IndependentKernel)
        for mine, theirs in zip(kernel.factors, law.factors, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert first.stage(0).signals == (("0", "2"), ("0", "1", "3"))
    assert first.stage(0).utility[1, 2, 1, 2] == 3


def test_a_law_of_the_profile_is_a_joint_kernel() -> None:
    def copy(_decision: str, profile: tuple[int, int]) -> dict[tuple[int, int], float]:
        return {profile: 0.75, (profile[1], profile[0]): 0.25} if profile[0] != profile[1] else {profile: 1.0}

    made = environment(2, [0, 1], ["a"], utility=np.zeros((2, 1, 2, 2)), transition=copy, prior={(0, 1): 1.0})
    kernel = made.stage(0).kernel
    assert isinstance(kernel, JointKernel)
    np.testing.assert_allclose(kernel.rows().reshape(4, 4)[1], [0, 0.75, 0.25, 0])
    np.testing.assert_array_equal(made.prior, [[0, 1], [0, 0]])
    assert made.agents == ("agent 1", "agent 2")


def test_it_is_audited_like_any_other() -> None:
    made = environment(AGENTS, VALUES, DECISIONS, utility=utility, transition=stay, horizon=3, cost=lambda _: 0.1)
    assert audit(made, make_mechanism("pivot", made)).holds


def test_it_is_what_the_builder_of_auctions_makes() -> None:
    made = environment(AGENTS, VALUES, DECISIONS, utility=utility, transition=stay)
    kernel = made.stage(0).kernel
    assert isinstance(kernel, IndependentKernel)
    built = single_object(VALUES, kernel.factors, np.full((2, 3), 1 / 6), 0.9)
    np.testing.assert_array_equal(built.stage(0).utility, made.stage(0).utility)
    np.testing.assert_allclose(built.prior, made.prior)


def test_independent_priors_multiply() -> None:
    made = environment(AGENTS, VALUES, DECISIONS, utility=utility, transition=stay, prior=[[0.25, 0.75], {1: 1.0}])
    np.testing.assert_array_equal(made.prior, [[0, 0.25, 0], [0, 0.75, 0]])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"transition": None}, "transition: missing; how do signals move from one period to the next?"),
        ({"transition": lambda _a, _d, _s: {7: 1.0}}, "transition('ann', 'none', 0): 7 is none of the signals 0, 2"),
        ({"transition": lambda _a, _d, _s: [1.0]}, "transition('ann', 'none', 0): shape [1], expected [2]"),
        (
            {"transition": lambda a, d, s: {s: 0.7 if (a, d, s) == ("bob", "ann", 1) else 1.0}},
            "transition('bob', 'ann', 1): probabilities sum to 0.7, expected 1",
        ),
        (
            {"transition": lambda _a, _d, _s: [1.5, -0.5]},
            "transition('ann', 'none', 0)[1]: probability -0.5 is negative",
        ),
        ({"transition": lambda _d, p: {p: 0.9}}, "transition('none', (0, 0)): probabilities sum to 0.9, expected 1"),
        (
            {"transition": tables()[1].drop(index=9)},
            "transition of 'ann' at 'bob', 0: probabilities sum to 0.7, expected 1",
        ),
        ({"prior": [[0.5, 0.5], [0.5, 0.5, 0.5]]}, "prior of 'bob': probabilities sum to 1.5, expected 1"),
        ({"utility": lambda *_: "x"}, "utility: 'x' at ('ann', 'none', (0, 0)) is not a number"),
        ({"utility": np.zeros(3)}, "utility: shape [3], expected [2, 3, 2, 3]"),
        ({"utility": tables()[0].drop(columns="bob")}, "utility: the table has no column 'bob', expected agent, "),
        ({"utility": tables()[0].iloc[1:]}, "utility: no row for 'ann', 'none', 0, 0"),
        ({"utility": pd.concat([tables()[0]] * 2)}, "utility: two rows for 'ann', 'none', 0, 0"),
        ({"prior": [[1.0, 0.0]]}, "prior: 1 laws for 2 agents"),
        ({"prior": {(9, 9): 1.0}}, "prior: (9, 9) is no profile of signals"),
        ({"cost": [1.0]}, "cost: shape [1], expected [3]"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes: dict[str, Any], text: str) -> None:
    arguments: dict[str, Any] = {"utility": utility, "transition": stay, **changes}
    with pytest.raises(InputError) as error:
        environment(AGENTS, VALUES, DECISIONS, **arguments)
    assert str(error.value).startswith(text)


def test_as_many_lists_of_signals_as_agents() -> None:
    with pytest.raises(InputError, match="signals: 3 lists for 2 agents"):
        environment(AGENTS, [[0], [1], [2]], DECISIONS, utility=utility, transition=stay)
