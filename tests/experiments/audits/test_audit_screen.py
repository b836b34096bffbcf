"""What an audit says on the screen, with its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.groves.team import Team
from tests.builders.audit_words import call


def test_exit_codes_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "audit", "oil-leases-prior", "cremer-mclean", "--json")
    data = json.loads(out)
    assert code == 1
    assert {row["kind"] for row in data["gains"]} == {"exact"}
    assert data["promises"][0]["status"] == "breaks"
    assert data["witness"]["gain"] == pytest.approx(4)
    code, out, _ = call(capsys, "audit", "oil-leases", "linked:low=3,high=15", "--json")
    assert code == 0
    assert json.loads(out)["options"]["mechanism"] == {"low": "3", "high": "15"}
    code, out, _ = call(capsys, "audit", "oil-leases-prior", "cremer-mclean")
    assert code == 1
    assert out.startswith("cremer-mclean on oil-leases-prior breaks: firm 1 gains 2 ex ante, 4 interim (")
    code, out, err = call(capsys, "audit", "oil-leases", "cremer-mclean")
    assert (code, out) == (2, "")
    assert "do not identify" in err
    code, _, err = call(capsys, "audit", "oil-leases", "linked", "--coalition", "firm 1+firm 3")
    assert (code, err.count("\n")) == (2, 1)
    assert "no agent 'firm 3'" in err


def test_the_screen_says_signs_units_and_which_family_is_which(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "audit", "oil-leases-prior", "linked")
    words = " ".join(out.split())
    assert code == 0
    assert "best response firm 1 0 0 0 0" in words
    assert "contingent" not in words.partition("holds incentive")[0]
    assert "in units of utility (below 0: a deficit): ex ante -1 (discounted, all periods), expected period" in words
    assert "largest under prescribed play: firm 1 is paid 16 (period 2, " in words


def test_where_several_decisions_are_efficient_is_said_to_who_asks(capsys: pytest.CaptureFixture[str]) -> None:
    said = "decisions several are efficient at 2 of 4 profiles; the first of them is taken"
    for mechanism, words, there in (("pivot", ["-v"], True), ("pivot", [], False), ("pay-your-report", ["-v"], False)):
        _, out, _ = call(capsys, "audit", "repeated-auction:values=2,horizon=1", mechanism, *words)
        assert (said in " ".join(out.split())) is there


def test_the_largest_transfer_has_the_sign_of_who_pays() -> None:
    environment = RepeatedAuction(bidders=2, horizon=3).build()
    paid, earned = (audit(environment, rule).to_dict()["largest_transfer"] for rule in (PayYourReport, Team))
    assert paid["value"] == pytest.approx(2), "the highest value, paid in full"
    # The team mechanism pays each what the others earn: the loser is paid the winner's 2.
    assert earned["value"] == pytest.approx(-2)


def test_how_patient_traders_must_be_is_said_where_play_enforces_itself(capsys: pytest.CaptureFixture[str]) -> None:
    environment = "repeated-trade:persistence=0.5"
    code, out, _ = call(capsys, "audit", environment, "self-enforcing")
    words = " ".join(out.split())
    assert code == 0
    # 5/6, 28/33 and 36/41 are derived in `test_self_enforcing`.
    assert "schedule kept after the truth (level C)" in words
    assert all(f"δ* = {least}" in words for least in ("0.833333", "0.848485", "0.878049"))
    assert "the paper's bound suffices from" in words
    _, out, _ = call(capsys, "audit", environment, "self-enforcing", "--json")
    kept = json.loads(out)["conditions"]["schedule kept along best responses (level B)"]
    assert (kept["holds"], kept["note"]) == (True, "δ* = 0.848485")
    _, out, _ = call(capsys, "audit", "repeated-trade:enforced=true", "team", "--json")
    assert not any("schedule" in name for name in json.loads(out)["conditions"])


def test_a_refused_audit_that_finds_nothing_names_no_deviation(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "audit", "trading-game-continuous", "continuous-trade")
    assert code == 1
    assert "Not audited exactly: environment 'trading-game-continuous' is not finite" in " ".join(out.split())
    assert out.count("truth does as well as everything tried") == 2
    assert "none\n" not in out


def test_an_audit_says_under_which_assumptions_a_promise_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    """Team transfers fail on the oil leases, where values are not private: what they were promised for."""
    _, out, _ = call(capsys, "audit", "oil-leases", "team")
    assert "promised where private values\n" in out
    assert "\nno  private values" in out
    _, out, _ = call(capsys, "audit", "oil-leases", "contingent-convex", "--json")
    assert json.loads(out)["assumptions"] == [
        "convex independence",
        "finite horizon: last decision ex post implementable",
    ]
    _, out, _ = call(capsys, "audit", "oil-leases", "pay-your-report")
    assert "promised where" not in out


def test_a_refused_audit_offers_a_lower_bound(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dynmech.mechanisms.rules.tabulation.LARGEST", 20)
    big = "random:agents=3,signals=3,correlation=0,independent=true,interdependence=0,horizon=2"
    code, out, _ = call(capsys, "audit", big, "pay-your-report", "--json")
    data = json.loads(out)
    assert code == 0, "nothing is promised"
    assert data["promises"][0]["status"] == "not_promised"
    found = [row for row in data["gains"] if row["family"] == "best_response"]
    assert {(row["kind"], row["upper"], row["confidence"]) for row in found} == {("lower_bound", None, 0.95)}
    assert max(row["lower"] for row in found) > 0
    assert "rules have 27 cases in period 0, more than 20" in data["refused"]


SECOND_PRICE = '''
import numpy as np

from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.play.roles import Promises


class SecondPrice(DirectMechanism):
    """Each period the winner pays the second highest report (values as in `repeated-auction`)."""

    name = "my-second-price"
    source = "a user"
    promises = Promises(incentive="periodic ex post", budget="no deficit", efficient=True)

    def charge(self, now, messages, decision, acts):
        price = np.sort(messages, axis=1)[:, -2]
        winner = decision[:, None] == np.arange(1, messages.shape[1] + 1)
        return np.where(winner, price[:, None], 0.0)

    def transfer_bound(self):
        return 10.0
'''


def test_a_user_s_own_mechanism_is_audited_by_the_same_command(tmp_path: Path) -> None:
    """Thirty lines outside the repository; fatigue makes its static prices wrong, and the audit says so."""
    (tmp_path / "mine.py").write_text(SECOND_PRICE, encoding="utf-8")
    codes = []
    for fatigue in ("0", "0.5"):
        command = [sys.executable, "-c", "from dynmech.experiments.cli.app import main; main()", "audit"]
        command += [f"repeated-auction:fatigue={fatigue}", "my-second-price", "--plugin", str(tmp_path / "mine.py")]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        codes.append(done.returncode)
        data = json.loads(done.stdout)
        held = {row["promise"]: row["status"] for row in data["promises"]}
        assert held["budget: no deficit"] == "holds"
    assert codes == [0, 1]


def test_a_refused_audit_of_a_coalition_does_not_pretend(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dynmech.mechanisms.rules.tabulation.LARGEST", 20)
    big = "random:agents=3,signals=3,correlation=0,independent=true,interdependence=0,horizon=2"
    code, out, err = call(capsys, "audit", big, "team", "--coalition", "agent 1+agent 2")
    assert (code, out) == (2, "")
    assert "rules have 27 cases in period 0, more than 20" in err


def test_what_a_mechanism_sees_of_actions_is_public_to_its_assumptions(capsys: pytest.CaptureFixture[str]) -> None:
    """Who comes to the market is seen by self-enforcing play, and not by the team mechanism, which it undoes."""
    _, out, _ = call(capsys, "audit", "repeated-trade", "self-enforcing")
    assert "promised where private values; independent types" in out
    assert "\nyes private values\n" in out
    assert "\nno  private values" not in out
    code, out, _ = call(capsys, "audit", "repeated-trade", "team", "--json")
    told = json.loads(out)
    assert told["conditions"]["private values"]["holds"] is False
    assert {row["promise"]: row["status"] for row in told["promises"]}["incentive: periodic ex post"] == (
        "outside_assumptions"
    )
    assert code == 0


def test_what_a_seller_takes_in_is_told_before_and_after_its_costs(capsys: pytest.CaptureFixture[str]) -> None:
    """One buyer who tells its contract, never its taste: what a period is expected to bring is not known, and why."""
    words = ("audit", "single-buyer:nodes=5", "optimal-contract")
    data = json.loads(call(capsys, *words, "--json")[1])
    truth, said = data["truth"], " ".join(call(capsys, *words)[1].split())
    assert truth["net_revenue"] < truth["first_best"] - 0.1
    assert truth["net_revenue"] < truth["revenue"] - 0.1
    assert data["budget"]["expected_period"] is None
    reason = "the messages prescribed to agent 'buyer 1' in period 0 do not reveal its signal"
    assert data["budget_refused"] == {"expected_period": reason}
    assert f"expected period not known: {reason}" in said
    assert "what the designer takes in, before its costs, in units" in said
    assert f"net revenue {truth['net_revenue']:.6g}, less the designer's costs of" in said
    assert " ?" not in said
    assert json.loads(call(capsys, "audit", "oil-leases-prior", "linked", "--json")[1])["budget_refused"] == {}


def test_of_voluntary_payments_the_deposit_is_the_first_fact(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("audit", "oil-leases-prior", "linked", "--payments", "voluntary")
    said = " ".join(call(capsys, *words)[1].split())
    deposit = json.loads(call(capsys, *words, "--json")[1])["deposit"]
    assert f"firm 2: with {deposit[1]:g} no default gains, ex ante with {deposit[1]:g}" in said
    assert said.index("no default gains") < said.index("payoffs")
    found = audit("oil-leases-prior", "linked", payments="voluntary")
    assert repr(found).endswith(f"no default gains with deposits of: firm 1 0, firm 2 {deposit[1]:g}")


def test_what_only_reports_are_searched_for_is_refused_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("audit", "oil-leases-prior", "cremer-mclean", "--disclosure", "own")
    code, _, said = call(capsys, *words, "--sensitivity")
    assert code == 2
    assert said.endswith("of exact gains of agents one by one, not with --disclosure\n")
    code, _, said = call(capsys, *words, "--policy", "worst.csv")
    assert code == 2
    assert said.endswith("there is no exact search here (beliefs are searched, not what is reported)\n")
