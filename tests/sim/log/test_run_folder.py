"""A run folder: what is damaged or foreign is named and counts as not played; one program at a time."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dynmech.sim.core.errors import DynmechError, InputError, PlayError, StorageError
from dynmech.sim.log.own_files import DATASETS
from dynmech.sim.log.run_folder import RunFolder, read_manifest
from dynmech.sim.log.shard_files import checksum, damage, write_shard
from tests.builders.folders import folder
from tests.builders.runs import ROOT, bytes_below, no_space

KEYS = [f"mechanism=m/case=c/shard-{k:05d}" for k in range(3)]


def files(begun: RunFolder, key: str) -> dict[str, Any]:
    """Write one shard's files; what stands in them follows from the key and the seed."""
    table = pa.table({"x": [float(key[-1]), float(begun.data["seed"])]})
    return write_shard(begun.path, {f"{kind}/{key}.parquet": table for kind in DATASETS}, begun.metadata)


def keep(begun: RunFolder, key: str) -> None:
    begun.record({"key": key, "files": files(begun, key), "summary": {"shard": key[-1]}})


def played(path: Path, seed: int = 1) -> RunFolder:
    """What is missing of three shards is played; the folder is left complete."""
    with folder(path, seed) as begun:
        begun.reopen()
        for key in KEYS:
            if not begun.has(key):
                keep(begun, key)
        begun.finish(KEYS)
    return begun


def why_not(work: Callable[[], object]) -> str:
    """The line with which something fails; nothing if it does not."""
    try:
        work()
    except DynmechError as error:
        return str(error)
    return ""


# Damage


def test_what_is_whole_is_not_touched(tmp_path: Path) -> None:
    played(tmp_path / "a")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*")}
    again = played(tmp_path / "a")
    assert (again.written, again.damaged, again.data["complete"]) == (0, [], True)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*")} == before


VICTIM = f"gains/{KEYS[1]}.parquet"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "one bit": (flip, "not what was written"),
    "cut short": (lambda path: os.truncate(path, path.stat().st_size - 1), "not what was written"),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "not what was written"),
    "empty": (lambda path: path.write_bytes(b""), "not what was written"),
    "deleted": (lambda path: path.unlink(), "missing"),
    "another shard": (lambda path: path.write_bytes(path.with_name("shard-00000.parquet").read_bytes()), "not what"),
    "a folder": (to_folder, "cannot be read: Is a directory"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_file_is_named_and_its_shard_counts_as_not_played(kind: str, tmp_path: Path) -> None:
    spoil, said = DAMAGE[kind]
    whole = bytes_below(played(tmp_path / "a").path)
    spoil(tmp_path / "a" / VICTIM)
    with folder(tmp_path / "a") as again:
        again.reopen()
        (named,) = again.damaged
        assert named.startswith(f"{VICTIM}: {said}")
        assert [again.has(key) for key in KEYS] == [True, False, True]
    if kind == "a folder":
        (tmp_path / "a" / VICTIM).rmdir()
    played(tmp_path / "a")
    assert bytes_below(tmp_path / "a") == whole


def test_a_shard_of_another_run_is_found_by_its_checksum(tmp_path: Path) -> None:
    """Same name, same size, same schema, as good a Parquet file; but of another seed."""
    whole = bytes_below(played(tmp_path / "a", seed=2).path)
    played(tmp_path / "b", seed=3)
    foreign = (tmp_path / "b" / VICTIM).read_bytes()
    assert len(foreign) == len(whole[VICTIM])
    (tmp_path / "a" / VICTIM).write_bytes(foreign)
    assert played(tmp_path / "a", seed=2).damaged == [f"{VICTIM}: not what was written"]
    assert bytes_below(tmp_path / "a") == whole


def test_every_file_that_is_damaged_is_made_again_whatever_was_damaged(tmp_path: Path) -> None:
    whole = bytes_below(played(tmp_path / "a").path)
    for name in whole:
        if name != "run.json":
            flip(tmp_path / "a" / name)
    again = played(tmp_path / "a")
    assert len(again.damaged) >= 3
    assert bytes_below(tmp_path / "a") == whole


JOURNAL: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "torn": (lambda text: text[:-40], "shards.jsonl: 1 damaged line"),
    "torn to pieces": (lambda text: text[300:], "shards.jsonl: 1 damaged line"),
    "two bits": (lambda text: text.replace(b'"rows"', b'"sows"', 1).replace(b'"n"', b'"o"'), "1 damaged line"),
    "first line deleted": (lambda text: text.partition(b"\n")[2], "shards.jsonl: not what was written"),
    "all deleted": (lambda _: b"", "shards.jsonl: not what was written"),
    "last line twice": (lambda text: text + text.splitlines(keepends=True)[-1], "shards.jsonl: not what was written"),
    "other order": (lambda text: b"".join(sorted(text.splitlines(keepends=True))), "shards.jsonl: not what was"),
    "garbage": (lambda text: b"\xff\xff\n{}\n" + text, "shards.jsonl: 2 damaged lines"),
}


@pytest.mark.parametrize("kind", JOURNAL)
def test_a_damaged_journal_is_named_and_put_right(kind: str, tmp_path: Path) -> None:
    spoil, said = JOURNAL[kind]
    whole = bytes_below(played(tmp_path / "a").path)
    spoilt = spoil(whole["shards.jsonl"])
    assert spoilt != whole["shards.jsonl"]
    (tmp_path / "a/shards.jsonl").write_bytes(spoilt)
    again = played(tmp_path / "a")
    assert said in again.damaged[0]
    assert len(again.damaged) == 1
    assert bytes_below(tmp_path / "a") == whole
    assert played(tmp_path / "a").damaged == []


def test_a_journal_that_is_gone_is_played_anew(tmp_path: Path) -> None:
    whole = bytes_below(played(tmp_path / "a").path)
    (tmp_path / "a/shards.jsonl").unlink()
    assert played(tmp_path / "a").damaged == ["shards.jsonl: missing"]
    assert bytes_below(tmp_path / "a") == whole


def test_lines_of_another_run_do_not_pass_for_ours(tmp_path: Path) -> None:
    """The journal of another run with the same shards: no file is what its line says."""
    whole = bytes_below(played(tmp_path / "a").path)
    played(tmp_path / "b", seed=2)
    (tmp_path / "a/shards.jsonl").write_bytes((tmp_path / "b/shards.jsonl").read_bytes())
    again = played(tmp_path / "a")
    assert len(again.damaged) == 1 + 3
    assert bytes_below(tmp_path / "a") == whole


def test_the_checksum_of_a_large_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(os.urandom(3 << 20) + b"x")
    assert checksum(path) == sha256(path.read_bytes()).hexdigest()
    path = path.rename(tmp_path / "result.json")
    assert damage(tmp_path, {"result.json": {"sha256": checksum(path)}}) == ""


# What failed


def test_what_failed_is_recorded_and_tried_again(tmp_path: Path) -> None:
    with folder(tmp_path / "a") as begun:
        keep(begun, KEYS[0])
        begun.fail(KEYS[1], "strategy 'x': no", 2)
        keep(begun, KEYS[2])
        begun.finish(KEYS)
    assert begun.failures() == [{"key": KEYS[1], "failed": "strategy 'x': no", "tries": 2}]
    manifest = read_manifest(tmp_path / "a")
    assert (manifest["complete"], manifest["shards"], manifest["failures"]) == (False, 3, 1)
    again = played(tmp_path / "a")
    assert (again.written, again.failures(), again.data["complete"]) == (1, [], True)
    played(tmp_path / "undisturbed")
    assert bytes_below(tmp_path / "a") == bytes_below(tmp_path / "undisturbed")


def test_a_void_run_gives_its_folder_to_another(tmp_path: Path) -> None:
    with folder(tmp_path / "a") as begun:
        keep(begun, KEYS[0])
        files(begun, KEYS[1])  # written, but not recorded
        begun.fail(KEYS[1], "no", 2)
        begun.finish(KEYS, void=True)
    (tmp_path / "a/notes.txt").write_text("mine", encoding="utf-8")
    played(tmp_path / "a", seed=2)
    played(tmp_path / "undisturbed", seed=2)
    found = bytes_below(tmp_path / "a")
    assert found.pop("notes.txt") == b"mine"
    assert found == bytes_below(tmp_path / "undisturbed")


def test_remarks_are_kept(tmp_path: Path) -> None:
    with folder(tmp_path / "a") as begun:
        begun.record({"key": KEYS[0], "files": files(begun, KEYS[0]), "summary": {}}, remark="wrote")
        keep(begun, KEYS[1])
    assert folder(tmp_path / "a").remarks() == [
        {"key": KEYS[0], "files": begun.journal.read(KEYS[0])["files"], "summary": {}, "remark": "wrote"}
    ]


# What is left behind


def test_temporary_files_of_a_killed_program_are_swept_away(tmp_path: Path) -> None:
    whole = bytes_below(played(tmp_path / "undisturbed").path)
    with folder(tmp_path / "a") as begun:
        keep(begun, KEYS[0])
        for name in (f"gains/{KEYS[0]}", "shards.jsonl", "run"):
            place = begun.path / name
            place.with_name(f".{place.name}.4711.partial").write_bytes(b"half")
        (begun.path / ".m.parcel").write_bytes(b"pickled")
    played(tmp_path / "a")
    assert bytes_below(tmp_path / "a") == whole


def test_a_run_killed_as_it_begins_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/.run.4711.partial").write_bytes(b'{"schema": ')
    played(tmp_path / "a")
    assert bytes_below(tmp_path / "a") == bytes_below(played(tmp_path / "undisturbed").path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/.profile").write_bytes(b"mine")
    with pytest.raises(InputError, match="b: not empty, and not a run"):
        played(tmp_path / "b")


def test_no_name_of_a_temporary_file_is_read_by_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between writing and renaming: pyarrow's dataset sees the shards that are there, not the half one."""
    begun = folder(tmp_path / "a")
    keep(begun, KEYS[0])
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)  # killed: nobody tidies up
        with pytest.raises(KeyboardInterrupt):
            files(begun, KEYS[1])
    assert [path.name for path in begun.path.rglob(".*.partial")] != []
    assert pq.read_table(begun.path / DATASETS[0]).num_rows == 2


def test_a_file_is_whole_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Synced, then renamed, file by file, in whatever order the files go; all of them before they are recorded."""
    steps: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def place(path: str | Path) -> str:
        return re.sub(r"\.([^/]*)\.[0-9a-z_]{8}\.partial$", r"\1", str(Path(path).relative_to(begun.path)))

    def syncing(number: int) -> None:
        steps.append(("sync", place(os.readlink(f"/proc/self/fd/{number}"))))
        fsync(number)

    def replacing(source: Path, target: Path) -> None:
        assert place(source) == place(target)
        steps.append(("rename", place(target)))
        replace(source, target)

    begun = folder(tmp_path / "a")
    monkeypatch.setattr("os.fsync", syncing)
    monkeypatch.setattr("os.replace", replacing)
    keep(begun, KEYS[0])
    written = [f"{dataset}/{KEYS[0]}.parquet" for dataset in DATASETS]
    assert steps[-1] == ("sync", "shards.jsonl")
    assert sorted(steps[:-1]) == sorted((step, name) for name in written for step in ("rename", "sync"))
    assert all(steps.index(("sync", name)) < steps.index(("rename", name)) for name in written)


# A disk without space


@pytest.mark.parametrize("what", ["os.fsync", "os.replace", "pyarrow.parquet.write_table", "pathlib.Path.mkdir"])
def test_wherever_a_write_fails_it_is_one_line_and_the_run_resumes(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th time that the disk is asked for something it is full, for every n until all goes well."""
    whole = bytes_below(played(tmp_path / "undisturbed").path)
    module, _, name = what.rpartition(".")
    failed = 0
    for place in range(1, 60):
        path = tmp_path / str(place)
        times = 0
        target: Any = sys.modules.get(module) or Path
        does = getattr(target, name)

        def until(*args: Any, place: int = place, does: Any = does, **options: Any) -> Any:
            nonlocal times
            times += 1
            return no_space() if times == place else does(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(target, name, until)
            said = why_not(lambda path=path: played(path))  # type: ignore[misc]
        if not said:
            assert times < place
            break
        failed += 1
        assert said.startswith(str(path))
        assert said.endswith("cannot be written: No space left on device")
        assert not path.exists() or [p for p in path.rglob("*") if "partial" in p.name] == []
        played(path)
        assert bytes_below(path) == whole
    assert failed >= {"os.replace": 12, "os.fsync": 15}.get(what, 9)


# One program at a time


def test_a_second_program_is_refused_with_one_line(tmp_path: Path) -> None:
    script = "from pathlib import Path\nfrom tests.builders.folders import folder\nwith folder(Path('a')): pass\n"
    with folder(tmp_path / "a") as begun:
        keep(begun, KEYS[0])
        before = bytes_below(tmp_path / "a")
        other = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        last = other.stderr.splitlines()[-1]
        assert (
            last
            == "dynmech.sim.core.errors.InputError: a: in use by another program; wait for it, or choose another --out"
        )
        with pytest.raises(InputError, match="in use by another program"), folder(tmp_path / "a"):
            pass
        assert bytes_below(tmp_path / "a") == before
    played(tmp_path / "a")


def test_who_waited_sees_what_was_written_meanwhile(tmp_path: Path) -> None:
    """Two programs start together; the second gets the folder when the first has finished, and plays nothing."""
    first = folder(tmp_path / "a")
    keep(first, KEYS[0])
    second = folder(tmp_path / "a")
    played(tmp_path / "a")
    whole = bytes_below(tmp_path / "a")
    with second:
        second.reopen()
        assert second.data["complete"]
        assert all(second.has(key) for key in KEYS)
        assert [s["shard"] for s in second.summaries(KEYS)] == ["0", "1", "2"]
        second.finish(KEYS)
    assert bytes_below(tmp_path / "a") == whole


def test_the_folder_is_free_after_every_end(tmp_path: Path) -> None:
    for error in (KeyboardInterrupt(), StorageError("full"), RuntimeError("ours")):
        with pytest.raises(type(error)), folder(tmp_path / "a"):
            raise error
    with pytest.raises(PlayError), folder(tmp_path / "a"):
        raise PlayError("no")
    played(tmp_path / "a")


def test_a_folder_can_be_moved(tmp_path: Path) -> None:
    played(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    again = played(tmp_path / "b")
    assert (again.written, again.damaged) == (0, [])


def test_every_bit_of_the_manifest_is_guarded(tmp_path: Path) -> None:
    """What was chosen stands there: a false manifest is refused, or says what the true one says."""
    begun = played(tmp_path / "a")
    begun.note(chosen={"linked": [{"agent": 0, "strategy": "one-shot:period=1,map=flip"}]})
    whole, said = (begun.path / "run.json").read_bytes(), read_manifest(begun.path)
    refused = 0
    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= 1
        (begun.path / "run.json").write_bytes(bytes(content))
        why = why_not(lambda: read_manifest(begun.path))
        refused += bool(why)
        assert why.startswith(str(begun.path)) if why else read_manifest(begun.path) == said
    assert refused > 0.9 * len(whole)


def test_a_manifest_that_somebody_has_edited_is_refused(tmp_path: Path) -> None:
    path = played(tmp_path / "a").path / "run.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"3"', '"4"'), encoding="utf-8")
    with pytest.raises(InputError, match=r"a/run\.json: damaged, not what was written"):
        folder(tmp_path / "a")
