"""A profile is played, and so is the best deviation from it: both earn what the search over beliefs says."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from dynmech import audit, load, run
from dynmech.agents.beliefs.belief_gains import search_beliefs
from dynmech.agents.beliefs.belief_witness import BeliefWitness
from dynmech.agents.beliefs.period_outcomes import Shown
from dynmech.agents.beliefs.played_profile import PlayedProfile
from dynmech.agents.beliefs.profile_files import save_profile
from dynmech.agents.beliefs.profile_part import ProfilePart
from dynmech.agents.beliefs.profiles import Profile, prescribed_profile
from dynmech.agents.oracle.search import Family
from dynmech.experiments.catalog.names import make_mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.roles import StrategyProtocol
from tests.builders.cli_calls import exit_code
from tests.builders.shown_play import Machine, changing_economy
from tests.builders.shown_profiles import drawn_profile

EPISODES = 4000


def finite(name: str) -> TableEnvironment:
    environment = load(name)
    assert isinstance(environment, TableEnvironment)
    return environment


def payoffs(game: Game, strategies: list[StrategyProtocol]) -> FloatArray:
    streams = Streams(0, "profile", 0, EPISODES, game.periods + game.closing)
    return play_shard(game, strategies, streams, keep="payoffs").payoffs


def assert_played_as_searched(profile: Profile, disclosure: str) -> list[float]:
    """Hold play of a profile, and each agent's best deviation, to their figures; return the exact gains."""
    environment, rules = profile.game.environment, profile.game.mechanism
    game = make_game(environment, rules, ProtocolOptions(disclosure=disclosure))
    agents = range(len(environment.agents))
    parts = [ProfilePart(profile, i) for i in agents]
    usual = payoffs(game, [*parts])
    error = usual.std(axis=1, ddof=1) / np.sqrt(EPISODES)
    assert (np.abs(usual.mean(axis=1) - PlayedProfile.of(profile).payoff) <= 4.5 * error + 2 * game.tail + 1e-9).all()
    gains = []
    for i in agents:
        search = search_beliefs(Shown(profile, (i,), disclosure), families=(Family.BEST_RESPONSE,), ex_post=False)
        found = payoffs(game, [BeliefWitness(search, one) if k == i else one for k, one in enumerate(parts)])[i]
        figure = search.figures[Family.BEST_RESPONSE]["ex_ante"]
        error = float(np.hypot(found.std(ddof=1), usual[i].std(ddof=1)) / np.sqrt(EPISODES))
        slack = 4.5 * error + 2 * game.tail + figure.error
        # Where not every belief is followed, its plan earns the lower bound at least.
        assert figure.lower - slack <= found.mean() - usual[i].mean() <= figure.upper + slack
        gains.append(figure.lower)
    return gains


@pytest.mark.parametrize("recall", ["none", "reports", "signals"])
@pytest.mark.parametrize("seed", [1, 2])
def test_profiles_at_random(recall: str, seed: int) -> None:
    environment = changing_economy(seed)
    game = FiniteGame(environment, Machine(environment, seed))
    assert max(assert_played_as_searched(drawn_profile(game, recall, seed), "everything")) > 0.01


@pytest.mark.parametrize("disclosure", ["announced", "decisions", "own"])
def test_the_truth_where_less_is_shown(disclosure: str) -> None:
    environment = finite("oil-leases-prior")
    game = FiniteGame(environment, make_mechanism("cremer-mclean", environment))
    assert assert_played_as_searched(prescribed_profile(game), disclosure)[0] == pytest.approx(2, abs=1e-9)


def test_actions_are_chosen_after_what_is_shown() -> None:
    environment = changing_economy(3, actions=True)
    game = FiniteGame(environment, Machine(environment, 3))
    assert max(assert_played_as_searched(drawn_profile(game, "none", 3), "everything")) > 0.01


def test_what_is_announced_is_heard_before_actions_and_after() -> None:
    """Any numbers may be announced; play finds its way by them as the search does."""
    environment = changing_economy(3, actions=True)
    rules = Machine(environment, 3)
    vars(rules)["announces"] = lambda now, messages, decision: messages.max(axis=1) - 0.5  # noqa: ARG005
    truth = prescribed_profile(FiniteGame(environment, rules))
    assert max(assert_played_as_searched(truth, "announced")) > 0.01


def test_the_last_bit_decides_no_message_and_no_action(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to rounding all is worth the same: the first usual message is sent, the action that is asked taken."""
    environment = changing_economy(3, actions=True)
    profile = drawn_profile(FiniteGame(environment, Machine(environment, 3)), "none", 3)
    search = search_beliefs(Shown(profile, (0,), "everything"), families=(Family.BEST_RESPONSE,), ex_post=False)
    graph, rng = search.graph, np.random.default_rng(1)
    witness = BeliefWitness(search, ProfilePart(profile, 0))
    choices = witness._choices(1 + rng.uniform(0, 1e-15, len(graph.choice_act)), 1.0)
    assert {k.tolist() for k in np.unique(graph.choice_act, return_counts=True)[0]} == {0, 1}
    for (node, before), k in choices.items():
        assert graph.choice_act[k] == graph.outcomes[graph.nodes[node].entry].obey[before]
    count = len(search.values.message_at()[0])
    monkeypatch.setattr(search.values, "kept", lambda *_, **__: np.ones(len(graph.nodes)))
    sent = []
    for noise in (np.zeros(count), rng.uniform(0, 1e-15, count)):
        monkeypatch.setattr(search.values, "of_messages", lambda _, noise=noise: 1 + noise)
        sent.append(witness._messages(search, np.ones(len(graph.nodes))))
    assert np.array_equal(sent[0], sent[1])


def test_beliefs_without_end() -> None:
    environment = finite("random:seed=2,agents=2,signals=2,discount=0.6")
    game = FiniteGame(environment, make_mechanism("pay-your-report", environment))
    assert max(assert_played_as_searched(drawn_profile(game, "none", 2), "everything")) > 0.01


PLAYED = re.compile(r"^.*: (dynmech run .*)$", re.MULTILINE)


def test_an_audit_of_a_profile_says_how_to_play_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    economy, mechanism = "repeated-auction:values=3,horizon=2", "pay-your-report"
    environment = finite(economy)
    game = FiniteGame(environment, make_mechanism(mechanism, environment))
    save_profile(drawn_profile(game, "reports", 1), "drawn.json")
    assert exit_code(["audit", economy, mechanism, "--profile", "drawn.json"]) == 1
    (line,) = [shlex.split(found)[1:] for found in PLAYED.findall(capsys.readouterr().out)]
    assert [word.partition("=")[2] for word in line[4::2]].count("profile:file=drawn.json") == 1
    found = audit(economy, mechanism, profile="drawn.json")
    best = found.gains.query("family == 'best_response' and information == 'ex_ante'")
    gains = dict(zip(best["agent"], best["lower"], strict=True))
    who = max(gains, key=lambda name: gains[name])
    assert f"{who}=profile:file=drawn.json,deviate=true" in line
    assert exit_code([*line, "--episodes", "4000", "--out", "r", "--json"]) == 0
    rows = {row["agent"]: row for row in json.loads(capsys.readouterr().out)["agents"]}
    usual = dict(zip(environment.agents, found.to_dict()["profile"]["payoff"], strict=True))
    assert rows[who]["payoff"] - usual[who] == pytest.approx(gains[who], abs=2.5 * rows[who]["payoff_half_width"])
    text = Path("drawn.json").read_text(encoding="utf-8")
    Path("drawn.json").write_text(text + " ", encoding="utf-8")
    assert exit_code([*line, "--episodes", "4000", "--out", "r"]) == 2, "another file is another run"
    with pytest.raises(InputError, match=r"missing\.json: cannot be read"):
        run(economy, mechanism, {who: "profile:file=missing.json"}, episodes=4)
