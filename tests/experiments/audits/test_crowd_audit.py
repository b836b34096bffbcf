"""The audit of many agents who are alike: 60 of them, tables that are too large, rules that are not anonymous."""

import json

import numpy as np
import pytest

import dynmech as dm
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_schema import AuditData
from dynmech.experiments.audits.crowd_audit import audit_by_crowds
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.simulation import silent
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.mechanisms.rules.by_counts import CountedCase
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import FalseDeclaration, InputError, Refusal
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment, interchangeable_bidders
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.audit_words import verdicts
from tests.builders.large_auction import SealedBid


def test_truth_is_exactly_best_among_sixty(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["audit", "repeated-auction:bidders=60", "pivot", "--json"])
    data = json.loads(capsys.readouterr().out)
    AuditData.model_validate(data)
    assert (data["backend"], data["verdict"]) == ("crowds", "holds")
    assert len(data["gains"]) == 60 * 3 * 4
    assert all(gain["kind"] == "exact" and gain["upper"] <= 1e-9 for gain in data["gains"])
    assert data["crowds"][20] == {"agent": "bidder 21", "crowds": [20, 39], "states": 3 * 231 * 820}


@pytest.mark.parametrize("mechanism", ["static-vcg", "static-vcg-efficient", "team"])
def test_truth_is_best_among_twenty(mechanism: str) -> None:
    audit = dm.audit("repeated-auction:bidders=20", mechanism)
    assert audit.backend == "crowds"
    assert set(verdicts(audit).values()) == {"holds"}
    assert max(gain.gain for gain in audit.figures) <= 1e-9


@pytest.mark.slow
def test_who_pays_its_report_gains_among_sixty() -> None:
    """The largest gains are those of the first bidder, who wins ties, and fall from one bidder to the next."""
    audit = dm.audit("repeated-auction:bidders=60", "pay-your-report")
    worst = [g.gain for g in audit.figures if (g.family, g.information) == ("best_response", "interim")]
    assert worst == sorted(worst, reverse=True)
    assert worst[0] == pytest.approx(2.158917e-4, rel=1e-6)


def test_many_are_shown_in_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["audit", "repeated-auction:bidders=30,horizon=1", "pay-your-report"])
    shown = capsys.readouterr().out
    assert "bidder 1 gains 2.6" in " ".join(shown.split()), "(2/3)^29 / 3, before anything is known"
    assert "24 more deviators gain no more than these" in shown
    assert "… (24 more)" in shown


def test_first_bidder_of_three_values_by_hand() -> None:
    """With value 2 a report of 1 wins unless another has 2: one lie gains 1 ex post, at most."""
    audit = dm.audit("repeated-auction:bidders=15,horizon=1", PayYourReport)
    gains = {(g.agent, g.family, g.information): g.gain for g in audit.figures}
    for bidder in range(1, 16):  # those before the deviator must have 0, the others at most 1
        wins = (1 / 3) ** (bidder - 1) * (2 / 3) ** (15 - bidder)
        assert gains[f"bidder {bidder}", "best_response", "interim"] == pytest.approx(wins, rel=1e-9)
        assert gains[f"bidder {bidder}", "best_response", "ex_ante"] == pytest.approx(wins / 3, rel=1e-9)
        assert gains[f"bidder {bidder}", "best_response", "ex_post"] == pytest.approx(1.0)


def test_tables_too_large_for_the_full_search_are_cut_to_crowds() -> None:
    table = dm.load("repeated-auction:bidders=8,values=2")
    request = AuditRequest.of(table, "pay-your-report")
    by_counts, exact = audit_by_crowds(request, silent), dm.audit(table, "pay-your-report")
    assert exact.backend == "exact"
    assert [g.gain for g in by_counts.figures] == pytest.approx([g.gain for g in exact.figures], abs=1e-8)
    assert by_counts.to_dict()["crowds"][3]["crowds"] == [3, 4]


class Favours(PayYourReport):
    """Says that numbers alone matter, and lets the second of all off."""

    name = "favours"

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return np.asarray(super().charge(now, messages, decision, acts)) * (np.arange(messages.shape[1]) != 1)

    def charge_by_counts(self, environment: ExchangeableEnvironment, case: CountedCase) -> FloatArray:
        return super().charge_by_counts(environment, case)


class Neighbours(SealedBid):
    """The winner pays the next bidder's bid: not anonymous."""

    name = "neighbours"

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        wins = decision[:, None] == 1 + np.arange(messages.shape[1])
        return np.where(wins, np.roll(messages, -1, axis=1) / 2, 0.0)

    def decide(self, now: Situation, messages: Array) -> Array:
        return 1 + np.asarray(super().decide(now, messages))


class Silent(FlowMechanism):
    """Payments by tables alone."""

    name = "by-tables"

    def flow_table(self, t: int) -> FloatArray:
        return self.efficient(t, self.environment.stage(t).utility)


def test_a_mechanism_that_is_not_anonymous_is_caught() -> None:
    economy = dm.load("repeated-auction:bidders=60")
    with pytest.raises(FalseDeclaration, match=r"charges agent 'bidder 2' 0 where .* exchanging agents changes"):
        dm.audit(economy, Favours)
    request = AuditRequest.of(economy, Neighbours)
    with pytest.raises(
        Refusal, match="exchanging the reports of 'bidder 2' and 'bidder 3' changes what 'bidder 1' pays"
    ):
        audit_by_crowds(request, silent)
    with pytest.raises(Refusal, match="not written by counts"):
        Silent(economy)


def test_on_tables_agents_whose_exchange_matters_stand_apart() -> None:
    table = dm.load("repeated-auction:bidders=4,values=2")
    result = audit_by_crowds(AuditRequest.of(table, NeighboursOnTables), silent)
    exact = dm.audit(table, NeighboursOnTables)
    assert [g.gain for g in result.figures] == pytest.approx([g.gain for g in exact.figures], abs=1e-8)
    assert [1, 1, 1] in [one["crowds"] for one in result.to_dict()["crowds"]]


class NeighboursOnTables(FlowMechanism):
    """The winner pays the next bidder's report."""

    name = "neighbours-on-tables"

    def flow_table(self, t: int) -> FloatArray:
        decision = self.plan.policy[0]
        reports = np.indices(decision.shape)
        return np.stack(
            [np.where(decision == i + 1, np.roll(reports, -1, axis=0)[i], 0.0) for i in range(len(reports))]
        )


def test_what_cannot_be_done_by_counts_is_said() -> None:
    for option, text in (({"exit": True}, "--exit"), ({"coalitions": [[0, 1]]}, "--coalition")):
        with pytest.raises(InputError, match=f"{text}: the search against numbers of agents who are alike cannot"):
            dm.audit("repeated-auction:bidders=60", "pivot", **option)
    with pytest.raises(InputError, match="utilities would hold more than"):
        dm.load("repeated-auction:bidders=60,fatigue=0.1")
    with pytest.raises(Refusal, match="without=feasible"):
        dm.audit("repeated-auction:bidders=60", "pivot:without=feasible")


def test_play_of_many_is_that_of_few() -> None:
    """The same draws and the same rules as from tables, episode by episode."""
    table = RepeatedAuction(bidders=4, horizon=3).build()
    alike = interchangeable_bidders(range(3), np.full(3, 1 / 3), persistent_chain(3, 0.6 + 0.4 / 3), 4, 0.9, 3, "r")
    for rule in ("pivot", "team", "pay-your-report", "static-vcg"):
        one, other = (dm.simulate(economy, rule, episodes=200).outcomes() for economy in (table, alike))
        for column in ("signal", "decision", "utility"):
            assert one[column].astype(str).tolist() == other[column].astype(str).tolist(), (rule, column)
        assert one["transfer"].to_numpy() == pytest.approx(other["transfer"].to_numpy(), abs=1e-12)
        assert one["decision"].nunique() > 3
