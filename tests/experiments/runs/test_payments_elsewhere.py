"""Voluntary payments in sweeps and tournaments, in the lines that play a run again, and in what is refused."""

from pathlib import Path

import pandas as pd
import pytest

import dynmech as dm
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.rerun_command import checked_command, payment_options
from dynmech.sim.play.game import ProtocolOptions
from dynmech.sim.play.payment_terms import PaymentTerms

STUDY = """
environment = "oil-leases-prior"
mechanisms = ["linked"]
episodes = 40
[strategies]
truth = "truthful"
hit = "default"
[roles.taker]
agents = ["firm 2"]
strategies = ["truth", "hit"]
[roles.other]
agents = ["firm 1"]
strategies = ["truth"]
"""


def test_a_sweep_has_the_gains_of_lies_and_payments(tmp_path: Path) -> None:
    found = dm.sweep(
        "repeated-auction:horizon=2", {"values": [2]}, ["pay-your-report"], out=tmp_path, payments=PaymentTerms()
    )
    exact = dm.audit("repeated-auction:horizon=2,values=2", "pay-your-report", payments="voluntary").gains
    row = exact.query("family == 'best_response' and information == 'ex_ante'")
    assert found.figures["best_response"].tolist() == pytest.approx([row.gain.max()])
    assert row.gain.max() > 0.1


def test_default_pays_in_a_tournament_only_where_payments_are_voluntary(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(STUDY)
    with pytest.raises(SystemExit) as ended:
        main(["tournament", str(study), "--payments", "voluntary", "--out", str(tmp_path / "free"), "--quiet"])
    assert not ended.value.code
    assert '"payments":"voluntary"' in (tmp_path / "free" / "run.json").read_text().replace(" ", "")
    with pytest.raises(SystemExit) as ended:
        main(["tournament", str(study), "--out", str(tmp_path / "enforced"), "--quiet"])
    assert ended.value.code == 2


def test_a_stress_test_says_how_often_who_deviates_is_in_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Firm 2 does not pay for the second lease where it gets it, in every episode; nobody else defaults."""
    words = ["stress", "oil-leases-prior", "--mechanism", "linked", "--episodes", "200", "--log", "summary"]
    with pytest.raises(SystemExit):
        main([*words, "--payments", "voluntary", "--out", str(tmp_path / "free")])
    assert "in\n" in (screen := capsys.readouterr().out).replace("in  ", "in\n")
    assert "100%" in screen
    found = dm.stress(
        "oil-leases-prior",
        ["linked"],
        out=tmp_path / "free",
        episodes=200,
        log="summary",
        protocol=ProtocolOptions(payments=PaymentTerms()),
    )
    rates = found.gains.set_index(["family", "agent"]).default_rate
    assert rates["best-response", "firm 2"] == 1
    assert rates["random", "firm 2"] == 0
    enforced = dm.stress("oil-leases-prior", ["linked"], out=tmp_path / "forced", episodes=50, log="summary")
    assert "default_rate" not in enforced.gains


def test_enforced_bills_stand_in_the_log_where_that_is_asked_for(tmp_path: Path) -> None:
    """The same decisions, signals and transfers to the last bit, and four columns more."""
    words = ["run", "oil-leases-prior", "linked", "--episodes", "50", "--quiet"]
    for name, more in (("plain", []), ("billed", ["--payments", "billed"])):
        with pytest.raises(SystemExit) as ended:
            main([*words, *more, "--out", str(tmp_path / name)])
        assert not ended.value.code
    plain, billed = (dm.read_run(tmp_path / name).outcomes() for name in ("plain", "billed"))
    columns = ["billed", "paid", "paid_late", "forfeited"]
    assert [name for name in billed.columns if name not in plain.columns] == columns
    pd.testing.assert_frame_equal(billed.drop(columns=columns), plain)
    assert (billed.paid == billed.transfer).all()
    assert billed.paid.abs().max() > 1
    assert "--payments billed" in (tmp_path / "billed" / "result.json").read_text()


@pytest.mark.parametrize(
    "terms",
    [
        PaymentTerms(),
        PaymentTerms(voluntary=False),
        PaymentTerms("ignore", 2, "auto"),
        PaymentTerms("exclude", 1, 0.25),
    ],
)
def test_the_line_that_plays_again_says_the_terms(terms: PaymentTerms) -> None:
    line = " ".join(["dynmech run oil-leases-prior linked", *payment_options(terms)])
    assert checked_command("run", line) == line
    assert checked_command("run", line + " --deposit '1; rm'") is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--deposit", "-1"], "deposit: -1 is below 0"),
        (["--grace", "-1"], "grace: -1 is not a whole number of periods"),
        (["--default", "expel"], "default: 'expel' is none of exclude, ignore"),
        (["--strategy", "firm 2=late"], "there is no grace"),
    ],
)
def test_bad_words_get_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "oil-leases-prior", "linked", "--payments", "voluntary", "--out", str(tmp_path / "x"), *words])
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert len(printed.strip().splitlines()) == 1
    assert not (tmp_path / "x").exists()
