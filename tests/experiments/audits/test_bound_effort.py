"""Bounds that resume, that several processes share out, and policies that are tried from below."""

import importlib
import importlib.util
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech.agents.bounds.bracket import Effort, bracket_gain
from dynmech.agents.bounds.inner_problem import Samples, TabledCandidate
from dynmech.agents.bounds.policy_candidate import ObservedPolicy, PolicyCandidate
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits import bounds_audit
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.play.game import make_game
from tests.builders.audit_words import call

PLAYED = ("power-plants", "pay-your-report")
"""A pair whose bounds take some paths."""

CHEAP = ("bilateral-trade", "groves")


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds_audit, "STEPS", 1e6)


def brackets(*pair: str, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = audit(*(pair or PLAYED), bounds=True, **options).to_dict()["brackets"]
    return found


def test_what_was_played_is_read_and_the_bounds_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = brackets()
    assert plain[0]["paths"] > 0
    played = brackets(out=tmp_path)
    assert played == plain
    files = sorted(tmp_path.iterdir())
    assert files
    files[0].write_bytes(b"half a fi")
    files[-1].unlink()
    asked = []
    inner = TabledCandidate.play

    def counted(self: TabledCandidate, scope: str, shard: int, n: int) -> Samples:
        asked.append(scope)
        return inner(self, scope, shard, n)

    monkeypatch.setattr(TabledCandidate, "play", counted)
    assert brackets(out=tmp_path) == plain
    assert len(asked) == 2, "only what was lost or damaged is played again"
    assert brackets(out=tmp_path, seed=1) != plain, "another seed is another play"


def test_functions_of_one_name_do_not_read_each_others_samples(tmp_path: Path) -> None:
    given = [lambda *known: 0.0 * known[2], lambda *known: 5.0 + 3.0 * np.cos(known[2] + 2.0 * known[4])]
    assert brackets(penalties=given, out=tmp_path) == brackets(penalties=given)
    assert brackets(penalties=given, out=tmp_path) == brackets(penalties=given), "and when they are read"


def test_a_function_that_was_edited_is_played_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    found = []
    for body in ("0.0 * memory", "3.0 * memory + t", "3.0 * memory + t"):
        (tmp_path / "written_values.py").write_text(f"def value(t, agent, memory, *_):\n    return {body}\n")
        sys.modules.pop("written_values", None)
        importlib.invalidate_caches()
        function = importlib.import_module("written_values").value
        brackets(*CHEAP, penalties=[function], out=tmp_path / "kept")
        found.append(len(list((tmp_path / "kept").iterdir())))
    assert found[1] == 2 * found[0] > 0, "under the same name, but not the same"
    assert found[2] == found[1]


def test_an_interrupted_line_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner, left = TabledCandidate.play, [5]

    def dying(self: TabledCandidate, scope: str, shard: int, n: int) -> Samples:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return inner(self, scope, shard, n)

    with monkeypatch.context() as patch:
        patch.setattr(TabledCandidate, "play", dying)
        with pytest.raises(KeyboardInterrupt):
            brackets(out=tmp_path)
    assert len(list(tmp_path.iterdir())) == 5
    assert brackets(out=tmp_path) == brackets()


def test_workers_change_nothing() -> None:
    assert brackets("oil-leases-prior", "cremer-mclean", workers=2) == brackets("oil-leases-prior", "cremer-mclean")


def test_more_effort_plays_more_and_the_audit_says_why_it_stopped() -> None:
    few, many = (audit(*PLAYED, bounds=True, width=1e-6, effort=effort) for effort in (1.0, 4.0))
    paths = [result.to_dict()["brackets"][0]["paths"] for result in (few, many)]
    assert paths[0] < paths[1]
    assert "The budget was spent before" in few.method
    assert "All bounds are as close as was asked" in audit(*CHEAP, bounds=True, width=50.0).method


def test_what_cannot_be_honoured_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in ({"effort": 2.0}, {"workers": 2}, {"out": tmp_path / "kept"}, {"policies": {"plant 1": "truthful"}}):
        with pytest.raises(InputError, match=r"for bounds only|no agent"):
            audit(*PLAYED, **options)
    with pytest.raises(InputError, match="effort: 0 is not above 0"):
        audit(*PLAYED, bounds=True, effort=0.0)
    (tmp_path / "file").write_text("x")
    code, out, err = call(capsys, "audit", *PLAYED, "--bounds", "--out", str(tmp_path / "file"))
    assert code == 2
    assert "out: " in out + err


def test_the_command_line_keeps_and_shares(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["audit", *CHEAP, "--bounds", "--json", "--effort", "0.5", "--workers", "2", "--out", str(tmp_path)]
    code, out, _ = call(capsys, *line)
    assert list(tmp_path.iterdir())
    assert call(capsys, *line)[:2] == (code, out)


class Lie:
    """A policy as stable-baselines3's: firm 1 says the opposite of the truth in the first period."""

    def predict(self, observation: dict[str, Any]) -> tuple[Any, None]:
        signal = observation["signal"]
        return np.where(observation["period"] == 0, 1 - signal, signal), None


def opposite(observation: dict[str, Any]) -> Any:
    return Lie().predict(observation)[0]


@pytest.mark.parametrize("policy", [Lie(), opposite, "fictitious-play:rounds=50"])
def test_any_policy_is_a_lower_bound(policy: object) -> None:
    found = brackets("oil-leases-prior", "cremer-mclean", policies={"firm 1": policy})
    (named,) = (one for one in found[0]["tried"] if one.startswith("policy: "))
    assert named in found[0]["tried"]
    assert not any(one.startswith("policy: ") for one in found[1]["tried"])
    assert found[0]["lower"] <= 2 <= found[0]["upper"]


def test_a_policy_that_gains_is_a_bound_by_play_alone() -> None:
    environment = load("oil-leases-prior")
    game = make_game(environment, make_mechanism("cremer-mclean", environment), None)
    best = audit("oil-leases-prior", "cremer-mclean").witness
    found = {}
    for name, strategy in (("best", best), ("opposite", ObservedPolicy(opposite))):
        candidate = PolicyCandidate(game, 0, strategy.made_for(game, 0), 0, name)
        found[name] = bracket_gain([candidate], 1.0, Effort(width=1e-9, steps=6e5))
        assert found[name].upper >= candidate.limits.high - 1e-9, "a policy says nothing from above"
    assert 1 < found["best"].lower <= 2
    assert found["opposite"].lower == 0 > found["opposite"].estimate_below + 1


def test_a_policy_is_held_against_the_truth_on_the_same_draws_and_the_cut_is_taken_off() -> None:
    environment = load("repeated-auction:discount=0.6")
    game = make_game(environment, make_mechanism("pay-your-report", environment), None, tail=1e-2)

    class AlsoTruthful(Truthful):
        name = "also-truthful"

    candidate = PolicyCandidate(game, 0, AlsoTruthful(), 0, "truth")
    assert not candidate.play("here", 0, 50).lower.any()
    assert candidate.limits.lower_tail == pytest.approx(2 * game.tail)
    assert game.tail > 0


def test_an_observation_is_that_of_the_environment_of_one_deviator() -> None:
    pytest.importorskip("gymnasium", reason="the extra dynmech[rl] is not installed")
    from dynmech.experiments.bridges.rl import SCOPE, deviator_env
    from dynmech.sim.core.streams import Streams
    from dynmech.sim.play.loop import play_shard

    seen: list[dict[str, Any]] = []

    def honest(observation: dict[str, Any]) -> Any:
        seen.append(observation)
        return observation["signal"]

    env = deviator_env("oil-leases-prior", "cremer-mclean", "firm 1")
    game = env.stepper.game
    streams = Streams(0, SCOPE, 0, 1, game.periods + game.closing)
    play_shard(game, [ObservedPolicy(honest), Truthful()], streams, keep="payoffs")
    observation, _ = env.reset(seed=0)
    for shown in seen:
        for key, value in observation.items():
            assert np.array_equal(np.asarray(value), np.asarray(shown[key][0])), key
        observation, *_ = env.step(int(observation["signal"]))


def test_a_policy_that_cannot_be_written_is_not_kept(tmp_path: Path) -> None:
    policy = Lie()
    policy.lock = threading.Lock()  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="out: penalties, features or a policy cannot be written down"):
        brackets("oil-leases-prior", "cremer-mclean", policies={"firm 1": policy}, out=tmp_path)


def test_policies_that_answer_wrongly_are_named() -> None:
    with pytest.raises(InputError, match="is no strategy, no function"):
        audit("oil-leases-prior", "linked", bounds=True, policies={"firm 1": 3})
    with pytest.raises((InputError, PlayError), match="answers for"):
        audit("oil-leases-prior", "linked", bounds=True, policies={"firm 1": lambda _: [0, 0, 0]})


@pytest.mark.skipif(
    importlib.util.find_spec("stable_baselines3") is None,
    reason="stable-baselines3 is not installed; it is no requirement, docs/bounds.md says how to try it",
)
def test_a_policy_of_stable_baselines_is_a_lower_bound() -> None:
    from stable_baselines3 import PPO  # type: ignore[import-not-found]

    from dynmech.experiments.bridges.rl import deviator_env

    env = deviator_env("oil-leases-prior", "cremer-mclean", "firm 1")
    model = PPO("MultiInputPolicy", env, seed=0, n_steps=256).learn(2048)
    found = brackets("oil-leases-prior", "cremer-mclean", policies={"firm 1": model})
    assert "policy: PPO" in found[0]["tried"]
    assert found[0]["lower"] <= 2 <= found[0]["upper"]
