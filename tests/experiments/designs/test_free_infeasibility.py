"""Proofs that no decisions and transfers together do what is asked: rebuilt in rationals, and no forgery passes."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import dynmech as dm
from dynmech.experiments.certificates import verify_infeasible
from dynmech.sim.economy.environment import TableEnvironment
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
    assert not found.relaxations


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
