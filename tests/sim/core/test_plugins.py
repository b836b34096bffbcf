"""A user's file: one strategy, one mechanism and one scenario, then used by name like ours."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dynmech import check_plugins, load, make_mechanism, run, use_plugins
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.cli.app import main
from dynmech.experiments.cli.listing import KINDS
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.exact import tree_payoffs
from tests.builders.plugin_modules import plugin_modules

PLUGIN = '''
"""A good for sale three times, the second-price rule, and somebody who shades."""

import numpy as np

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.scenarios.base import Scenario
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.play.roles import Promises


class Market(Scenario):
    """Independent values that persist."""

    name = "market"
    source = "this test"
    summary = "three sales in a row"

    def __init__(self, values: int = 3):
        self.values = values

    def build(self):
        return RepeatedAuction(bidders=2, values=self.values, horizon=3, discount=1.0).build()


class SecondPrice(DirectMechanism):
    """The highest report wins and pays the second highest; ties go to the first bidder."""

    name = "second-price-rule"
    source = "Vickrey 1961"
    promises = Promises(incentive="periodic ex post", budget="no deficit", efficient=True)

    def __init__(self, environment, reserve: float = 0.0):
        super().__init__(environment)
        self.reserve = reserve

    def decide(self, now, messages):
        best = messages.max(axis=1)
        return np.where(best >= self.reserve, 1 + messages.argmax(axis=1), 0)

    def charge(self, now, messages, decision, acts):
        price = np.maximum(np.sort(messages, axis=1)[:, -2], self.reserve)
        winner = np.arange(messages.shape[1]) == decision[:, None] - 1
        return np.where(winner, price[:, None], 0.0)

    def transfer_bound(self):
        return float(max(len(stage.signals[0]) for stage in self.environment.stages))


class Undercut(Strategy):
    """Reports a step below its value."""

    name = "undercut"

    def __init__(self, step: int = 1):
        self.step = step

    def message(self, view):
        return np.maximum(view.prescribed - self.step, 0)

    def options(self):
        return {"step": str(self.step)}

    def describe(self, setting):
        return f"bids {self.step} below its value"
'''


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, in an empty folder; what it defines is forgotten after the test."""
    monkeypatch.chdir(tmp_path)
    for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
        monkeypatch.setattr(registry, "_added", {})
    path = tmp_path / "market.py"
    path.write_text(PLUGIN, encoding="utf-8")
    return path


def call_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--plugin", "market.py", "--json"])
    output = capsys.readouterr()
    assert stopped.value.code == 0, output.err
    return json.loads(output.out)


def test_all_three_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    data = call_json(capsys, "list")
    rows = {row["name"]: row for kind in KINDS for row in data[kind]}
    assert rows["market"] == {
        "name": "market", "source": "this test", "options": ["values=3"], "about": "three sales in a row"
    }  # fmt: skip
    assert rows["second-price-rule"]["options"] == ["reserve=0.0"]
    assert rows["second-price-rule"]["source"] == "Vickrey 1961"
    assert rows["undercut"]["source"] == "market.py", "a class that does not say where it is from: its file"
    with pytest.raises(SystemExit):
        main(["list", "strategies", "--plugin", "market.py"])
    assert "undercut " in capsys.readouterr().out


def test_they_are_used_by_name_in_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    data = call_json(
        capsys, "run", "market", "second-price-rule", "--strategy", "bidder 1=undercut:step=2", "--episodes", "4000"
    )
    environment = load("market")
    assert isinstance(environment, TableEnvironment)

    def shade(_t: int, agent: int, signals: tuple[int, ...], _r: tuple[int, ...]) -> int:
        return max(signals[-1] - 2, 0) if agent == 0 else signals[-1]

    rule = make_mechanism("second-price-rule", environment)
    honest, revenue = tree_payoffs(environment, rule)
    lying, _ = tree_payoffs(environment, rule, shade)
    # Values 0, 1, 2 evenly and independently in every period: the lower of two is 5/9 on average, three times.
    assert revenue == pytest.approx(3 * 5 / 9, abs=1e-12)
    bidder = data["agents"][0]
    assert lying[0] - honest[0] < -0.1, "shading loses"
    assert abs(bidder["gain"] - (lying[0] - honest[0])) < 1.5 * bidder["gain_half_width"] < 0.1
    assert bidder["strategy"] == "undercut:step=2"


def test_they_are_tried_in_a_stress_test(capsys: pytest.CaptureFixture[str]) -> None:
    data = call_json(
        capsys, "stress", "market", "--mechanism", "second-price-rule", "--mechanism", "pay-your-report",
        "--episodes", "2000",
    )  # fmt: skip
    assert {row["mechanism"]: row["breaks"] for row in data["mechanisms"]} == {
        "pay-your-report": True,
        "second-price-rule": False,
    }
    shading = [row for row in data["gains"] if row["family"] == "undercut"]
    assert {(row["mechanism"], row["agent"]) for row in shading} == {
        (mechanism, agent)
        for mechanism in ("second-price-rule", "pay-your-report")
        for agent in ("bidder 1", "bidder 2")
    }
    assert all(row["words"] == "bids 1 below its value" for row in shading)
    # Paying one's report, a step less is worth it: bidder 1 wins ties.
    environment = load("market")
    assert isinstance(environment, TableEnvironment)

    def shade(_t: int, agent: int, signals: tuple[int, ...], _r: tuple[int, ...]) -> int:
        return max(signals[-1] - 1, 0) if agent == 0 else signals[-1]

    exact = float(tree_payoffs(environment, make_mechanism("pay-your-report", environment), shade)[0][0])
    found = next(row for row in shading if (row["mechanism"], row["agent"]) == ("pay-your-report", "bidder 1"))
    assert exact > 0.1
    assert abs(found["gain"] - exact) < 1.5 * found["half_width"]


def test_a_study_names_its_plugins(capsys: pytest.CaptureFixture[str]) -> None:
    Path("study.toml").write_text(
        'environment = "market:values=2"\nmechanism = "second-price-rule:reserve=1"\nepisodes = 200\n'
        'plugins = ["market.py"]\n[strategies]\n"0" = "undercut"\n',
        encoding="utf-8",
    )
    with pytest.raises(SystemExit) as stopped:
        main(["run", "study.toml", "--json"])
    output = capsys.readouterr()
    assert stopped.value.code == 0, output.err
    data = json.loads(output.out)
    # Values 0 and 1 with a reserve of 1: whoever shades never wins, and the winner pays its value.
    assert [row["payoff"] for row in data["agents"]] == [0, 0]


def test_from_python_they_are_used_in_the_same_way(plugin: Path) -> None:
    use_plugins([plugin])
    by_name = run("market", "second-price-rule", {"bidder 2": "undercut"}, episodes=100, out="a")
    strategy = STRATEGIES.get("undercut")()
    by_object = run("market", "second-price-rule", {"1": strategy}, episodes=100, out="b")
    assert by_name.agents.equals(by_object.agents)
    manifest = json.loads(Path("a/run.json").read_text())
    assert set(manifest["configuration"]["code"]) == {"second-price-rule", "undercut"}


@pytest.mark.parametrize(
    ("mine", "theirs", "kind"),
    [
        ("undercut", "one-shot", "strategy"),
        ("second-price-rule", "team", "mechanism"),
        ("market", "oil-leases", "scenario"),
    ],
)
def test_a_name_of_ours_is_not_to_be_had(
    mine: str, theirs: str, kind: str, plugin: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin.write_text(PLUGIN.replace(f'name = "{mine}"', f'name = "{theirs}"'), encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["stress", "oil-leases", "--plugin", "market.py"])
    assert stopped.value.code == 2
    expected = f"dynmech: plug-in market.py: {kind} {theirs!r} is there already; choose another name\n"
    assert capsys.readouterr().err == expected
    assert MECHANISMS.get("team").__module__ == "dynmech.mechanisms.groves.team"


SHOP = '''
from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.economy.function import FunctionEnvironment
from dynmech.sim.core.spaces import Finite, Interval

class Shop(Scenario):
    """A buyer whose value is uniform on [0, 1]."""
    name = "shop"
    def build(self):
        return FunctionEnvironment(
            "shop", ("buyer",), 1.0, 2, (Interval(0, 1),), Finite(("keep", "sell")),
            law=lambda t, last, decision, uniforms: uniforms,
            payoff=lambda t, signals, decision: signals * decision[:, None],
            bound=1.0,
        )
'''


@pytest.mark.parametrize(
    ("sound", "spoilt", "line"),
    [
        ("decision: signals *", "decision: 0 / 0 * signals *", "'shop' in period 0: utility raised ZeroDivisionError"),
        ("signals * decision[:, None]", "signals * float('nan')", "utility of agent 'buyer' is nan (row 0), which is"),
        ("bound=1.0", "bound=0.5", "utility of agent 'buyer' is 1 (row 1), which exceeds utility_bound() 0.5"),
        ("uniforms: uniforms", "uniforms: 2 * uniforms", "(row 1) as a signal of agent 'buyer', outside [0, 1]"),
    ],
)  # fmt: skip
def test_an_economy_by_functions_is_held_to_what_it_declares(sound: str, spoilt: str, line: str, plugin: Path) -> None:
    plugin.write_text(SHOP, encoding="utf-8")
    use_plugins([plugin])
    assert load("shop").name == "shop"
    assert sound in SHOP
    plugin.write_text(SHOP.replace(sound, spoilt), encoding="utf-8")
    use_plugins([plugin])
    with pytest.raises(PlayError) as caught:
        load("shop")
    assert line in str(caught.value)


LISTED_APART = '''
import sys
from dynmech.agents.strategies.base import Strategy

class Quiet(Strategy):
    """Sends what it should."""
    name = "quiet"
    source = "planted"
    def message(self, view):
        return view.prescribed
'''


def test_from_python_a_plugin_is_tried_in_a_child_first(tmp_path: Path) -> None:
    path = tmp_path / "runs.py"
    path.write_text(LISTED_APART + "import os\nos.chdir('/')\n", encoding="utf-8")
    before = os.getcwd()
    with pytest.raises(InputError, match="when it is imported it changes the working directory"):
        use_plugins(path)
    assert os.getcwd() == before
    assert "quiet" not in STRATEGIES.names()
    path.write_text(LISTED_APART + "import os\nos._exit(7)\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"ended its process \(exit code 7\)"):
        use_plugins([path])
    with pytest.raises(InputError, match="7 is an int, expected a text or a path or a sequence"):
        use_plugins(7)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="an object of type int stands among them"):
        use_plugins([7])  # type: ignore[list-item]


def test_check_and_list_leave_a_plugins_classes_in_a_child(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "quiet.py"
    path.write_text(LISTED_APART, encoding="utf-8")
    assert [finding.status for finding in check_plugins(path).findings] == ["holds"]
    with pytest.raises(SystemExit) as stopped:
        main(["list", "strategies", "--plugin", str(path), "--json"])
    assert stopped.value.code == 0
    assert "quiet" in {row["name"] for row in json.loads(capsys.readouterr().out)["strategies"]}
    assert "quiet" not in STRATEGIES.names()
    assert not plugin_modules()


def test_what_is_defined_in_a_session_plays_beside_plugins(tmp_path: Path) -> None:
    """Classes of `__main__`, in a program without a file and with threads, as in a notebook."""
    path = tmp_path / "quiet.py"
    path.write_text(LISTED_APART, encoding="utf-8")
    session = f"""
import threading
import dynmech as dm
dm.use_plugins({str(path)!r})
threading.Thread(target=threading.Event().wait, daemon=True).start()
class Here(dm.Strategy):
    name = "here"
    source = "a session"
    def message(self, view):
        return view.prescribed
result = dm.run("oil-leases", "linked", {{"firm 1": Here(), "firm 2": "quiet"}}, episodes=4, out="out")
print(len(result.gains()))
"""
    said = subprocess.run(
        [sys.executable, "-"], input=session, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    )
    assert said.stdout == "8\n"
