"""The search over beliefs against trees over full histories that share no code with it, and the exact search."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.beliefs import (
    RECALLS,
    PlayedProfile,
    Shown,
    prescribed_profile,
    profile_from_data,
    profile_to_data,
    search_beliefs,
)
from dynmech.agents.beliefs.profile_schema import json_schema
from dynmech.agents.oracle.gains import FAMILIES, KINDS, search_deviator
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family
from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.names import make_strategy
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array
from dynmech.sim.core.errors import DynmechError, InputError, Refusal
from dynmech.sim.play.roles import View
from tests.builders.shown_play import Machine, ShownTree, changing_economy
from tests.builders.shown_profiles import behaviour_of, drawn_profile

ROOT = Path(__file__).parents[3]

CASES = (
    ("everything", "none"),
    ("everything", "reports"),
    ("everything", "signals"),
    ("decisions", "none"),
    ("own", "none"),
    ("announced", "none"),
)
"""Disclosure, and what the profile recalls; where less is disclosed everybody does what is asked."""


def mismatch(seed: int, disclosure: str, recall: str, horizon: int = 2, periods: int = 1) -> tuple[float, float]:
    """The largest difference between search and tree over agents, relative to the scale, and the largest gain."""
    environment = changing_economy(seed, horizon, actions=seed % 5 == 4)
    mechanism = Machine(environment, seed, pooling=bool(seed % 4))
    game = FiniteGame(environment, mechanism)
    public = disclosure == "everything"
    profile = drawn_profile(game, recall, seed, periods) if public else prescribed_profile(game)
    worst = largest = 0.0
    for agent in range(len(environment.agents)):
        search = search_beliefs(Shown(profile, (agent,), disclosure), families=(Family.BEST_RESPONSE,), ex_post=False)
        tree = ShownTree(mechanism, agent, behaviour_of(profile), disclosure)
        gain, figure = tree.value("anything") - tree.value("kept"), search.figures[Family.BEST_RESPONSE]["ex_ante"]
        worst, largest = max(worst, abs(figure.lower - gain), abs(figure.upper - gain)), max(largest, gain)
    return worst / environment.scale, largest


@pytest.mark.parametrize(("disclosure", "recall"), CASES)
def test_a_sample_of_games_agrees_with_the_tree(disclosure: str, recall: str) -> None:
    found = [mismatch(seed, disclosure, recall) for seed in (1, 2, 4, 9)]
    assert max(worst for worst, _ in found) <= 1e-9
    assert max(gain for _, gain in found) > 0.05  # else nothing was compared


def test_profiles_that_recall_two_periods_agree_with_the_tree() -> None:
    """Strategies that look two periods back: their tables in three periods use all of it."""
    found = [mismatch(seed, "everything", recall, 3, periods=2) for seed, recall in ((7, "reports"), (57, "signals"))]
    assert max(worst for worst, _ in found) <= 1e-9
    assert max(gain for _, gain in found) > 0.05


@pytest.mark.slow
def test_games_of_three_periods_with_whole_histories_agree_with_the_tree() -> None:
    """60 economies × mechanisms against strategies that depend on everything that an agent has seen.

    Without private actions: with them the tree of three periods takes minutes for some economies.
    """
    seeds = [seed for seed in range(75) if seed % 5 != 4]
    found = [mismatch(seed, "everything", ("reports", "signals")[seed % 2], 3, periods=2) for seed in seeds]
    assert max(worst for worst, _ in found) <= 1e-9
    assert sum(gain > 1e-6 for _, gain in found) > 50


@pytest.mark.slow
def test_six_hundred_games_agree_with_the_tree() -> None:
    """100 economies × mechanisms, in each of the six cases; one in twenty-five has three periods."""
    found = [
        mismatch(seed, disclosure, recall, 3 if seed % 25 == 7 and recall != "signals" else 2)
        for seed, (disclosure, recall) in product(range(100), CASES)
    ]
    assert len(found) == 600
    assert max(worst for worst, _ in found) <= 1e-9
    assert sum(gain > 1e-6 for _, gain in found) > 480


def game_of(name: str, mechanism: str) -> FiniteGame:
    environment = dm.load(name)
    rules = dm.make_mechanism(mechanism, environment)
    assert isinstance(rules, Mechanism)
    return FiniteGame(rules.environment, rules)  # type: ignore[arg-type] # finite ones only


@pytest.mark.parametrize(
    ("name", "mechanism"),
    [
        ("oil-leases-prior", "cremer-mclean"),
        ("oil-leases", "linked"),
        ("repeated-auction:values=2", "pay-your-report"),
        ("repeated-auction:values=2,fatigue=0.3", "pivot"),
    ],
)
def test_truth_and_everything_public_is_the_exact_search(name: str, mechanism: str) -> None:
    """Every family and every information, and the figures of a coalition."""
    game = game_of(name, mechanism)
    profile = prescribed_profile(game)
    for who in ((0,), (1,), (0, 1)):
        exact, beliefs = search_deviator(build_problem(game, who)), search_beliefs(Shown(profile, who))
        for family, kind in product(FAMILIES, KINDS):
            figure, gain = beliefs.figures[family][kind], exact.figures[family][kind]
            assert figure.exact
            assert figure.lower == pytest.approx(gain.gain, abs=1e-9 + figure.error + gain.bound)


@pytest.mark.parametrize("recall", RECALLS)
def test_a_profile_of_truth_is_worth_what_truth_is_worth(recall: str) -> None:
    for name, mechanism in (("oil-leases-prior", "cremer-mclean"), ("repeated-auction:values=2,fatigue=0.3", "pivot")):
        game = game_of(name, mechanism)
        played, truth = PlayedProfile.of(prescribed_profile(game, recall)), game.truthful
        np.testing.assert_allclose(played.utility, truth.utility, atol=1e-9)
        np.testing.assert_allclose(played.transfer, truth.transfer, atol=1e-9)
        assert played.welfare == pytest.approx(truth.welfare, abs=1e-9)


def test_a_profile_is_worth_to_the_deviator_what_it_is_worth() -> None:
    game = FiniteGame(environment := changing_economy(3, 3), Machine(environment, 3))
    profile = drawn_profile(game, "reports", 3)
    played = PlayedProfile.of(profile)
    for agent in range(2):
        values = search_beliefs(Shown(profile, (agent,)), ex_post=False).values
        start = values.graph.start
        assert sum(values.profile[k] * p for k, p in start.items()) == pytest.approx(played.payoff[agent], abs=1e-12)
        assert ShownTree(game.mechanism, agent, behaviour_of(profile)).value("kept") == pytest.approx(
            played.payoff[agent], abs=1e-12
        )


def test_less_disclosure_never_helps_and_bounds_hold_what_is_followed_further() -> None:
    """Own decisions alone lead to endless beliefs under an infinite horizon: more of them narrow the bounds."""
    profile = prescribed_profile(game_of("repeated-auction:discount=0.6", "pay-your-report"))
    everything = search_beliefs(Shown(profile, (1,)))
    few, many = (search_beliefs(Shown(profile, (1,), "own"), followed=count) for count in (5, 300))
    for kind in ("ex_ante", "on_path", "interim"):
        narrow, wide = (one.figures[Family.BEST_RESPONSE][kind] for one in (many, few))
        all_shown = everything.figures[Family.BEST_RESPONSE][kind]
        assert wide.lower - 1e-9 <= narrow.lower <= narrow.upper <= wide.upper + 1e-9
        assert narrow.lower <= all_shown.upper + 1e-9
        assert kind != "ex_ante" or narrow.upper <= all_shown.upper + 1e-9
    ex_ante = (few.figures[Family.BEST_RESPONSE]["ex_ante"], many.figures[Family.BEST_RESPONSE]["ex_ante"])
    assert ex_ante[1].upper - ex_ante[1].lower < 0.7 * (ex_ante[0].upper - ex_ante[0].lower)


def test_a_planted_secret_is_worth_what_it_hides() -> None:
    """Who is not shown what fell gains less: in the sample above, somewhere, by a margin."""
    more = []
    for seed in range(4, 20, 5):
        environment = changing_economy(seed, 2, actions=True)
        profile = prescribed_profile(FiniteGame(environment, Machine(environment, seed)))
        gains = [
            search_beliefs(Shown(profile, (0,), disclosure), ex_post=False).figures[Family.BEST_RESPONSE]["ex_ante"]
            for disclosure in ("everything", "own")
        ]
        more.append(gains[0].lower - gains[1].lower)
    assert min(more) > -1e-9
    assert max(more) > 1e-3


@pytest.mark.parametrize("recall", RECALLS)
def test_a_profile_file_says_the_profile(recall: str) -> None:
    game = FiniteGame(environment := changing_economy(3, 3), Machine(environment, 3))
    profile = drawn_profile(game, recall, 5, 1 if recall == "none" else 2)
    again = profile_from_data(json.loads(json.dumps(profile_to_data(profile))), game, make_strategy)
    for one, other in zip(profile.chances, again.chances, strict=True):
        for chances, read in zip(one, other, strict=True):
            np.testing.assert_allclose(read, chances, atol=1e-15)


def test_the_schema_that_is_published_is_that_of_the_files() -> None:
    kept = json.loads((ROOT / "docs" / "profile.schema.json").read_text(encoding="utf-8"))
    assert kept == json_schema()


BAD: list[tuple[dict[str, object], str]] = [
    ({"agents": ["a"]}, "agents: ['a'], environment 'oil-leases-prior' has"),
    ({"horizon": 2}, "horizon: 2, environment"),
    ({"recall": "all"}, "recall:"),
    ({"periods": 2}, "periods: 2, with recall 'none' expected 1"),
    ({"recall": "reports", "periods": 0}, "periods: 0, with recall 'reports' expected 1 or more"),
    ({"strategies": {"firm 3": "truthful"}}, "strategies.'firm 3': no such agent"),
    ({"strategies": {"firm 1": "mumble"}}, "strategies.'firm 1': unknown strategy 'mumble'"),
    ({"strategies": {"firm 1": "contingent"}}, "looks at the last period; give the profile recall"),
    ({"strategies": {"firm 1": "q-learning"}}, "which no table of messages says"),
    ({"strategies": {"firm 1": []}}, "strategies.'firm 1': 0 entries, expected 3"),
    (
        {"strategies": {"firm 1": [{"signals": ["0"], "messages": ["0", "1"], "send": [[0]]}] * 3}},
        "strategies.'firm 1'[0].signals: ['0'], the game has ['0', '1']",
    ),
    (
        {"strategies": {"firm 1": [{"signals": ["0", "1"], "messages": ["0", "1"], "send": [[0, 2]]}] * 3}},
        "strategies.'firm 1'[0].send[0][1]: 2 is none of the messages 0 … 1",
    ),
    (
        {
            "strategies": {
                "firm 1": [{"signals": ["0", "1"], "messages": ["0", "1"], "send": [[[0.5, 0.4], [1, 0]]]}] * 3
            }
        },
        "strategies.'firm 1'[0].send[0][0]: probabilities sum to 0.9",
    ),
    (
        {
            "strategies": {
                "firm 1": [
                    {"signals": ["0", "1"], "messages": ["0", "1"], "memories": [{"memory": 7}], "send": [[0, 1]]}
                ]
                * 3
            }
        },
        "strategies.'firm 1'[0].memories[0]: {'memory': 7} is nothing that can be recalled there",
    ),
]


@pytest.mark.parametrize(("change", "said"), BAD, ids=[said[:40] for _, said in BAD])
def test_what_does_not_fit_gets_one_line(change: dict[str, object], said: str) -> None:
    game = game_of("oil-leases-prior", "cremer-mclean")
    data = {"schema": 1, "kind": "profile", "agents": ["firm 1", "firm 2"], "horizon": 3, **change}
    with pytest.raises(DynmechError) as caught:
        profile_from_data(data, game, make_strategy)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refusals() -> None:
    game = FiniteGame(environment := changing_economy(3, 3), Machine(environment, 3))
    with pytest.raises(Refusal, match=r"depends on the memory in period \d, which it is not shown"):
        search_beliefs(Shown(drawn_profile(game, "none", 3), (0,), "decisions"))
    with pytest.raises(Refusal, match="can come to believe has more than 3 states by period"):
        search_beliefs(Shown(prescribed_profile(game), (0,)), most=3)
    with pytest.raises(InputError, match="recall: 'all' is none of"):
        prescribed_profile(game, "all")


@pytest.mark.parametrize("strategy", ["misreport:map=low", "random", "contingent:when=period>=1,map=low"])
def test_named_strategies_are_played_as_in_the_simulation(strategy: str) -> None:
    """The value of the profile lies in the interval of a simulated run."""
    recall = "reports" if strategy.startswith("contingent") else "none"
    game = game_of("repeated-auction:values=2,horizon=3", "pivot")
    data = {"schema": 1, "kind": "profile", "agents": ["bidder 1", "bidder 2"], "horizon": 3, "recall": recall}
    data["strategies"] = {"bidder 1": strategy}
    played = PlayedProfile.of(profile_from_data(data, game, make_strategy))
    episodes = dm.simulate(game.environment, game.mechanism, {"bidder 1": strategy}, episodes=4000).episodes()
    for i, name in enumerate(("bidder 1", "bidder 2")):
        payoffs = episodes[episodes.agent == name].payoff
        assert abs(payoffs.mean() - played.payoff[i]) < 5 * payoffs.std() / len(payoffs) ** 0.5 + 1e-9


class Grudge(Strategy):
    """Planted: the lowest message for two periods after the other's highest, else what is asked."""

    name = "grudge"
    source = "planted"
    memory_periods = 2

    def message(self, view: View) -> Array:
        high = np.zeros(view.size, bool)
        for past in view.past[-2:]:
            assert past.reports is not None
            high |= past.reports[:, 1 - view.agent] == 1
        return np.where(high, 0, view.prescribed)


def named(name: str) -> Strategy:
    return Grudge() if name == "grudge" else make_strategy(name)


@pytest.mark.parametrize("horizon", [4, None])
def test_a_strategy_that_looks_two_periods_back(horizon: int | None) -> None:
    """Played as in the simulation, whether periods repeat or not; with one period recalled it is refused."""
    game = game_of(f"repeated-auction:values=2,discount=0.5{f',horizon={horizon}' if horizon else ''}", "pivot")
    data = {"schema": 1, "kind": "profile", "agents": ["bidder 1", "bidder 2"], "horizon": horizon}
    data |= {"recall": "reports", "strategies": {"bidder 1": "grudge"}}
    with pytest.raises(Refusal, match="looks 2 periods back; give the profile as many 'periods'"):
        profile_from_data(data, game, named)
    profile = profile_from_data({**data, "periods": 2}, game, named)
    played = PlayedProfile.of(profile)
    run = dm.simulate(game.environment, game.mechanism, {"bidder 1": Grudge()}, episodes=4000)
    episodes = run.episodes()
    for i, name in enumerate(("bidder 1", "bidder 2")):
        payoffs = episodes[episodes.agent == name].payoff
        assert abs(payoffs.mean() - played.payoff[i]) < 5 * payoffs.std() / len(payoffs) ** 0.5 + 1e-3
    one = profile_from_data({**data, "periods": 3}, game, named)
    assert PlayedProfile.of(one).payoff == pytest.approx(played.payoff, abs=1e-9)
    result = dm.audit(game.environment, game.mechanism, profile=profile)
    assert result.gains.query("family == 'best_response' and agent == 'bidder 2'").gain.max() > 0.01
