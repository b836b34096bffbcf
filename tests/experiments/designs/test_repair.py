"""Repairs: a mechanism's own transfers, changed as little as possible until they do what is asked."""

import numpy as np
import pytest

import dynmech as dm
from dynmech.experiments.designs.designing import design
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.builders import random_environment
from tests.builders.cli_calls import exit_code


@pytest.mark.parametrize("minimise", ["change", "total-change"])
def test_what_holds_need_not_change(minimise: str) -> None:
    found = design("oil-leases-prior", near="linked", minimise=minimise)
    assert found.objective == pytest.approx(0.0, abs=1e-7)
    assert found.sentence == "Under linked, as it is, truth is periodic ex post optimal."
    assert found.changes.empty


@pytest.mark.parametrize("incentive", ["ex-post", "bayesian"])
def test_cremer_mclean_is_repaired(incentive: str) -> None:
    """Exactly as much as is said is changed, the search agrees, and in sum it is no less than the largest."""
    largest = design("oil-leases-prior", near="cremer-mclean", incentive=incentive)
    total = design("oil-leases-prior", near="cremer-mclean", incentive=incentive, minimise="total-change")
    for found in (largest, total):
        assert found.possible
        assert found.audit is not None
        assert found.audit.holds
        agents = found.task.environment.agents
        changes = np.array([found.changes[f"{a} pays"] - found.changes[f"{a} was"] for a in agents])
        size = np.abs(changes).max() if found is largest else np.abs(changes).sum()
        assert size == pytest.approx(found.objective, abs=1e-6)
    assert largest.objective is not None
    assert total.objective is not None
    assert 0 < largest.objective <= total.objective


def test_no_change_is_smaller_than_the_gain_that_it_takes_away() -> None:
    """Static payments break on correlated signals; a repair costs at least a share of what the best lie earns."""
    env = random_environment(np.random.default_rng(5), signals=2, decisions=2, discount=0.5)
    before = dm.audit(env, "pay-your-report")
    gain = max(one.gain for one in before.figures if (one.family, one.information) == ("one_shot", "ex_post"))
    found = design(env, near="pay-your-report", memory="last")
    assert gain > 0.1
    assert found.objective is not None
    assert found.objective >= gain * (1 - env.discount) / 2 - 1e-7 * env.scale


def test_what_is_no_repair_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Refusal, match="depends on more than the current reports"):
        design("oil-leases-prior", near="linked", memory="none")
    with pytest.raises(InputError, match="nothing is to repair"):
        design("oil-leases-prior", near="linked", incentive="none")
    with pytest.raises(InputError, match="a repair changes little"):
        design("oil-leases-prior", near="linked", minimise="largest")
    assert exit_code(["design", "oil-leases-prior", "--near", "linked", "--rule", "linked"]) == 2
    assert "leave --rule out" in capsys.readouterr().err
    assert exit_code(["design", "oil-leases-prior", "--near", "cremer-mclean", "--quiet"]) == 0
    assert "no payment changes by more than 2, and less is not possible" in capsys.readouterr().out
