"""`audit --profile` and `--disclosure`: figures, sentence, JSON, exit codes, and what is refused."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import dynmech as dm
from dynmech.experiments.audits.audit_schema import AuditData
from dynmech.experiments.cli.app import main

GAME = ("audit", "oil-leases-prior", "cremer-mclean")


def written(folder: Path, **strategies: str) -> str:
    """A profile file for the oil leases."""
    path = folder / "profile.json"
    data = {"schema": 1, "kind": "profile", "agents": ["firm 1", "firm 2"], "horizon": 3, "strategies": strategies}
    path.write_text(json.dumps(data), encoding="utf-8")
    return str(path)


def called(line: Sequence[str]) -> int:
    """The exit code of a line."""
    with pytest.raises(SystemExit) as ended:
        main(line)
    return int(ended.value.code or 0)


def printed(capsys: pytest.CaptureFixture[str], *line: str) -> tuple[int, dict[str, object]]:
    """Exit code and JSON of a line."""
    code = called([*line, "--json"])
    data = json.loads(capsys.readouterr().out)
    return code, data


def test_a_profile_that_is_an_equilibrium(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Firm 1 that always says the opposite moves the belief and cashes in: it has nothing better."""
    code, data = printed(capsys, *GAME, "--profile", written(tmp_path, **{"firm 1": "misreport"}))
    parsed = AuditData.model_validate(data)
    assert code == 0
    assert parsed.verdict == "holds"
    assert parsed.promises[0].promise == "equilibrium"
    assert parsed.profile is not None
    assert parsed.profile.strategies == {"firm 1": "misreport:map=flip", "firm 2": "truthful"}
    assert parsed.profile.payoff is not None
    assert parsed.truth.payoff is not None
    assert parsed.backend == "beliefs"


def test_a_profile_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, data = printed(capsys, *GAME, "--profile", written(tmp_path))
    parsed = AuditData.model_validate(data)
    assert code == 1
    assert parsed.sentence == ("firm 1 gains 2 ex ante: first in period 0, with signal 0, it sends 1 in place of 0.")
    gains = {(g.agent, g.information): g.gain for g in parsed.gains if g.family == "best_response"}
    assert gains["firm 1", "ex_ante"] == pytest.approx(2)
    assert gains["firm 2", "ex_ante"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("disclosure", ["announced", "decisions", "own"])
def test_what_is_assumed_to_be_disclosed_stands_in_the_result(
    disclosure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, data = printed(capsys, *GAME, "--disclosure", disclosure)
    parsed = AuditData.model_validate(data)
    assert code == 1
    assert parsed.options.disclosure == disclosure
    assert parsed.verdict == "breaks"
    assert called([*GAME, "--disclosure", disclosure]) == 1
    assert ("nothing public" if disclosure == "own" else "the decisions public") in capsys.readouterr().out


def test_everything_public_is_what_it_was() -> None:
    one = dm.audit("oil-leases-prior", "cremer-mclean")
    other = dm.audit("oil-leases-prior", "cremer-mclean", profile={
        "schema": 1, "kind": "profile", "agents": ["firm 1", "firm 2"], "horizon": 3
    })  # fmt: skip
    left, right = (audit.gains.set_index(["agent", "family", "information"]).gain for audit in (one, other))
    assert (left - right[left.index]).abs().max() < 1e-9


def test_bounds_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Endless beliefs: two bounds, and what they are."""
    line = ("audit", "repeated-auction:discount=0.5", "pay-your-report", "--disclosure", "own")
    code, data = printed(capsys, *line)
    parsed = AuditData.model_validate(data)
    assert code == 0
    assert {g.kind for g in parsed.gains if g.agent == "bidder 2"} >= {"bounds"}
    assert called([*line]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "the upper one of a deviator to whom everything is shown from there on" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--disclosure", "all"), "disclosure: 'all' is none of everything, announced, decisions, own"),
        (("--disclosure", "own", "--exit"), "audit: --exit: the search over beliefs cannot honour that"),
        (("--profile", "nowhere.json"), "nowhere.json: cannot be read"),
    ],
)
def test_what_cannot_be_honoured(options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert called([*GAME, *options]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
