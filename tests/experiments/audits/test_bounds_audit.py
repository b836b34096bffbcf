"""The audit by bounds: rows, verdicts and refusals."""

import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.audits.bounds_audit import ordered_bounds
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


@pytest.mark.parametrize(
    ("scenario", "mechanism"),
    [
        ("oil-leases", "surplus-extraction"),  # drawn paths alone leave more ex ante than the worst state does
        ("oil-leases-prior", "cremer-mclean"),
        ("bilateral-trade:horizon=2", "balanced"),
        ("random:horizon=2,signals=2", "pay-your-report"),
    ],
)
def test_what_an_average_gains_is_bounded_by_what_its_parts_gain(scenario: str, mechanism: str) -> None:
    result = audit(scenario, mechanism, bounds=True)
    gains = {(gain.agent, gain.family, gain.information): gain for gain in result.figures}
    for agent, family in {key[:2] for key in gains}:
        rows = [gains[agent, family, information] for information in ("ex_ante", "on_path", "interim", "ex_post")]
        uppers, lowers = [row.upper for row in rows], [row.lower for row in rows]
        assert uppers == sorted(uppers)
        assert lowers[1:] == sorted(lowers[1:]), "ex ante holds with 95 % only, and raises nothing that is certain"
        assert all(low <= high for low, high in zip(lowers, uppers, strict=True))
    for bracket in result.to_dict()["brackets"]:
        assert bracket["upper"] == gains[bracket["agent"], "best_response", "ex_ante"].upper
        assert bracket["spy"]["upper"] <= gains[bracket["agent"], "best_response", "ex_post"].upper


def test_bounds_at_the_worst_state_bind_each_other() -> None:
    assert ordered_bounds((0.0, 3.0), (1.0, 2.0)) == ((0.0, 2.0), (1.0, 2.0))
    assert ordered_bounds((1.0, 2.0), (0.0, 3.0)) == ((1.0, 2.0), (1.0, 3.0))


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
