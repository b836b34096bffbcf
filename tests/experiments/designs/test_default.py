"""Refusing to pay never pays: what is designed holds where payments are voluntary, by a search of its own."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import dynmech as dm
from dynmech.experiments.certificates import verify_infeasible
from dynmech.experiments.designs.designing import design
from dynmech.mechanisms.tables.tabulated_mechanism import TabulatedMechanism
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage
from tests.builders.designs import Dice, check, economy, sealed

KIND = {"bayesian": "interim", "ex-post": "ex_post"}


def voluntary(environment: object, mechanism: object, incentive: str) -> float:
    """The most that lies and refusals to pay gain."""
    audit = dm.audit(environment, mechanism, payments="voluntary")  # type: ignore[arg-type]
    figures = audit.figures
    return max(g.gain for g in figures if (g.family, g.information) == ("best_response", KIND[incentive]))


@settings(max_examples=8)
@given(
    seed=st.integers(0, 10_000),
    horizon=st.sampled_from([None, 1, 2]),
    memory=st.sampled_from(["none", "last"]),
    incentive=st.sampled_from(["bayesian", "bayesian", "ex-post"]),
)
def test_designs_hold_where_payments_are_voluntary(seed: int, horizon: int | None, memory: str, incentive: str) -> None:
    """The search over lies and payments (the bill is seen first) finds nothing; what is impossible is certified."""
    env = economy(seed, horizon=horizon)
    found = design(env, memory=memory, incentive=incentive, participation="default")
    check(found)
    if found.possible:
        assert found.mechanism is not None
        assert voluntary(env, found.mechanism, incentive) <= 1e-8 * env.scale


@pytest.mark.parametrize("seed", [0, 2])
def test_what_was_drawn_is_seen_before_a_bill_is_refused(seed: int) -> None:
    """Whoever is truthful ex post learns by its bill what was drawn; and to be so is still more than to be Bayesian."""
    env = economy(seed)
    least = {}
    for incentive in KIND:
        found = design(env, rule=Dice(env), incentive=incentive, participation="default")
        assert found.mechanism is not None
        assert found.objective is not None
        assert voluntary(env, found.mechanism, incentive) <= 1e-8 * env.scale
        least[incentive] = found.objective
    assert least["bayesian"] <= least["ex-post"] + 1e-8


@pytest.mark.parametrize("seed", [2, 3])
def test_decisions_that_are_sought_by_lot_hold_or_are_open(seed: int) -> None:
    env = economy(seed, horizon=2)
    found = design(env, rule="free", incentive="ex-post", participation="default")
    if found.mechanism is None:
        assert (seed, found.status) == (3, "open")
        assert "drawn by lot" in found.reason
    else:
        assert voluntary(env, found.mechanism, "ex-post") <= 1e-8 * env.scale


def test_a_clash_under_a_rule_that_draws_is_proved() -> None:
    env = replace(economy(2), outside=(3 * economy(2).scale,) * 2)
    lost = design(env, rule=Dice(env), participation="default", budget="no-deficit")
    assert (lost.status, lost.certified) == ("impossible", True), lost.reason


def test_knowing_less_asks_for_less() -> None:
    """Ex post incentives are harder than Bayesian ones, under default as elsewhere; and default is not for free."""
    seen = set()
    for seed in (1, 2):
        env = economy(seed)
        least = [
            design(env, incentive=incentive, participation=participation).objective
            for incentive, participation in (("bayesian", "none"), ("bayesian", "default"), ("ex-post", "default"))
        ]
        values = [np.inf if one is None else one for one in least]
        assert values[0] <= values[1] + 1e-8
        seen.add(values[0] < values[1] - 1e-4)
        seen.add(values[1] < values[2] - 1e-4)
    assert True in seen


def test_in_the_last_period_nobody_pays() -> None:
    """Nothing follows, so every bill is at most 0; without a deficit all are 0."""
    utility = np.array([[[0.0, 0.0], [0.0, 1.0]]])
    env = TableEnvironment(
        "sale", ("buyer",), np.array([0.5, 0.5]), (Stage((("0", "1"),), ("keep", "sell"), utility),), 1.0, 1
    )
    found = design(env, incentive="bayesian", participation="default", memory="none")
    assert found.possible
    assert found.mechanism is not None
    assert found.mechanism.tables.periods[0].charge.max() <= 1e-12
    assert voluntary(env, found.mechanism, "bayesian") <= 1e-12
    paid = design(env, incentive="bayesian", participation="default", memory="none", budget="no-deficit")
    assert paid.largest_transfer == pytest.approx(0.0, abs=1e-9)


def test_a_bill_that_is_too_high_is_refused() -> None:
    """A planted error: a bill above what follows, and the search over payments finds the refusal."""
    env = economy(1)
    found = design(env, incentive="bayesian", participation="default")
    assert found.mechanism is not None
    tables = found.mechanism.tables
    charge = tables.periods[1].charge + 20 * env.scale
    first = replace(tables.periods[1], charge=charge)
    dearer = replace(tables, bound=tables.bound + 20 * env.scale, periods=(tables.periods[0], first))
    assert voluntary(env, TabulatedMechanism(env, dearer), "bayesian") > 0.1 * env.scale


def test_private_actions_and_a_public_state() -> None:
    """Where somebody acts, Z holds this period's utility."""
    for name in ("repeated-trade", "common-state"):
        env = dm.load(name)
        found = design(env, incentive="bayesian", participation="default")
        check(found)
        if found.possible:
            assert found.mechanism is not None
            assert voluntary(env, found.mechanism, "bayesian") <= 1e-8 * found.task.unit


def test_under_a_free_rule_it_is_refused() -> None:
    with pytest.raises(InputError, match="--participation default with --incentive bayesian is not offered"):
        design("repeated-auction:values=2,horizon=2", rule="free", incentive="bayesian", participation="default")


@pytest.mark.parametrize("horizon", [None, 2])
@pytest.mark.parametrize("incentive", ["bayesian", "ex-post"])
def test_where_being_out_is_worth_something_it_is_reckoned_with(incentive: str, horizon: int | None) -> None:
    """What is designed for an outside option of 0 is left for a better one, and what is designed for that is not."""
    env = economy(1, horizon=horizon)
    found = design(env, incentive=incentive, participation="default")
    better = replace(env, outside=(env.scale, env.scale / 2))
    for_better = design(better, incentive=incentive, participation="default")
    check(for_better)
    if for_better.mechanism is not None:
        assert voluntary(better, for_better.mechanism, incentive) <= 1e-8 * env.scale
    if found.mechanism is not None:
        assert voluntary(better, TabulatedMechanism(better, found.mechanism.tables), incentive) > 0.1 * env.scale
    none = replace(env, outside=(0.0,) * len(env.agents))
    assert design(none, incentive=incentive, participation="default").status == found.status


def test_whoever_told_the_truth_pays_as_long_as_that_is_better_than_being_out() -> None:
    """A design that forgot what being out is worth would be refuted here by the search over payments, and be open."""
    env = economy(4, horizon=2)
    outside = (0.2 * env.scale, -0.3 * env.scale)
    found = design(replace(env, outside=outside), incentive="bayesian", participation="default")
    assert found.possible, found.reason


def test_a_clash_with_outside_options_is_proved() -> None:
    """Paid to stay where being out is worth something, while nobody runs a deficit: proved, for a free rule, too."""
    env = economy(2, horizon=2)
    better = replace(env, outside=(3 * env.scale,) * len(env.agents))
    for rule in ("efficient", "free"):
        lost = design(better, rule=rule, participation="default", budget="no-deficit")
        assert (lost.status, lost.certified) == ("impossible", True), lost.reason


# Proofs of clashes where bills are seen


@pytest.fixture(scope="module")
def proof() -> dict[str, Any]:
    """A proof, of Bayesian incentives, that counts rows of bills, refusals and payments."""
    env = economy(2, horizon=2)
    lost = design(
        replace(env, outside=(3 * env.scale,) * 2), incentive="bayesian", participation="default", budget="no-deficit"
    )
    assert (lost.status, lost.certified) == ("impossible", True), lost.reason
    data: dict[str, Any] = json.loads(json.dumps(lost.proof))
    return data


def rows(data: dict[str, Any], kind: str) -> list[list[Any]]:
    """The rows of a kind, the heaviest first, of the clash that has most of them."""
    found: list[list[Any]] = [[row for row in clash["rows"] if row[0] == kind] for clash in data["clashes"]]
    most = max(found, key=len)
    return sorted(most, key=lambda row: -row[5])


def negative(data: dict[str, Any], kind: str) -> None:
    rows(data, kind)[0][5] *= -1


def heavier(data: dict[str, Any], kind: str) -> None:
    rows(data, kind)[0][5] *= 3


def dropped(data: dict[str, Any], kind: str) -> None:
    row = rows(data, kind)[0]
    next(clash for clash in data["clashes"] if row in clash["rows"])["rows"].remove(row)


def of_the_other(data: dict[str, Any], kind: str) -> None:
    row = rows(data, kind)[0]
    row[1] = 1 - row[1]


def of_no_decision(data: dict[str, Any], kind: str) -> None:
    row = rows(data, kind)[0]
    row[4][1] = len(data["environment"]["stages"][0]["decisions"])


def out_is_worth_nothing(data: dict[str, Any], _: str) -> None:
    data["environment"]["outside"] = [0.0, 0.0]


def payments_first(data: dict[str, Any]) -> None:
    """Leave the clash that counts payments, and of its rows these first."""
    (clash,) = data["clashes"] = data["clashes"][-1:]
    clash["rows"].sort(key=lambda row: row[0] != "pays")


def known_when_reported(data: dict[str, Any], _: str) -> None:
    """Ex post nothing is learned from a bill under a rule without lots: these rows are not asked for."""
    payments_first(data)
    data["goals"]["incentive"] = "ex-post"


def nobody_may_refuse(data: dict[str, Any], _: str) -> None:
    payments_first(data)
    data["goals"]["participation"] = "exit"


def never_decided(data: dict[str, Any], kind: str) -> None:
    payments_first(data)
    _, agent, entry, history, (profile, _), weight = data["clashes"][0]["rows"][0]
    other = next(d for d, chance in enumerate(data["rule"][entry][profile]) if not chance)
    data["clashes"][0]["rows"][0] = [kind, agent, entry, history, [profile, other], weight]


@pytest.mark.parametrize(
    ("forge", "kind", "why"),
    [
        *((negative, kind, "below 0") for kind in ("bill", "refuses", "pays")),
        *((heavier, kind, "add up") for kind in ("bill", "pays")),
        *((dropped, kind, "add up") for kind in ("bill", "refuses", "pays")),
        *((of_the_other, kind, "add up") for kind in ("bill", "refuses")),
        (of_the_other, "pays", "not among those"),
        *((of_no_decision, kind, "no whole number from 0 to") for kind in ("bill", "refuses", "pays")),
        (out_is_worth_nothing, "pays", "add up"),
        (known_when_reported, "pays", "nobody is asked to pay"),
        (nobody_may_refuse, "pays", "nobody is asked to pay"),
        (never_decided, "pays", "nobody is asked to pay"),
    ],
)
def test_forged_bills_fail_for_their_reason(
    proof: dict[str, Any], forge: Callable[[dict[str, Any], str], None], kind: str, why: str
) -> None:
    assert len(verify_infeasible.check(proof)) == len(proof["clashes"])
    forged = copy.deepcopy(proof)
    forge(forged, kind)
    with pytest.raises((verify_infeasible.verify.Unproved, verify_infeasible.verify.Malformed), match=why):
        verify_infeasible.check(sealed(forged))
