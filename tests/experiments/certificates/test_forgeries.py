"""Forged certificates: whatever is changed, with all hashes made anew, the checker refuses it and says why."""

import copy
import gzip
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

import dynmech as dm
from dynmech.experiments.certificates import verify
from dynmech.experiments.certificates.certifying import canonical_hash, certificate
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from tests.builders.cli_calls import exit_code
from tests.builders.planted_mechanisms import Lottery

Change = Callable[[dict[str, Any], Random], None]


def made(name: str) -> dict[str, Any]:
    """Return a certificate: of a break over three periods, or of random rules for ever."""
    if name == "leases":
        rules = dm.make_mechanism("cremer-mclean", dm.load("oil-leases-prior"))
    else:
        rules = Lottery(RandomEconomy(seed=3, signals=2, horizon=None, discount=0.7).build(), 3)
    return certificate(rules, [(0,), (1,)])


@pytest.fixture(scope="module", params=["leases", "random"])
def proof(request: pytest.FixtureRequest) -> dict[str, Any]:
    data = made(request.param)
    verify.check(json.loads(json.dumps(data)))
    return data


def forged(data: dict[str, Any], change: Change, seed: int = 0) -> dict[str, Any]:
    """Return a changed copy with all hashes made anew."""
    copied = json.loads(json.dumps(data))
    change(copied, Random(seed))
    copied["hashes"] = {part: canonical_hash(copied[part]) for part in ("environment", "mechanism")}
    return copied


def refusal(data: dict[str, Any]) -> str:
    """Return why a certificate is refused; empty if it is not."""
    try:
        verify.check(data)
    except (verify.Unproved, verify.Malformed) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def leaves_of(nested: Any, kinds: type | tuple[type, ...]) -> list[tuple[list[Any], int]]:
    """Return the place of every number in nested lists."""
    if not isinstance(nested, list):
        return []
    here = [(nested, k) for k, value in enumerate(nested) if isinstance(value, kinds)]
    return here + [place for part in nested for place in leaves_of(part, kinds)]


def payment(data: dict[str, Any], rng: Random) -> None:
    """In some periods everybody pays more, or less, whatever is reported and decided: values move by known amounts."""
    by = rng.choice([-1, 1]) * rng.uniform(0.01, 1)
    for period in data["mechanism"]["periods"]:
        for place, k in leaves_of(period.get("charge", []), float):
            place[k] += by * rng.random()


def probability(data: dict[str, Any], rng: Random) -> None:
    """What is likely to follow becomes unlikely: laws of the next profile are read backwards."""
    for stage in data["environment"]["stages"]:
        for decision in (stage["kernel"] or {}).get("joint", []):
            for row in decision:
                for k, law in enumerate(row):
                    row[k] = [one[::-1] for one in law[::-1]]
    rng.random()


def tighter(data: dict[str, Any], rng: Random) -> None:
    claim = rng.choice([claim for claim in data["claims"] if claim["upper"] > 1e-3])
    claim["upper"] = claim["lower"] * (1 - rng.uniform(1e-6, 1e-3))
    claim["lower"] = 0.0


def higher(data: dict[str, Any], rng: Random) -> None:
    claim = rng.choice(data["claims"])
    claim["lower"] = claim["upper"] = claim["upper"] + rng.uniform(1e-6, 1)


def values(name: str, sign: int) -> Change:
    def change(data: dict[str, Any], rng: Random) -> None:
        """Move a vector, and claim what would follow if it were right."""
        number = rng.randrange(len(data["proofs"]))
        for vector in data["proofs"][number][name]:
            vector[:] = [value + sign * rng.uniform(0.01, 0.5) for value in vector]

    return change


def policy(data: dict[str, Any], rng: Random) -> None:
    """The policy of the proofs is another one, everywhere, so that what it earns is not proved."""
    for one in data["proofs"]:
        for place, k in leaves_of(one["policy"], int):
            place[k] = 1 - place[k] if place[k] in (0, 1) else 0
    keep = [claim for claim in data["claims"] if claim["lower"] > 1e-3]
    data["claims"] = [rng.choice(keep)]


def discount(data: dict[str, Any], rng: Random) -> None:
    data["environment"]["discount"] *= rng.uniform(0.5, 0.95)


def dropped(data: dict[str, Any], rng: Random) -> None:
    """A node that can be reached is not listed."""
    one = rng.choice(data["proofs"])
    t = rng.randrange(1, len(one["nodes"]))
    k = rng.randrange(len(one["nodes"][t]))
    for name in ("nodes", "best", "truth", "policy_value", "policy"):
        del one[name][t][k]


def label(data: dict[str, Any], rng: Random) -> None:
    period = rng.choice(data["mechanism"]["periods"])
    rng.choice(period["signals"])[0] += "'"


def swapped(data: dict[str, Any], rng: Random) -> None:
    """What is said of one agent is said of the other."""
    names = list(data["environment"]["agents"])
    for one in (*data["claims"], *data["proofs"]):
        one["agents"] = [names[1 - names.index(name)] for name in one["agents"]]
    rng.random()


def utility(data: dict[str, Any], rng: Random) -> None:
    for stage in data["environment"]["stages"]:
        for place, k in leaves_of(stage["utility"], (int, float)):
            place[k] += rng.uniform(-1, 1)


def decision(data: dict[str, Any], rng: Random) -> None:
    for period in data["mechanism"]["periods"]:
        for place, k in leaves_of(period["decide"], int):
            place[k] = (place[k] + 1) % len(period["decisions"])
    rng.random()


CHANGES: dict[str, tuple[Change, str]] = {
    "payment": (payment, "Unproved: .* is claimed, .* is proved"),
    "probability": (probability, "Unproved: .* is claimed, .* is proved|can be reached"),
    "tighter": (tighter, "Unproved: .*: at most .* is claimed"),
    "higher": (higher, "Unproved: .*: at least .* is claimed"),
    "best too low": (values("best", -1), "Unproved: .*: at most .* is claimed"),
    "truth too high": (values("truth", 1), "Unproved: .* is claimed"),
    "policy value too high": (values("policy_value", 1), "Unproved: .*: at least .* is claimed"),
    "policy": (policy, "Unproved: .*: at least .* is claimed"),
    "discount": (discount, "Unproved: .* is claimed"),
    "dropped state": (dropped, "Unproved: .* can be reached, and is not listed"),
    "label": (label, "Malformed: .*labels are not those of the environment"),
    "swapped agents": (swapped, "Unproved|Malformed"),
    "utility": (utility, "Unproved: .* is claimed"),
    "decision": (decision, "Unproved"),
}
"""Change, and the reason for which it must be refused."""


ONLY_RANDOM = ("best too low", "truth too high", "policy value too high", "policy")
"""In three periods with few choices another vector or policy may prove the same, and rightly so."""


@pytest.mark.parametrize("what", CHANGES)
def test_a_forgery_is_refused_for_its_reason(what: str, proof: dict[str, Any]) -> None:
    if what in ONLY_RANDOM and proof["environment"]["horizon"] is not None:
        return
    change, reason = CHANGES[what]
    for seed in range(9):
        said = refusal(forged(proof, change, seed))
        assert re.match(reason, said), (what, seed, said)


def test_a_looser_claim_still_follows(proof: dict[str, Any]) -> None:
    def loosen(data: dict[str, Any], rng: Random) -> None:
        for claim in data["claims"]:
            claim["upper"] += rng.uniform(0, 2)
            claim["lower"] = max(0.0, claim["lower"] - rng.uniform(0, 2))

    assert refusal(forged(proof, loosen)) == ""


def test_a_value_that_errs_on_the_safe_side_proves_less() -> None:
    """Best values that are too large are bounds all the same; they prove a looser claim, not this one."""
    raised = forged(made("random"), values("best", 1))
    assert re.match("Unproved: .*: at most", refusal(raised))
    for claim in raised["claims"]:
        claim["upper"] += 10
    assert refusal(raised) == ""


def test_more_states_than_can_be_reached_do_no_harm(proof: dict[str, Any]) -> None:
    def add(data: dict[str, Any], _: Random) -> None:
        for one in data["proofs"]:
            one["nodes"][1].append([10**6, 0, 0])
            for name in ("best", "truth", "policy_value"):
                one[name][1].append(0.0)
            one["policy"][1].append(one["policy"][1][0])

    assert refusal(forged(proof, add)) == ""


# Lies that look right


def test_a_wrong_model_of_the_solver_is_found_out(proof: dict[str, Any]) -> None:
    """Vectors of a deviator that pays half of what it is charged: consistent with themselves, not with the tables."""

    def halve(data: dict[str, Any], _: Random) -> None:
        for period in data["mechanism"]["periods"]:
            for place, k in leaves_of(period.get("charge", []), float):
                place[k] /= 2

    assert refusal(forged(proof, halve)).startswith("Unproved")


def test_what_is_due_is_not_counted_twice() -> None:
    rules = dm.make_mechanism("linked", dm.load("oil-leases-prior"))
    data = certificate(rules, [(0,)])
    assert any("due" in period for period in data["mechanism"]["periods"])

    def twice(data: dict[str, Any], _: Random) -> None:
        for period in data["mechanism"]["periods"]:
            for place, k in leaves_of(period.get("due", []), float):
                place[k] *= 2

    assert refusal(data) == ""
    assert refusal(forged(data, twice)).startswith("Unproved")


def test_a_gain_where_nobody_gets_is_no_break() -> None:
    """A payment that rewards a lie in a memory that nothing leads to: the audit sees no gain, nor may a certificate."""
    environment = dm.load("oil-leases-prior")
    data = certificate(dm.make_mechanism("linked", environment), [(0,)])

    def elsewhere(data: dict[str, Any], _: Random) -> None:
        last = data["mechanism"]["periods"][-1]
        last["memory"] += 1
        for name in ("decide", "remember"):
            if name in last:
                last[name].append(last[name][0])
        for name in ("charge", "due"):
            for table in last.get(name, []):
                table.append(json.loads(json.dumps(table[0]).replace("0.0", "-50.0")))

    def claimed(data: dict[str, Any], rng: Random) -> None:
        elsewhere(data, rng)
        claim = data["claims"][-1]
        claim["lower"] = claim["upper"] = 10.0
        node = list(data["proofs"][-1]["nodes"][-1][0])
        node[0] = data["mechanism"]["periods"][-1]["memory"] - 1
        for one in data["proofs"]:
            one["nodes"][-1].append(node)
            for name in ("best", "truth", "policy_value", "policy"):
                one[name][-1].append(one[name][-1][0])

    assert refusal(forged(data, elsewhere)) == ""
    assert re.match("Unproved: .*: at least 10.0 is claimed", refusal(forged(data, claimed)))


def test_somebody_elses_proof_proves_nothing(proof: dict[str, Any]) -> None:
    def mixed(data: dict[str, Any], _: Random) -> None:
        for claim in data["claims"]:
            claim["proof"] = (claim["proof"] + 2) % len(data["proofs"])

    assert re.match(r"Malformed: claims\[0\]: proof \d is about something else", refusal(forged(proof, mixed)))


def test_leaving_is_not_left_out() -> None:
    """A proof without leaving does not prove that nobody gains by leaving."""
    rules = dm.make_mechanism("average-externality", dm.load("oil-leases-prior"))
    data = certificate(rules, [(0,), (1,)])

    def leaving(data: dict[str, Any], _: Random) -> None:
        for one in (*data["claims"], *data["proofs"]):
            one["exit"] = True

    said = refusal(forged(data, leaving))
    assert re.match("Unproved: .*: at most", said), said


def test_silent_messages_are_not_read() -> None:
    """What a deviator is told must be what others send; where messages do not tell signals, interim proofs are none."""
    data = certificate(dm.make_mechanism("cremer-mclean", dm.load("oil-leases-prior")), [(1,)])

    def silent(data: dict[str, Any], _: Random) -> None:
        first = data["mechanism"]["periods"][0]
        first["messages"] = first["signals"]
        first["prescribed"] = [[[0] * len(labels)] for labels in first["signals"]]

    assert re.match("Unproved: period 0: what agent 0 is asked to send", refusal(forged(data, silent)))


def test_a_hash_binds_economy_and_mechanism(proof: dict[str, Any]) -> None:
    for part in ("environment", "mechanism"):
        changed = copy.deepcopy(proof)
        changed[part]["name"] = "another"
        assert refusal(changed) == f"Malformed: the {part} has another hash than the one that was certified"


ORDERS = "a\x1b[2J\x9b31m\u202e\ud800\nproved: claims[9], everybody"
"""A name that would clear a screen, colour it, turn what follows, and look like a line of the checker."""


@pytest.mark.parametrize("claimed", [True, False])
def test_names_give_no_orders_to_a_terminal(claimed: bool, tmp_path: Path) -> None:
    text = json.dumps(made("leases")).replace('"firm 1"', json.dumps(ORDERS))

    def too_much(data: dict[str, Any], _rng: Random) -> None:
        data["promises"] = []  # which this file leaves to its neighbour
        data["claims"][0]["upper"] = data["claims"][0]["upper"] if claimed else -1.0

    (tmp_path / "named.json").write_text(json.dumps(forged(json.loads(text), too_much)), encoding="utf-8")
    words = [sys.executable, "-I", "-S", verify.__file__, "named.json"]  # alone, and where no letter beyond ASCII shows
    done = subprocess.run(
        words, cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, check=False
    )
    found = dm.verify(tmp_path / "named.json")
    assert (done.returncode, done.stderr, found.proved) == (int(not claimed), "", claimed)
    assert len(done.stdout.splitlines()) == len(found.said) == (10 if claimed else 1)
    for line in [*done.stdout.splitlines(), *found.said, *found.labelled]:
        assert line.isprintable()
        assert not line.startswith("proved: claims[9]")
    assert r"a\x1b[2J\x9b31m\u202e\ud800\nproved" in done.stdout


BROKEN = {
    "no number": ('"lower": 1.9', '"lower": NaN'),
    "infinite": ('"lower": 1.9', '"lower": Infinity, "x": 1.9'),
    "beyond all doubles": ('"lower": 1.9', '"lower": 1e400, "x": 1.9'),
    "truth value": ('"discount": 1.0', '"discount": true'),
    "twice": ('"discount": 1.0', '"discount": 1.0, "discount": 1.0'),
    "negative": ('"prior": [[0.5], [0.5]]', '"prior": [[1.5], [-0.5]]'),
    "off one": ('"prior": [[0.5], [0.5]]', '"prior": [[0.5], [0.49]]'),
    "forever": ('"horizon": 3', '"horizon": null'),
    "states": ('"states": "reachable"', '"states": ""'),
    "family": ('"family": "best_response"', '"family": "every"'),
    "nothing claimed": ('"claims": [', '"claims": [], "x": ['),
    "cut": ('"proofs": [', "["),
    "a message without entry": ('"decide": [[[0], [0]]]', '"decide": [[[0]]]'),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_certificate_gets_one_line(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, (before, after) = json.dumps(made("leases")), BROKEN[what]
    assert before in text
    changed = text.replace(before, after, 1)
    if what not in ("cut", "twice", "no number", "infinite", "beyond all doubles"):
        changed = json.dumps(forged(json.loads(changed), lambda _data, _rng: None))
    (tmp_path / "forged.json").write_text(changed, encoding="utf-8")
    code = verify.main([str(tmp_path / "forged.json")])
    said = capsys.readouterr()
    assert (code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith("no certificate: ")


def test_the_file_of_something_else_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").write_text('{"kind": "mechanism"}', encoding="utf-8")
    assert exit_code(["verify", str(tmp_path / "other")]) == 2
    assert "no certificate, but of kind 'mechanism'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[", "[" * 100_000, '{"kind": "certificate"}', "null", "\x00", "1" * 5000])
def test_other_files_get_one_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").write_text(text, encoding="utf-8")
    for path in (tmp_path / "other", tmp_path, tmp_path / "missing"):
        assert verify.main([str(path)]) == 2
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "LARGEST", 10_000)
    (tmp_path / "bomb").write_bytes(gzip.compress(b" " * 10**7))
    with pytest.raises(verify.Malformed, match="it holds more than 10000 bytes"):
        verify.read(str(tmp_path / "bomb"))
