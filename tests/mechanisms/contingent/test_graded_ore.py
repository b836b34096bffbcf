"""Graded ore: lotteries hold without spanning, two lags where one does not do, and everything naive loses."""

from itertools import product

import numpy as np
import pytest

from dynmech.agents.oracle.search import Family
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.conditions.correlation import convex_independence, spanning
from dynmech.mechanisms.numerics.lags import moved_by_decisions
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard

FINE, TURNING = "graded-ore", "graded-ore:grades=3,colours=2"


def table(text: str) -> TableEnvironment:
    environment = load(text)
    assert isinstance(environment, TableEnvironment)
    return environment


@pytest.mark.parametrize(("grades", "colours"), [(4, 3), (3, 2), (5, 5)])
def test_the_law_from_first_principles(grades: int, colours: int) -> None:
    environment = table(f"graded-ore:grades={grades},colours={colours},echo=0.6")
    law = environment.kernel(0).rows().reshape(2, grades, colours, grades, colours)

    def ring(before: int, after: int, k: int, y: int) -> float:
        return float((1 + 0.6 * np.cos(2 * np.pi * (y / after - k / before) + 5 * np.pi / 6)) / after)

    for a, g, c, later, colour in product(range(2), range(grades), range(colours), range(grades), range(colours)):
        chain = 0.4 * (later == g) + 0.5 * (later == (g + 1) % grades) + 0.1 / grades
        expected = (chain + ring(colours, grades, c, later)) / 2 * ring(grades, colours, g, colour)
        assert law[a, g, c, later, colour] == pytest.approx(expected, abs=1e-14)
    assert moved_by_decisions(environment, 2) is None
    assert (np.unique(plan(environment).policy[0]) == [0, 1]).all()


def test_lotteries_hold_where_payments_by_the_decision_are_refused() -> None:
    environment = table(FINE)
    assert not spanning(environment).holds
    assert convex_independence(environment).holds
    with pytest.raises(Refusal, match=r"no spanning for agent 'laboratory', .* cancels over own signals"):
        make_mechanism("contingent-spanning", environment)
    for name in (
        "contingent-convex",
        "contingent-convex:transfers=smallest,budget=ex-ante",
        "average-externality:solver=convex",
        "surplus-extraction",
    ):
        found = audit(environment, make_mechanism(name, environment))
        assert found.holds, name
        assert found.worst(Family.BEST_RESPONSE, "ex_post")[1].gain < 1e-7


@pytest.mark.parametrize("name", ["contingent-spanning", "contingent-convex", "average-externality"])
def test_two_lags_hold_where_one_is_refused(name: str) -> None:
    environment = table(TURNING)
    assert not convex_independence(environment).holds
    with pytest.raises(Refusal, match=r"agent 'laboratory'.*0\.5 × '0' \+ 0\.5 × '1'"):
        make_mechanism(name, environment)
    found = audit(environment, make_mechanism(f"{name}:lags=2", environment))
    assert found.holds
    assert found.worst(Family.BEST_RESPONSE, "ex_post")[1].gain < 1e-7


@pytest.mark.parametrize("text", [FINE, TURNING])
@pytest.mark.parametrize("name", ["team", "pivot", "static-vcg", "pay-your-report"])
def test_what_is_naive_loses(text: str, name: str) -> None:
    environment = table(text)
    assert audit(environment, make_mechanism(name, environment)).worst(Family.BEST_RESPONSE, "ex_post")[1].gain > 1


def test_play_earns_the_surplus_with_two_lags() -> None:
    environment = table(TURNING)
    game = make_game(environment, make_mechanism("contingent-spanning:lags=2", environment), tail=1e-2)
    payoffs = play_shard(game, [Truthful()] * 2, Streams(0, "test", 0, 4000, game.periods + game.closing)).payoffs
    surplus = float((plan(environment).value[0] * environment.prior).sum())
    for own in payoffs:
        assert abs(own.mean() - surplus) <= 4 * own.std() / np.sqrt(len(own)) + game.tail


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("grades=2,colours=3", "2 <= colours <= grades <= 8 is needed"),
        ("grades=9", "2 <= colours <= grades <= 8 is needed"),
        ("echo=1", r"echo: 1 is not in \[0, 1\)"),
    ],
)
def test_senseless_options_get_one_line(options: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        load(f"graded-ore:{options}")
