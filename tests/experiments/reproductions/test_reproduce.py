"""What papers print, computed again: the verdicts' logic, Liu's claims, the command."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
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
    counts = Counter(c.verdict for c in liu)
    assert counts["agrees"] >= 60
    assert counts["derived"] >= 25
    assert counts["slip"] == 16


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
        ("eq. (4) read on five nodes (Theorem 3.8 is for an interval): one lie gains", None, 0.125),
        ("b_t^j misread as the winner's own bid: one lie gains", None, 5.4),
        ("any deviation gains, in ε", None, 10),
    ],
)
def test_figures_come_out(liu: list[Claim], text: str, printed: float | None, exact: float) -> None:
    (one,) = [c for c in liu if text in c.claim]
    assert one.printed == printed
    assert one.exact == pytest.approx(exact, abs=1e-6)


def test_misreadings_and_what_is_for_an_interval_are_no_slips(liu: list[Claim]) -> None:
    """Theorem 3.8 is about an interval of signals; the slides say "the second lowest bid" and define b_t^j."""
    for text in ("five nodes", "misread"):
        named = [c for c in liu if text in c.claim]
        assert len(named) >= 2
        assert {(c.verdict, c.printed) for c in named} == {("derived", None)}


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
        (Claim("p", "explained, but what should stand there does not come out", 1, 2, 3, "hand", "x"), "fails"),
        (Claim("p", "the print is wrong, and nobody says so", 1, 2, 2, "hand"), "fails"),
        (Claim("p", "the simulation disagrees", 2.0, 2.0, simulated=2.5, error=0.1), "fails"),
        (Claim("p", "nothing to compare with", None, 2.0), "fails"),
        (Claim("p", "nothing but play", None, 2.0, simulated=2.0, error=0.1, effect=1.0), "fails"),
        (Claim("p", "two ways, two numbers", None, 2.0, 2.1, "hand"), "fails"),
        (Claim("p", "not a number", 2.0, float("nan")), "fails"),
        (Claim("p", "right", 2.0, 2.0, simulated=2.1, error=0.1), "agrees"),
        (Claim("p", "right, and derived too", 2.0, 2.0, 2.0, "hand"), "agrees"),
        (Claim("p", "nothing is printed, two ways come to the same", None, 2.0, 2.0, "hand"), "derived"),
        (Claim("p", "a slip", 1.0, 2.0, 2.0, "hand", "two, not one"), "slip"),
    ],
)
def test_verdicts_are_computed(wrong: Claim, verdict: str) -> None:
    assert wrong.verdict == verdict


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda: Claim("p", "profit tends to the bound", 2.080, 2.561, tolerance=0.5), "no effect is stated"),
        (lambda: Claim("p", "the same", 2.080, 2.561, tolerance=0.5, effect=0.53), "more than a quarter of the effect"),
        (lambda: Claim("p", "as wide as a slip", 2.0, 2.2, 2.2, "hand", "x", tolerance=0.06), "quarter of the effect"),
        (lambda: Claim("p", "0.01 or 0?", None, 0.01, 0.01, "hand", simulated=0.01, error=0.01), "standard errors"),
        (lambda: Claim("p", "0 or 0.1?", 0.0, 0.0, simulated=0.01, error=0.03, effect=0.1), "standard errors"),
        (lambda: Claim("p", "0 or what?", 0.0, 0.0, simulated=0.01, error=0.03), "standard errors"),
        (lambda: Claim("p", "a number from nowhere", None, 1.0, 1.0), "the way to it go together"),
        (lambda: Claim("p", "a way to nowhere", 1.0, 1.0, way="hand"), "the way to it go together"),
        (lambda: Claim("p", "a slip of what is not printed", None, 1.0, 1.0, "hand", "x"), "a slip needs"),
        (lambda: Claim("p", "the print is right", 2, 2, 2, "hand", "x"), "quarter of the effect 0"),
    ],
)
def test_a_claim_that_could_not_fail_is_refused(made: Callable[[], Claim], why: str) -> None:
    """2.561 beside 2.080 once agreed, up to half."""
    with pytest.raises(ValueError, match=why):
        made()


def test_a_tolerance_within_the_effect_is_taken() -> None:
    assert Claim("p", "narrow", 2.080, 2.079, tolerance=0.002, effect=0.065).verdict == "agrees"
    assert Claim("p", "narrow", 2.080, 2.083, tolerance=0.002, effect=0.065).verdict == "fails"


def test_the_sentence_counts() -> None:
    slip = Claim("p", "b", 1, 2, 2, "hand", "s")
    claims = [Claim("p", "a", 1, 1), slip, Claim("p", "c", 1, 3), *[Claim("p", "d", None, 3, 3, "hand")] * 2]
    said = "Of 5 claims 1 agrees, 2 are derived in two ways, 1 is a slip of the print and 1 fails."
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


def test_the_screen_opens_with_counts_and_fits_eighty_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "a claim about something with a long name, said at length, in a section with a number (7.4), as often"
    claims = planted(
        Claim("planted", "a small figure", 0.0, 1e-13),
        Claim("planted", long, 1.0, 2.0, 2.0, "another way that takes a while to describe and goes on", "two, not one",
              simulated=2.0, error=0.01),
    )  # fmt: skip
    monkeypatch.setattr(module, "papers", lambda: {"planted": claims})
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as left:
        main(["reproduce", "planted"])
    assert left.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Of 2 claims 1 agrees and 1 is a slip of the print."
    assert max(map(len, lines)) <= 80
    header = next(line for line in lines if "printed" in line)
    ends = {name: header.index(name) + len(name) for name in ("printed", "derived", "exact", "simulated", "tolerance")}
    small, slip = (next(line for line in lines if line.startswith(f"  {word}  ")) for word in ("agrees", "slip"))
    cells = {name: (small[:end].split()[-1], slip[:end].split()[-1]) for name, end in ends.items()}
    assert cells == {
        "printed": ("0", "1"),
        "derived": ("–", "2"),
        "exact": ("0", "2"),
        "simulated": ("–", "0.02"),
        "tolerance": ("1e-09", "1e-09"),
    }
    assert " ".join(" ".join(lines).split()).endswith(
        "two, not one; second way: another way that takes a while to describe and goes on"
    )


def test_json_is_schema_2_with_the_stated_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a claim that fails is an answer: exit code 0."""
    claims = planted(
        Claim("planted", "x", None, float("inf"), 1.0, "hand"),
        Claim("planted", "y", 1, 1, simulated=1.0, error=0.1),
        Claim("planted", "z", 1, 2, 2, "hand", "two"),
    )
    monkeypatch.setattr(module, "papers", lambda: {"planted": claims})
    with pytest.raises(SystemExit) as left:
        main(["reproduce", "--json"])
    assert left.value.code == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == 2
    keys = ["paper", "claim", "printed", "derived", "exact", "simulated", "interval", "tolerance", "verdict", "note"]
    assert [list(row) for row in data["rows"]] == [keys] * 3
    infinite, played, slip = data["rows"]
    assert infinite == {
        "paper": "planted",
        "claim": "x",
        "printed": None,
        "derived": 1.0,
        "exact": None,
        "simulated": None,
        "interval": None,
        "tolerance": 1e-9,
        "verdict": "fails",
        "note": "second way: hand",
    }
    assert played["interval"] == pytest.approx([0.804, 1.196])
    assert (slip["verdict"], slip["note"]) == ("slip", "two; second way: hand")
