"""Certificates of single lies, budget and participation: the audit's figures are proved, planted lies are refused."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from math import inf, nextafter
from pathlib import Path
from random import Random
from typing import Any

import pytest

import dynmech as dm
from dynmech.experiments.certificates import verify, verify_promises
from dynmech.experiments.certificates.certifying import canonical_hash, certificate
from dynmech.experiments.certificates.sharp_claims import sharpened
from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.mechanisms.rules.base import Mechanism
from tests.builders.economies import weather
from tests.builders.lottery_mechanisms import Raffle
from tests.builders.planted_mechanisms import Lottery, Nosier
from tests.builders.random_economies import working

Change = Callable[[dict[str, Any], Random], None]


def random_rules(seed: int, horizon: int | None) -> Mechanism:
    environment = RandomEconomy(seed=seed, signals=2, horizon=horizon, discount=0.7).build()
    return Lottery(environment, seed) if seed % 2 else Raffle(environment, seed)


def proof_of(mechanism: Mechanism, deviators: Any = None, **how: Any) -> dict[str, Any]:
    """Return a certificate that the checker takes, read again."""
    data = certificate(mechanism, deviators or [(i,) for i in range(len(mechanism.environment.agents))], **how)
    data = json.loads(json.dumps(data))
    assert len(verify_promises.check(data)) == len(data["claims"]) + len(data["promises"])
    return data


def assert_it_says_what_the_audit_says(mechanism: Mechanism, data: dict[str, Any], **how: Any) -> None:
    found = dm.audit(mechanism.environment, mechanism, **how)
    known = {
        (claim["what"], " + ".join(claim.get("agents", [])), claim["information"]): claim for claim in data["promises"]
    }
    figures = {
        (gain.family, gain.agent, gain.information): (max(gain.gain, 0.0), gain.bound)
        for gain in found.figures
        if gain.family != "best_response" and gain.kind == "exact"
    }
    assert found.game is not None
    near = len(found.environment.agents) * found.game.truthful.bound
    figures |= {("budget", "", kind): (least.value, near) for kind, least in found.budget.items()}
    if not how.get("coalitions"):
        figures |= {
            ("participation", found.environment.agents[i], kind): (least.value, near)
            for kind, row in found.participation.items()
            for i, least in enumerate(row)
        }
    for about, (figure, bound) in figures.items():
        claim = known.pop(about)
        assert claim["lower"] - bound <= figure <= claim["upper"] + bound, about
        assert claim["upper"] - claim["lower"] <= 40 * bound + 1e-9, about
    assert not known


@pytest.mark.parametrize(("seed", "horizon"), [(0, None), (1, None), (2, 3), (3, 3)])
def test_single_lies_budget_and_participation_are_proved(seed: int, horizon: int | None) -> None:
    """On random economies, with memories that matter in every way and with lotteries, over both kinds of horizon."""
    rules = random_rules(seed, horizon)
    assert_it_says_what_the_audit_says(rules, proof_of(rules))


def test_actions_public_states_coalitions_and_leaving() -> None:
    for rules in (dm.make_mechanism("pivot", weather(1)), Nosier(working(1, 2))):
        assert_it_says_what_the_audit_says(rules, proof_of(rules))
    rules = dm.make_mechanism("pivot", dm.load("repeated-auction"))
    assert_it_says_what_the_audit_says(rules, proof_of(rules, [(0, 1)]), coalitions=[(0, 1)])
    leaving = dm.make_mechanism("team", dm.load("oil-leases-prior"))
    assert_it_says_what_the_audit_says(leaving, proof_of(leaving, exit=True), exit=True)


def test_they_are_as_sharp_as_their_proof() -> None:
    sharp = sharpened(proof_of(random_rules(1, None), [(0,)]))
    verify_promises.check(sharp)
    for k, claim in enumerate(sharp["promises"]):
        for end, way in (("lower", inf), ("upper", -inf)):
            if claim[end] == 0 and claim["what"] in verify_promises.LIES:
                continue
            promises = [*sharp["promises"]]
            promises[k] = {**claim, end: nextafter(claim[end], way)}
            with pytest.raises(verify.Unproved, match=f"{'least' if end == 'lower' else 'most'} .* is claimed"):
                verify_promises.check({**sharp, "promises": promises})


# Forgeries: every hash is made anew


@pytest.fixture(scope="module", params=["leases", "random"])
def proof(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "leases":
        return proof_of(dm.make_mechanism("cremer-mclean", dm.load("oil-leases-prior")))
    return proof_of(random_rules(3, None))


def refusal(data: dict[str, Any], change: Change, seed: int = 0) -> str:
    """Return why a changed copy is refused; empty if it is not. What is claimed of the best response is made loose."""
    forged, rng = json.loads(json.dumps(data)), Random(seed)
    for claim in forged["claims"]:
        claim["lower"], claim["upper"] = 0.0, 1e6
    change(forged, rng)
    forged["hashes"] = {part: canonical_hash(forged[part]) for part in ("environment", "mechanism")}
    try:
        verify_promises.check(forged)
    except (verify.Unproved, verify.Malformed) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def one_of(data: dict[str, Any], rng: Random, *what: str) -> dict[str, Any]:
    """Leave one claim of a kind, or of any, and return it."""
    claims = [claim for claim in data["promises"] if not what or claim["what"] in what]
    data["promises"] = [rng.choice(claims)]
    return data["promises"][0]


def too_low(*what: str) -> Change:
    def change(data: dict[str, Any], rng: Random) -> None:
        data["promises"] = [claim for claim in data["promises"] if claim["upper"] > 1e-3 or claim["what"] in what[1:]]
        claim = one_of(data, rng, *what)
        claim["upper"] -= rng.uniform(1e-6, 1e-4) + (claim["upper"] - claim["lower"])
        claim["lower"] = claim["upper"] - 1

    return change


def too_high(*what: str) -> Change:
    def change(data: dict[str, Any], rng: Random) -> None:
        claim = one_of(data, rng, *what)
        claim["lower"] = claim["upper"] = claim["upper"] + rng.uniform(1e-6, 1)

    return change


def moved(name: str, sign: int, *what: str) -> Change:
    """A vector is moved at every node, and claimed what would follow if it were right."""

    def change(data: dict[str, Any], rng: Random) -> None:
        claim = one_of(data, rng, *what)
        claim["information"] = "ex_ante" if name == "revenue" else claim["information"]
        for part in [data["budget"]] if name == "revenue" else data["proofs"]:
            for vector in part[name]:
                vector[:] = [value + sign * rng.uniform(0.01, 0.5) for value in vector]

    return change


def paid(data: dict[str, Any], rng: Random) -> None:
    """Everybody pays a little more, whatever is reported: participation and budget are other ones."""
    one_of(data, rng, "participation", "budget")
    for period in data["mechanism"]["periods"]:
        for table in period.get("charge") or []:
            added(table, rng.uniform(0.01, 1))


def added(nested: Any, by: float) -> None:
    """Add to every number of nested lists."""
    for k, part in enumerate(nested):
        if isinstance(part, list):
            added(part, by)
        else:
            nested[k] = part + by


def unlisted(data: dict[str, Any], rng: Random) -> None:
    one_of(data, rng, "budget")["information"] = "ex_ante"
    t = rng.randrange(1, len(data["budget"]["nodes"]))
    k = rng.randrange(len(data["budget"]["nodes"][t]))
    for name in ("nodes", "revenue"):
        del data["budget"][name][t][k]


def somebody_else(data: dict[str, Any], rng: Random) -> None:
    claim = one_of(data, rng, "participation", "one_shot", "belief_manipulation")
    claim["agents"] = [name for name in data["environment"]["agents"] if name not in claim["agents"]]


def another_information(data: dict[str, Any], rng: Random) -> None:
    claim = one_of(data, rng, "one_shot", "belief_manipulation")
    claim["information"] = "interim" if claim["information"] == "ex_post" else "ex_post"


def unknown(data: dict[str, Any], rng: Random) -> None:
    claim = one_of(data, rng)
    claim[rng.choice(["what", "information", "states"])] = "some"


def bundled(data: dict[str, Any], rng: Random) -> None:
    """The short deviation is said to gain what the longer one does."""
    long = [claim for claim in data["promises"] if claim["what"] == "belief_manipulation"]
    short = {(claim["proof"], claim["information"]): claim for claim in data["promises"] if claim["what"] == "one_shot"}
    pairs = [(short[one["proof"], one["information"]], one) for one in long]
    less, more = rng.choice([(a, b) for a, b in pairs if b["lower"] > a["upper"] + 1e-6])
    data["promises"] = [{**less, "lower": more["lower"], "upper": more["upper"]}]


LIES = verify_promises.LIES
MOST, LEAST = "Unproved: .*: at most .* is claimed, .* is proved", "Unproved: .*: at least .* is claimed, .* is proved"
FORGERIES: dict[str, tuple[Change, str]] = {
    "a lie gains less": (too_low(*LIES), MOST),
    "a lie gains more": (too_high(*LIES), LEAST),
    "staying is worth more": (too_high("participation"), LEAST),
    "staying is worth less": (too_low("participation", "participation"), MOST),
    "more is taken": (too_high("budget"), LEAST),
    "less is taken": (too_low("budget", "budget"), MOST),
    "truth's values too low": (moved("truth", -1, "participation"), "Unproved: .* is claimed, .* is proved"),
    "revenue too high": (moved("revenue", 1, "budget"), "Unproved: .* is claimed"),
    "payments": (paid, "Unproved: .* is claimed, .* is proved"),
    "a node of revenue is missing": (unlisted, "Unproved: budget: node .* can be reached, and is not listed"),
    "somebody else": (somebody_else, "Malformed: .* is about something else"),
    "another information": (another_information, "Malformed: .* is about something else"),
    "unknown": (unknown, "Malformed: .* are none that are known here"),
    "of a longer deviation": (bundled, LEAST),
}
"""Change, and the reason for which it must be refused."""

ONLY_RANDOM = ("truth's values too low", "revenue too high", "payments")
"""Over three periods, of which one pays, other vectors may prove the same, and claims of the others still follow."""


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forgery_is_refused_for_its_reason(what: str, proof: dict[str, Any]) -> None:
    change, reason = FORGERIES[what]
    if what in ONLY_RANDOM and proof["environment"]["horizon"] is not None:
        return
    for seed in range(6):
        said = refusal(proof, change, seed)
        assert re.match(reason, said), (what, seed, said)


@pytest.mark.parametrize("family", LIES)
def test_values_of_single_lies_are_held_to_the_tables(family: str) -> None:
    """Lower vectors do not prove less of a gain, nor do higher ones prove more."""
    proof = proof_of(random_rules(3, None))
    for sign, reason in ((-1, MOST), (1, LEAST)):
        assert any(re.match(reason, refusal(proof, moved(family, sign, family), seed)) for seed in range(6))
        assert all(refusal(proof, moved(family, sign, family), seed) for seed in range(6)) or sign > 0


def test_a_looser_claim_still_follows(proof: dict[str, Any]) -> None:
    def loosen(data: dict[str, Any], rng: Random) -> None:
        for claim in data["promises"]:
            claim["upper"] += rng.uniform(0, 2)
            claim["lower"] -= rng.uniform(0, 2)

    assert refusal(proof, loosen) == ""


def test_two_files_need_nothing_but_python_and_one_says_what_it_leaves_out(tmp_path: Path) -> None:
    data = proof_of(dm.make_mechanism("cremer-mclean", dm.load("oil-leases-prior")))
    (tmp_path / "proof.json").write_text(json.dumps(data), encoding="utf-8")
    for part in (verify, verify_promises):
        shutil.copy(str(part.__file__), tmp_path)
    for name, lines in (("verify.py", verify.check(data)), ("verify_promises.py", verify_promises.check(data))):
        done = subprocess.run(
            [sys.executable, "-E", "-s", "-S", name, "proof.json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [*lines, *verify.SAID]
        assert (verify.UNCHECKED in lines) == (name == "verify.py")
    data["promises"][0]["upper"] = -1.0
    (tmp_path / "proof.json").write_text(json.dumps(data), encoding="utf-8")
    assert verify_promises.verify.main([str(tmp_path / "proof.json")], verify_promises.check) == 1


def test_the_audit_says_what_is_certified(tmp_path: Path) -> None:
    """Round transfers: the oil leases give 9, the designer never runs a deficit, firm 1 may lose 0.75 ex post."""
    found = dm.certify(dm.audit("oil-leases-prior", "cremer-mclean"), tmp_path / "proof.json")
    assert found.gains["certified"].all()
    assert found.proved["budget"]["ex_ante"]["lower"] == pytest.approx(9)
    ends = found.proved["participation"]["ex_post"][0]
    assert (ends["lower"], ends["upper"]) == (pytest.approx(-0.75), pytest.approx(-0.75))
    assert found.to_dict()["proved"] == found.proved
    assert dm.audit("oil-leases-prior", "cremer-mclean").to_dict()["proved"] is None
