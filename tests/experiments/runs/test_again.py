"""The line that a result keeps makes the same run again, whatever its call was given."""

import shlex
from pathlib import Path

import pytest

from dynmech import run, stress, use_plugins
from dynmech.experiments.catalog.names import load
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.results import read_result, read_run
from dynmech.experiments.runs.running import make_protocol
from dynmech.experiments.runs.simulation import Sampling
from tests.builders.runs import planted, strategy


def again(folder: Path, target: Path) -> None:
    """Type the line of a run folder, and expect the same run."""
    line = shlex.split(read_result(folder)["command"])
    assert line.pop(0) == "dynmech"
    with pytest.raises(SystemExit) as stop:
        main([*line, "--out", str(target)])
    assert stop.value.code == 0
    assert read_run(target).manifest["configuration"] == read_run(folder).manifest["configuration"]
    assert read_result(target) == read_result(folder)


def test_house_rules_and_sizes(tmp_path: Path) -> None:
    protocol = make_protocol(load("oil-leases").agents, 0.5, {"firm 1": "exponential:0.1"}, "decisions")
    sampling = Sampling(60, seed=7, shard=20)
    lie = {"firm 1": "random"}
    run("oil-leases", "linked", lie, **vars(sampling), protocol=protocol, log="episodes", out=tmp_path / "a")
    again(tmp_path / "a", tmp_path / "b")


def test_a_tail_and_options_of_the_economy(tmp_path: Path) -> None:
    run("repeated-auction:values=2,discount=0.5", "pivot", {}, episodes=20, tail=0.01, out=tmp_path / "a")
    again(tmp_path / "a", tmp_path / "b")


def test_a_plugin(tmp_path: Path) -> None:
    path = planted(tmp_path / "a plug-in.py", strategy("turner", "return view.space.size - 1 - view.prescribed"))
    use_plugins([path])
    stress("oil-leases", ["linked"], episodes=40, plugins=[path], out=tmp_path / "a")
    line = read_result(tmp_path / "a")["command"]
    assert f"--plugin '{path}'" in line
    again(tmp_path / "a", tmp_path / "b")


def test_an_economy_given_as_an_object_has_no_line(tmp_path: Path) -> None:
    assert run(load("oil-leases"), "linked", {}, episodes=20, out=tmp_path / "a").command is None
