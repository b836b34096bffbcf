"""Proofs that goals clash: the checker rebuilds every row in rationals, and falls for no forged file."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from dynmech.experiments.certificates import verify_infeasible
from dynmech.experiments.designs.designing import design
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.cli_calls import exit_code
from tests.builders.designs import sealed
from tests.builders.random_economies import acting_apart, working
from tests.builders.runs import ROOT

Unproved, Malformed = verify_infeasible.verify.Unproved, verify_infeasible.verify.Malformed


def economy(seed: int, horizon: int | None = None) -> TableEnvironment:
    return random_environment(np.random.default_rng(seed), signals=2, decisions=3, horizon=horizon, discount=0.8)


GOALS: list[dict[str, str]] = [
    {"participation": "exit", "memory": "none"},
    {"incentive": "bayesian", "budget": "balanced", "participation": "interim"},
    {"budget": "balanced", "participation": "ex-post", "budget_level": "ex-ante"},
    {"budget": "balanced", "participation": "default", "budget_level": "period"},
    {"budget": "balanced", "participation": "ex-ante"},
]


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), goals=st.sampled_from(GOALS), horizon=st.sampled_from([None, 1, 2]))
def test_what_is_impossible_is_proved(seed: int, goals: dict[str, str], horizon: int | None) -> None:
    found = design(economy(seed, horizon), **goals)  # type: ignore[arg-type]
    assert found.status in ("possible", "impossible")
    assert (found.proof is not None) == (found.status == "impossible")


@pytest.mark.parametrize("make", [working, acting_apart])
@pytest.mark.parametrize("horizon", [None, 2])
def test_private_actions_too(make: Callable[[int, int | None], TableEnvironment], horizon: int | None) -> None:
    for seed in range(2):
        found = design(make(seed, horizon), budget="balanced", participation="exit", largest=0.01)
        assert found.status in ("possible", "impossible")


@pytest.fixture(scope="module")
def proof() -> dict[str, Any]:
    """A proof that truth cannot be made best without memory."""
    found = design("oil-leases-prior", memory="none", incentive="bayesian")
    assert found.proof is not None
    data: dict[str, Any] = json.loads(json.dumps(found.proof))
    return data


def rows(data: dict[str, Any], kind: str) -> list[list[Any]]:
    return [row for row in data["clashes"][0]["rows"] if row[0] == kind]


def negative(data: dict[str, Any]) -> None:
    rows(data, "truth")[0][5] *= -1


def another_goal(data: dict[str, Any]) -> None:
    data["clashes"][0]["goals"] = ["truthful firm 2"]


def more_memory(data: dict[str, Any]) -> None:
    data["goals"]["memory"] = "last"


def other_multiplier(data: dict[str, Any]) -> None:
    rows(data, "truth")[0][5] *= 1.5


def dropped_row(data: dict[str, Any]) -> None:
    data["clashes"][0]["rows"].remove(rows(data, "truth")[0])


def unreachable(data: dict[str, Any]) -> None:
    row = rows(data, "truth")[-1]
    (never, *_) = [d for d, chance in enumerate(data["rule"][1][0]) if not chance]  # a decision that is not taken
    row[2], row[3], row[4] = 2, [[0, never]], [0, 0, 0, 0]


def nothing_asked(data: dict[str, Any]) -> None:
    data["goals"]["incentive"] = "none"


def other_utility(data: dict[str, Any]) -> None:
    for stage in data["environment"]["stages"]:
        stage["utility"] = (0 * np.array(stage["utility"])).tolist()


def no_period(data: dict[str, Any]) -> None:
    rows(data, "truth")[-1][2] = -1


def no_signal(data: dict[str, Any]) -> None:
    """A report that does not exist, whose number would be that of another agent's signal."""
    row = rows(data, "truth")[-1]
    row[4][3] = len(data["environment"]["stages"][0]["signals"][row[1]])


def no_welfare(data: dict[str, Any]) -> None:
    """Welfare before the first period, which would be that of one period more than there are."""
    data["clashes"][0]["rows"] = [["welfare", -1, -1, [], [0], 1.0]]


def definitions_alone(data: dict[str, Any]) -> None:
    data["clashes"][0]["rows"] = [["welfare", -1, 0, [], [0], 0.0]]


@pytest.mark.parametrize("forge", [no_period, no_signal, no_welfare])
def test_rows_of_what_does_not_exist_are_refused(
    proof: dict[str, Any], forge: Callable[[dict[str, Any]], None]
) -> None:
    forged = copy.deepcopy(proof)
    forge(forged)
    with pytest.raises(Malformed, match="no whole number from 0 to"):
        verify_infeasible.check(sealed(forged))


@pytest.mark.parametrize(
    ("forge", "why"),
    [
        (definitions_alone, "at least 0.0"),
        (negative, "below 0"),
        (another_goal, "not among those"),
        (more_memory, "add up"),
        (other_multiplier, "add up"),
        (dropped_row, "add up"),
        (unreachable, "cannot come to"),
        (nothing_asked, "not among those"),
        (other_utility, "add up"),
    ],
)
def test_a_forged_proof_fails_for_the_reason_that_it_is_forged(
    proof: dict[str, Any], forge: Callable[[dict[str, Any]], None], why: str
) -> None:
    assert verify_infeasible.check(proof)
    forged = copy.deepcopy(proof)
    forge(forged)
    with pytest.raises(Unproved, match=why):
        verify_infeasible.check(sealed(forged))


def test_a_larger_multiple_of_all_proves_the_same(proof: dict[str, Any]) -> None:
    twice = copy.deepcopy(proof)
    for row in twice["clashes"][0]["rows"]:
        row[5] *= 2
    assert verify_infeasible.check(twice) == verify_infeasible.check(proof)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        # Whatever is not `bayesian` is proved ex post, which is easier: the line must not claim another word.
        (lambda data: data["goals"].update(incentive="bayesian "), "goals.incentive: it is none of ex-post, bayesian"),
        (lambda data: data["goals"].update(participation="always"), "goals.participation: it is none of none, ex-ante"),
        (lambda data: data["goals"].update(budget=None), "goals.budget: it is none of none, no-deficit, balanced"),
        (lambda data: data["goals"].update(budget_level=["period"]), "goals.budget_level: it is none of ex-post"),
        (lambda data: data["clashes"][0]["goals"].append("peace"), "a goal is of nobody, or none that is known here"),
        (lambda data: data["environment"].update(agents=["firm 1", "firm 1"]), "agents: two have the same name"),
    ],
)
def test_words_and_names_are_what_they_are_read_as(
    change: Callable[[dict[str, Any]], None], why: str, proof: dict[str, Any]
) -> None:
    forged = copy.deepcopy(proof)
    change(forged)
    with pytest.raises(Malformed, match=why):
        verify_infeasible.check(sealed(forged))


def test_what_is_no_proof_is_said(proof: dict[str, Any]) -> None:
    for key, value in (("largest", 0.0), ("largest", "much"), ("clashes", []), ("schema", 2)):
        with pytest.raises(Malformed):
            verify_infeasible.check({**proof, key: value})
    with pytest.raises(Malformed, match="hash"):
        verify_infeasible.check({**proof, "rule": []})


def test_a_clash_of_margins_is_said_as_it_is() -> None:
    """With a margin m a goal that gives g asks that lies lose m - g; that is a gain only where g is larger."""
    far = design("oil-leases-prior", margin=100.0)
    gives = far.relaxations["truthful firm 2"]
    assert gives is not None
    assert 0 < gives < 100
    assert f"lies of firm 2 lost only {100 - gives:g}" in far.sentence
    assert "better for firm 2 than every lie by 100" in far.sentence
    half = design("oil-leases-prior", memory="none", margin=0.5)
    gives = half.relaxations["truthful firm 1"]
    assert gives is not None
    assert f"firm 1 could gain {gives - 0.5:g} by a lie" in half.sentence
    assert "deciding as pay-your-report" in design("oil-leases-prior", rule="pay-your-report", memory="none").sentence
    assert " that decides as pay-your-report under" in design("oil-leases-prior", rule="pay-your-report").sentence


def test_the_command_line_writes_and_verifies_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, gains = tmp_path / "none.json.gz", tmp_path / "gains.json.gz"
    assert exit_code(["design", "oil-leases", "--certificate", str(gains), "--quiet"]) == 0
    assert str(gains) in capsys.readouterr().out
    assert exit_code(["verify", str(gains)]) == 0
    assert "firm 1, ex_post: no deviation gains" in capsys.readouterr().out
    assert exit_code(["design", "oil-leases", "--memory", "none", "-o", str(file)]) == 1
    assert f"{file} is not written: there is no mechanism\n" in capsys.readouterr().out
    assert not file.exists()
    words = ["design", "oil-leases", "--memory", "none", "--certificate", str(file), "--quiet"]
    assert exit_code(words) == 1
    assert "truth cannot be made best for firm 1 (certified)" in capsys.readouterr().out
    assert exit_code(["verify", str(file)]) == 0
    assert "no mechanism has truthful firm 1" in capsys.readouterr().out
    checker = ROOT / "experiments" / "certificates" / "verify_infeasible.py"
    code = f"import sys, runpy; sys.path.insert(0, {str(checker.parent)!r}); sys.argv = ['v', {str(file)!r}]"
    code += f"; runpy.run_path({str(checker)!r}, run_name='__main__')"
    alone = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stderr
    assert alone.stdout.startswith("proved: ")
