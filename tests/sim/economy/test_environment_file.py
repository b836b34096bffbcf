"""Environment files: what is saved comes back bit for bit, and a bad file is named by file, path and value."""

import copy
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.files import (
    environment_from_data,
    environment_to_data,
    json_schema,
    load_environment,
    save_environment,
)
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from tests.builders.drawn_environments import environments

# What is saved comes back.


def same_array(one: FloatArray | None, two: FloatArray | None) -> None:
    """Equal bit for bit, signs of zero included."""
    assert (one is None) == (two is None)
    if one is not None and two is not None:
        assert one.shape == two.shape
        assert one.tobytes() == two.tobytes()


def same(one: TableEnvironment, two: TableEnvironment) -> None:
    """Equal in every field."""
    assert (one.name, one.agents, one.discount, one.horizon) == (two.name, two.agents, two.discount, two.horizon)
    same_array(one.prior, two.prior)
    assert len(one.stages) == len(two.stages)
    for a, b in zip(one.stages, two.stages, strict=True):
        assert (a.signals, a.decisions) == (b.signals, b.decisions)
        assert (a.public, a.private_actions) == (b.public, b.private_actions)
        same_array(a.utility, b.utility)
        same_array(a.cost, b.cost)
        assert type(a.kernel) is type(b.kernel)
        if isinstance(a.kernel, JointKernel) and isinstance(b.kernel, JointKernel):
            same_array(a.kernel.table, b.kernel.table)
            assert (a.kernel.axes, a.kernel.next_axes) == (b.kernel.axes, b.kernel.next_axes)
        if isinstance(a.kernel, IndependentKernel) and isinstance(b.kernel, IndependentKernel):
            for f, g in zip(a.kernel.factors, b.kernel.factors, strict=True):
                same_array(f, g)


@given(environments())
def test_what_is_saved_comes_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, environment: TableEnvironment
) -> None:
    path = tmp_path_factory.mktemp("round") / "economy.json"
    save_environment(environment, path)
    same(load_environment(path), environment)
    same(environment_from_data(environment_to_data(environment)), environment)
    assert [entry.name for entry in path.parent.iterdir()] == ["economy.json"]


def test_outside_options_come_back_and_must_fit(tmp_path: Path) -> None:
    path = tmp_path / "outside.json"
    environment = environment_from_data(good())
    flows = tuple(0.5 for _ in environment.agents)
    save_environment(replace(environment, outside=flows), path)
    assert load_environment(path).outside == flows
    assert environment_hash(load_environment(path)) != environment_hash(environment)
    for wrong, said in (([1.0] * (len(flows) + 1), "outside: shape"), (["much"], "outside[0]")):
        assert said in refusal(json.dumps(good(outside=wrong)), tmp_path)


def test_negative_zero_and_the_smallest_number_survive(tmp_path: Path) -> None:
    environment = environment_from_data(good(utility=[[[-0.0, 5e-324], [1e308, 0.1]]]))
    save_environment(environment, tmp_path / "x.json")
    same(load_environment(tmp_path / "x.json"), environment)


def test_a_file_written_by_hand_is_read_as_it_says(tmp_path: Path) -> None:
    text = """{"schema": 1, "name": "trade", "agents": ["S", "B"], "discount": 1, "horizon": 2,
      "prior": [[0.5], [0.5]],
      "stages": [
        {"signals": [["cheap", "dear"], ["keen"]], "decisions": ["keep", "sell"],
         "utility": [[[[0], [0]], [[-1], [-3]]], [[[0], [0]], [[2], [2]]]],
         "kernel": {"independent": [[[[1], [1]], [[1], [1]]], [[[0.25, 0.75]], [[1, 0]]]]}},
        {"signals": [["x"], ["l", "h"]], "decisions": ["-"], "utility": [[[[0, 1]]], [[[2, 3]]]]}]}"""
    path = tmp_path / "trade.json"
    path.write_text(text, encoding="utf-8")
    environment = load_environment(str(path))  # a string serves too
    assert (environment.name, environment.agents, environment.discount, environment.horizon) == (
        "trade",
        ("S", "B"),
        1.0,
        2,
    )
    assert environment.stage(0).utility[0, 1, :, 0].tolist() == [-1, -3]
    assert environment.stage(0).utility[1, 1, :, 0].tolist() == [2, 2]
    assert environment.kernel(0).row(0, 1).tolist() == [[0.25, 0.75]]
    assert environment.stage(1).utility[1].tolist() == [[[2, 3]]]
    assert environment.stage(1).kernel is None


# What is wrong is named.


def good(**changes: Any) -> dict[str, Any]:
    """A sound file with one agent, but for the changes; those of a stage's fields go into the stage."""
    data: dict[str, Any] = {
        "schema": 1,
        "name": "small",
        "agents": ["A"],
        "discount": 0.9,
        "horizon": None,
        "prior": [0.5, 0.5],
        "stages": [
            {
                "signals": [["low", "high"]],
                "decisions": ["no", "yes"],
                "utility": [[[0, 1], [2, 3]]],
                "kernel": {"joint": [[[0.5, 0.5], [0.5, 0.5]], [[1, 0], [0, 1]]]},
            }
        ],
    }
    for field, value in changes.items():
        place = data["stages"][0] if field in (*data["stages"][0], "cost", "public", "private_actions") else data
        place[field] = copy.deepcopy(value)
    return data


def dropped(*path: str | int) -> dict[str, Any]:
    """The sound file without one key."""
    data = good()
    place: Any = data
    for part in path[:-1]:
        place = place[part]
    del place[path[-1]]
    return data


def inserted(value: Any, *path: str | int) -> dict[str, Any]:
    """The sound file with one value put in."""
    data = good()
    place: Any = data
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return data


def refusal(text: str, folder: Path) -> str:
    """The one line with which a file of this text is refused, without the file's name."""
    path = folder / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_environment(path)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    assert line.startswith(f"{path}: ")
    return line.removeprefix(f"{path}: ")


def test_the_sound_file_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "good.json"
    path.write_text(json.dumps(good(cost=[0, 1], private_actions=[["a", "b"]])), encoding="utf-8")
    assert load_environment(path).stage(0).cost_table.tolist() == [[0], [1]]


JOINT_LAW: list[Any] = good()["stages"][0]["kernel"]["joint"]
IN_KERNEL = ("stages", 0, "kernel")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        # keys
        (inserted(1, "colour"), "colour: unknown key"),
        (inserted(1, "schema_version"), "schema_version: unknown key"),
        (inserted(1, "schema_"), "schema_: unknown key"),
        (inserted(1, "two\nlines"), r"'two\nlines': unknown key"),
        (inserted(1, "stages", 0, "cots"), "stages[0].cots: unknown key"),
        (inserted(1, *IN_KERNEL, "markov"), "stages[0].kernel.markov: unknown key"),
        (dropped("schema"), "schema: missing"),
        (dropped("prior"), "prior: missing"),
        (dropped("horizon"), "horizon: missing"),
        (dropped("stages", 0, "utility"), "stages[0].utility: missing"),
        (dropped("stages", 0, "kernel"), "environment 'small': stages[0].kernel: missing, but another period follows"),
        # kernels
        (dropped(*IN_KERNEL, "joint"), "stages[0].kernel: give either 'joint' or 'independent'"),
        (inserted([JOINT_LAW], *IN_KERNEL, "independent"), "stages[0].kernel: give either 'joint' or 'independent'"),
        (
            inserted({"independent": []}, *IN_KERNEL),
            "environment 'small': stages[0].kernel.independent: 0 tables, expected 1",
        ),
        (
            inserted(0.6, *IN_KERNEL, "joint", 0, 1, 0),
            "environment 'small': stages[0].kernel.joint[0][1]: probabilities sum to 1.1, expected 1",
        ),
        (inserted([0.5], *IN_KERNEL, "joint", 1, 0), "stages[0].kernel.joint[1][0]: a list of 1, expected 2"),
        # types
        (inserted(2, "schema"), "schema: 2 is unknown, expected 1"),
        (inserted("1", "schema"), "schema: input should be a valid integer, got '1'"),
        (inserted(2.5, "horizon"), "horizon: input should be a valid integer, got 2.5"),
        (inserted(True, "horizon"), "horizon: input should be a valid integer, got True"),
        (inserted("x", "discount"), "discount: input should be a valid number, got 'x'"),
        (inserted(True, "discount"), "discount: input should be a valid number, got True"),
        (inserted("AB", "agents"), "agents: input should be a valid list, got 'AB'"),
        (inserted(7, "agents", 0), "agents[0]: input should be a valid string, got 7"),
        (inserted(None, "name"), "name: input should be a valid string, got None"),
        (inserted({}, "stages"), "stages: input should be a valid list, got {}"),
        (inserted("low", "stages", 0, "signals", 0), "stages[0].signals[0]: input should be a valid list, got 'low'"),
        (inserted(0.5, "prior"), "prior: input should be a valid list, got 0.5"),
        # arrays
        (good(utility=[[[0, 1], [2]]]), "stages[0].utility[0][1]: a list of 1, expected 2"),
        (good(utility=[[[0, 1], 2]]), "stages[0].utility[0][1]: 2 stands where a list of 2 is expected"),
        (good(utility=[[[0, 1], [2, [3]]]]), "stages[0].utility[0][1][1]: 'list' is not a number"),
        (good(utility=[[[0, 1], [2, "3"]]]), "stages[0].utility[0][1][1]: '3' is not a number"),
        (good(utility=[[[0, 1], [True, 3]]]), "stages[0].utility[0][1][0]: True is not a number"),
        (good(utility=[[[0, 1], [2, None]]]), "stages[0].utility[0][1][1]: 'NoneType' is not a number"),
        (good(utility=[[[0, 1], [2, {}]]]), "stages[0].utility[0][1][1]: 'dict' is not a number"),
        (good(prior=[True, False]), "prior[0]: True is not a number"),
        (good(prior=[0.0, True]), "prior[1]: True is not a number"),
        (good(prior=[0, 10**400]), "prior[1]: an integer of 401 digits is too large"),
        (good(prior=[]), "prior: a list of 0, expected 1"),
        (good(prior=[[], []]), "prior[0]: a list of 0, expected 1"),
        (good(cost=[0, "free"]), "stages[0].cost[1]: 'free' is not a number"),
        (good(cost=[0, 1, 2]), "environment 'small': stages[0].cost: shape [3], expected [2]"),
        # what the economy itself checks
        (good(agents=[]), "environment 'small': agents: none given, at least one is needed"),
        (good(stages=[]), "environment 'small': stages: none given, at least one is needed"),
        (good(decisions=[]), "environment 'small': stages[0].decisions: none given, at least one is needed"),
        (good(signals=[[]]), "environment 'small': stages[0].signals[0]: none given, at least one is needed"),
        (good(prior=[0.5, 0.25]), "environment 'small': prior: probabilities sum to 0.75, expected 1"),
        (
            good(discount=1),
            "environment 'small': discount: 1 needs a finite horizon; give a horizon or a discount below 1",
        ),
        (good(horizon=0), "environment 'small': horizon: 0 is below 1 (null means infinitely many periods)"),
        (
            good(private_actions=[["a", "b", "c"]]),
            "environment 'small': stages[0].decisions: 2 decisions are no multiple of the 3 combinations "
            "of private actions",
        ),
    ],
)
def test_a_bad_field_is_named_by_its_path(data: dict[str, Any], line: str, tmp_path: Path) -> None:
    assert refusal(json.dumps(data), tmp_path) == line


@pytest.mark.parametrize(
    ("literal", "field", "line"),
    [
        ("NaN", "prior", "environment 'small': prior[1]: nan is not a finite number"),
        ("Infinity", "prior", "environment 'small': prior[1]: inf is not a finite number"),
        ("1e999", "prior", "environment 'small': prior[1]: inf is not a finite number"),
        ("NaN", "discount", "environment 'small': discount: nan is not in (0, 1]"),
        ("NaN", "horizon", "horizon: input should be a valid integer, got nan"),
        ("1" + "0" * 400, "discount", f"discount: input should be a valid number, got {'1' + '0' * 59}"),
    ],
)
def test_nan_and_infinity_are_no_numbers(literal: str, field: str, line: str, tmp_path: Path) -> None:
    data = good(**{field: [0.5, "@"] if field == "prior" else "@"})
    assert refusal(json.dumps(data).replace('"@"', literal), tmp_path) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "not JSON (line 1, column 1)"),
        ('{"schema": 1,\n "name": }', "not JSON (line 2, column 10)"),
        ("name: small", "not JSON (line 1, column 1)"),
        ("[1, 2]", "an environment is a JSON object, not a list"),
        ("null", "an environment is a JSON object, not a NoneType"),
        ('{"schema": 1, "name": "a", "name": "b"}', "not an environment: key 'name' stands twice in one object"),
        (
            '{"schema": 1, "stages": [{"cost": [1], "cost": [2]}]}',
            "not an environment: key 'cost' stands twice in one object",
        ),
    ],
)
def test_what_is_not_json_is_named_by_line_and_column(text: str, line: str, tmp_path: Path) -> None:
    assert refusal(text, tmp_path) == line


@pytest.mark.parametrize("depth", [33, 65, 500, 900, 100_000])
@pytest.mark.parametrize("field", ["prior", "schema", "junk"])
def test_deep_nesting_is_one_line_and_no_crash(field: str, depth: int, tmp_path: Path) -> None:
    text = json.dumps({**good(), field: "@"}).replace('"@"', "[" * depth + "1" + "]" * depth)
    line = refusal(text, tmp_path)
    deep = {
        "prior": "environment 'small': prior: shape [1, 1" if depth == 33 else "prior: nested too deeply for an array"
    }
    shallow = {"schema": "schema: input should be a valid integer, got [[[", "junk": "junk: unknown key"}
    expected = {**deep, **shallow}[field] if depth < 10_000 else "not an environment: its lists are nested too deeply"
    assert line.startswith(expected)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "absent.json", "No such file or directory"), (tmp_path, "Is a directory")):
        with pytest.raises(InputError) as caught:
            load_environment(path)
        assert str(caught.value) == f"{path}: cannot be read: {reason}"
    latin = tmp_path / "latin.json"
    latin.write_bytes(b'{"name": "caf\xe9"}')
    with pytest.raises(InputError) as caught:
        load_environment(latin)
    assert str(caught.value) == f"{latin}: cannot be read: it is not UTF-8 text"


# Nothing is half written.


def test_a_file_is_complete_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "economy.json"
    environment = environment_from_data(good())
    save_environment(environment, path)
    before = path.read_bytes()

    def full_disk(source: Path, _: Path) -> None:
        os.truncate(source, source.stat().st_size // 2)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(InputError) as caught:
        save_environment(environment_from_data(good(name="other")), path)
    assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["economy.json"]


def test_a_place_that_cannot_hold_a_file_is_named(tmp_path: Path) -> None:
    environment = environment_from_data(good())
    (tmp_path / "file").write_text("", encoding="utf-8")
    places = {
        tmp_path / "absent" / "x.json": "No such file or directory",
        tmp_path / "file" / "x.json": "Not a directory",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path: "Is a directory",
    }
    for path, reason in places.items():
        with pytest.raises(InputError) as caught:
            save_environment(environment, path)
        assert str(caught.value) == f"{path}: cannot be written: {reason}"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert list(tmp_path.parent.glob(".*.partial")) == []


def test_a_file_without_end_is_not_read_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dynmech.sim.core.json_files.LARGEST", 1 << 20)
    with pytest.raises(InputError, match=r"/dev/zero.*: cannot be read: it has more than 1\.05 MB"):
        load_environment("/dev/zero")


def test_the_published_schema_is_this_one() -> None:
    """`docs/environment.schema.json`, with which editors complete what is written."""
    kept = json.loads((Path(__file__).parents[3] / "docs" / "environment.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema()
