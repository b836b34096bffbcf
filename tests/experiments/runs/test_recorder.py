"""Figures are what they were: the golden file, and that the comparison sees what it has to see."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS
from tests import recorder
from tests.recorded import QUICK, RUNS, Line, Value
from tests.recorder import compare, exact_differences, lines, read_golden


@pytest.mark.slow
def test_no_figure_has_changed() -> None:
    assert not compare(read_golden(), {line.name: line for line in lines()})


@pytest.mark.parametrize("name", QUICK)
def test_a_cheap_line_has_not_changed(name: str) -> None:
    assert not compare({name: read_golden()[name]}, {line.name: line for line in lines(name)})


def test_every_scenario_mechanism_and_run_has_figures() -> None:
    golden = read_golden()
    audits = [name.split()[1:3] for name in golden if name.startswith("audit ")]
    assert {environment.partition(":")[0] for environment, _ in audits} == set(SCENARIOS.names())
    assert {mechanism for _, mechanism in audits} == set(MECHANISMS.names())
    assert {name for name in golden if name.startswith("run ")} == {f"run {name}" for name in RUNS}
    assert len(RUNS) == 12


def test_a_line_of_the_file_is_rewritten_by_itself(tmp_path: Path) -> None:
    golden, file = read_golden(), tmp_path / "figures.jsonl"
    recorder.write_golden(golden.values(), file)
    assert file.read_bytes() == recorder.GOLDEN.read_bytes()


NAME, KEY, SUM = "run a lie", "result/welfare", "gains/mechanism=cremer-mclean/case=deviation/shard-00000/gain/sum"
KIND, COUNT = "gain/best_response/kind", "rows/gains/mechanism=cremer-mclean/case=deviation/shard-00000"
AUDIT = "audit oil-leases-prior cremer-mclean"


@pytest.mark.parametrize(
    ("name", "key", "change"),
    [
        (NAME, KEY, lambda value: value + 1e-6),
        (NAME, SUM, lambda value: value + 1e-5),
        (NAME, COUNT, lambda value: value + 1),
        (NAME, SUM, lambda _: float("nan")),
        (AUDIT, KIND, lambda _: "refused"),
        (AUDIT, "truth/welfare", lambda _: "none"),
        (AUDIT, "ties/firm 1/states", lambda value: value + 1),
        (AUDIT, "gain/firm 1/best_response/ex_post", lambda value: value * (1 + 1e-8)),
    ],
)
def test_a_change_of_one_figure_is_seen(name: str, key: str, change: Callable[[Value], Value]) -> None:
    line = read_golden()[name]
    changed = replace(line, figures={**line.figures, key: change(line.figures[key])})
    assert not compare({name: line}, {name: line})
    (told,) = compare({name: line}, {name: changed})
    assert key in told
    before, after = ({name: json.loads(json.dumps(one.exact()))} for one in (line, changed))
    (told,) = exact_differences(before, after)
    assert key in told


def test_a_figure_or_a_line_that_is_missing_or_new_is_seen() -> None:
    line = read_golden()[NAME]
    less = replace(line, figures={key: value for key, value in line.figures.items() if key != KEY})
    assert compare({NAME: line}, {NAME: less}) == [f"{NAME}: {KEY}: is gone"]
    assert compare({NAME: less}, {NAME: line}) == [f"{NAME}: {KEY}: is new"]
    assert compare({NAME: line}, {}) == [f"{NAME}: is gone"]
    assert compare({}, {NAME: line}) == [f"{NAME}: is new"]


def test_rounding_is_no_change_but_one_to_the_last_bit() -> None:
    line = Line("x", 100.0, {"a/count": 50, "a/sum": 3.0, "b": 1e6, "c": float("nan"), "d": float("inf")})
    close = replace(line, figures={**line.figures, "a/sum": 3.0 + 4e-6, "b": 1e6 + 9e-4})
    assert not compare({"x": line}, {"x": close})
    assert len(exact_differences({"x": line.exact()}, {"x": close.exact()})) == 2
    far = replace(line, figures={**line.figures, "a/sum": 3.0 + 6e-6, "b": 1e6 + 2e-3, "d": -float("inf")})
    assert len(compare({"x": line}, {"x": far})) == 3


def test_a_name_that_changes_is_mapped_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Line("audit oil-leases pivot", 1.0, {"gain/firm 1/best_response/ex_post": 2.0, "gain/all/contingent-x": 1.0})
    new = Line("audit leases pivot", 1.0, {"gain/firm 1/contingent/ex_post": 2.0, "gain/all/contingent-x": 1.0})
    assert compare({old.name: old}, {new.name: new}) == [
        "audit leases pivot: is new",
        "audit oil-leases pivot: is gone",
    ]
    monkeypatch.setitem(recorder.NAMES, "oil-leases", "leases")
    assert not compare({old.name: old}, {new.name: new})
    assert not exact_differences({old.name: old.exact()}, {new.name: new.exact()})


def test_a_column_s_hash_knows_the_order_of_its_values(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def kept(numbers: list[float | None], words: list[str]) -> tuple[dict[str, Value], dict[str, str]]:
        pq.write_table(pa.table({"x": numbers, "w": pa.array(words).dictionary_encode()}), tmp_path / "shard.parquet")
        return recorder.figures_of_run(tmp_path)

    figures, hashes = kept([1.0, None, 2.0], ["a", "b", "contingent"])
    assert figures == {
        "rows/shard": 3,
        "shard/x/count": 2,
        "shard/x/sum": 3.0,
        "shard/w/count of a": 1,
        "shard/w/count of b": 1,
        "shard/w/count of best_response": 1,
    }
    swapped = kept([2.0, None, 1.0], ["a", "b", "contingent"])
    assert swapped[0] == figures
    assert swapped[1]["shard/x"] != hashes["shard/x"]
    assert swapped[1]["shard/w"] == hashes["shard/w"]
    assert kept([1.0, 2.0, None], ["a", "b", "contingent"])[1]["shard/x"] != hashes["shard/x"]
    assert kept([1.0, None, 2.0], ["a", "b", "best_response"])[1] == hashes  # only its name is another
    assert kept([1.0, None, 2.0], ["b", "a", "contingent"])[1]["shard/w"] != hashes["shard/w"]
    assert kept([1.0, None, 2.0], ["a", "b", "a"])[1]["shard/w"] != hashes["shard/w"]
