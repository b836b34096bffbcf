"""A tournament's study: read whole, overridden, refused with all that is wrong at once, each with its place."""

import json
from pathlib import Path
from typing import Any

import pytest

from dynmech.experiments.tournament.loading import check_tournament, load_tournament
from dynmech.experiments.tournament.roles import make_roles
from dynmech.experiments.tournament.study import Study, json_schema
from dynmech.sim.core.errors import InputError
from tests.builders.runs import planted, strategy

GOOD: dict[str, Any] = {
    "environment": "repeated-auction:bidders=3,horizon=2",
    "mechanisms": ["pivot"],
    "strategies": {"truth": "truthful", "down": {"use": "misreport:map=down", "noise": 0.1}},
}


def refused(**changes: Any) -> list[str]:
    """What is said of a study with some fields changed (None: left out)."""
    data = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    with pytest.raises(InputError) as caught:
        check_tournament(data, "s.toml")
    head, _, rest = str(caught.value).partition(": ")
    assert head == "s.toml"
    assert "\n" not in rest
    return rest.split("; ")


def strategies(**more: Any) -> dict[str, Any]:
    return {**GOOD["strategies"], **more}


def test_a_good_study_is_taken_with_its_defaults() -> None:
    study = check_tournament(GOOD, "s.toml")
    assert (study.episodes, study.truth, study.log, study.width) == (2000, "truth", "summary", None)
    built = study.build_strategies()
    assert {name: one.key() for name, one in built.items()} == {
        "truth": "truthful",
        "down": "misreport:map=down+noise=0.1",
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"environment": None}, "environment: missing"),
        ({"environment": 3}, "environment: 3 is not what is expected there"),
        ({"environment": {"use": "spectrum", "sweeps": {}}}, "environment.sweeps: unknown key"),
        (
            {"environment": {"use": "spectrum", "sweep": {"discount": []}}},
            "environment.sweep.discount: [] is empty",
        ),
        (
            {"environment": {"use": "spectrum", "sweep": {"discount": [[1]]}}},
            "environment.sweep.discount: [[1]] holds [1]",
        ),
        ({"environment": "spectrun"}, "environment: unknown scenario 'spectrun'"),
        ({"mechanisms": []}, "mechanisms: is empty"),
        ({"mechanisms": ["pivto"]}, "mechanisms[0]: unknown mechanism 'pivto'"),
        ({"mechanisms": ["pivot", "pivot"]}, "mechanisms[1]: 'pivot' is given twice"),
        (
            {"mechanisms": ["groves:phi=x y", "groves:phi=X+y"]},
            "mechanisms[1]: 'groves:phi=X+y' and 'groves:phi=x y' would",
        ),
        ({"strategies": {}}, "strategies: is empty"),
        ({"strategies": strategies(low=3)}, "strategies.low: 3 is not what is expected there"),
        ({"strategies": strategies(low={"uses": "truthful"})}, "strategies.low.uses: unknown key"),
        ({"strategies": strategies(low={})}, "strategies.low: give either use or mix"),
        ({"strategies": strategies(low="nothing")}, "strategies.low: unknown strategy 'nothing'"),
        (
            {"strategies": strategies(low="misreport:way=down")},
            "strategies.low: strategy 'misreport': unknown option 'way'",
        ),
        (
            {"strategies": strategies(low={"use": "truthful", "noise": 2.0})},
            "strategies.low: noise: 2.0 is not between",
        ),
        (
            {"strategies": strategies(low={"use": "truthful", "noise": "much"})},
            "strategies.low.noise: 'much' is not a number",
        ),
        (
            {"strategies": strategies(low={"use": "truthful", "shade": -1.5})},
            "strategies.low: shade: -1.5 is not between",
        ),
        ({"strategies": strategies(low={"use": "truthful", "delay": 0})}, "strategies.low: delay: 0 is below 1"),
        ({"strategies": strategies(low={"mix": {"truth": 0.5, "nix": 0.5}})}, "strategies.low.mix: no strategy 'nix'"),
        (
            {"strategies": strategies(low={"mix": {"truth": 0.5, "down": 0.4}})},
            "strategies.low: mixture 'low': weights",
        ),
        (
            {"strategies": strategies(low={"mix": {"truth": 0.5, "low": 0.5}})},
            "strategies.low: mix: it is a part of itself",
        ),
        ({"strategies": strategies(low={"mix": {"truth": 1.0}, "noise": 0.1})}, "strategies.low: wrappers go on"),
        ({"strategies": strategies(a_b="truthful")}, "strategies.a_b: a name is up to 40 letters"),
        ({"strategies": strategies(prescribed="truthful")}, "strategies.prescribed: that is what the mechanism asks"),
        ({"strategies": strategies(Down="truthful")}, "strategies.Down: differs from 'down' in capitals only"),
        ({"truth": "honest"}, "truth: no strategy 'honest'"),
        ({"roles": {"r": {"agents": ["bidder 1", "nobody"]}}}, "roles.r.agents: no agent 'nobody'"),
        ({"roles": {"r": {"agents": ["bidder 1", "bidder 2"]}}}, "roles: agent 'bidder 3' is in no role"),
        (
            {"roles": {"r": {"agents": ["bidder 1", "bidder 2", "bidder 3", "bidder 1"]}}},
            "roles: agent 'bidder 1' is in more than one place",
        ),
        ({"roles": {"r": {"agents": []}}}, "roles.r.agents: is empty"),
        (
            {"roles": {"r": {"agents": ["0", "1", "2"], "strategies": ["truth", "up"]}}},
            "roles.r.strategies: no strategy 'up'",
        ),
        (
            {"environment": "spectrum", "roles": {"all": {"agents": ["0", "1", "2"]}}},
            "roles.all: not symmetric, period 0: utilities or kernel tell 'carrier 1'",
        ),
        ({"episodes": 1}, "episodes: 1 is below 2"),
        ({"width": 0.0}, "width: 0.0 is not above 0"),
        ({"width": float("inf")}, "width: inf is not finite"),
        ({"tail": float("nan")}, "tail: nan is not "),
        ({"width": 0.1, "most": 100}, "most: 100 is below episodes, 2000"),
        ({"log": "all"}, "log: 'all' is none of full, episodes, summary"),
        ({"coalitions": [["0", "1"]]}, "coalitions: "),
        ({"coalitions": {"c": ["0", "bidder 9"]}}, "coalitions.c: no agent 'bidder 9'"),
        ({"coalitions": {"c": ["0", "bidder 1"]}}, "coalitions.c: an agent is named twice"),
        ({"coalitions": {"c": []}}, "coalitions.c: is empty"),
        ({"coalitions": {"c d": ["0"]}}, "coalitions.'c d': a name is up to 40 letters"),
        ({"plugins": ["absent.py"]}, "plug-in absent.py"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(changes: dict[str, Any], words: str) -> None:
    found = refused(**changes)
    assert any(one.startswith(words) for one in found), found


def test_all_that_is_wrong_is_said_at_once_types_and_meaning_alike() -> None:
    found = refused(
        environment={"use": "spectrum:asymmetry=0", "sweep": {"discount": [0.9, 2.0]}},
        mechanisms=["pivto", "pivot"],
        strategies=strategies(low={"use": "truthful", "noise": "much"}, high={"mix": {"low": 0.5, "up": 0.5}}),
        roles={
            "r": {"agents": ["carrier 1", "carrier 2", "carrier 3"], "strategies": ["low", "none"], "symetric": True}
        },
        episodes="many",
        log="all",
        width=-1.0,
    )
    assert [
        one.partition(":")[0] for one in found if not one.startswith(("did you mean", "known", "strategies: "))
    ] == [
        "strategies.low.noise",
        "roles.r.symetric",
        "episodes",
        "width",
        "strategies.high.mix",
        "log",
        "mechanisms[0]",
        "environment",
    ]


def test_a_strategy_that_is_wrong_is_not_said_to_be_absent_elsewhere() -> None:
    found = refused(strategies={"truth": {"use": "truthful", "noise": "a"}, "mixed": {"mix": {"truth": 1.0}}})
    assert [one for one in found if "truth" in one] == ["strategies.truth.noise: 'a' is not a number"]


def write(folder: Path, text: str) -> Path:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return path


TEXT = """
environment = "repeated-auction:bidders=2,horizon=2"
mechanisms = ["pivot"]
[strategies]
truth = "truthful"
low = { use = "misreport:map=down" }
"""


def test_a_value_is_put_in_its_place(tmp_path: Path) -> None:
    study = load_tournament(
        write(tmp_path, TEXT),
        ["episodes=50", "strategies.low.noise = 0.5", 'mechanisms=["pivot", "team"]', "title=two words", "log=full"],
    )
    assert (study.episodes, study.title, study.log) == (50, "two words", "full")
    assert study.mechanisms == ["pivot", "team"]
    assert study.strategies["low"].noise == 0.5


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("episodes", "--set 'episodes': not of the form a.b=value"),
        ("=3", "--set '=3': not of the form"),
        ("a..b=3", "--set 'a..b=3': not of the form"),
        ("mechanisms.first=3", "--set 'mechanisms.first=3': 'mechanisms' holds a value"),
        ("episodes=many", "episodes: 'many' is not a whole number"),
        ("episodes=3\nseed=2", "episodes: '3\\nseed=2' is not a whole number"),
        ("seed=" + "[" * 3000, "seed: "),
        ("seed=" + "9" * 5000, "seed: "),
    ],
)
def test_a_wrong_override_is_named(override: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_tournament(write(tmp_path, TEXT), [override])
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["a = ", "\x00", "a = 1\na = 2"])
def test_what_is_not_toml_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not TOML"):
        load_tournament(write(tmp_path, text))


def test_strategies_of_a_plugin_are_known_when_the_study_is_checked(tmp_path: Path) -> None:
    plugin = planted(tmp_path / "mine.py", strategy("mine", "return view.prescribed"))
    study = load_tournament(write(tmp_path, f'plugins = ["{plugin}"]\n{TEXT}mine = "mine"\n'))
    assert study.build_strategies()["mine"].name == "mine"


def test_a_sweep_is_every_combination() -> None:
    entry = {"use": "repeated-auction:bidders=2", "sweep": {"horizon": [1, 2], "values": [2, 3]}}
    texts = check_tournament({**GOOD, "environment": entry}, "s").environment.texts()
    assert texts == [f"repeated-auction:bidders=2,horizon={h},values={v}" for h in (1, 2) for v in (2, 3)]


def test_agents_that_are_not_alike_get_a_role_each() -> None:
    from dynmech.experiments.catalog.names import load

    roles = {"big": {"agents": ["carrier 3"]}, "rest": {"agents": ["carrier 1", "carrier 2"], "symmetric": False}}
    study = check_tournament({**GOOD, "environment": "spectrum:horizon=2", "roles": roles}, "s")
    made, assumed = make_roles(study, load("spectrum:horizon=2"))
    assert [(role.name, role.agents) for role in made] == [("big", (2,)), ("carrier 1", (0,)), ("carrier 2", (1,))]
    assert assumed == []
    everybody = {"all": {"agents": ["carrier 1", "carrier 2", "carrier 3"]}}
    wrong = Study.model_validate({**GOOD, "environment": "spectrum", "roles": everybody})
    with pytest.raises(InputError, match="not symmetric"):
        make_roles(wrong, load("spectrum"))


def test_the_published_schema_is_this_one_and_explains_every_key() -> None:
    """`docs/tournament.schema.json`, with which editors complete what is written."""
    kept = json.loads((Path(__file__).parents[3] / "docs" / "tournament.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema()
    assert all(field.get("description") for field in kept["properties"].values())
    assert kept["properties"]["payments"]["enum"] == ["enforced", "billed", "voluntary"]
    assert kept["properties"]["environment"]["anyOf"][0] == {"type": "string"}, "a text may stand for the table"
