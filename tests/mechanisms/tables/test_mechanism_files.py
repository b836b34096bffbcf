"""Mechanism files: what is written is read back, to the last digit; what is wrong in a file gets one line."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.cli.app import main
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import tabulate
from dynmech.mechanisms.tables.mechanism_files import load_mechanism, mechanism_to_data, save_mechanism
from dynmech.mechanisms.tables.mechanism_schema import json_schema
from dynmech.mechanisms.tables.reading import mechanism_from_data
from dynmech.mechanisms.tables.tabulated_mechanism import TabulatedMechanism
from dynmech.sim.core.errors import DynmechError, InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from tests.builders.economies import weather
from tests.builders.lottery_mechanisms import Raffle
from tests.builders.planted_mechanisms import Nosier, Nosy
from tests.builders.played_games import play
from tests.builders.random_economies import working

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "figures.jsonl"
SAMPLE = [
    ("oil-leases-prior", "linked"),
    ("oil-leases-prior", "cremer-mclean"),
    ("repeated-auction", "contingent-spanning"),
    ("repeated-auction", "once:base=balanced-team"),
    ("repeated-trade", "self-enforcing"),
    ("lowest-bid-auction", "second-price"),
]


def again(mechanism: Mechanism, folder: Path) -> TabulatedMechanism:
    """Write a mechanism and read it back."""
    save_mechanism(mechanism, folder / "mechanism.json")
    return load_mechanism(folder / "mechanism.json", mechanism.environment)


def assert_same_rules(one: Mechanism, other: Mechanism) -> None:
    environment = one.environment
    assert isinstance(environment, TableEnvironment)
    entries = 2 if environment.horizon is None else environment.horizon
    assert (one.lags, one.promises, one.transfer_bound()) == (other.lags, other.promises, other.transfer_bound())
    for t in range(entries):
        before, after = tabulate(one, t), tabulate(other, t)
        for name in ("decide", "chance", "charge", "due", "remember"):
            if name == "remember" and t + 1 == environment.horizon:
                continue  # nothing follows
            assert np.array_equal(getattr(before, name), getattr(after, name)), (t, name)
        assert all(np.array_equal(a, b) for a, b in zip(before.prescribed, after.prescribed, strict=True))
        assert before.replies == after.replies


@pytest.mark.parametrize(("environment", "mechanism"), SAMPLE)
def test_what_is_written_is_read_back(environment: str, mechanism: str, tmp_path: Path) -> None:
    rules = dm.make_mechanism(mechanism, dm.load(environment))
    assert_same_rules(rules, again(rules, tmp_path))


def test_tables_of_tables_are_the_same(tmp_path: Path) -> None:
    rules = again(dm.make_mechanism("linked", dm.load("oil-leases-prior")), tmp_path)
    assert mechanism_to_data(rules) == json.loads((tmp_path / "mechanism.json").read_text(encoding="utf-8"))
    assert_same_rules(rules, again(rules, tmp_path))


def test_public_states_have_an_axis(tmp_path: Path) -> None:
    environment = weather(1)
    assert environment.stages[0].public
    rules = dm.make_mechanism("pivot", environment)
    assert_same_rules(rules, again(rules, tmp_path))


@pytest.mark.slow
def test_every_shipped_pair_is_written_and_read_back(tmp_path: Path) -> None:
    pairs = [json.loads(line)["name"].split()[1:3] for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    compared = 0
    for environment, mechanism in pairs:
        try:
            rules = dm.make_mechanism(mechanism, dm.load(environment))
            tabulate(rules, 0)
        except DynmechError:
            continue
        assert_same_rules(rules, again(rules, tmp_path))
        compared += 1
    assert compared > 150


@pytest.mark.parametrize("acts", [False, True])
def test_the_audit_is_the_same_to_the_last_digit(acts: bool, tmp_path: Path) -> None:
    rules = Nosier(working(1, 2)) if acts else dm.make_mechanism("cremer-mclean", dm.load("oil-leases-prior"))
    before, after = dm.audit(rules.environment, rules).to_dict(), dm.audit(rules.environment, again(rules, tmp_path))
    for key in ("gains", "truth", "budget", "participation", "policy", "witness"):
        assert json.dumps(before[key], default=str) == json.dumps(after.to_dict()[key], default=str), key


@pytest.mark.parametrize("kind", [Nosier, Raffle])
def test_play_is_the_same(kind: Any, tmp_path: Path) -> None:
    """With observed actions and replies, and with a lottery: charges, memories and decisions episode by episode."""
    environment = working(3, None) if kind is Nosier else dm.load("repeated-auction")
    rules = kind(environment)
    records = [
        play(make_game(environment, one), RandomReport(), Truthful(), episodes=50)
        for one in (rules, again(rules, tmp_path))
    ]
    for name in ("decision", "transfer", "utility"):
        assert np.array_equal(getattr(records[0], name), getattr(records[1], name)), name
    assert np.ptp(records[0].transfer) > 0


def test_replies_that_tell_payoffs_have_no_table() -> None:
    with pytest.raises(Refusal, match=r"the replies of agent .* depend on its payoff"):
        mechanism_to_data(Nosy(working(1, None)))
    with pytest.raises(Refusal, match="replies with a number"):
        mechanism_to_data(dm.make_mechanism("team:reports=payoffs", dm.load("oil-leases-prior")))


def change(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def apply(data: dict[str, Any]) -> None:
        place: Any = data
        for key in path[:-1]:
            place = place[key]
        if to is KeyError:
            del place[path[-1]]
        else:
            place[path[-1]] = to

    return apply


WRONG = {
    "schema": (change("schema", to=7), "schema: 7 is unknown, expected 1"),
    "no memory": (change("periods", 1, "memory", to=KeyError), r"periods\[1\]\.memory: missing"),
    "unknown key": (change("periods", 1, "transfers", to=[]), r"periods\[1\]\.transfers: unknown key"),
    "agents": (change("agents", to=["a", "b"]), "agents: .* environment 'oil leases with a prior period' has|agents: "),
    "horizon": (change("horizon", to=4), "horizon: 4, environment .* has 3"),
    "too few periods": (lambda data: data["periods"].pop(), "periods: 2 entries, expected 3: one per period"),
    "label": (change("periods", 1, "signals", 0, 0, to="wet"), r"periods\[1\]\.signals: .*wet.* environment"),
    "decision": (change("periods", 1, "decide", 0, 0, 1, to=2), r"periods\[1\]\.decide\[0\]\[0\]\[1\]: 2 is no whole"),
    "fraction": (
        change("periods", 1, "decide", 0, 0, 1, to=0.5),
        r"decide\[0\]\[0\]\[1\]: 0\.5 is no whole number from 0 to 1",
    ),
    "payment": (
        change("periods", 1, "charge", 0, 1, 0, 1, to="9"),
        r"periods\[1\]\.charge\[0\]\[1\]\[0\]\[1\]: '9' is not a",
    ),
    "ragged": (change("periods", 1, "charge", 0, 1, 0, to=[1.0]), r"charge\[0\]\[1\]\[0\]: a list of 1, expected 2"),
    "shape": (change("periods", 1, "charge", to=[1.0, 2.0]), r"charge: shape \[2\], expected \[2, 3, 2, 2\]"),
    "memory": (
        change("periods", 0, "remember", 0, 1, 0, to=3),
        r"remember\[0\]\[1\]\[0\]: 3 is no whole number from 0 to 2",
    ),
    "bound": (change("transfer_bound", to=5.0), "transfer_bound: 5, but a payment of 13 stands in the tables"),
    "both": (change("periods", 1, "lottery", to=[]), r"periods\[1\]: give either 'decide' or 'lottery'"),
    "messages": (change("periods", 1, "messages", to=[["x"]]), r"messages: 1 entries for 2 agents, expected one each"),
    "prescribed": (
        change("periods", 1, "messages", to=[["x", "y"], ["4", "6"]]),
        r"periods\[1\]\.prescribed: missing; messages of agent 0 are not its signals",
    ),
    "promise": (change("promises", "budget", to="always"), "promises: budget 'always' is none of"),
    "sees": (change("periods", 1, "sees", to=[[0], None]), r"periods\[1\]\.sees\[0\]: expected 0 whole numbers"),
    "kind": (change("kind", to="environment"), "kind: "),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_broken_file_gets_one_line(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = dm.load("oil-leases-prior")
    data = copy.deepcopy(mechanism_to_data(dm.make_mechanism("cremer-mclean", environment)))
    mechanism_from_data(data, environment)
    spoil, words = WRONG[what]
    spoil(data)
    with pytest.raises(DynmechError, match=words):
        mechanism_from_data(data, environment)
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["audit", "oil-leases-prior", str(file)])
    said = capsys.readouterr()
    assert (stop.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert said.err.startswith(f"dynmech: {file}: ")


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    environment = dm.load("oil-leases-prior")
    assert isinstance(environment, TableEnvironment)
    dm.save_environment(environment, tmp_path / "economy.json")
    with pytest.raises(InputError, match="this is an environment file"):
        load_mechanism(tmp_path / "economy.json", environment)
    with pytest.raises(InputError, match=r"missing\.json: cannot be read: No such file"):
        load_mechanism(tmp_path / "missing.json", environment)
    again(dm.make_mechanism("linked", environment), tmp_path)
    with pytest.raises(Refusal, match="it is not finite"):
        load_mechanism(tmp_path / "mechanism.json", dm.load("continuous-licence"))


def test_a_changed_payment_changes_the_verdict(tmp_path: Path) -> None:
    environment = dm.load("oil-leases-prior")
    data = mechanism_to_data(dm.make_mechanism("linked", environment))
    file = tmp_path / "linked.json"
    file.write_text(json.dumps(data), encoding="utf-8")
    assert dm.audit(environment, str(file)).verdict == "holds"
    data["periods"][-1]["due"] = (-np.array(data["periods"][-1]["due"])).tolist()
    file.write_text(json.dumps(data), encoding="utf-8")
    assert dm.audit(environment, str(file)).verdict == "breaks"


def test_only_a_few_fields_are_needed() -> None:
    """A posted price, typed by hand."""
    environment = dm.load("oil-leases-prior")
    assert isinstance(environment, TableEnvironment)
    stages = [environment.stage(t) for t in range(3)]
    periods = [
        {
            "memory": 1,
            "signals": [list(labels) for labels in stage.signals],
            "decisions": list(stage.decisions),
            "decide": np.zeros((1, *stage.axes), int).tolist(),
        }
        for stage in stages
    ]
    data = {"schema": 1, "kind": "mechanism", "name": "first", "agents": list(environment.agents), "horizon": 3}
    rules = TabulatedMechanism(environment, mechanism_from_data({**data, "periods": periods}, environment))
    assert (rules.transfer_bound(), rules.lags) == (0.0, 0)
    gains = dm.audit(environment, rules).gains
    assert gains["gain"].abs().max() == 0.0


def test_the_published_schema_is_this_one() -> None:
    kept = json.loads((ROOT / "docs" / "mechanism.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema()
