"""The recorder of figures: what audits and runs come to, kept in a file, so that a change of shape changes no number.

    python -m tests.recorder                      compare with the golden file
    python -m tests.recorder --write              make the golden file anew
    python -m tests.recorder --write --only GLOB  put some of its lines in place of what stood there
    python -m tests.recorder --exact FILE         write every figure and value to the last bit
    python -m tests.recorder --against FILE       compare with such a file, on the same machine

A line of `golden/figures.jsonl` is one audit, or one run, or what fits one scenario. Lines can be replaced one by one;
who changes a figure on purpose says why in the commit. Names are mapped by `NAMES` on both sides of a comparison, so a
name that changes needs an entry there and no change of the file.

Audits and runs are made by the command line, so that nothing here rests on where modules stand. What is kept of an
audit is the business of `figures_of_audit`; of a run, `figures_of_run`. Figures agree up to `CLOSE` times the economy's
scale, or times themselves where they are larger; a sum over n rows up to n times that. Counts and words agree exactly.
"""

import argparse
import io
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from fnmatch import fnmatchcase
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, load
from dynmech.experiments.cli.app import main as dynmech
from dynmech.sim.economy.environment import TableEnvironment
from tests.recorded import BESIDE, INSTEAD, RUNS, STUDY, SWEEPS, Line, Value

GOLDEN = Path(__file__).parent / "golden" / "figures.jsonl"

NAMES = {
    "contingent": "best_response",
}
"""Words as they are or were, and as they are kept: whole words of keys and labels, on both sides of a comparison."""

CLOSE = 1e-9
"""By how much of the scale figures may differ, so that another processor keeps them."""

# Names


@cache
def _known_words(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})(?![\w-])")


def kept_name(text: str) -> str:
    """A key or a label in the words of the golden file.

    >>> kept_name("gain/firm 1/contingent/ex_post"), kept_name("case=firm-1.contingent"), kept_name("contingent-convex")
    ('gain/firm 1/best_response/ex_post', 'case=firm-1.best_response', 'contingent-convex')
    """
    return _known_words(tuple(NAMES)).sub(lambda match: NAMES[match[1]], text) if NAMES else text


# Audits


def figures_of_audit(data: Mapping[str, Any]) -> dict[str, Value]:
    """The numbers of `dynmech audit --json`; not its words, nor what is only a bound of its own error.

    This is where a change of that JSON is followed.
    """
    out: dict[str, Value] = {}
    agents, deviators = data["agents"], data.get("deviators", data["agents"])

    def put(key: str, value: Any) -> None:
        out[kept_name(key)] = _plain(value)

    exact, sampled = data["backend"] == "exact", data["backend"] == "sampled"
    for row in data["gains"]:
        if sampled and row["information"] != "ex_ante":
            continue  # one figure bounds the gain at every information
        known = row["lower"] if sampled else row["gain"]
        if exact or row["family"] == "best_response":
            put(f"gain/{row['agent']}/{row['family']}/{row['information']}", known)
    for family in {row["family"] for row in data["gains"]} if exact else ("best_response",):
        kinds = {row["kind"] for row in data["gains"] if row["family"] == family}
        put(f"gain/{family}/kind", next(kind for kind in ("refused", "lower_bound", "exact") if kind in kinds))
    for part in data.get("first_reports", []):
        for what in ("first_report", "later"):
            put(f"gain/{part['agent']}/best_response/{what}", part[what])
    for part in ("truth", "participation"):
        for what, value in data[part].items():
            if isinstance(value, list):
                for name, one in zip(agents, value, strict=True):
                    put(f"{part}/{name}/{what}", one)
            elif value is not None:
                put(f"{part}/{what}", value)
    for kind, value in data["budget"].items() if exact else ():
        put(f"budget/{kind}", value)
    for what in ("value", "declared"):
        if data["largest_transfer"]:  # of two that are as large rounding decides which is told: no sign
            put(f"largest transfer/{what}", abs(data["largest_transfer"][what]))
    for verdict in data["promises"]:
        if verdict["status"] == "not_promised" or data["backend"] in ("sampled", "epsilon"):
            continue  # the figure stands among the gains, or among what this backend alone says
        key = f"promise/{verdict['promise'].partition(',')[0]}"
        put(f"{key}/status", verdict["status"])
        put(f"{key}/worst", verdict["worst"])
    for name, condition in data.get("conditions", {}).items():
        put(f"condition/{name}/holds", condition["holds"])
        put(f"condition/{name}/value", condition["value"])
        if rank := re.search(r"rank (\d+)", condition["note"]):
            put(f"condition/{name}/rank", int(rank[1]))
    for name, tied in zip(deviators, data.get("ties", []), strict=False):
        put(f"ties/{name}/states", tied["states"])
        put(f"ties/{name}/of", tied["of"])
    for name, deposit in zip(deviators, data["deposit"] or [], strict=False):
        put(f"deposit/{name}", deposit)
    for what, value in data.get("approximate", {}).items():
        if what != "bound":
            put(f"approximate/{what}", value)
    if "refused" in data:  # what a limited search found
        for one in data["tried"]:
            for what in ("gain", "half_width", "at_least"):
                put(f"found/{one['agent']}/{what}", one[what])
    return out


def _plain(value: Any) -> Value:
    """A number, or a word."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int | float | str) else str(value)


# Runs


def figures_of_run(folder: Path) -> tuple[dict[str, Value], dict[str, str]]:
    """Counts and sums of every column of every shard, the result's numbers; and hashes of the decoded columns."""
    figures: dict[str, Value] = {}
    hashes: dict[str, str] = {}
    for path in sorted(folder.rglob("*.parquet")):
        table = pq.ParquetFile(path).read()
        shard = kept_name(str(path.relative_to(folder).with_suffix("")))
        figures[f"rows/{shard}"] = table.num_rows
        for column in table.column_names:
            key = f"{shard}/{kept_name(column)}"
            found, hashes[key] = _column(table[column])
            figures.update({f"{key}/{what}": value for what, value in found.items()})
    for path in sorted(folder.rglob("result.json")):
        where = "/".join(["result", *path.relative_to(folder).parts[:-1]])
        result = json.loads(path.read_text(encoding="utf-8"))
        figures.update(_numbers(where, {key: value for key, value in result.items() if key not in WORDS}))
    return figures, hashes


WORDS = ("schema", "seal", "command", "story", "stories", "remarks", "failures", "refusals", "worst_lies")
"""Parts of a result that are told rather than counted."""


def _column(column: pa.ChunkedArray) -> tuple[dict[str, Value], str]:
    """Counts and sums, or counts by label; and the hash of the values."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        given = column.drop_null().to_numpy()
        finite = given[np.isfinite(given)]
        total = int(finite.sum()) if pa.types.is_integer(column.type) else math.fsum(finite.tolist())
        found: dict[str, Value] = {"count": len(given), "sum": total}
        if len(finite) < len(given):
            found["not finite"] = len(given) - len(finite)
        missing = column.is_null().to_numpy()
        return found, sha256(np.asarray(given).tobytes() + np.packbits(missing).tobytes()).hexdigest()
    labels = [kept_name(str(value)) for value in column.to_pylist()]
    counts = Counter(labels)
    codes = {label: k for k, label in enumerate(counts)}  # in the order of their first place
    order = sha256(np.array([codes[label] for label in labels], np.int64).tobytes()).hexdigest()
    return {f"count of {label}": count for label, count in counts.items()}, f"{order} {list(counts)}"


def _numbers(key: str, data: Any) -> Iterator[tuple[str, Value]]:
    """The numbers of plain data, each under its place."""
    if isinstance(data, Mapping):
        for name, value in data.items():
            yield from _numbers(f"{key}/{kept_name(str(name))}", value)
    elif isinstance(data, list):
        for k, value in enumerate(data):
            yield from _numbers(f"{key}/{k}", value)
    elif isinstance(data, int | float):
        yield key, _plain(data)


# Lines


def scale_of(economy: str) -> float:
    """The largest less the least of all flow utilities and of what the designer pays; 1 if equal, or not finite."""
    environment = load(economy)
    if not isinstance(environment, TableEnvironment):
        return 1.0
    values = [np.append(stage.utility, -stage.cost_table) for stage in environment.stages]
    return float(max(v.max() for v in values) - min(v.min() for v in values)) or 1.0


def _command(words: Iterable[str]) -> tuple[int, str]:
    """Exit code and standard output of a command."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(io.StringIO()):
        try:
            dynmech(list(words))
        except SystemExit as stop:
            return int(stop.code or 0), said.getvalue()
    return 0, said.getvalue()


def _audit(words: tuple[str, ...]) -> Line | None:
    """An audit's line; None where it is refused."""
    code, said = _command([*words, "--json"])
    if code not in (0, 1):
        return None
    return Line(" ".join(words), scale_of(words[1]), figures_of_audit(json.loads(said)))


def _run(name: str) -> Line:
    words = RUNS[name]
    with TemporaryDirectory(prefix="dynmech-") as place, chdir(place):
        Path("study.toml").write_text(STUDY, encoding="utf-8")
        code, _ = _command([*words, "--out", "out", "--json"])
        assert code == 0, f"run {name}: exit code {code}"
        economy = words[1] if words[0] != "tournament" else "repeated-auction:bidders=2,values=3,horizon=3"
        figures, hashes = figures_of_run(Path("out"))
    return Line(f"run {name}", scale_of(economy), figures, hashes)


def _sweep(name: str) -> Line:
    words = SWEEPS[name]
    with TemporaryDirectory(prefix="dynmech-") as place, chdir(place):
        code, said = _command(["sweep", *words, "--out", "out", "--json"])
    assert code == 0, f"sweep {name}: exit code {code}"
    return Line(f"sweep {name}", 1.0, dict(_numbers("cell", json.loads(said)["cells"])))


def _scenario(scenario: str, wanted: str) -> Iterator[Line]:
    """Every audit of a scenario, and last who fits; of some mechanisms, if a pattern asks for no more."""
    validate: dict[str, Value] = {}
    last = f"fits {scenario}"
    for mechanism in MECHANISMS.names():
        words = ("audit", INSTEAD.get((scenario, mechanism), scenario), mechanism)
        if not (fnmatchcase(" ".join(words), wanted) or fnmatchcase(last, wanted)):
            continue
        line = _audit(words)
        validate[kept_name(mechanism)] = "no" if line is None else "yes"
        if line is not None and fnmatchcase(line.name, wanted):
            yield line
    if fnmatchcase(last, wanted):
        yield Line(last, 1.0, validate)


def lines(wanted: str = "*") -> Iterator[Line]:
    """Every line whose name matches a pattern, worked out now."""
    for scenario in SCENARIOS.names():
        yield from _scenario(scenario, wanted)
    for words in BESIDE:
        if fnmatchcase(" ".join(words), wanted):
            line = _audit(words)
            assert line is not None, f"{' '.join(words)}: refused"
            yield line
    yield from (_run(name) for name in RUNS if fnmatchcase(f"run {name}", wanted))
    yield from (_sweep(name) for name in SWEEPS if fnmatchcase(f"sweep {name}", wanted))


# Comparison


def read_golden(path: Path = GOLDEN) -> dict[str, Line]:
    """The lines of a golden file, by name."""
    parsed = [Line(**json.loads(text)) for text in path.read_text(encoding="utf-8").splitlines()]
    return {line.name: line for line in parsed}


def write_golden(found: Iterable[Line], path: Path = GOLDEN) -> None:
    """Write lines in the order of their names."""
    path.parent.mkdir(exist_ok=True)
    text = "".join(f"{line.text()}\n" for line in sorted(found, key=lambda line: line.name))
    path.write_text(text, encoding="utf-8")


def _renamed(figures: Mapping[str, Value]) -> dict[str, Value]:
    return {kept_name(key): value for key, value in figures.items()}


def differences(golden: Line, found: Line) -> list[str]:
    """Where two lines differ, in words."""
    old, new = _renamed(golden.figures), _renamed(found.figures)
    out = [f"{golden.name}: scale: {golden.scale!r} became {found.scale!r}"] * (
        not _close(golden.scale, found.scale, CLOSE * golden.scale)
    )
    for key in sorted(old.keys() | new.keys()):
        if key not in new or key not in old:
            out.append(f"{golden.name}: {key}: {'is gone' if key in old else 'is new'}")
            continue
        rows = old.get(f"{key.removesuffix('/sum')}/count", 1) if key.endswith("/sum") else 1
        assert isinstance(rows, int)
        if not _agree(old[key], new[key], golden.scale, max(rows, 1)):
            out.append(f"{golden.name}: {key}: {old[key]!r} became {new[key]!r}")
    return out


def _agree(old: Value, new: Value, scale: float, rows: int) -> bool:
    """Words and counts exactly, figures up to the tolerance."""
    if isinstance(old, float) and isinstance(new, float):
        return _close(old, new, CLOSE * max(scale * rows, abs(old)))
    return type(old) is type(new) and old == new


def _close(old: float, new: float, tolerance: float) -> bool:
    """What is not finite equals itself only."""
    if math.isfinite(old) and math.isfinite(new):
        return abs(old - new) <= tolerance
    return old == new or (math.isnan(old) and math.isnan(new))


def compare(golden: Mapping[str, Line], found: Mapping[str, Line]) -> list[str]:
    """Where two sets of lines differ, in words."""
    old = {kept_name(name): line for name, line in golden.items()}
    new = {kept_name(name): line for name, line in found.items()}
    out = [f"{name}: {'is gone' if name in old else 'is new'}" for name in sorted(old.keys() ^ new.keys())]
    return out + [text for name in sorted(old.keys() & new.keys()) for text in differences(old[name], new[name])]


def exact_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Where two exact files differ, to the last bit."""
    before, after = _flat(old), _flat(new)
    return [
        f"{key}: {before.get(key, 'nothing')} became {after.get(key, 'nothing')}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    ]


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    out = {}
    for name, line in data.items():
        out[f"{kept_name(name)}: scale"] = line["scale"]
        for part in ("figures", "hashes"):
            for key, value in line[part].items():
                shown = kept_name(value) if isinstance(value, str) else value
                out[f"{kept_name(name)}: {part}: {kept_name(key)}"] = shown
    return out


def main(arguments: list[str] | None = None) -> int:
    """Write, or compare; exit code 1 where something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.recorder", description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the lines into the golden file")
    parser.add_argument(
        "--only", default="*", metavar="GLOB", help="lines whose name matches, e.g. 'audit oil-leases *'"
    )
    parser.add_argument("--exact", type=Path, metavar="FILE", help="write every figure and value to the last bit")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare with such a file")
    given = parser.parse_args(arguments)
    found = {}
    for line in lines(given.only):
        found[line.name] = line
        sys.stderr.write(f"{line.name}: {len(line.figures)} figures\n")
    exact = {name: line.exact() for name, line in sorted(found.items())}
    if given.exact:
        given.exact.write_text(json.dumps(exact, indent=0, ensure_ascii=False), encoding="utf-8")
    if given.write:
        kept = read_golden() if given.only != "*" else {}
        write_golden({**kept, **found}.values())
    if given.against:
        old = json.loads(given.against.read_text(encoding="utf-8"))
        wrong = exact_differences({name: old[name] for name in old if fnmatchcase(name, given.only)}, exact)
    elif given.write or given.exact:
        return 0
    else:
        golden = {name: line for name, line in read_golden().items() if fnmatchcase(name, given.only)}
        wrong = compare(golden, found)
    sys.stdout.write("".join(f"{text}\n" for text in wrong) or "No figure differs.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
