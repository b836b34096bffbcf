"""On which number of the economy a gain hangs: labels, order, factors of independent laws, what cannot be asked."""

import json
from dataclasses import replace

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.robustness.deviations import ex_ante_hinges
from dynmech.agents.robustness.robust_values import walk_of
from dynmech.experiments.audits.audit_schema import AuditData
from dynmech.experiments.audits.sensitivity import factor_slopes, hinge_sentences, with_sensitivity
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.kernels import IndependentKernel
from tests.builders.cli_calls import exit_code

AUCTION = "repeated-auction"


def test_rows_are_sorted_labelled_and_in_the_schema() -> None:
    audit = dm.audit(AUCTION, "pay-your-report")
    rows = audit.sensitivity
    ante = rows[rows["information"] == "ex_ante"]
    assert set(ante["input"]) == {"law", "utility", "discount", "prior"}
    assert (ante["effect"].abs().diff().dropna() <= 1e-12).all()
    assert any(label.startswith("P(1 | 0) of bidder") for label in rows["label"])
    worst = audit.gains.query("family == 'best_response' and information == 'ex_ante'")["gain"].max()
    assert ante["gain"].iloc[0] == pytest.approx(worst, abs=1e-6)
    data = with_sensitivity(audit).to_dict()
    AuditData.model_validate(json.loads(json.dumps(data)))
    assert len(data["sensitivity"]) == len(rows)
    assert audit.to_dict()["sensitivity"] is None, "unless it is asked for"


@pytest.mark.parametrize("agent", [0, 1])
def test_derivatives_in_the_factors_of_an_independent_law_are_finite_differences(agent: int) -> None:
    """The economy is built anew with one factor changed; the gain is that of an audit."""
    environment = random_environment(np.random.default_rng(2), discount=0.7, correlation=0.0, independent=True)
    mechanism = dm.make_mechanism("pay-your-report", environment)
    kernel = environment.kernel(0)
    assert isinstance(kernel, IndependentKernel)
    audit = dm.audit(environment, mechanism)
    assert audit.game is not None
    hinges = ex_ante_hinges(walk_of(audit.game, 0))
    law = hinges.derivatives.law[0]
    assert law is not None
    assert hinges.unique
    slopes = factor_slopes(kernel, law, agent)
    generator = np.random.default_rng(agent)

    def gain(h: float, d: int, a: int, b: int) -> float:
        factors = [factor.copy() for factor in kernel.factors]
        factors[agent][d, a] *= 1 - h
        factors[agent][d, a, b] += h
        stage = replace(environment.stages[0], kernel=IndependentKernel(tuple(factors)))
        game = type(audit.game)(replace(environment, stages=(stage,)), mechanism)  # type: ignore[misc]
        return ex_ante_hinges(walk_of(game, 0)).derivatives.value

    assert np.abs(slopes).max() > 0.1
    for _ in range(3):
        d, a, b = (int(generator.integers(size)) for size in slopes.shape)
        told = slopes[d, a, b] - slopes[d, a] @ kernel.factors[agent][d, a]
        found = (gain(1e-6, d, a, b) - gain(-1e-6, d, a, b)) / 2e-6
        assert told == pytest.approx(found, abs=1e-4)


def test_sentences_say_what_a_gain_hangs_on() -> None:
    row = {"information": "ex_ante", "agent": "one", "gain": 2.0, "unique": True, "input": "law", "effect": 0.3}
    shared = {"label": "P(high | low) of firm 2", "value": 0.5, "derivative": 30.0}
    (said,) = hinge_sentences([{**row, **shared}])
    assert said == "The gain of one ex ante, 2, hangs most on P(high | low) of firm 2: 0.01 more adds 0.3."
    (said,) = hinge_sentences([{**row, **shared, "gain": -1.0, "unique": False, "input": "utility"}])
    assert "the one that loses least loses 1, which hangs most on P(high | low) of firm 2" in said
    assert "by 1 % of the scale more it loses 0.3 less" in said
    assert "one way only" in said


def test_what_cannot_be_asked() -> None:
    for words in (
        ["audit", AUCTION, "pivot", "--coalition", "bidder 1+bidder 2"],
        ["audit", AUCTION, "pivot", "--exit"],
        ["audit", "bilateral-trade-continuous", "contingent-density"],
    ):
        assert exit_code([*words, "--sensitivity", "--quiet"]) == 2
    with pytest.raises(InputError, match="--exit"):
        _ = dm.audit(AUCTION, "pivot", exit=True).sensitivity


def test_what_has_no_sensitivity_is_said_before_anything_is_worked_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["audit", AUCTION, "pivot", "--bounds", "--sensitivity"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "not with --bounds" in line


def test_the_brief_answer_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["audit", "oil-leases-prior", "cremer-mclean", "--sensitivity", "--quiet"]) == 1
    verdict, *hinges = capsys.readouterr().out.splitlines()
    assert "breaks" in verdict
    assert [line.partition(",")[0] for line in hinges] == ["The gain of firm 1 ex ante", "The gain of firm 1 ex post"]


def test_the_screen_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["audit", "oil-leases-prior", "cremer-mclean", "--sensitivity"]) == 1
    screen = capsys.readouterr().out
    assert "hangs most on" in screen
    assert "in period 1" in screen
