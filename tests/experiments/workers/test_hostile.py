"""Hostile plug-ins: each comes to one line that says whose it is, does no harm to anything else, and leaves nothing."""

import os
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow.parquet as pq
import pytest
import rich.style  # noqa: F401 - its first import draws a random number, which no test here is to blame for

from dynmech.experiments.cli.app import main
from dynmech.experiments.workers import pool
from dynmech.sim.log.journal import Journal
from tests.builders.hostile import HOSTILE
from tests.builders.hostile_code import CALLS, Hostile
from tests.builders.runs import MARK, marked, planted

SMALL = ["--episodes", "64", "--shard", "32", "--out", "out"]


def limits(one: Hostile) -> list[str]:
    """Tight only where they are what is tested: others may have to wait for the machine."""
    seconds = "2" if one.hostility == "hangs" or "without end" in one.name else "30"
    gigabytes = "0.3" if one.hostility == "allocates" else "2"
    return ["--time-limit", seconds, "--memory-limit", gigabytes]


def state() -> dict[str, Any]:
    """What a plug-in could change in the program that it is plugged into."""
    return {
        "environ": {key: value for key, value in os.environ.items() if key != "PYTEST_CURRENT_TEST"},
        "folder": os.getcwd(),
        "path": list(sys.path),
        "errors": np.geterr(),
        "printing": np.get_printoptions(),
        "random": random.getstate(),
        "np.random": str(np.random.get_state()),  # noqa: NPY002
        "recursion": sys.getrecursionlimit(),
        "filters": list(warnings.filters),
        "where": np.where,
        "len": len,
    }


@pytest.fixture(scope="module", autouse=True)
def _workers_of_our_own() -> Iterator[None]:
    """Workers that carry a mark, so that what they leave behind is known."""
    pool.Loky(1).end()
    os.environ[MARK] = uuid4().hex
    yield
    pool.Loky(1).end()
    del os.environ[MARK]


@pytest.fixture(autouse=True)
def _nothing_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = state()
    yield
    after = state()
    assert {key for key in before if before[key] != after[key]} == set()
    assert strays() == [], "nothing runs but the workers, and they have no children"


def strays() -> list[int]:
    """Processes with our mark that are not this one's own children."""
    return [pid for pid in marked(os.environ[MARK]) if _parent(pid) != os.getpid()]


def _parent(pid: int) -> int:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    return os.getpid()  # it has just ended


def call(words: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error, progress aside."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    output = capfd.readouterr()
    phases = ("playing", "looking for deviations", "searching exactly", "checking")
    told = [line for line in output.err.splitlines(keepends=True) if line.partition(":")[0] not in phases]
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, output.out, "".join(told)


def manifest(kind: str) -> list[dict[str, Any]]:
    """Entries of the run in `out` that have such a field."""
    journal = Journal(Path("out/shards.jsonl"))
    return [entry for entry in map(journal.read, journal) if kind in entry]


OPENED = re.compile(r"at import|no Python|null bytes")
"""What goes wrong while a plug-in is opened is bad input."""


def check(one: Hostile, capfd: pytest.CaptureFixture[str]) -> None:
    """Bring it out with its own command: one line, on the screen and in the manifest."""
    planted(Path("hostile.py"), one.source)
    words = [*CALLS[one.kind, one.command], "--plugin", "hostile.py", *SMALL, *limits(one)]
    code, out, err = call(words, capfd)
    if one.may_pass and code == 0 and not re.search(one.says, out):
        assert "hello" not in out
    elif one.command == "stress":
        found = [entry["failed"] for entry in manifest("failed")]
        assert code == (1 if found else 0), err
        assert len(set(found)) in (1, 2), "a line for either firm, or one for both"
        assert found[0][:60] in " ".join(out.split()), "on the screen as well"
        assert out.count("failed: ") == 1, "once"
        for text in found:
            assert re.search(one.says, text), text
    elif one.hostility == "writes" and code == 0:
        (remark,) = {entry["remark"] for entry in manifest("remark")}
        assert re.search(one.says, remark), remark
        assert re.search(f"note: .*{one.says}", " ".join(out.split())), out
        assert "hello" not in err or "at import" in one.name
    else:
        assert code in ((2,) if OPENED.search(one.name) else (1, 2)), (out, err)
        assert out == ""
        assert re.fullmatch(f"dynmech: .*({one.says}).*\n", err), err
        assert err.strip().isprintable()


def check_rest(one: Hostile, whole: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    """In a stress test: the rest is complete, and what it would be without the plug-in."""
    planted(Path("hostile.py"), one.source)
    also = ["--mechanism", "hostile"] if one.kind == "mechanism" else []
    code, out, err = call([*STRESS, *also, "--plugin", "hostile.py", *SMALL, *limits(one)], capfd)
    if one.may_pass and code == 0 and not re.search(one.says, out):
        return
    if code == 2 and re.search(r"at import|no Python|null bytes|mechanism's __init__", one.name):
        # What was named and cannot even be opened ends the command.
        assert re.search(one.says, err), err
        assert (out, Path("out").exists()) == ("", False)
        return
    assert code == (1 if manifest("failed") else 0), err
    told = {entry["failed"] for entry in manifest("failed")} | {entry["remark"] for entry in manifest("remark")}
    # What __init__ raises shows in the candidates first.
    texts = [text.replace("firm 2", "firm 1").replace("'hostile', candidates: ", "'hostile': ") for text in told]
    assert any(re.search(one.says, text) for text in [*told, *texts]), told
    rest = contents(Path("out"))
    assert {key: rest.get(key) for key in whole} == whole
    assert {key for key in rest if key not in whole and "hostile" not in key} == set()


def contents(folder: Path) -> dict[str, Any]:
    """Rows and sums of every shard, whatever the configuration that its files carry."""
    journal = Journal(folder / "shards.jsonl")
    found: dict[str, Any] = {key: entry["summary"] for key in journal if "summary" in (entry := journal.read(key))}
    for path in folder.rglob("*.parquet"):
        found[str(path.relative_to(folder))] = pq.read_table(path, partitioning=None).replace_schema_metadata(None)
    return found


STRESS = ["stress", "oil-leases", "--mechanism", "linked"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same stress test without a plug-in."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    with pytest.raises(SystemExit) as stopped:
        main([*STRESS, *SMALL[:-1], str(folder)])
    assert stopped.value.code == 0
    found = contents(folder)
    # Three datasets and the sums, two shards; prescribed play and 7 deviations (firm 1 has nothing to condition on).
    assert len(found) == 4 * 2 * (1 + 7)
    return found


def cases(quick: Callable[[int, Hostile], bool], kinds: Sequence[str]) -> list[Any]:
    """The collection; what is not quick goes with the slow tests."""
    return [
        pytest.param(one, id=f"{one.hostility} - {one.name}", marks=[] if quick(k, one) else [pytest.mark.slow])
        for k, one in enumerate(one for one in HOSTILE if one.kind in kinds)
    ]


TAKE_LONG = ("hangs", "allocates")

FIRST = {one.hostility: one.name for one in reversed(HOSTILE)}
"""The first of each hostility."""


@pytest.mark.parametrize(
    "one",
    cases(
        lambda k, one: one.name in FIRST.values() or (k % 6 == 0 and one.hostility not in TAKE_LONG),
        ("strategy", "mechanism", "scenario"),
    ),
)
def test_a_hostile_plugin_comes_to_one_line(one: Hostile, capfd: pytest.CaptureFixture[str]) -> None:
    check(one, capfd)


@pytest.mark.parametrize(
    "one", cases(lambda _, one: one.name in FIRST.values() and one.hostility != "hangs", ("strategy", "mechanism"))
)
def test_the_rest_is_what_it_would_be_without(
    one: Hostile, whole: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    check_rest(one, whole, capfd)


def test_the_collection_is_as_large_as_it_says() -> None:
    assert len({one.name for one in HOSTILE}) == len(HOSTILE) >= 50
    assert set(FIRST) == {"raises", "hangs", "ends", "allocates", "garbage", "changes", "writes"}
