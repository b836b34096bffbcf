"""The best dynamic revenue beside the relaxed bound: equal where values are separable, apart where they are not."""

from itertools import pairwise

import numpy as np
import pytest

from dynmech.agents.oracle.gains import worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.initial_misreport import InitialMisreport
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.mechanisms.revenue.dynamic_program import dynamic_revenue, relaxed_revenue
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.virtual.relaxed_bound import grid_bound
from dynmech.mechanisms.virtual.relaxed_prices import RelaxedPrices
from dynmech.mechanisms.virtual.virtual_pivot import VirtualPivot
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.separable import SeparableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard


def environment(text: str) -> TableEnvironment:
    made = load(text)
    assert isinstance(made, TableEnvironment)
    return made


def test_non_separable_values_fall_short_of_the_relaxed_bound() -> None:
    """§7 on 11 midpoints: 1.90909 < 2.13636 at c_× = 10; 0.0393 short at 4, where the printed lie gains nothing."""
    ten = environment("non-separable:grid=midpoints")
    assert dynamic_revenue(ten).net_revenue == pytest.approx(1.909090909, abs=1e-8)
    assert relaxed_revenue(ten).net_revenue == pytest.approx(2.136363636, abs=1e-8)
    four = environment("non-separable:grid=midpoints,times=4")
    assert dynamic_revenue(four).net_revenue < relaxed_revenue(four).net_revenue - 0.03


@pytest.mark.parametrize(("times", "fails"), [(2.0, False), (2.9, False), (3.0, False), (3.1, True), (5.0, True)])
def test_the_relaxed_optimum_fails_exactly_above_twice_plus(times: float, fails: bool) -> None:
    """By the program, and by the search of what gains on the path of the relaxed optimum's prices."""
    for grid in ("midpoints", "quantiles"):
        made = environment(f"non-separable:grid={grid},times={times}")
        gap = relaxed_revenue(made).net_revenue - dynamic_revenue(made).net_revenue
        assert gap > -1e-8
        assert (gap > 1e-7) == fails
    mechanism = RelaxedPrices(made)
    problem = build_problem(FiniteGame(made, mechanism), (0,))
    truth, best = (solve(problem, f, Information.INTERIM) for f in (Family.PRESCRIBED, Family.BEST_RESPONSE))
    assert (worst_gain(problem, best, truth, on_path=True).gain > 1e-9) == fails


@pytest.mark.parametrize(
    ("times", "printed", "sharper"), [(2, -0.5, -0.25), (5, 0.25, 0.5), (10, 1.5, 1.75), (20, 4, 4.25)]
)
def test_the_printed_lie_and_the_sharper_one(times: float, printed: float, sharper: float) -> None:
    """At x = ½: report 0 and exchange + and ×, or report 0 and then always +; as strategies, every draw counted."""
    made = environment(f"non-separable:times={times},nodes=3")
    game = make_game(made, make_mechanism("relaxed-prices", made))
    streams = Streams(1, "lie", 0, 6000, 2)
    truth = play_shard(game, [Truthful()], streams)
    half = truth.signal[0, 0] == 1
    plus = truth.signal[1, 0][half] % 2 == 0
    for later, exact in (("swap", printed), ("0", sharper)):
        lie = play_shard(game, [InitialMisreport(0, later)], streams)
        gain = (lie.payoffs[0] - truth.payoffs[0])[half]
        assert gain[plus].mean() / 2 + gain[~plus].mean() / 2 == pytest.approx(exact, abs=1e-9)


def test_a_correlated_first_signal_falls_short() -> None:
    """E[s_1] = 1.5 if s_1 were public; else 1.2, what a bad first signal expects; no loss if it says nothing."""
    made = environment("correlated-first-signal")
    assert relaxed_revenue(made).net_revenue == pytest.approx(1.5, abs=1e-8)
    assert dynamic_revenue(made).net_revenue == pytest.approx(1.2, abs=1e-8)
    none = environment("correlated-first-signal:accuracy=0.5")
    assert dynamic_revenue(none).net_revenue == pytest.approx(relaxed_revenue(none).net_revenue, abs=1e-8)


@pytest.mark.parametrize("text", ["ar1-additive:buyers=1,nodes=4,horizon=3", "ar1-additive:buyers=2,nodes=3,horizon=3"])
def test_separable_economies_lose_nothing(text: str) -> None:
    """The program over all direct mechanisms earns the relaxed bound of the grid, and so does the grid reading."""
    made = environment(text)
    assert isinstance(made, SeparableEnvironment)
    bound = grid_bound(made)
    assert dynamic_revenue(made).net_revenue == pytest.approx(bound, abs=1e-7)
    assert relaxed_revenue(made).net_revenue == pytest.approx(bound, abs=1e-7)
    assert VirtualPivot(made, "grid").profit == pytest.approx(bound, abs=1e-9)
    assert VirtualPivot(made, "grid-binding").profit <= bound + 1e-9


def test_one_period_is_myerson() -> None:
    """No later signal: the optimal auction's revenue, by its discrete virtual values."""
    made = environment("ar1-additive:buyers=2,nodes=3,horizon=2,shock=0")
    theta = np.array([1 / 6 - 2 / 3, 1 / 2 - 1 / 3, 5 / 6])  # x − (1 − F)/f · step
    value = sum(max(a, b, 0) for a in theta for b in theta) / 9
    assert dynamic_revenue(made).net_revenue == pytest.approx(0.9 * value, abs=1e-8)


def test_what_the_program_is_not_for_is_refused() -> None:
    """One line each."""
    with pytest.raises(Refusal, match="finite horizon"):
        dynamic_revenue(environment("repeated-auction"))
    with pytest.raises(Refusal, match="decisions do not move"):
        dynamic_revenue(environment("repeated-auction:fatigue=0.5,horizon=2"))
    with pytest.raises(Refusal, match="one buyer in two periods"):
        RelaxedPrices(environment("repeated-auction"))


def test_histories_have_a_report_for_every_period_so_far() -> None:
    found = dynamic_revenue(environment("ar1-additive:buyers=1,nodes=2,horizon=3"))
    for agent in found.histories:
        assert [paths.shape[1] for paths in agent] == [1, 2, 3]
        for before, after in pairwise(agent):
            assert {tuple(path) for path in after[:, :-1].tolist()} == {tuple(path) for path in before.tolist()}
