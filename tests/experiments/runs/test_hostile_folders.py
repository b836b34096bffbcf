"""A run folder from a stranger: reading, reporting and resuming it ends with one line and writes nothing outside it."""

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from dynmech.experiments.exports.exporting import export
from dynmech.experiments.report.page import report
from dynmech.experiments.runs.replaying import replay
from dynmech.experiments.runs.results import read_run
from dynmech.experiments.runs.running import run
from dynmech.sim.core.errors import DynmechError
from tests.builders.hostile_folders import Deed, deeds

DEEDS = dict(deeds())

SAMPLE = (
    "shards.jsonl is a link",
    "outcomes is a link",
    "temporary files are links",
    "result.json is a pipe",
    "run.json is nested deeply",
    "result.json: agents is 7",
    "gains has words for numbers",
    "outcomes has a billion rows",
    "the journal has a name of a device",
    "the journal has a name with a NUL",
    "the journal: files is 7",
    "the journal: no checksum",
)
"""One of each kind: what the quick suite looks at."""

CALL = ("oil-leases", "linked", {"firm 1": "misreport:map=flip"})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small finished run."""
    path = tmp_path_factory.mktemp("whole") / "run"
    run(*CALL, episodes=6, out=path)
    return path


@pytest.fixture(autouse=True)
def _ends() -> Iterator[None]:
    """Nothing hangs."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise AssertionError("still waiting after 30 s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def uses(folder: Path, aside: Path) -> dict[str, Callable[[], object]]:
    """What is done with a run folder; resuming comes last, as it writes."""
    return {
        "read": lambda: (read_run(folder).gains(), read_run(folder).outcomes()),
        "replay": lambda: replay(folder, "deviation"),
        "replay the worst": lambda: replay(folder),
        "report": lambda: report(folder, aside / "page.html"),
        "export": lambda: export(folder, "csv", aside / "run.csv"),
        "resume": lambda: run(*CALL, episodes=6, out=folder),
    }


def attempt(name: str, deed: Deed, whole: Path, tmp_path: Path) -> dict[str, str]:
    """Do the deed, use the folder in every way, and return what each use said; nothing outside has changed."""
    folder, outside, aside = tmp_path / "run", tmp_path / "outside", tmp_path / "aside"
    shutil.copytree(whole, folder)
    outside.mkdir()
    aside.mkdir()
    victim = outside / "victim"
    victim.write_text("precious", encoding="utf-8")
    deed(folder, victim)
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}
    said = {}
    for use, work in uses(folder, aside).items():
        try:
            work()
            said[use] = ""
        except DynmechError as error:
            said[use] = str(error)
            assert len(said[use]) < 700, (name, use)
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before, name
    return said


@pytest.mark.parametrize("name", SAMPLE)
def test_a_strangers_folder_does_no_harm(name: str, whole: Path, tmp_path: Path) -> None:
    assert any(attempt(name, DEEDS[name], whole, tmp_path).values())


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(DEEDS) - set(SAMPLE)))
def test_no_strangers_folder_does(name: str, whole: Path, tmp_path: Path) -> None:
    attempt(name, DEEDS[name], whole, tmp_path)


def test_a_folder_as_it_was_made_is_used_in_every_way(whole: Path, tmp_path: Path) -> None:
    assert set(attempt("nothing", lambda _run, _victim: None, whole, tmp_path).values()) == {""}
