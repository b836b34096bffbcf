"""The line that a result keeps makes the same run again, whatever its call was given."""

import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from dynmech import run, stress, sweep, use_plugins
from dynmech.experiments.catalog.names import load
from dynmech.experiments.cli.app import main
from dynmech.experiments.runs.results import read_result, read_run
from dynmech.experiments.runs.running import make_protocol
from dynmech.experiments.runs.simulation import Sampling
from tests.builders.runs import call, planted, strategy


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


OWN_ECONOMY = """
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction


class Stall(RepeatedAuction):
    name = "stall-again"
"""

OWN_RULES = """
from dynmech.mechanisms.groves.team import Team


class Handed(Team):
    name = "handed-again"
"""


def test_plugins_that_were_taken_in_before_stand_in_the_line(tmp_path: Path) -> None:
    """Those that the run uses, and no others; the line makes the same run in a process that knows of none."""
    economy, rules = planted(tmp_path / "stall.py", OWN_ECONOMY), planted(tmp_path / "handed.py", OWN_RULES)
    lie = planted(tmp_path / "lie.py", strategy("liar-again", "return view.space.size - 1 - view.prescribed"))
    other = planted(tmp_path / "other.py", strategy("other-again", "return view.prescribed"))
    use_plugins([economy, rules, lie, other])
    result = run("stall-again:horizon=2", "handed-again", {"0": "liar-again"}, episodes=20, out=tmp_path / "a")
    assert result.command is not None
    words = shlex.split(result.command)
    files = {word for before, word in pairwise(words) if before == "--plugin"}
    assert files == {str(economy), str(rules), str(lie)}
    again(tmp_path / "a", tmp_path / "b")
    code, _, err = call([*words[1:], "--out", str(tmp_path / "c")], tmp_path)
    assert code == 0, err
    assert read_result(tmp_path / "c") == read_result(tmp_path / "a")
    run("oil-leases", "linked", {}, episodes=20, out=tmp_path / "d")
    assert "--plugin" not in read_result(tmp_path / "d")["command"]


def test_plugins_that_were_taken_in_before_stand_in_the_line_of_a_stress_test(tmp_path: Path) -> None:
    path = planted(tmp_path / "handed.py", OWN_RULES.replace("handed-again", "stressed-again"))
    use_plugins([path])
    stress("oil-leases", ["linked", "stressed-again"], episodes=40, out=tmp_path / "a")
    assert f"--plugin {path}" in read_result(tmp_path / "a")["command"]
    again(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("elsewhere", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_plugins_that_were_taken_in_before_stand_in_the_line_of_a_sweep(elsewhere: bool, tmp_path: Path) -> None:
    """The economy's and the mechanisms', a base included, and no others; the line makes the same sweep elsewhere."""
    economy = planted(tmp_path / "stall.py", OWN_ECONOMY.replace("stall-again", "stall-swept"))
    rules = planted(tmp_path / "handed.py", OWN_RULES.replace("handed-again", "swept-again"))
    other = planted(tmp_path / "other.py", strategy("other-swept", "return view.prescribed"))
    use_plugins([economy, rules, other])
    vary = {"discount": [0.5, 0.9]}
    result = sweep("stall-swept:horizon=2", vary, ["pivot", "balanced:base=swept-again"], out=tmp_path / "a")
    assert result.command is not None
    words = shlex.split(result.command)
    assert {word for before, word in pairwise(words) if before == "--plugin"} == {str(economy), str(rules)}
    if not elsewhere:
        again(tmp_path / "a", tmp_path / "b")
        return
    code, _, err = call([*words[1:], "--out", str(tmp_path / "c")], tmp_path)
    assert code == 0, err
    assert read_result(tmp_path / "c") == read_result(tmp_path / "a")


def test_an_economy_given_as_an_object_has_no_line(tmp_path: Path) -> None:
    assert run(load("oil-leases"), "linked", {}, episodes=20, out=tmp_path / "a").command is None
