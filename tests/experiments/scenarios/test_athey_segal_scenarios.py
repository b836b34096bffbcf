"""A fishery, power plants, repeated trade: what is efficient there, and that the balanced mechanism holds."""

import numpy as np
import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.simulation import prescribed_case
from dynmech.mechanisms.conditions.dependence import independent_types, private_values
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard

SCENARIOS = [
    "renewable-resource",
    "renewable-resource:boats=3,horizon=3",
    "power-plants",
    "power-plants:horizon=4",
    "repeated-trade:enforced=true",
]


def table(text: str) -> TableEnvironment:
    environment = load(text)
    assert isinstance(environment, TableEnvironment)
    return environment


def decisions(environment: TableEnvironment, t: int = 0) -> list[list[str]]:
    """What is efficient, by public state and profile."""
    stage = environment.stage(0)
    policy = plan(environment).policy[plan(environment).at(t)].reshape(max(1, len(stage.public)), -1)
    return [[stage.decisions[k] for k in row] for row in policy]


@pytest.mark.parametrize("text", SCENARIOS)
def test_values_are_private_types_independent_and_the_balanced_team_holds(text: str) -> None:
    environment = table(text)
    assert private_values(environment).holds
    assert independent_types(environment).holds
    for mechanism in ("team", "team:reports=payoffs", "balanced-team", "balanced:base=pivot"):
        assert audit(environment, make_mechanism(mechanism, environment)).holds
    truthful = FiniteGame(environment, make_mechanism("balanced-team", environment)).truthful
    np.testing.assert_allclose(truthful.transfer, 0, atol=1e-10)


@pytest.mark.parametrize(
    ("text", "mechanism"),
    [
        *((text, "pay-your-report") for text in SCENARIOS),
        *((text, "expected-externality") for text in SCENARIOS),
        ("renewable-resource", "static-vcg-efficient"),  # a day out today spoils tomorrow's stock for the others
        ("power-plants", "static-vcg"),
        ("power-plants", "static-vcg-efficient"),
    ],
)
def test_the_naive_rules_lose_for_somebody(text: str, mechanism: str) -> None:
    environment = table(text)
    found = audit(environment, make_mechanism(mechanism, environment))
    gains = [figure.gain for search in found.searches for figure in list(search.figures.values())[-1].values()]
    assert max(gains) > 1e-3
    assert "holds" not in {verdict.status for verdict in found.verdicts if verdict.promise.startswith("incentive")}


def test_the_fishery_rests_when_stocks_are_low_and_sails_by_need() -> None:
    low, middle, high = decisions(table("renewable-resource"))
    assert set(low) == {"none"}
    assert middle == ["none", "2", "1", "1+2"]  # by need: low low, low high, …
    assert high[1:] == ["2", "1", "1+2"]
    hasty = decisions(table("renewable-resource:discount=0.01"))
    assert set(hasty[1]) == {"1+2"}  # nobody who does not look ahead leaves fish in the sea


def test_use_moves_the_public_stock_and_the_own_need() -> None:
    environment = table("renewable-resource")
    law = environment.kernel(0).row(3, int(np.ravel_multi_index((2, 1, 1), (3, 2, 2))))  # both out at a high stock
    np.testing.assert_allclose(law.sum(axis=(1, 2)), [0, 1, 0], atol=1e-12)  # 2 · ½: it falls for sure
    np.testing.assert_allclose(law.sum(axis=(0, 2)), [0.5 + 0.5 * 0.15, 0.5 * 0.85], atol=1e-12)
    idle = environment.kernel(0).row(0, int(np.ravel_multi_index((0, 1, 1), (3, 2, 2))))
    np.testing.assert_allclose(idle.sum(axis=(1, 2)), [0.5, 0.5, 0], atol=1e-12)


def test_a_warm_plant_is_kept_although_the_cold_one_is_cheaper_to_fuel() -> None:
    environment = table("power-plants:horizon=4")
    states = environment.stage(0).public
    by_state = dict(zip(states, decisions(environment, t=3), strict=True))
    assert by_state["1"] == [
        "1",
        "1",
        "1",
        "1",
    ]  # also at (high, low): in the last period a start costs more than fuel saves
    assert by_state["1+2"][1:3] == ["1", "2"]  # both warm: the cheaper one
    myopic, ahead = (float(plan(table(f"power-plants:horizon={h}")).value[0][0].mean()) / h for h in (1, 8))
    assert ahead > myopic  # starting up pays off over time


def test_the_designer_bears_the_shortage() -> None:
    environment = table("power-plants:shortage=100")
    assert all(row == ["1+2"] * 4 for row in decisions(environment))
    game = make_game(environment, make_mechanism("balanced-team", environment), tail=0.5)
    record = play_shard(game, prescribed_case(game).strategies, Streams(1, "test", 0, 20, game.periods))
    assert (record.cost[: game.periods] == 0).all()
    dear = table("power-plants:low=9,high=10")
    assert all(row == ["none"] * 4 for row in decisions(dear))
    truthful = FiniteGame(dear, make_mechanism("team", dear)).truthful
    assert truthful.welfare == pytest.approx(-1.5 * 3 / 0.1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("renewable-resource:boats=9", "boats: 9 is not in 1..4"),
        ("renewable-resource:growth=2", r"growth: 2 is not in \[0, 1\]"),
        ("power-plants:low=3", "low and high: 3 exceeds 2"),
        ("power-plants:start=-1", "a cost below 0"),
        ("power-plants:persistence=7", "persistence: 7"),
        ("repeated-trade:persistence=7", "persistence: 7"),
        ("repeated-trade:low_value=9", "costs and values"),
    ],
)
def test_bad_options_get_one_line(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        load(text)
