"""The audit by bounds: rows, verdicts and refusals."""

import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.runs.verdicts import BREAKS, HOLDS
from dynmech.sim.core.errors import InputError, Refusal
from tests.builders.audit_words import call, verdicts


@pytest.mark.parametrize(
    ("scenario", "mechanism", "status"),
    [("oil-leases-prior", "cremer-mclean", BREAKS), ("bilateral-trade:horizon=2", "balanced", HOLDS)],
)
def test_bounds_agree_with_the_exact_audit(scenario: str, mechanism: str, status: str) -> None:
    exact, bounds = audit(scenario, mechanism), audit(scenario, mechanism, bounds=True)
    assert verdicts(exact) == verdicts(bounds)
    assert verdicts(bounds)["incentive: bayesian"] == status
    assert vars(bounds.truth) == vars(exact.truth)
    figures = {(gain.agent, gain.family, gain.information): gain for gain in exact.figures}
    for gain in bounds.figures:
        known = figures[gain.agent, gain.family, gain.information]
        assert gain.lower - 1e-9 <= known.gain <= gain.upper + 1e-9
        assert gain.kind == "bounds"


def test_the_spy_is_named_apart() -> None:
    (first, *_) = audit("bilateral-trade:horizon=2", "balanced", bounds=True).to_dict()["brackets"]
    assert first["upper"] < 1e-6 < 0.2 < first["spy"]["lower"] <= first["spy"]["upper"]


def test_the_sentence_has_both_bounds(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "audit", "oil-leases-prior", "cremer-mclean", "--bounds")
    assert code == 1
    assert "firm 1 gains 2 … 2.009 (95 %)" in out
    assert "2 … 2.009" in out.partition("\n\n")[2]


def test_what_bounds_cannot_honour_is_an_error() -> None:
    with pytest.raises(InputError, match="--exit"):
        audit("oil-leases-prior", "linked", bounds=True, exit=True)
    with pytest.raises(InputError, match="ask for these"):
        audit("oil-leases-prior", "linked", width=0.1)
    with pytest.raises(InputError, match="not above 0"):
        audit("oil-leases-prior", "linked", bounds=True, width=0.0)
    with pytest.raises(Refusal, match="no exact search"):
        _ = audit("oil-leases-prior", "linked", bounds=True).policy
