"""Proofs that no decisions and transfers together do what is asked: rebuilt in rationals, and no forgery passes."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import dynmech as dm
from dynmech.experiments.certificates import verify_infeasible
from dynmech.mechanisms.design.clashes import GoalLattice
from dynmech.mechanisms.design.free_program import FreeProgram
from dynmech.mechanisms.design.free_seeking import free_task
from dynmech.mechanisms.design.goals import Goals, Memory
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.stage import Stage
from tests.builders.designs import check, economy, sealed
from tests.builders.random_economies import acting_apart, working
from tests.builders.runs import ROOT

Unproved, Malformed = verify_infeasible.verify.Unproved, verify_infeasible.verify.Malformed

ASKED: list[dict[str, str]] = [
    {"participation": "interim", "incentive": "bayesian", "budget": "no-deficit", "budget_level": "period"},
    {"participation": "exit", "budget": "no-deficit"},
    {"participation": "ex-ante", "budget": "no-deficit", "budget_level": "ex-ante"},
    {"participation": "default", "budget": "no-deficit"},
]


def losing(env: TableEnvironment, below: float = 0.1) -> TableEnvironment:
    """The economy with all utilities below 0: whoever stays must be paid, and there is nobody to pay."""
    return replace(env, stages=tuple(replace(s, utility=s.utility - s.utility.max() - below) for s in env.stages))


@settings(max_examples=5)
@given(seed=st.integers(0, 10_000), asked=st.sampled_from(ASKED), horizon=st.sampled_from([1, 2]))
def test_what_no_decision_makes_possible_is_proved(seed: int, asked: dict[str, str], horizon: int) -> None:
    """Refusing to pay means to be out *later*, so that a single period gives no reason to be paid."""
    horizon = 2 if asked["participation"] == "default" else horizon
    seed = 2 * seed if horizon == 2 else seed  # two signals
    found = dm.design(losing(economy(seed, horizon=horizon)), rule="free", **asked)  # type: ignore[arg-type]
    assert (found.status, found.certified) == ("impossible", True), found.reason
    assert ("participation of agent 1", "participation of agent 2", "budget") in found.clashes
    assert found.relaxations["budget"] is not None
    assert found.relaxations["budget"] > 0


@pytest.mark.parametrize("make", [working, acting_apart])
@pytest.mark.parametrize("incentive", ["ex-post", "bayesian"])
def test_private_actions_under_a_free_rule(make: Callable[[int, int | None], TableEnvironment], incentive: str) -> None:
    """What is found holds by the exact search; where utilities are below 0, it is proved that nothing does it."""
    for horizon in (1, 2) if make is working and incentive == "bayesian" else (1,):
        check(dm.design(make(1, horizon), rule="free", incentive=incentive))
    lost = dm.design(losing(make(1, 1)), rule="free", incentive=incentive, budget="no-deficit")
    assert (lost.status, lost.certified) == ("impossible", True), lost.reason


@pytest.mark.parametrize("below", [-2.0, -1.0, -0.6, -0.3, 0.1])
def test_it_is_impossible_where_the_least_deficit_is_above_0(below: float) -> None:
    """Another program, which minimises the deficit, says the same."""
    env = losing(economy(1, horizon=2), below)
    least = dm.design(env, rule="free", participation="ex-ante", minimise="deficit").objective
    found = dm.design(env, rule="free", **ASKED[2])  # type: ignore[arg-type]
    assert least is not None
    assert found.possible == (least <= 0)
    assert found.certified == (least > 0)
    if least > 0:
        assert found.relaxations["budget"] == pytest.approx(least, abs=1e-8 * env.scale)


@pytest.mark.parametrize("asked", ASKED[:2])
def test_what_a_goal_gives_is_the_least_that_will_do(asked: dict[str, str]) -> None:
    """Rows of another kind, those of a cut horizon, let every agent fall short by a given amount: more is enough."""
    goals = Goals(Memory.read("history"), **{"incentive": "ex-post", **asked, "objective": "none"})  # type: ignore[arg-type]
    problem = free_task(losing(economy(2, horizon=2)), goals).problem
    lattice = GoalLattice(problem, goals, free=True)
    most = 0.0
    for k, name in enumerate(lattice.names):
        gives = lattice.relaxation(k)
        if gives is None or not name.startswith("participation"):
            continue
        most = max(most, gives)
        for factor, status in ((1.001, "optimal"), (0.999, "infeasible")):
            short = np.zeros((2, 2))
            short[k - 2] = factor * gives
            assert FreeProgram(problem, goals, short=list(short)).solve().status == status
    assert most > 0.1


def test_what_a_sale_lacks_is_as_by_hand() -> None:
    """One buyer, worth 1 or 2 with even chances, and a cost of 1.25 that is to be covered in expectation.

    Truth and participation leave 1: if the low value gets x for x, the high one keeps 2x − x for itself, and pays
    2 − x; x/2 + (2 − x)/2 = 1. If both may fall short by g, 1 + g is earned, so g is 1/4; if the high value may gain g
    by a lie, 1 + g/2, so g is 1/2; and the deficit is 1/4.
    """
    utility = np.array([[[0.0, 0.0], [1.0, 2.0]]])
    stage = Stage((("1", "2"),), ("keep", "sell"), utility, cost=np.full(2, 1.25))
    env = TableEnvironment("sale", ("buyer",), np.array([0.5, 0.5]), (stage,), 1.0, 1)
    found = dm.design(env, rule="free", budget="no-deficit", budget_level="ex-ante")
    assert found.clashes == (("truthful buyer", "participation of buyer", "budget"),)
    assert found.relaxations == pytest.approx(
        {"truthful buyer": 0.5, "participation of buyer": 0.25, "budget": 0.25}, abs=1e-7
    )
    assert "all of it could be had if" in found.sentence


@pytest.fixture(scope="module")
def proof() -> dict[str, Any]:
    """A proof under three signals and two periods."""
    found = dm.design(losing(economy(1, horizon=2)), rule="free", **ASKED[3])  # type: ignore[arg-type]
    assert found.proof is not None
    data: dict[str, Any] = json.loads(json.dumps(found.proof))
    return data


def rows(data: dict[str, Any], kind: str) -> list[list[Any]]:
    return [row for row in data["clashes"][0]["rows"] if row[0] == kind]


def negative(data: dict[str, Any]) -> None:
    rows(data, "budget")[0][5] *= -1


def other_lottery(data: dict[str, Any]) -> None:
    rows(data, "lottery")[0][5] *= 1000


def no_reach(data: dict[str, Any]) -> None:
    data["clashes"][0]["rows"] = [row for row in data["clashes"][0]["rows"] if row[0] != "reach"]


def dropped(data: dict[str, Any]) -> None:
    data["clashes"][0]["rows"].remove(max(rows(data, "default"), key=lambda row: row[5]))


def no_budget(data: dict[str, Any]) -> None:
    data["goals"]["budget"] = "none"


def lesser_form(data: dict[str, Any]) -> None:
    data["goals"]["participation"] = "ex-ante"


def worth_something(data: dict[str, Any]) -> None:
    data["environment"]["stages"][0]["utility"] = _plus(data["environment"]["stages"][0]["utility"], 5.0)


def _plus(table: Any, amount: float) -> Any:
    return [_plus(one, amount) for one in table] if isinstance(table, list) else table + amount


def first_reached(data: dict[str, Any]) -> None:
    row = rows(data, "reach")[0]
    row[2], row[3] = 0, []


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (negative, "below 0"),
        (other_lottery, "add up"),
        (no_reach, "add up"),
        (dropped, "add up"),
        (no_budget, "not among those"),
        (lesser_form, "not asked for"),
        (worth_something, "add up"),
        (first_reached, "nothing leads"),
    ],
)
def test_forged_proofs_fail_for_their_reason(
    proof: dict[str, Any], forge: Callable[[dict[str, Any]], None], why: str
) -> None:
    assert ", whatever is decided," in verify_infeasible.check(proof)[0]
    forged = copy.deepcopy(proof)
    forge(forged)
    with pytest.raises(Unproved, match=why):
        verify_infeasible.check(sealed(forged))


def test_what_is_no_proof_is_said(proof: dict[str, Any]) -> None:
    for goals in ({"memory": "last"}, {"memory": "lags=2"}, {"margin": 0.5}):
        with pytest.raises(Malformed, match="free is for"):
            verify_infeasible.check({**proof, "goals": {**proof["goals"], **goals}})
    for row in (["welfare", -1, 0, [], [0], 1.0], ["bound", 0, 0, [], [0, 2], 1.0], ["lottery", -1, 0, [], [9], 1.0]):
        with pytest.raises(Malformed):
            verify_infeasible.check({**proof, "clashes": [{**proof["clashes"][0], "rows": [row]}]})


def test_the_checker_runs_alone(proof: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "free.json"
    file.write_text(json.dumps(proof), encoding="utf-8")
    assert dm.verify(file).proved
    checker = ROOT / "experiments" / "certificates" / "verify_infeasible.py"
    alone = subprocess.run([sys.executable, str(checker), str(file)], capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.startswith("proved: ")
