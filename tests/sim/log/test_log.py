"""The run folder: killed, damaged or asked something else, it never lies."""

import json
import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynmech import run, stress
from dynmech.experiments.runs.run_result import RunResult
from dynmech.experiments.runs.simulation import Sampling, pilot
from dynmech.sim.core.errors import InputError, PlayError, StorageError
from dynmech.sim.log.run_folder import RunFolder, configuration_hash, first_difference, read_manifest
from dynmech.sim.log.shard_files import write_shard
from dynmech.sim.play.loop import play_shard
from tests.builders.runs import ROOT, bytes_below, no_space
from tests.builders.samples import every_nth

SHARDS = 3
SAMPLING = Sampling(episodes=50, seed=4, shard=20)


def play(out: Path, **options: Any) -> RunResult:
    """Three shards of two cases each."""
    return run("oil-leases", "linked", {"firm 1": "random"}, **vars(SAMPLING), out=out, **options)


@pytest.fixture
def undisturbed(tmp_path: Path) -> dict[str, bytes]:
    """What an undisturbed run leaves."""
    play(tmp_path / "undisturbed")
    return bytes_below(tmp_path / "undisturbed")


def test_the_folder_is_laid_out_as_documented(undisturbed: dict[str, bytes]) -> None:
    shards = {
        f"{dataset}/mechanism=linked/case={case}/shard-{k:05d}.parquet"
        for dataset in ("outcomes", "episodes", "gains")
        for case in ("prescribed", "deviation")
        for k in range(SHARDS)
    }
    assert set(undisturbed) == shards | {"run.json", "shards.jsonl", "result.json"}


def test_run_json_says_what_was_run_and_the_journal_what_is_there(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    data = json.loads(undisturbed["run.json"])
    assert set(data) == {
        "schema", "configuration", "configuration_hash", "seed", "versions", "complete", "void", "shards", "failures",
        "journal", "engine", "seal",
    }  # fmt: skip
    assert data["engine"] == {"asked": "auto", "loop": {}}
    assert (data["schema"], data["seed"], data["complete"], data["void"]) == (3, 4, True, False)
    assert (data["shards"], data["failures"]) == (2 * SHARDS, 0)
    assert data["journal"] == sha256(undisturbed["shards.jsonl"]).hexdigest()
    assert data["configuration"]["strategies"] == {"firm 1": "random", "firm 2": "truthful"}
    assert data["configuration"]["episodes"] == 50
    text = json.dumps(data["configuration"], sort_keys=True)
    assert data["configuration_hash"] == sha256(text.encode()).hexdigest()[:16]
    assert {"dynmech", "numpy", "pyarrow", "python", "simpy"} <= set(data["versions"])
    entries = [json.loads(line)["entry"] for line in undisturbed["shards.jsonl"].splitlines()]
    assert [entry["key"] for entry in entries] == [
        f"mechanism=linked/case={case}/shard-{k:05d}" for k in range(SHARDS) for case in ("prescribed", "deviation")
    ]
    listed = {name: file for entry in entries for name, file in entry["files"].items()}
    assert set(listed) == set(undisturbed) - {"run.json", "shards.jsonl", "result.json"}
    for name, file in listed.items():
        assert file["sha256"] == sha256(undisturbed[name]).hexdigest()
        assert file["rows"] == pq.read_metadata(tmp_path / "undisturbed" / name).num_rows
    for name in ("run.json", "shards.jsonl"):
        assert str(tmp_path) not in undisturbed[name].decode(), "a folder can be moved"


@pytest.mark.parametrize("damage", ["deleted", "cut short", "one bit", "all of a case"])
def test_a_damaged_shard_is_made_again(damage: str, tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    folder = tmp_path / "undisturbed"
    victim = folder / "gains/mechanism=linked/case=deviation/shard-00001.parquet"
    match damage:
        case "deleted":
            victim.unlink()
        case "cut short":
            victim.write_bytes(victim.read_bytes()[:-100])
        case "one bit":
            content = bytearray(victim.read_bytes())
            content[len(content) // 2] ^= 1
            victim.write_bytes(bytes(content))
        case "all of a case":
            for path in (folder / "episodes/mechanism=linked/case=prescribed").iterdir():
                path.unlink()
    assert bytes_below(folder) != undisturbed
    again = play(folder)
    assert not again.reused, "something was played"
    assert bytes_below(folder) == undisturbed
    assert play(folder).reused


class Killed(BaseException):
    """As if the power went."""


@pytest.mark.parametrize("after", every_nth(range(1, 3 * 2 * SHARDS + 1), 5))
def test_a_run_killed_after_any_file_resumes_to_the_same_bytes(
    after: int, tmp_path: Path, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between a shard's files, and between its last file and its record: nothing lost, nothing twice."""
    replace, moved = os.replace, 0

    def until(source: Path, target: Path) -> None:
        nonlocal moved
        replace(source, target)
        moved += target.suffix == ".parquet"
        if moved == after:
            raise Killed

    monkeypatch.setattr("os.replace", until)
    with pytest.raises(Killed):
        play(tmp_path / "killed")
    monkeypatch.setattr("os.replace", replace)
    assert not json.loads((tmp_path / "killed/run.json").read_text())["complete"]
    resumed = play(tmp_path / "killed")
    assert not resumed.reused
    assert bytes_below(tmp_path / "killed") == undisturbed
    whole = play(tmp_path / "undisturbed")
    assert resumed.agents.equals(whole.agents)
    assert resumed.summary == whole.summary


def test_recorded_shards_are_not_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dynmech.experiments.runs import simulation as simulate

    played = []

    def counting(*args: Any, **options: Any) -> Any:
        played.append(args[2].shard)
        if len(played) == 4:
            raise Killed
        return play_shard(*args, **options)

    monkeypatch.setattr(simulate, "play_shard", counting)
    with pytest.raises(Killed):
        play(tmp_path / "a")
    assert played == [0, 0, 1, 1]  # prescribed play and the deviation, shard by shard; the last was not finished
    play(tmp_path / "a")
    # Prescribed play of shard 1 is recorded, but is needed once more to pair the deviation with.
    assert played[4:8] == [1, 1, 2, 2]
    assert played[8:] == [0, 0]  # the story of the deviation, told when all is there
    play(tmp_path / "a")
    assert len(played) == 10  # and kept


def test_a_process_that_is_killed_leaves_no_half_written_parquet(tmp_path: Path) -> None:
    """A real kill, in a process of its own, while a file is being written."""
    script = (
        "import os, signal\n"
        "from dynmech import run\n"
        "rename, count = os.replace, 0\n"
        "def dying(source, target):\n"
        "    global count\n"
        "    count += str(target).endswith('.parquet')\n"
        "    if count == 8:\n"
        "        os.truncate(source, os.path.getsize(source) // 2)\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    rename(source, target)\n"
        "os.replace = dying\n"
        "run('oil-leases', 'linked', {'firm 1': 'random'}, episodes=50, seed=4, shard=20, out='killed')\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = bytes_below(tmp_path / "killed")
    partial = [name for name in left if "partial" in name]
    assert partial, "those of one shard that are written side by side"
    assert not any(name.endswith(".parquet") for name in partial), "readers pick up whatever ends so"
    assert all(name.rpartition("/")[2].startswith(".") for name in partial), "and pass over what begins so"
    for name in left:
        if name.endswith(".parquet"):
            assert pq.read_table(tmp_path / "killed" / name).num_rows > 0
    play(tmp_path / "killed")
    play(tmp_path / "undisturbed")
    assert bytes_below(tmp_path / "killed") == bytes_below(tmp_path / "undisturbed")


def test_a_stress_test_killed_in_its_pilot_resumes_to_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dynmech.experiments.runs import pilot_choice as choosing

    def test(out: Path) -> Any:
        return stress("oil-leases", ["linked", "team"], episodes=100, out=out)

    whole = test(tmp_path / "whole")
    calls = 0

    def dying(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 12:
            raise Killed
        return pilot(*args)

    monkeypatch.setattr(choosing, "pilot", dying)
    with pytest.raises(Killed):
        test(tmp_path / "killed")
    kept = json.loads((tmp_path / "killed/run.json").read_text())["chosen"]
    assert list(kept) == ["linked"], "what was chosen for the first mechanism is kept"
    resumed = test(tmp_path / "killed")
    assert resumed.gains.equals(whole.gains)
    assert bytes_below(tmp_path / "killed") == bytes_below(tmp_path / "whole")


# One folder, one configuration


def folder(path: Path, **configuration: Any) -> RunFolder:
    return RunFolder(path, configuration, {"python": "3"})


def test_the_first_difference_is_named(tmp_path: Path) -> None:
    first: dict[str, Any] = {"seed": 1, "mechanisms": ["team", "linked"], "protocol": {"deadline": 0.5}}
    folder(tmp_path / "a", **first)
    without = {key: value for key, value in first.items() if key != "protocol"}
    for other, said in (
        ({**first, "seed": 2}, "seed is 1 there, 2 here"),
        ({**first, "mechanisms": ["team", "pivot"]}, 'mechanisms[1] is "linked" there, "pivot" here'),
        ({**first, "mechanisms": ["team"]}, 'mechanisms is ["team", "linked"] there, ["team"] here'),
        ({**first, "protocol": {"deadline": 0.0}}, "protocol.deadline is 0.5 there, 0.0 here"),
        (without, "protocol is only in the folder"),
        ({**first, "new": 1}, "new is only in this call"),
    ):
        with pytest.raises(InputError) as raised:
            folder(tmp_path / "a", **other)
        assert str(raised.value) == f"{tmp_path / 'a'}: holds another run: {said}; choose another --out"
    assert folder(tmp_path / "a", **first).data["versions"] == {"python": "3"}


def test_equal_data_do_not_differ_and_the_order_of_keys_does_not_count() -> None:
    here, there = {"a": [1, {"b": None}], "c": 0.5}, {"c": 0.5, "a": [1, {"b": None}]}
    assert first_difference(here, there) is None
    assert configuration_hash(here) == configuration_hash(there)
    assert configuration_hash(here) != configuration_hash({**here, "c": 0.25})


def test_a_plugin_that_was_edited_is_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dynmech.experiments.catalog.names import STRATEGIES, take_in_plugins

    monkeypatch.setattr(STRATEGIES, "_added", {})
    plugin = tmp_path / "mine.py"
    text = (
        "from dynmech.agents.strategies.base import Strategy\n"
        "class Mine(Strategy):\n"
        "    name = 'mine'\n"
        "    def message(self, view):\n"
        "        return view.prescribed\n"
    )

    def play_mine() -> RunResult:
        take_in_plugins([plugin])
        return run("oil-leases", "linked", {"firm 1": "mine"}, episodes=40, out=tmp_path / "a")

    plugin.write_text(text, encoding="utf-8")
    assert play_mine().agents["gain"].tolist() == [0, 0]
    plugin.write_text(text.replace("view.prescribed", "0 * view.prescribed"), encoding="utf-8")
    with pytest.raises(InputError, match=r"holds another run: plugins\[0\] is "):
        play_mine()


# What breaks off


def small_table() -> pa.Table:
    return pa.table({"x": [1.0, 2.0]})


def keep_one(begun: RunFolder) -> None:
    """Write and record one shard."""
    files = write_shard(begun.path, {"outcomes/shard-00000.parquet": small_table()}, begun.metadata)
    begun.record({"key": "k", "files": files, "summary": {"n": 2}})


def break_off(path: Path, error: BaseException, *, notes: bool = False) -> None:
    """Keep one shard, then fail; with notes, somebody puts a file of its own beside it."""
    with folder(path, seed=1) as begun:
        keep_one(begun)
        if notes:
            (path / "notes.txt").write_text("mine", encoding="utf-8")
        raise error


def test_a_broken_rule_takes_back_what_this_call_began(tmp_path: Path) -> None:
    with pytest.raises(PlayError):
        break_off(tmp_path / "deep/er/run", PlayError("no"))
    assert list(tmp_path.iterdir()) == []


def test_a_broken_rule_leaves_what_others_wrote(tmp_path: Path) -> None:
    keep_one(folder(tmp_path / "run", seed=1))
    before = bytes_below(tmp_path / "run")
    with pytest.raises(PlayError), folder(tmp_path / "run", seed=1):
        raise PlayError("no")
    assert bytes_below(tmp_path / "run") == before
    with pytest.raises(PlayError):
        break_off(tmp_path / "other", PlayError("no"), notes=True)
    assert bytes_below(tmp_path / "other") == {"notes.txt": b"mine"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), StorageError("full"), RuntimeError("a mistake of ours")])
def test_anything_else_that_breaks_off_can_be_resumed(error: BaseException, tmp_path: Path) -> None:
    with pytest.raises(type(error)):
        break_off(tmp_path / "run", error)
    resumed = folder(tmp_path / "run", seed=1)
    assert resumed.has("k")
    assert list(resumed.summaries(["k"])) == [{"n": 2}]
    assert not resumed.has("other")


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = folder(tmp_path / "run", seed=1)
    before = bytes_below(tmp_path / "run")
    monkeypatch.setattr("pyarrow.parquet.write_table", no_space)
    with pytest.raises(
        StorageError, match=r"outcomes/shard-00000\.parquet: cannot be written: No space left on device"
    ):
        keep_one(begun)
    assert bytes_below(tmp_path / "run") == before
    monkeypatch.setattr("os.replace", no_space)
    with pytest.raises(StorageError, match="cannot be written: No space left on device"):
        begun.note(fact=1)
    assert bytes_below(tmp_path / "run") == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"run\.json: cannot be read"),
        ("[]", "not a run of schema 3"),
        ('{"schema": 1}', "written by an older version \\(schema 1\\)"),
        ('{"schema": 3}', "damaged, 'configuration' is missing"),
        ('{"schema": 3, "configuration": {}, "complete": true}', "damaged, 'configuration_hash' is missing"),
        ('{"schema": 3, "configuration": {}, "configuration_hash": "x", "complete": 1}', "damaged, 'complete'"),
    ],
)
def test_a_damaged_manifest_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read_manifest(tmp_path)
    with pytest.raises(InputError, match=said):
        folder(tmp_path, seed=1)
