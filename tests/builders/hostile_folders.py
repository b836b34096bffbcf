"""Run folders as a stranger might hand them over: damaged, forged with seals that fit, or full of links and pipes.

Each takes a copy of a finished run and does one thing to it. `victim` is a file outside that nobody may write to.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dynmech.sim.log.run_folder import configuration_hash

Deed = Callable[[Path, Path], None]
"""What is done to a run folder, and to a file outside."""

GARBAGE: list[Any] = [None, 7, "x", [], {}, [[1]], {"a": {"b": 1}}, -1e400, True]
"""Values of a type that is not expected."""


def reseal(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a sealed JSON file, and seal it again."""
    data = json.loads(path.read_text(encoding="utf-8"))
    data.pop("seal")
    change(data)
    path.write_text(json.dumps({**data, "seal": configuration_hash(data)}), encoding="utf-8")


def rewrite(run: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change every line of the journal, seal the lines again, and put the journal's checksum into the manifest."""
    lines = []
    for line in (run / "shards.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)["entry"]
        change(entry)
        text = json.dumps(entry)
        lines.append(f'{{"seal": "{sha256(text.encode()).hexdigest()[:16]}", "entry": {text}}}\n')
    (run / "shards.jsonl").write_text("".join(lines), encoding="utf-8")
    digest = sha256((run / "shards.jsonl").read_bytes()).hexdigest()
    reseal(run / "run.json", lambda data: data.update(journal=digest))


def forge(run: Path, dataset: str, make: Callable[[Path], None]) -> None:
    """Write other files in place of a dataset's, with their true checksums in the journal."""
    for path in (run / dataset).rglob("*.parquet"):
        make(path)

    def state(entry: dict[str, Any]) -> None:
        for name, said in entry["files"].items():
            said["sha256"] = sha256((run / name).read_bytes()).hexdigest()

    rewrite(run, state)


def deeds() -> Iterator[tuple[str, Deed]]:
    """Yield every deed with its name."""
    yield from _links()
    yield from _forged_json()
    yield from _forged_tables()
    yield from _journals()


def _links() -> Iterator[tuple[str, Deed]]:
    def link(name: str) -> Deed:
        def do(run: Path, victim: Path) -> None:
            place = run / name
            if place.is_dir():
                shutil.move(place, victim.parent / "elsewhere")
                place.symlink_to(victim.parent / "elsewhere")
            else:
                place.unlink()
                place.symlink_to(victim)

        return do

    def pipe(name: str) -> Deed:
        def do(run: Path, _victim: Path) -> None:
            (run / name).unlink()
            os.mkfifo(run / name)

        return do

    for name in ("run.json", "shards.jsonl", "result.json", "outcomes", "gains"):
        yield f"{name} is a link", link(name)
    for name in ("run.json", "shards.jsonl", "result.json"):
        yield f"{name} is a pipe", pipe(name)

    def shard(make: Callable[[Path, Path], None]) -> Deed:
        def do(run: Path, victim: Path) -> None:
            for path in (run / "outcomes").rglob("*.parquet"):
                path.unlink()
                make(path, victim)

        return do

    yield "shards are links", shard(lambda path, victim: path.symlink_to(victim))
    yield "shards are links to a device", shard(lambda path, _: path.symlink_to("/dev/zero"))
    yield "shards are pipes", shard(lambda path, _: os.mkfifo(path))
    yield "shards are folders", shard(lambda path, _: path.mkdir())
    yield "temporary files are links", _temporary


def _temporary(run: Path, victim: Path) -> None:
    """Links under every temporary name that could be guessed; and a run that is to be finished."""
    for name in (".result.partial", f".run.{os.getpid()}.partial", f".shards.jsonl.{os.getpid()}.partial"):
        (run / name).symlink_to(victim)
    (run / ".linked.parcel").symlink_to(victim)
    (run / "result.json").unlink()


def _file(name: str, act: Callable[[Path], object]) -> Deed:
    """What is done to one file of a run."""

    def do(run: Path, _: Path) -> None:
        act(run / name)

    return do


def _updated(name: str, **fields: Any) -> Deed:
    """A JSON file with other fields, sealed anew."""
    return _file(name, lambda path: reseal(path, lambda data: data.update(fields)))


def _configured(key: str) -> Deed:
    """A configuration with a list where something else belongs, and its own hash."""

    def change(data: dict[str, Any]) -> None:
        data["configuration"].update({key: [[]]})
        data.update(configuration_hash=configuration_hash(data["configuration"]))

    return _file("run.json", lambda path: reseal(path, change))


def _forged_json() -> Iterator[tuple[str, Deed]]:
    deep = "[" * 5000 + "]" * 5000
    fairly = json.loads("[" * 300 + "]" * 300)
    for name in ("run.json", "result.json"):
        yield f"{name} is nested deeply", _file(name, lambda path: _write(path, deep))
        yield f"{name} is nested fairly deeply", _updated(name, x=fairly)
        yield f"{name} is cut", _file(name, lambda path: _write(path, path.read_text()[:100]))
        yield f"{name} is no text", _file(name, lambda path: path.write_bytes(b"\xff\x00\x80"))
        yield f"{name} is a list", _file(name, lambda path: _write(path, "[1]"))
        yield f"{name} is huge", _file(name, lambda path: os.truncate(path, 1 << 36))
    for key in ("agents", "story", "mechanism", "environment", "command", "failures", "remarks", "learning", "periods"):
        for k in (0, 1, 5):
            yield f"result.json: {key} is {GARBAGE[k]!r}", _updated("result.json", **{key: GARBAGE[k]})
    for key in ("environment", "episodes", "log", "plugins"):
        yield f"run.json: configuration.{key} is a list", _configured(key)
    yield "run.json: versions is a number", _updated("run.json", versions=7)


def _forged_tables() -> Iterator[tuple[str, Deed]]:
    def shards(dataset: str, act: Callable[[Path], object]) -> Deed:
        def one(path: Path) -> None:
            act(path)

        return lambda run, _: forge(run, dataset, one)

    def table(make: Callable[[pa.Table], pa.Table], dataset: str = "outcomes") -> Deed:
        return shards(dataset, lambda path: pq.write_table(make(pq.read_table(path, partitioning=None)), path))

    for dataset in ("outcomes", "gains"):
        yield f"{dataset} cut", shards(dataset, lambda path: os.truncate(path, path.stat().st_size // 2))
        yield f"{dataset} is no table", shards(dataset, lambda path: path.write_bytes(b"PAR1"))
        yield f"{dataset} lacks columns", table(lambda t: t.select(t.column_names[:2]), dataset)
        yield f"{dataset} has words for numbers", table(_worded, dataset)
        yield f"{dataset} has fewer rows", table(lambda t: t.slice(0, 1), dataset)
        yield (
            f"{dataset} has a thousand columns",
            table(lambda t: pa.table({**_columns(t), **{f"c{k}": t.column(0) for k in range(1000)}}), dataset),
        )
        yield (
            f"{dataset} has lists",
            table(lambda t: pa.table({**_columns(t), "episode": pa.array([[1]] * t.num_rows)}), dataset),
        )
    yield "outcomes has a billion rows", shards("outcomes", _bomb)
    yield "outcomes changed", lambda run, _: _flip(next((run / "outcomes").rglob("*.parquet")))


def _columns(table: pa.Table) -> dict[str, Any]:
    return {name: table[name] for name in table.column_names}


def _worded(table: pa.Table) -> pa.Table:
    return pa.table({name: ["x"] * table.num_rows for name in table.column_names})


def _bomb(path: Path) -> None:
    """A few kilobytes that say one number five hundred million times."""
    part = pa.table({"episode": pa.DictionaryArray.from_arrays(pa.array(np.zeros(1 << 20, np.int8)), [0])})
    with pq.ParquetWriter(path, part.schema, compression="zstd") as file:
        for _ in range(3):
            file.write_table(part)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def _entered(**fields: Any) -> Deed:
    """A journal whose entries say something else."""
    return lambda run, _: rewrite(run, lambda entry: entry.update(fields))


def _journals() -> Iterator[tuple[str, Deed]]:
    names = {
        "of a device": "/dev/zero",
        "above": "../../victim",
        "above, as ours": "outcomes/mechanism=x/case=../../shard-00000.parquet",
        "with a NUL": "outcomes/mechanism=a\x00b/case=c/shard-00000.parquet",
        "of no file": "outcomes/mechanism=a/case=c/shard-00000.parquet",
        "that is long": "outcomes/" + "x" * 5000,
        "that is empty": "",
    }
    for what, name in names.items():
        yield f"the journal has a name {what}", _entered(files={name: {"rows": 1, "sha256": "0"}})
    for field in ("files", "summary", "key"):
        for value in (None, 7, [[1]], {"a": 1}):
            yield f"the journal: {field} is {value!r}", _entered(**{field: value})
    yield "the journal: no checksum", lambda run, _: rewrite(run, _unsummed)
    yield "the journal: rows is a word", lambda run, _: rewrite(run, _worded_rows)
    yield "the journal: many rows", lambda run, _: rewrite(run, _many_rows)
    yield "the journal: failed is a list", lambda run, _: rewrite(run, lambda e: e.update(failed=[1], tries=2))
    yield "the journal: remark is a number", lambda run, _: rewrite(run, lambda e: e.update(remark=3))
    yield "the journal is huge", lambda run, _: os.truncate(run / "shards.jsonl", 1 << 40)
    yield "the journal is nested deeply", lambda run, _: _write(run / "shards.jsonl", "[" * 100_000)


def _unsummed(entry: dict[str, Any]) -> None:
    for said in entry["files"].values():
        del said["sha256"]


def _worded_rows(entry: dict[str, Any]) -> None:
    for said in entry["files"].values():
        said["rows"] = "many"


def _many_rows(entry: dict[str, Any]) -> None:
    for said in entry["files"].values():
        said["rows"] = 10**12


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
