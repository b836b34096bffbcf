"""The JSON of every backend has the published shape, and the published shape is that of the program."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from dynmech.experiments.audits.audit_schema import AuditData, json_schema
from dynmech.experiments.cli.app import main

ROOT = Path(__file__).resolve().parents[3]

LINES = {
    "exact": ("oil-leases-prior", "cremer-mclean"),
    "exact, with exit": ("repeated-auction:values=2,horizon=2", "pay-your-report", "--exit"),
    "exact, voluntary payments": ("repeated-auction:values=2,horizon=2", "pay-your-report", "--payments", "voluntary"),
    "exact, a coalition": ("repeated-auction:values=2", "pivot", "--coalition", "bidder 1+bidder 2"),
    "exact, some refused": ("trading-game", "balanced"),
    "first reports": ("single-buyer:buyers=2,nodes=12", "virtual-pivot"),
    "epsilon": ("continuous-licence", "contingent-density:brackets=3,nodes=4"),
    "bounds": ("oil-leases-prior", "cremer-mclean", "--bounds"),
    "sampled": ("trading-game-continuous", "continuous-trade"),
}


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    with pytest.raises(SystemExit):
        main(["audit", *words, "--json"])
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    return data


@pytest.mark.parametrize("which", LINES)
def test_every_backend_prints_the_published_shape(which: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = printed(capsys, *LINES[which])
    AuditData.model_validate(data)
    assert data["backend"] == which.partition(",")[0]
    for row in data["gains"]:
        assert (row["lower"] is None and row["upper"] is None) == (row["kind"] == "refused")
        if row["kind"] == "exact":
            assert row["lower"] <= row["gain"] + 1e-12 <= row["upper"] + 2e-12
        if row["kind"] == "lower_bound":
            assert (row["upper"], row["confidence"]) == (None, 0.95)
    pairs = {(row["agent"], row["family"], row["information"]) for row in data["gains"]}
    assert len(pairs) == len(data["gains"]), "one figure for each"
    assert {row["agent"] for row in data["gains"]} <= set(data["deviators"])


def test_another_shape_is_found_out(capsys: pytest.CaptureFixture[str]) -> None:
    data = printed(capsys, *LINES["exact"])
    for change in ({"schema": 1}, {"more": 0}, {"gains": [{**data["gains"][0], "kind": "guessed"}]}, {"scale": 0.0}):
        with pytest.raises(ValidationError):
            AuditData.model_validate({**data, **change})


def test_the_published_schema_is_this_one() -> None:
    kept = json.loads((ROOT / "docs" / "audit.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema()


def test_an_error_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["audit", "oil-leases-prior", "cremer", "--json"])
    out, err = capsys.readouterr()
    assert stop.value.code == 2
    assert set(json.loads(out)) == {"schema", "error"}
    assert json.loads(out)["error"].startswith("unknown mechanism 'cremer'; did you mean")
    assert err.count("\n") == 1


def test_an_option_that_a_backend_cannot_honour_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["audit", "continuous-licence", "contingent-density", "--tolerance", "0.5", "--all-states"])
    out, err = capsys.readouterr()
    assert (stop.value.code, out) == (2, "")
    assert err.endswith("--tolerance, --all-states: the audit up to ε on a grid cannot honour that; leave it out\n")


def test_at_tolerance_0_what_is_open_is_not_said_to_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """First report by first report, with both promises within their own error of 0."""
    with pytest.raises(SystemExit) as stop:
        main(["audit", "single-buyer:buyers=2,nodes=12", "virtual-pivot", "--tolerance", "0"])
    shown = " ".join(capsys.readouterr().out.split())
    assert stop.value.code == 1
    assert "is undecided: buyer" in shown
    assert "may gain" in shown
    assert "No deviation" not in shown


def test_what_is_not_promised_is_not_said_to_hold(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["audit", "repeated-auction:values=3", "balanced:base=pay-your-report"])
    shown = " ".join(capsys.readouterr().out.split())
    assert stop.value.code == 0
    assert shown.startswith(
        "balanced:base=pay-your-report on repeated-auction:values=3: truth is not promised to be best, and bidder 1"
    )
