"""What papers print, computed again: the verdicts' logic, Liu's claims, the command."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from dynmech.experiments.cli.app import main
from dynmech.experiments.reproductions import claims as module
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.claims import papers, reproduce, sentence
from dynmech.sim.core.errors import InputError


@pytest.fixture(scope="module")
def liu() -> list[Claim]:
    """All of Liu's claims, timed: the command should take well under a minute."""
    start = time.process_time()
    found = reproduce("liu")
    assert time.process_time() - start < 40
    return found


def test_no_claim_of_liu_fails(liu: list[Claim]) -> None:
    assert [(c.claim, c.printed, c.exact) for c in liu if c.verdict == "fails"] == []
    counts = Counter(c.verdict.partition(":")[0] for c in liu)
    assert counts["agrees"] >= 80
    assert counts["slip"] >= 19


def test_claims_are_told_apart_by_their_text(liu: list[Claim]) -> None:
    texts = Counter(c.claim for c in liu)
    assert [text for text, count in texts.items() if count > 1] == []
    assert all(c.claim.startswith(("2014", "2025")) for c in liu)


@pytest.mark.parametrize(
    ("text", "printed", "exact"),
    [
        ("first auction under Γ^link, signal 4, report 6", 7, 7),
        ("first auction under Γ^link, signal 6, report 4", 11, 11),
        ("p(4, 6; 1) of the Crémer–McLean prices", 13, 13),
        ("θ_0 = 0 misreported, signal 6: the opposite earns", 4, 4),
        ("θ_0 = 1: the best deviation gains ex ante", None, 2),
        ("Γ^link under truth: revenue", None, -1),
        ("bonus for a_1 = 0, as printed", 0, 11),
        ("share of the expected surplus that is extracted", 1, 1),
        ("eq. (4) on five nodes: one lie gains", 0, 0.125),
        ("b_t^j the winner's own bid: one lie gains", 0, 5.4),
        ("any deviation gains, in ε", None, 10),
    ],
)
def test_figures_come_out(liu: list[Claim], text: str, printed: float | None, exact: float) -> None:
    (one,) = [c for c in liu if text in c.claim]
    assert one.printed == printed
    assert one.exact == pytest.approx(exact, abs=1e-6)


def test_simulations_say_something(liu: list[Claim]) -> None:
    played = [c for c in liu if c.simulated is not None]
    assert len(played) >= 20
    for one in played:
        assert one.interval is not None
        assert one.error < 0.3
        assert abs((one.simulated or 0) - one.exact) <= 4 * one.error + one.tolerance


# Verdicts


def planted(*claims: Claim) -> SimpleNamespace:
    def made() -> Iterator[Claim]:
        yield from claims

    return SimpleNamespace(PAPER="planted", TITLE="A planted paper", claims=made)


@pytest.mark.parametrize(
    ("wrong", "verdict"),
    [
        (Claim("p", "a wrong print nobody explains", 1.0, 2.0), "fails"),
        (Claim("p", "explained, but what should stand there does not come out", 1, 2, expected=3, slip="x"), "fails"),
        (Claim("p", "said to be a slip, but the print is right", 2, 2, expected=2, slip="x"), "fails"),
        (Claim("p", "the simulation disagrees", 2.0, 2.0, simulated=2.5, error=0.1), "fails"),
        (Claim("p", "nothing to compare with", None, 2.0), "fails"),
        (Claim("p", "not a number", 2.0, float("nan")), "fails"),
        (Claim("p", "right", 2.0, 2.0, simulated=2.1, error=0.1), "agrees"),
        (Claim("p", "a slip", 1.0, 2.0, expected=2.0, slip="two, not one"), "slip: two, not one"),
    ],
)
def test_verdicts_are_computed(wrong: Claim, verdict: str) -> None:
    assert wrong.verdict == verdict


def test_the_sentence_counts() -> None:
    claims = [Claim("p", "a", 1, 1), Claim("p", "b", 1, 2, expected=2, slip="s"), Claim("p", "c", 1, 3)]
    said = "Of 3 claims 1 agrees, 1 is a slip of the print, where what should stand there comes out and 1 fails."
    assert sentence(claims) == said
    assert sentence(claims[:1]) == "Of 1 claims 1 agrees."
    assert sentence([]) == "There are no claims."


# The command


def test_papers_are_found_by_their_modules() -> None:
    found = papers()
    assert "liu" in found
    assert all(name == paper.PAPER and paper.TITLE for name, paper in found.items())


def test_an_unknown_paper_gets_one_line() -> None:
    with pytest.raises(InputError, match=r"^reproduce: 'yoon-1999' is none of .*liu"):
        reproduce("yoon-1999")


def test_the_table_opens_with_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    claims = planted(
        Claim("planted", "a small figure", 0.0, 1e-13),
        Claim("planted", "a slip", 1.0, 2.0, expected=2.0, slip="two", simulated=2.0, error=0.01),
    )
    monkeypatch.setattr(module, "papers", lambda: {"planted": claims})
    with pytest.raises(SystemExit) as left:
        main(["reproduce", "planted"])
    assert left.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Of 2 claims 1 agrees and 1 is a slip of the print, where what should stand there comes out."
    assert any("a small figure" in line and " 0 " in line and "agrees" in line for line in lines)
    assert any("2 ± 0.02" in line and "slip: two" in line for line in lines)


def test_json_holds_the_stated_objects(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And a claim that fails is an answer: exit code 0."""
    claims = planted(Claim("planted", "x", None, float("inf"), expected=1.0), Claim("planted", "y", 1, 1, error=0.1))
    monkeypatch.setattr(module, "papers", lambda: {"planted": claims})
    with pytest.raises(SystemExit) as left:
        main(["reproduce", "--json"])
    assert left.value.code == 0
    data = json.loads(capsys.readouterr().out)["rows"]
    assert [list(one) for one in data] == [
        ["paper", "claim", "printed", "exact", "simulated", "interval", "verdict"]
    ] * 2
    assert data[0] == {
        "paper": "planted",
        "claim": "x",
        "printed": None,
        "exact": None,
        "simulated": None,
        "interval": None,
        "verdict": "fails",
    }
