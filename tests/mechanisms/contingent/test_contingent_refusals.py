"""Where contingent transfers do not fit: refused with the certificate; and targets within reach all the same."""

import numpy as np
import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import make_mechanism
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.economies import endless, unfolding
from tests.builders.generators import generator


def test_beliefs_that_do_not_tell_signals_apart_are_refused() -> None:
    """Agent 2's next signal does not depend on agent 1's: names agent, decision, the others' profile, and why."""
    rng = generator(1)
    joint = np.tile(rng.dirichlet(np.ones(4), (1, 2)).reshape(1, 1, 2, 2, 2), (1, 2, 1, 1, 1))
    environment = from_arrays(
        rng.uniform(-1, 1, (2, 1, 2, 2)), joint.reshape(1, 2, 2, 2, 2), np.full((2, 2), 0.25), 0.9
    )
    where = r"agent 'agent 1', decision 'd0', others' profile \(.\)"
    with pytest.raises(Refusal, match=rf"no spanning for {where}: the target is missed by .*singular value .*e-"):
        ContingentSpanning(environment)
    mixed = rf"no convex independence for {where}: .* mixture .*\(1 × '.'; distance .*\), .* short of theirs by"
    for transfers in ("explicit", "smallest"):
        with pytest.raises(Refusal, match=mixed):
            make_mechanism(f"contingent-convex:transfers={transfers}", environment)


def test_a_target_within_reach_needs_no_independence() -> None:
    """Nothing tells agent 1's signals apart, but agent 2 does not care for them."""
    rng = generator(1)
    joint = np.tile(rng.dirichlet(np.ones(4), (1, 2)).reshape(1, 1, 2, 2, 2), (1, 2, 1, 1, 1)).reshape(1, 2, 2, 2, 2)
    utility = rng.uniform(-1, 1, (2, 1, 2, 2))
    utility[1] = utility[1, :, :1]
    environment = from_arrays(utility, joint, np.full((2, 2), 0.25), 0.9)
    for rule in (ContingentSpanning, ContingentConvex, lambda e: ContingentConvex(e, transfers="smallest")):
        assert audit(environment, rule(environment)).holds


@pytest.mark.parametrize("seed", range(4))
def test_an_inner_belief_needs_a_higher_target(seed: int) -> None:
    """The middle one of three beliefs lies between the others: lotteries exist iff v_1 ≥ (v_0 + v_2)/2."""
    rng = generator(seed)
    beliefs = np.array([[0.9, 0.1], [0.5, 0.5], [0.1, 0.9]])
    table = np.empty((1, 3, 2, 3, 2))
    for k, o in np.ndindex(3, 2):
        table[0, k, o] = np.outer(rng.dirichlet(np.ones(3)), beliefs[k])
    for bend in (0.3, -0.3):
        utility = np.zeros((2, 1, 3, 2))
        utility[0, 0] = rng.uniform(-1, 1, (1, 2))
        utility[1, 0] = np.array([0.0, -bend, 0.0])[:, None]  # v = −u^2
        environment = from_arrays(utility, table, np.full((3, 2), 1 / 6), 0.9)
        with pytest.raises(Refusal, match="no spanning for agent 'agent 1'"):
            ContingentSpanning(environment)
        if bend > 0:
            assert audit(environment, ContingentConvex(environment)).holds
        else:
            with pytest.raises(
                Refusal, match=r"after 's?1' is a mixture .*0\.5 × .* \+ 0\.5 × .*short of theirs by 0\.3"
            ):
                ContingentConvex(environment)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("contingent-spanning:lags=0", "lags: 0 is below 1"),
        ("contingent-spanning:budget=weekly", "option budget='weekly': input should be 'none' or 'ex-ante'"),
        ("average-externality:transfers=smallest", "smallest is for solver=convex"),
        ("contingent-convex:last=d0", "last=d0: there is no last period"),
    ],
)
def test_wrong_options_are_refused(text: str, why: str) -> None:
    with pytest.raises((InputError, Refusal), match=why):
        make_mechanism(text, endless(0))


def test_an_unknown_last_decision_and_a_single_period() -> None:
    with pytest.raises(InputError, match="last: 'd9' is none of"):
        make_mechanism("contingent-convex:last=d9", unfolding(0))
    base = unfolding(0)
    alone = TableEnvironment("alone", base.agents, np.full((3, 3), 1 / 9), base.stages[3:], 0.9, 1)
    for name in ("average-externality", "surplus-extraction"):
        with pytest.raises(Refusal, match="its only period is the last"):
            make_mechanism(name, alone)
    mechanism = ContingentSpanning(alone, budget="ex-ante")  # a static mechanism, with fees
    found = audit(alone, mechanism)
    assert found.holds
    assert found.truthful.transfer.sum() == pytest.approx(0, abs=1e-9)
