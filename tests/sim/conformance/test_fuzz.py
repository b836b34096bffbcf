"""Spoilt files: each is read, and then really works, or is refused with one line that names it. No tracebacks."""

import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.random_report import RandomReport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_strategy, take_in_plugins
from dynmech.experiments.runs.agent_profiles import agent_index
from dynmech.experiments.runs.loading import open_game
from dynmech.experiments.runs.running import make_protocol
from dynmech.experiments.runs.simulation import Sampling
from dynmech.experiments.runs.study import load_study
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.experiments.workers.pool import Workers
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.conformance.environment_check import check_environment
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import DynmechError
from dynmech.sim.core.spaces import Space
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.files import environment_to_data, load_environment
from dynmech.sim.log.tables import outcomes_table
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import Situation
from tests.builders.mutations import GENTLE, as_json, as_toml, spoilt, torn
from tests.builders.small_economies import town_table

LARGEST = 1e150
"""Utilities beyond this overflow when they are added up; that is for the game to refuse, not for the file."""


def farm() -> dict[str, Any]:
    """A public state, costs and private actions."""
    return {
        "schema": 1, "name": "farm", "agents": ["Ann", "Bob"], "discount": 0.5, "horizon": None,
        "prior": [[[0.25], [0.25]], [[0.5], [0.0]]],
        "stages": [{
            "signals": [["low", "high"], ["-"]], "decisions": ["rest", "work"], "public": ["dry", "wet"],
            "cost": [[0.0, 0.5], [1.0, 2.0]], "private_actions": [["rest", "work"], ["-"]],
            "utility": [[[[[0.0], [1.0]], [[2.0], [3.0]]]] * 2, [[[[0.5], [0.5]], [[0.5], [0.5]]]] * 2],
            "kernel": {"joint": [[[[[[[0.25], [0.25]], [[0.5], [0.0]]]]] * 2] * 2] * 2},
        }],
    }  # fmt: skip


SOUND: list[dict[str, Any]] = [
    environment_to_data(OilLeasesPrior().build()),
    environment_to_data(RepeatedAuction(values=2, horizon=2).build()),
    environment_to_data(town_table()),
    farm(),
]

STUDY: dict[str, Any] = {
    "environment": "oil-leases-prior",
    "mechanism": "cremer-mclean",
    "episodes": 20,
    "seed": 3,
    "out": "runs/a",
    "plugins": ["p.py"],
    "deadline": 0.5,
    "disclosure": "everything",
    "tail": 1e-3,
    "strategies": {"firm 1": "belief-manipulation", "firm-2": "one-shot:period=1,map=flip"},
    "latency": {"all": "exponential:0.1", "firm 1": "0.2"},
}

PLUGIN = "from dynmech.agents.strategies.truthful import Truthful\nclass Mine(Truthful):\n    name = 'mine'\n"


class AnyRule(Mechanism):
    """Takes some decision for every profile of reports."""

    name = "any-rule"

    def messages(self, t: int, agent: int) -> Space:
        return self.environment.signal_space(t, agent)

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return signal

    def decide(self, now: Situation, messages: Array) -> Array:
        decisions = self.environment.decision_space(now.t)
        return (messages.sum(axis=1) + now.public) % decisions.size  # type: ignore[union-attr] # it is finite

    def transfer_bound(self) -> float:
        return 0.0


def play(environment: TableEnvironment) -> None:
    """A few episodes of the first periods, with a log, truth against noise."""
    if len(environment.stages) == 1:
        environment = replace(environment, horizon=min(environment.horizon or 4, 4))
    check_environment(environment, episodes=4)
    game = make_game(environment, AnyRule(environment))
    profile = [Truthful(), *[RandomReport()] * (len(environment.agents) - 1)]
    record = play_shard(game, profile, Streams(0, "fuzz", 0, 5, game.periods), episodes=5)
    assert np.isfinite(record.payoffs).all()
    outcomes_table(record, 0, [strategy.key() for strategy in profile])


def one_line(error: DynmechError, path: Path | None = None) -> None:
    text = str(error)
    assert len(text.splitlines()) == 1
    assert not {unicodedata.category(character) for character in text} & {"Cc", "Cs", "Zl", "Zp"}, repr(text)
    assert len(text) < 10_000
    assert path is None or text.startswith(f"{path}: ")


def read_environment(path: Path) -> bool:
    """Read it and play it; whether it could be read."""
    try:
        environment = load_environment(path)
    except DynmechError as error:
        one_line(error, path)
        return False
    if environment.utility_bound() < LARGEST:
        play(environment)
    return True


def read_study(path: Path) -> bool:
    """Read it, open its game and play it; whether that could be done."""
    try:
        study = load_study(path)
    except DynmechError as error:
        one_line(error, path)
        return False
    try:
        take_in_plugins(map(Path, study.plugins))
        environment = load(study.environment)
        protocol = make_protocol(environment.agents, study.deadline, study.latency, study.disclosure)
        game = open_game(environment, study.mechanism, protocol, study.tail, Workers())
        assert Sampling(study.episodes, study.seed).shards(game)
        profile: list[Strategy] = [Truthful()] * len(environment.agents)
        for who, strategy in study.strategies.items():
            profile[agent_index(environment.agents, who)] = make_strategy(strategy)
        record = play_shard(game, profile, Streams(study.seed, "fuzz", 0, 4, game.periods + game.closing))
        assert np.isfinite(record.payoffs).all()
    except DynmechError as error:
        one_line(error)
        return False
    return True


environments = st.sampled_from(SOUND).flatmap(
    lambda data: st.one_of(
        spoilt(data, most=1).map(as_json),
        spoilt(data).map(as_json),
        spoilt(data, of=GENTLE).map(as_json),
        torn(as_json(data)),
    )
)
studies = st.one_of(
    spoilt(STUDY, most=1).map(as_toml),
    spoilt(STUDY).map(as_toml),
    spoilt(STUDY, of=GENTLE).map(as_toml),
    torn(as_toml(STUDY)),
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the plug-in that the study names."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "p.py").write_text(PLUGIN, encoding="utf-8")
    monkeypatch.chdir(folder)


def test_what_is_not_spoilt_works() -> None:
    for k, data in enumerate(SOUND):
        Path(f"{k}.json").write_bytes(as_json(data))
        assert read_environment(Path(f"{k}.json"))
    Path("s.toml").write_bytes(as_toml(STUDY))
    assert read_study(Path("s.toml"))


def spoil_environment(text: bytes) -> None:
    Path("e.json").write_bytes(text)
    read_environment(Path("e.json"))


def spoil_study(text: bytes) -> None:
    Path("s.toml").write_bytes(text)
    read_study(Path("s.toml"))


QUICK = settings(max_examples=200, suppress_health_check=list(HealthCheck))
SLOW = settings(max_examples=5000, suppress_health_check=list(HealthCheck))

test_some_spoilt_environments = QUICK(given(environments)(spoil_environment))
test_some_spoilt_studies = QUICK(given(studies)(spoil_study))
test_five_thousand_spoilt_environments = pytest.mark.slow(SLOW(given(environments)(spoil_environment)))
test_five_thousand_spoilt_studies = pytest.mark.slow(SLOW(given(studies)(spoil_study)))
