"""A run folder through whatever befalls it: played in part, killed, torn, moved, resumed, reported, used by two."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dynmech.experiments.report.page import render_report
from dynmech.experiments.runs.replaying import replay
from dynmech.experiments.runs.results import read_run
from dynmech.experiments.runs.running import run
from dynmech.sim.core.errors import DynmechError, InputError
from dynmech.sim.log.journal import Journal
from dynmech.sim.log.run_folder import RunFolder
from tests.builders.runs import bytes_below

CALL = ("oil-leases", "linked", {"firm 1": "misreport:map=flip"})
HOW: dict[str, Any] = {"episodes": 24, "shard": 6}


class Killed(BaseException):
    """The program ends here."""


def play(folder: Path) -> Any:
    return run(*CALL, **HOW, out=folder)


class FolderStates(RuleBasedStateMachine):
    """Every state is one that a person, a machine or another program can bring a folder into."""

    whole: dict[str, bytes]

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.folder, self.moves, self.finished = self.root / "run", 0, False
        play(self.root / "whole")
        self.whole = bytes_below(self.root / "whole")

    @rule(after=st.integers(0, 9), place=st.sampled_from(("append", "rewrite")))
    def kill(self, after: int, place: str) -> None:
        """Play, and end without warning before the journal is written to for the n-th time."""
        count, does = 0, getattr(Journal, place)

        def until(*args: Any) -> Any:
            nonlocal count
            count += 1
            if count > after:
                raise Killed
            return does(*args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, place, until)
            patch.setattr(RunFolder, "sweep", lambda _: None)  # nobody tidies up
            try:
                play(self.folder)
                self.finished = True
            except Killed:
                self.finished = self.finished and (self.folder / "result.json").exists()

    @precondition(lambda self: (self.folder / "shards.jsonl").exists())
    @rule(share=st.floats(0, 1), data=st.data())
    def tear(self, share: float, data: st.DataObject) -> None:
        """A file ends early, is gone, or has a byte that is another."""
        files = sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name != "run.json")
        path, how = data.draw(st.sampled_from(files)), data.draw(st.sampled_from(("cut", "gone", "changed")))
        content = bytearray(path.read_bytes())
        place = int(share * len(content))
        if how == "gone":
            path.unlink()
        elif how == "cut":
            path.write_bytes(content[:place])
        elif content:
            content[min(place, len(content) - 1)] ^= 1
            path.write_bytes(content)
        self.finished = False

    @precondition(lambda self: self.folder.exists())
    @rule()
    def move(self) -> None:
        self.moves += 1
        self.folder = Path(shutil.move(self.folder, self.root / f"moved {self.moves}"))

    @rule()
    def resume(self) -> None:
        """Whatever has happened: the same call ends with the bytes of an undisturbed run."""
        play(self.folder)
        assert bytes_below(self.folder) == self.whole
        self.finished = True

    @precondition(lambda self: self.folder.exists())
    @rule()
    def read(self) -> None:
        """A folder that is whole is read in every way; one that is not says so in one line."""
        for use in (render_report, replay, lambda folder: read_run(folder).gains()):
            said = ""
            try:
                use(self.folder)
            except DynmechError as error:
                said = str(error)
            assert not (said and self.finished), said

    @precondition(lambda self: (self.folder / "run.json").exists())
    @rule()
    def use_by_two(self) -> None:
        """While one program has the folder, another is refused; the folder is as it was."""
        before = bytes_below(self.folder)
        configuration = read_run(self.folder).manifest["configuration"]
        first = RunFolder(self.folder, configuration, {})
        first._lock_folder()
        try:
            with pytest.raises(InputError, match="in use by another program"):
                play(self.folder)
        finally:
            first.__exit__(None)
        assert bytes_below(self.folder) == before

    @invariant()
    def nothing_lies_beside_it(self) -> None:
        assert {path.name for path in self.root.iterdir()} <= {"whole", self.folder.name}

    def teardown(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


STEPS = settings(max_examples=12, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
class TestFolderStates(FolderStates.TestCase):  # type: ignore[misc, valid-type] # made by Hypothesis
    settings = STEPS


def test_a_folder_that_is_killed_torn_moved_and_resumed() -> None:
    """One way through."""
    states = FolderStates()
    states.begin()
    try:
        states.kill(2, "append")
        states.read()
        states.move()
        states.resume()
        states.kill(0, "rewrite")
        (states.folder / "result.json").unlink()
        states.resume()
        states.use_by_two()
        states.read()
        states.nothing_lies_beside_it()
    finally:
        states.teardown()
