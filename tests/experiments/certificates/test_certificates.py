"""Certificates: what an audit finds is proved, by a program that stands alone."""

import gzip
import json
import shutil
import subprocess
import sys
from math import inf, nextafter
from pathlib import Path
from typing import Any

import pytest

import dynmech as dm
from docs.certified import certified as certificate_row, pairs, rows_of_the_page
from dynmech.agents.oracle import search
from dynmech.experiments.certificates import certifying, verify, verify_promises
from dynmech.experiments.certificates.certifying import certificate, save_certificate
from dynmech.experiments.certificates.labelled_lines import labelled
from dynmech.experiments.certificates.sharp_claims import sharpened
from dynmech.experiments.cli.app import main
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import InputError, Refusal
from tests.builders.economies import weather
from tests.builders.lottery_mechanisms import Raffle
from tests.builders.planted_mechanisms import Lottery, Nosier
from tests.builders.random_economies import working

INFORMATION = ("ex_ante", "on_path", "interim", "ex_post")


def certified(mechanism: Mechanism, deviators: Any = None, **how: Any) -> tuple[dict[str, Any], list[str]]:
    """Return a certificate and what the checker says of it."""
    data = certificate(mechanism, deviators or [(i,) for i in range(len(mechanism.environment.agents))], **how)
    return data, verify.check(json.loads(json.dumps(data)))


def assert_it_says_what_the_audit_says(mechanism: Mechanism, data: dict[str, Any], **how: Any) -> None:
    found = dm.audit(mechanism.environment, mechanism, **how)
    claimed = {(" + ".join(claim["agents"]), claim["information"]): claim for claim in data["claims"]}
    for gain in found.figures:
        if gain.family != "best_response" or gain.kind == "refused":
            continue
        claim = claimed.pop((gain.agent, gain.information))
        assert claim["lower"] <= max(gain.gain, 0.0) + gain.bound, gain
        assert gain.gain - gain.bound <= claim["upper"], gain
        assert claim["upper"] - claim["lower"] <= 20 * gain.bound, gain
    assert not claimed


@pytest.mark.parametrize(
    ("environment", "mechanism"),
    [
        ("oil-leases-prior", "cremer-mclean"),
        ("oil-leases-prior", "linked"),
        ("repeated-auction", "contingent-spanning"),
        ("repeated-auction", "pay-your-report"),
    ],
)
def test_what_an_audit_finds_is_proved(environment: str, mechanism: str) -> None:
    rules = dm.make_mechanism(mechanism, dm.load(environment))
    data, _ = certified(rules)
    assert_it_says_what_the_audit_says(rules, data)


@pytest.mark.parametrize(("seed", "horizon"), [(0, None), (1, None), (2, None), (1, 3), (3, 3)])
def test_random_economies_are_certified(seed: int, horizon: int | None) -> None:
    """With a memory that matters in every way, and with lotteries, over both kinds of horizon."""
    environment = RandomEconomy(seed=seed, signals=2, horizon=horizon, discount=0.7).build()
    rules = Lottery(environment, seed) if seed % 2 else Raffle(environment, seed)
    data, _ = certified(rules)
    assert_it_says_what_the_audit_says(rules, data)


def test_a_public_state_and_actions_are_certified() -> None:
    rules = dm.make_mechanism("pivot", weather(1))
    assert_it_says_what_the_audit_says(rules, certified(rules)[0])
    acting = Nosier(working(1, 2))
    assert_it_says_what_the_audit_says(acting, certified(acting)[0])


def test_coalitions_and_leaving_are_certified() -> None:
    rules = dm.make_mechanism("pivot", dm.load("repeated-auction"))
    data, lines = certified(rules, [(0, 1)])
    assert data["claims"][0]["agents"] == ["bidder 1", "bidder 2"]
    assert "bidder 1 + bidder 2" in lines[0]
    assert_it_says_what_the_audit_says(rules, data, coalitions=[(0, 1)])
    leaving = dm.make_mechanism("team", dm.load("oil-leases-prior"))
    data, _ = certified(leaving, exit=True)
    assert_it_says_what_the_audit_says(leaving, data, exit=True)


@pytest.mark.slow
def test_every_shipped_pair_that_an_audit_decides_is_certified() -> None:
    """The published table, row by row: the audit's figures, proved; a row that is missing is found, too."""
    kept = {(row[0], row[1]): row for row in rows_of_the_page()}
    for environment, mechanism, rules in pairs():
        row = certificate_row(environment, mechanism, rules)
        if row is None:
            continue
        shown, cells = kept.pop((environment, mechanism)), row.cells()
        assert shown[:6] == cells[:6]
        assert float(shown[6]) == pytest.approx(float(cells[6]), rel=0.05, abs=1.5)  # how long last digits are
    assert not kept


def test_the_checker_needs_nothing_but_python(tmp_path: Path) -> None:
    rules = dm.make_mechanism("cremer-mclean", dm.load("oil-leases-prior"))
    data, lines = certified(rules)
    for name in ("proof.json", "packed"):
        save_certificate(data, tmp_path / name)
    (tmp_path / "packed").write_bytes(gzip.compress((tmp_path / "proof.json").read_bytes()))  # told by content
    shutil.copy(verify.__file__, tmp_path / "verify.py")
    for name in ("proof.json", "packed"):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "verify.py", name], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [*lines, *verify.SAID]
    source = Path(verify.__file__).read_text(encoding="utf-8")
    assert "dynmech" not in "".join(line for line in source.splitlines() if line.startswith(("import", "from")))


def test_an_audit_marks_what_is_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof = tmp_path / "proof.json.gz"
    with pytest.raises(SystemExit) as stop:
        main(["audit", "oil-leases-prior", "cremer-mclean", "--certificate", str(proof), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert stop.value.code == 1
    assert all(row["certified"] for row in said["gains"])
    assert len(said["gains"]) == 24
    with pytest.raises(SystemExit) as stop:
        main(["verify", str(proof), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (stop.value.code, said["proved"], len(said["lines"])) == (0, True, 37)
    assert verify.main([str(proof)], verify_promises.check) == 0
    assert capsys.readouterr().out.splitlines() == said["lines"]


def test_what_cannot_be_certified_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="needs a finite environment"):
        dm.certify(dm.audit("continuous-licence", "contingent-density"), tmp_path / "proof.json")
    play = {"schema": 1, "kind": "profile", "agents": ["firm 1", "firm 2"], "horizon": 3}
    flip = {**play, "strategies": {"firm 1": "misreport:map=flip"}}
    others: list[dict[str, Any]] = [{"disclosure": "own"}, {"profile": flip}, {"payments": "voluntary"}]
    for other in others:
        found = dm.audit("oil-leases-prior", "linked", **other)
        with pytest.raises(InputError, match=f"leave --{next(iter(other))} out"):
            dm.certify(found, tmp_path / "other.json")
        assert not (tmp_path / "other.json").exists()
    everywhere = dm.audit("oil-leases-prior", "linked", all_states=True)
    with pytest.raises(InputError, match="leave --all-states out"):
        dm.certify(everywhere, tmp_path / "proof.json")
    assert list(tmp_path.iterdir()) == []


def test_the_screen_names_states_by_their_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the numbers of the file: memory 4, decision 2 of three, profile 1 of (2 · 1), the second of two signals."""
    dm.certify(dm.audit("oil-leases-prior", "cremer-mclean"), tmp_path / "proof.json")
    assert verify.main([str(tmp_path / "proof.json")]) == 0
    numbers = capsys.readouterr().out.splitlines()
    with pytest.raises(SystemExit):
        main(["verify", str(tmp_path / "proof.json")])
    words = " ".join(capsys.readouterr().out.split())
    assert all("node" in line for line in numbers[1:3])
    assert "node" not in words
    # The deviator of the audit's story: 4 is gained at its signal 6 after reporting the other bias.
    assert "(period 1, memory" in words
    assert "knowing 6)" in words


def test_a_state_in_words() -> None:
    stage = {"public": ["dry", "wet"], "signals": [["low", "high"], ["a", "b", "c"]], "decisions": ["no", "yes"]}
    data = {
        "environment": {"agents": ["ann", "bob"], "horizon": None, "stages": [stage]},
        "claims": [{"agents": ["bob"], "information": kind} for kind in ("interim", "ex_post")],
    }
    told = "proved: claims[{}], bob, interim: gains 1 to 2 (period {}, node {}, information {})"
    # Profile 7 is (wet, low, b), information 5 of bob is (wet, c), profile 11 is (wet, high, c).
    assert labelled(told.format(0, 1, "(3, 1, 7)", 5), data).endswith(
        "(period 1 or later, memory 3 after decision yes at wet, low, b, knowing wet, c)"
    )
    assert labelled(told.format(1, 0, "None", 11), data).endswith("(period 0, knowing wet, high, c)")
    for line in (told.format(0, 1, "(3, 5, 7)", 5), told.format(0, 1, "(3, 1, 70)", 5), told.format(9, 0, "None", 0)):
        assert labelled(line, data) == line, "numbers that the file has no labels for"
    assert labelled(told.format(0, 0, "None", 1), {}) == told.format(0, 0, "None", 1)


def test_a_bound_that_is_rounding_is_called_so() -> None:
    stage = {"utility": [[[0.0, -50.0], [3.0, 1.0]]]}
    data = {"environment": {"stages": [stage]}, "claims": [{}]}
    line = "proved: claims[0], ann, interim: no deviation gains more than "
    assert labelled(f"{line}9.985e-15", data) == f"{line}9.99e-15, which is rounding: utilities are up to 50"
    assert labelled(f"{line}0.00123456", data) == f"{line}0.00124", "a bound is rounded up"
    assert labelled(f"{line}1e-15", {"environment": {"stages": [{}]}, "claims": [{}]}) == f"{line}1e-15"
    assert labelled(f"{line}0.0", data) == line.replace("more than ", "anything")
    gains = "proved: claims[0], ann, interim: the best response gains "
    assert labelled(f"{gains}1.9999999999999996 to 2.000000000000001", data) == f"{gains}2 ± 8.89e-16"
    assert labelled(f"{gains}2.0 to 2.0 (period 0)", data) == f"{gains}exactly 2 (period 0)"
    assert labelled(f"{gains}1.5 to 2.0", data) == f"{gains}1.5 to 2.0"


def test_what_would_be_too_large_to_check_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = dm.audit("oil-leases-prior", "linked")
    monkeypatch.setattr(certifying, "LARGEST", 5000)
    with pytest.raises(Refusal, match=r"it would have 0 MB, more than the 0 MB \(unpacked\) that verify reads"):
        dm.certify(found, tmp_path / "proof.json.gz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "mechanism", "exit"),
    [
        ("repeated-auction:values=2", "contingent-spanning", False),
        ("repeated-auction:values=2", "balanced", True),
        ("supply-chain:nodes=2", "pivot", False),
    ],
)
def test_values_of_merged_memories_are_where_the_search_of_single_ones_ends(
    environment: str, mechanism: str, exit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With or without an audit's values the file is the same; value iteration has a step or two left."""
    rules = dm.make_mechanism(mechanism, dm.load(environment))
    found = dm.audit(rules.environment, rules, exit=exit)
    steps: list[int] = []
    fixed = search.fixed_point

    def counted(improve: Any, x: Any, discount: float, scale: float, *, centred: bool) -> Any:
        def improving(y: Any) -> Any:
            steps[-1] += 1
            return improve(y)

        steps.append(0)
        return fixed(improving, x, discount, scale, centred=centred)

    alone = certificate(rules, [(0,)], exit=exit)
    monkeypatch.setattr(search, "fixed_point", counted)
    beside = certificate(rules, [(0,)], exit=exit, searches=found.searches)
    assert beside["claims"] == alone["claims"]
    assert beside["mechanism"] == alone["mechanism"]
    assert len(steps) == 8
    assert max(steps) <= 3


def test_round_transfers_give_a_gain_of_exactly_2(tmp_path: Path) -> None:
    """Typed in as 13, 5 and 11, the period-by-period scheme of the oil leases loses exactly 2 ex ante, 4 interim."""
    found = dm.audit("oil-leases-prior", "cremer-mclean")
    dm.save_mechanism(found.mechanism, tmp_path / "rules.json")
    data = json.loads((tmp_path / "rules.json").read_text(encoding="utf-8"))
    for period in data["periods"]:
        period["charge"] = [rounded_all(table) for table in period["charge"]] if period.get("charge") else None
    (tmp_path / "round.json").write_text(
        json.dumps({**data, "periods": [{k: v for k, v in p.items() if v is not None} for p in data["periods"]]})
    )
    exact = dm.certify(dm.audit("oil-leases-prior", str(tmp_path / "round.json")), tmp_path / "proof.json")
    claims = verify.read(str(tmp_path / "proof.json"))["claims"]
    proved = {(c["agents"][0], c["information"]): (c["lower"], c["upper"]) for c in claims}
    assert proved["firm 1", "ex_ante"] == (2.0, 2.0)
    assert proved["firm 1", "interim"] == (4.0, 4.0)
    assert exact.gains.query("certified and agent == 'firm 1' and information == 'ex_ante'")["lower"].tolist() == [
        0,
        2,
        2,
    ]


def rounded_all(table: Any) -> Any:
    """Every number of nested lists, to nine digits."""
    return [rounded_all(part) for part in table] if isinstance(table, list) else round(table, 9)


@pytest.mark.parametrize(("seed", "horizon"), [(0, None), (1, None), (2, 3)])
def test_claims_are_as_sharp_as_their_proof(seed: int, horizon: int | None) -> None:
    """They are within what was claimed at first, the checker takes them, and none that is sharper by a last bit."""
    rules = Lottery(RandomEconomy(seed=seed, signals=2, horizon=horizon, discount=0.7).build(), seed)
    data = json.loads(json.dumps(certificate(rules, [(0,)])))
    sharp = sharpened(data)
    verify.check(sharp)
    for k, (wide, claim) in enumerate(zip(data["claims"], sharp["claims"], strict=True)):
        assert wide["lower"] <= claim["lower"] <= claim["upper"] <= wide["upper"]
        for end, way in (("lower", inf), ("upper", -inf)):
            if claim[end] > 0:
                claims = [*sharp["claims"]]
                claims[k] = {**claim, end: nextafter(claim[end], way)}
                with pytest.raises(verify.Unproved, match=f"{'least' if end == 'lower' else 'most'} .* is claimed"):
                    verify.check({**sharp, "claims": claims})
