"""The page of a run: one file that opens offline without an error, in which names are shown and never run."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from experiments.report.page import report, write_report
from experiments.results import save_result
from experiments.running import run
from experiments.simulate import Sampling
from experiments.stressing import stress
from experiments.tournament.loading import check_tournament
from experiments.tournament.playing import tournament
from sim.environment import TableEnvironment
from sim.errors import InputError
from tests.test_symmetry import independent

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

HOSTILE = "<script>console.error('run')</script><img src=x onerror=console.error(1)>\"'&"


class Tags(HTMLParser):
    """Tags and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile_economy() -> TableEnvironment:
    """Two bidders alike, the first with a name that wants to be run."""
    made = independent((0.8, 0.8))
    return TableEnvironment("planted", (HOSTILE, "b"), made.prior, (made.stages[0],) * 2, 0.9, 2)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind of run, with what is hostile in it."""
    base = tmp_path_factory.mktemp("pages")
    stress("oil-leases-prior", ["cremer-mclean", "linked"], episodes=400, out=base / "stress")
    economy = hostile_economy()
    run(economy, "pivot", {"0": "misreport:map=flip"}, sampling=Sampling(100), out=base / "run")
    tournament(
        check_tournament(
            {
                "title": HOSTILE,
                "environment": "repeated-auction:bidders=2,horizon=2",
                "mechanisms": ["pivot", "pay-your-report"],
                "strategies": {"truth": "truthful", "down": "misreport:map=down"},
                "roles": {HOSTILE: {"agents": ["bidder 1", "bidder 2"]}},
                "episodes": 40,
                "out": str(base / "tournament"),
            },
            "s",
        )
    )
    return {name: write_report(base / name, base / f"{name}.html") for name in ("stress", "run", "tournament")}


@pytest.mark.parametrize("kind", ["stress", "run", "tournament"])
def test_a_page_needs_nothing_but_itself(kind: str, pages: dict[str, Path]) -> None:
    text = pages[kind].read_text(encoding="utf-8")
    tags = Tags(text).tags
    assert not [tag for tag, _ in tags if tag in ("script", "iframe", "object", "embed", "img")]
    for _, attributes in tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert attributes.get("href", "data:,") == "data:,"
    assert "url(" not in text
    assert "@import" not in text


@pytest.mark.parametrize("kind", ["run", "tournament"])
def test_a_hostile_name_is_shown_and_never_run(kind: str, pages: dict[str, Path]) -> None:
    page = Tags(pages[kind].read_text(encoding="utf-8"))
    assert HOSTILE in page.text
    assert "script" not in {tag for tag, _ in page.tags}


def test_the_page_of_a_stress_test_tells_who_gains_what_from_which_lie(pages: dict[str, Path]) -> None:
    text = " ".join(Tags(pages["stress"].read_text(encoding="utf-8")).text.split())
    assert "belief-manipulation" in text
    assert "+2.00" in text
    assert "The worst lie, period by period" in text
    assert "breaks" in text


def test_the_page_of_a_tournament_tells_regrets(pages: dict[str, Path]) -> None:
    text = " ".join(Tags(pages["tournament"].read_text(encoding="utf-8")).text.split())
    assert "holds* Regret of truth by all: 0.000" in text
    assert "breaks Regret of truth by all: " in text
    assert "gains most by playing down instead of truth" in text
    assert "Replicator dynamics from equal shares lead" in text


def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser to open it: none of {', '.join(BROWSERS)} is installed")
    return found


def opened(path: Path, profile: Path) -> tuple[str, list[str]]:
    """What a browser makes of a page, and what it writes to its console."""
    words = [browser(), "--headless", "--disable-gpu", "--no-sandbox", "--enable-logging=stderr", "--v=0"]
    words += ["--no-first-run", "--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND"]
    done = subprocess.run(
        [*words, f"--user-data-dir={profile}", "--dump-dom", path.as_uri()], capture_output=True, timeout=90, check=True
    )
    return done.stdout.decode(), re.findall(r"CONSOLE.*", done.stderr.decode(errors="replace"))


@pytest.mark.parametrize("kind", ["stress", "run", "tournament"])
def test_a_browser_opens_the_page_without_an_error(kind: str, pages: dict[str, Path], tmp_path: Path) -> None:
    dom, console = opened(pages[kind], tmp_path)
    assert console == []
    assert "How it was made" in dom


def test_the_browser_would_tell(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><body>{HOSTILE}</body>", encoding="utf-8")
    assert opened(page, tmp_path / "profile")[1]


def test_a_folder_without_a_result_is_refused_in_one_line(tmp_path: Path, pages: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="no such run folder"):
        report(tmp_path / "absent")
    with pytest.raises(InputError, match="not a run folder"):
        report(tmp_path)
    folder = pages["run"].parent / "run"
    kept = (folder / "result.json").read_text(encoding="utf-8")
    (folder / "result.json").unlink()
    with pytest.raises(InputError, match="has not been finished"):
        report(folder)
    (folder / "result.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        report(folder)
    save_result(folder, "other", {})
    with pytest.raises(InputError, match="not the result of"):
        report(folder)
    (folder / "result.json").write_text(kept, encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        write_report(folder, tmp_path / "absent" / "page.html")
