"""The checkers as users call them, by name or by object, and over a whole plug-in file."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any, Self

import numpy as np
import pytest

from dynmech import check_environment, check_mechanism, check_plugins, check_strategy, load
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.checks.check_result import CheckResult, Finding
from dynmech.experiments.checks.checking import plugin_findings
from dynmech.experiments.cli.app import main
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.experiments.workers.sandbox import Limits
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import InputError, PlayError, Refusal
from dynmech.sim.play.game import ProtocolOptions
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.roles import View
from tests.builders.homes import home
from tests.builders.samples import every_nth


class Shade(Strategy):
    """Reports a step lower."""

    name = "shade"
    source = "a test double"

    def __init__(self, step: int = 1) -> None:
        self.step = step

    def message(self, view: View) -> Array:
        return np.maximum(view.prescribed - self.step, 0)


class Flighty(Shade):
    """Makes up its mind by dice."""

    name = "flighty"

    def message(self, view: View) -> Array:
        return np.random.default_rng().integers(0, view.space.size, view.size)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", every_nth(STRATEGIES.all(), 4))
def test_shipped_strategies_pass_by_name(name: str) -> None:
    check_strategy(name)


@pytest.mark.parametrize("name", every_nth(MECHANISMS.all(), 6))
def test_shipped_mechanisms_pass_by_name(name: str) -> None:
    check_mechanism(name, home(name))


@pytest.mark.parametrize("name", every_nth(SCENARIOS.all(), 6))
def test_shipped_scenarios_pass_by_name(name: str) -> None:
    check_environment(name)


def test_objects_serve_as_well_as_names() -> None:
    environment = RepeatedAuction(horizon=3).build()
    check_strategy(
        Shade(2), environment, Team(environment), agent="bidder 2", protocol=ProtocolOptions(disclosure="own")
    )
    check_strategy(Shade(), "repeated-auction:horizon=3", "pivot", agent=0)
    check_mechanism(Team(environment), protocol=ProtocolOptions(0.5, (Latency("uniform", 0.9),) * 2))
    check_environment(environment, load("repeated-auction:horizon=3"))  # type: ignore[arg-type] # a finite one
    check_environment("oil-leases", "oil-leases")


def test_what_is_wrong_is_said_of_the_agent_in_whose_place_it_is() -> None:
    with pytest.raises(PlayError, match=r"strategy 'flighty' of agent 'firm 1' in period 0: message is not a function"):
        check_strategy(Flighty())
    with pytest.raises(PlayError, match=r"strategy 'flighty' of agent 'firm 2' in period 1: message is not a function"):
        check_strategy(Flighty(), "oil-leases-prior", "linked", agent="firm-2")
    with pytest.raises(InputError, match="no agent '7'; agents: firm 1, firm 2"):
        check_strategy(Shade(), "oil-leases", "linked", agent=7)


def test_what_was_checked_is_a_result_that_one_can_hold() -> None:
    result = check_strategy(Shade(), "oil-leases", "linked", agent=0)
    assert repr(result) == "strategy 'shade': holds on oil-leases (linked)"
    assert (result.holds, len(result)) == (True, 1)
    assert result.table.to_dict("records") == [
        {"what": "strategy 'shade'", "status": "holds", "why": "", "where": "oil-leases (linked)"}
    ]
    assert result.to_dict()["rows"] == [
        {"what": "strategy 'shade'", "status": "holds", "why": "", "where": ["oil-leases (linked)"]}
    ]
    assert "<table" in result._repr_html_()
    assert repr(check_mechanism("team")) == "mechanism 'team': holds on oil-leases-prior and repeated-auction:horizon=4"
    assert repr(check_environment(load("oil-leases"))) == "environment 'oil-leases': holds"
    mixed = CheckResult([*result, Finding("mechanism 'dear'", "fails", "it is dear"), Finding("x", "not checked")])
    assert not mixed.holds
    assert repr(mixed).splitlines()[1:] == ["mechanism 'dear': fails, it is dear", "x: not checked"]
    assert list(CheckResult([]).table) == ["what", "status", "why", "where"]


def made(**changes: Any) -> Strategy:
    strategy: Strategy = type("Odd", (Shade,), changes)()
    return strategy


def mute(_self: Any, _setting: AgentContext) -> Any:
    return None


class Forgetful(Shade):
    """Keeps another step than it was given."""

    name = "forgetful"

    def __init__(self, step: int = 1) -> None:
        self.step = step + 1


class Endless(Shade):
    """A menu without end."""

    name = "endless"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:  # noqa: ARG003
        while True:
            yield cls()


class Foreign(Shade):
    """A menu of others."""

    name = "foreign"

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Any]:  # noqa: ARG003
        yield Truthful()


class Nameless(Shade):
    """Its option is lost."""

    name = "nameless"

    def __init__(self, depth: int = 1) -> None:
        self.step = depth


@pytest.mark.parametrize(
    ("strategy", "what"),
    [
        (made(name="two words"), "strategy 'two words': a name is letters and digits"),
        (made(name=7), "strategy 7: a name is letters and digits"),
        (made(describe=mute), "strategy 'shade' of agent 'firm 1': describe returned None, expected words on one line"),
        (made(describe=lambda _s, _t: ""), "describe returned '', expected words on one line"),
        (made(describe=lambda _s, _t: "a\nb"), r"describe returned 'a\\nb', expected words on one line"),
        (
            made(describe=lambda _s, _t: 1 / 0),
            "strategy 'shade' of agent 'firm 1': describe raised ZeroDivisionError: division by zero",
        ),
        (Forgetful(), r"its options\(\) do not make it again: forgetful:step=2 becomes forgetful:step=3"),
        (Nameless(), "strategy 'nameless': keep option 'depth' as self.depth"),
        (Foreign(), "strategy 'foreign': candidates yields Truthful, expected its own kind"),
        (Endless(), "strategy 'endless': candidates yields 10,000 or more; offer fewer"),
    ],
)
def test_a_strategys_name_options_words_and_menu_are_checked(strategy: Strategy, what: str) -> None:
    with pytest.raises((InputError, PlayError), match=what) as caught:
        check_strategy(strategy)
    assert len(str(caught.value).splitlines()) == 1


def test_a_mechanisms_promises_are_checked() -> None:
    environment = RepeatedAuction(horizon=2).build()
    odd = type("Odd", (Team,), {"name": "odd", "promises": "all of them"})(environment)
    with pytest.raises(InputError, match=r"mechanism 'odd': promises are no dynmech\.sim\.play\.roles\.Promises"):
        check_mechanism(odd)


def test_a_mechanism_that_fits_nothing_is_refused() -> None:
    with pytest.raises(Refusal, match="balanced"):
        check_mechanism("balanced", "oil-leases")


def test_a_table_must_be_one() -> None:
    from tests.builders.small_economies import shop

    with pytest.raises(InputError, match="table: environment 'shop' is not a finite one"):
        check_environment("oil-leases", shop())  # type: ignore[arg-type]


PLUGIN = """
    import numpy as np
    from dynmech.agents.strategies.truthful import Truthful
    from dynmech.experiments.scenarios.base import Scenario
    from dynmech.mechanisms.groves.team import Team
    from dynmech.sim.economy.function import FunctionEnvironment
    from dynmech.sim.core.spaces import Interval

    class Good(Truthful):
        name = "good"

    class Dicey(Truthful):
        name = "dicey"
        def message(self, view):
            return np.random.default_rng().integers(0, view.space.size, view.size)

    class Needy(Truthful):
        name = "needy"
        def __init__(self, depth: int):
            self.depth = depth

    class Dear(Team):
        name = "dear"
        def transfer_bound(self):
            return 0.0

    class Picky(Team):
        name = "picky"
        def __init__(self, environment):
            super().__init__(environment)
            raise self.refuse("it is too good for it")

    class Shop(Scenario):
        name = "shop"
        def build(self):
            return FunctionEnvironment(
                "shop", ("buyer",), 1.0, 1, (Interval(0, 1),), Interval(0, 1),
                law=lambda t, last, decision, u: u,
                payoff=lambda t, signals, decision: signals * 2,
                bound=1.0,
            )
"""


def test_a_whole_file_is_checked(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(dedent(PLUGIN), encoding="utf-8")
    findings = {finding.what: finding for finding in check_plugins([plugin])}
    assert {what: finding.status for what, finding in findings.items()} == {
        "scenario 'shop'": "fails",
        "mechanism 'dear'": "fails",
        "mechanism 'picky'": "not checked",
        "strategy 'dicey'": "fails",
        "strategy 'good'": "holds",
        "strategy 'needy'": "not checked",
    }
    assert "utility of agent 'buyer' is 2 (row 1), which exceeds utility_bound() 1" in findings["scenario 'shop'"].why
    assert "exceeds its transfer_bound() 0" in findings["mechanism 'dear'"].why
    assert "it is too good for it" in findings["mechanism 'picky'"].why
    assert "it draws outside its stream" in findings["strategy 'dicey'"].why
    assert findings["strategy 'needy'"].why == "it needs option 'depth'; give it a default"
    there = {finding.what: finding for finding in check_plugins([plugin], "repeated-auction:horizon=2")}
    assert "of agent 'bidder 1' in period 0" in there["strategy 'dicey'"].why
    assert findings["strategy 'good'"].where == ("oil-leases-prior (linked)", "repeated-auction:horizon=4 (pivot)")
    assert there["strategy 'good'"].where == ("repeated-auction:horizon=2",)
    assert findings["mechanism 'dear'"].why.startswith("on oil-leases-prior: mechanism 'dear'")


FITTING = """
import numpy as np

from dynmech import TableEnvironment
from dynmech.experiments.scenarios.base import Scenario
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.economy.stage import Stage


class Shop(Scenario):
    name = "shop-that-works"

    def build(self):
        stage = Stage((("0", "1"),), ("keep", "sell"), np.array([[[0.0, 0.0], [0.0, 1.0]]]))
        return TableEnvironment("shop", ("buyer",), np.array([0.5, 0.5]), (stage,), 1.0, 1)


class Far(Team):
    name = "far"

    def __init__(self, environment):
        super().__init__(environment)
        if environment.name != "trading-game":
            raise self.refuse("it is for trading games")


class FarAndFalse(Far):
    name = "far-and-false"

    def transfer_bound(self):
        return 0.0


class Everywhere(Team):
    name = "everywhere"
"""


def test_a_mechanism_is_tried_where_it_fits_and_the_economy_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Economies of the file first; then shipped ones until two fit, however far down the list."""
    plugin = tmp_path / "fitting.py"
    plugin.write_text(FITTING, encoding="utf-8")
    found = {finding.what: finding for finding in check_plugins([plugin])}
    assert found["mechanism 'everywhere'"].where == ("shop-that-works", "oil-leases-prior")
    assert (found["mechanism 'far'"].status, found["mechanism 'far'"].where) == ("holds", ("trading-game",))
    assert found["mechanism 'far-and-false'"].status == "fails"
    assert found["mechanism 'far-and-false'"].why.startswith("on trading-game: mechanism 'far-and-false'")
    with pytest.raises(SystemExit) as ended:
        main(["check", str(plugin)])
    assert ended.value.code == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "mechanism 'everywhere': holds on shop-that-works and oil-leases-prior" in out
    assert "mechanism 'far': holds on trading-game" in out


MEANT = """
from dynmech.mechanisms.groves.team import Team


class ForShops(Team):
    name = "for-shops"

    def decide(self, now, messages):
        answer = super().decide(now, messages)
        return answer if self.environment.name == "shop" else answer + 9


class FalseInShops(Team):
    name = "false-in-shops"

    def decide(self, now, messages):
        return super().decide(now, messages) + 9
"""


def test_a_mechanism_for_the_files_own_economies_need_not_suit_shipped_ones(tmp_path: Path) -> None:
    """The economy may stand in another file than the mechanism; a fault on the own economy counts as before."""
    (tmp_path / "meant.py").write_text(MEANT, encoding="utf-8")
    (tmp_path / "fitting.py").write_text(FITTING, encoding="utf-8")
    files = [tmp_path / "meant.py", tmp_path / "fitting.py"]
    found = {finding.what: finding for finding in check_plugins(files)}
    assert found["mechanism 'for-shops'"].text == "holds on shop-that-works"
    assert found["mechanism 'false-in-shops'"].status == "fails"
    assert found["mechanism 'false-in-shops'"].why.startswith("on shop-that-works: ")
    alone = {finding.what: finding for finding in check_plugins(files[:1])}
    assert alone["mechanism 'for-shops'"].status == "fails"
    assert alone["mechanism 'for-shops'"].why.startswith("on oil-leases-prior: ")


HANGING = """
from dynmech.agents.strategies.base import Strategy


class Sleeper(Strategy):
    name = "a-sleeper"

    def message(self, view):
        while True:
            pass


class Leaver(Strategy):
    name = "b-leaver"

    def message(self, view):
        import os

        print("good-bye")
        os._exit(3)


class Sound(Strategy):
    name = "c-sound"

    def message(self, view):
        return view.prescribed
"""


def test_what_hangs_or_ends_its_process_fails_in_time_and_the_rest_is_checked(tmp_path: Path) -> None:
    plugin = tmp_path / "hanging.py"
    plugin.write_text(HANGING, encoding="utf-8")
    begun: list[str] = []
    found, seen = [], []
    for finding in plugin_findings([plugin], "oil-leases", Limits(seconds=2.0), begun.append):
        found.append(finding)
        seen.append(list(begun))
    assert [tuple(finding)[:3] for finding in found] == [
        ("strategy 'a-sleeper'", "fails", "still running after 2 s"),
        ("strategy 'b-leaver'", "fails", "ended its process (exit code 3)"),
        ("strategy 'c-sound'", "holds", ""),
    ]
    assert [len(names) for names in seen] == [1, 2, 3], "each is named before it is checked, and told before the next"


def test_the_command_takes_a_time_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plugin = tmp_path / "hanging.py"
    plugin.write_text(HANGING.replace("a-sleeper", "a-drowser").replace("Sleeper", "Drowser"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["check", str(plugin), "--time-limit", "1", "--environment", "oil-leases"])
    assert ended.value.code == 1
    assert "strategy 'a-drowser': fails, still running after 1 s\n" in capsys.readouterr().out
