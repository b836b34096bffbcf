"""Athey and Segal's trading game: closed forms, by formula, by exact search on midpoints, and in play."""

import numpy as np
import pytest

from dynmech.agents.oracle.gains import ex_ante_gain, worst_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.oracle.witness import Witness
from dynmech.agents.strategies.base import Strategy
from dynmech.agents.strategies.eager_seller import EagerSeller
from dynmech.agents.strategies.informed_buyer import InformedBuyer
from dynmech.agents.strategies.trade_formulas import best_buyer_report, best_seller_report, buyer_worth, seller_worth
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.runs.stressing import stress
from dynmech.experiments.scenarios.trading_game import NUMBERS, VARIANTS, TradingGame, variation
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard

SELLER, BUYER = 0, 1
UNBOUNDED, BOUNDED, CLIPPED = 1 / 9, np.log(2) / 6 - 1 / 36, 0.0851331
"""The informed buyer's expected gain: any report, reports in [0, 2], quantities in [0, 1]."""
EAGER, EAGER_BOUNDED, EAGER_CLIPPED = 7 / 48, 7 / 3 * (1 / 4 - np.log(1.5) / 2), 0.0513022


def table(text: str) -> TableEnvironment:
    env = load(text)
    assert isinstance(env, TableEnvironment)
    return env


def gains(env: TableEnvironment, mechanism: str, information: Information = Information.INTERIM) -> list[float]:
    """Contingent gains: interim ones ex ante, else at the worst state."""
    rules, out = make_mechanism(mechanism, env), []
    for agent in range(2):
        problem = build_problem(FiniteGame(env, rules), (agent,))
        best, truth = (solve(problem, family, information) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
        spy = information is Information.EX_POST
        out.append((worst_gain(problem, best, truth) if spy else ex_ante_gain(best, truth)).gain)
    return out


# On midpoints, exactly


def buyer_on_midpoints(m: int, *, clipped: bool) -> float:
    """E max_r over the grid, written out: θ_2 x(θ_1, r) − E c(x(·, r)), less the same at the truth."""
    one, two = (2 * np.arange(m) + 1) / (2 * m), (2 * np.arange(m) + 1) / m
    x = np.outer(one, two)
    x = np.minimum(x, 1) if clipped else x
    price = (x**2 / (2 * one[:, None])).mean(axis=0)
    worth = two[None, :, None] * x[:, None, :] - price  # (θ_1, θ_2, r)
    return float((worth.max(axis=2) - np.diagonal(worth, axis1=1, axis2=2)).mean())


def seller_on_midpoints(m: int, *, clipped: bool) -> float:
    """E max_r: −E[x²]/(2 θ_1) + E[value x] + E[x²]/(2 r) in both periods, r the seller's one report."""
    one, two = (2 * np.arange(m) + 1) / (2 * m), (2 * np.arange(m) + 1) / m
    x = np.outer(one, two)
    x = np.minimum(x, 1) if clipped else x
    square = one**2 + (x**2).mean(axis=1)
    worth = one + (two * x).mean(axis=1) + square / (2 * one) - square / (2 * one[:, None])  # (θ_1, r)
    return float((worth.max(axis=1) - np.diagonal(worth)).mean())


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("points", [4, 5, 8])
def test_the_oracle_finds_both_deviations(points: int, clipped: bool) -> None:
    env = table(f"trading-game:points={points},clipped={clipped}")
    expected = [0, buyer_on_midpoints(points, clipped=clipped)]
    assert gains(env, "once:base=expected-externality") == pytest.approx(expected, abs=1e-12)
    assert gains(env, "expected-externality") == pytest.approx(expected, abs=1e-12)  # asking again changes nothing
    actual = [seller_on_midpoints(points, clipped=clipped), 0]
    assert gains(env, "once:base=actual-externality") == pytest.approx(actual, abs=1e-12)
    assert gains(env, "actual-externality")[SELLER] >= actual[SELLER] - 1e-12  # asked twice it can lie twice
    assert min(expected[BUYER], actual[SELLER]) > 0.03


def test_five_midpoints_give_the_printed_figure_and_many_the_closed_forms() -> None:
    assert gains(table("trading-game"), "expected-externality")[BUYER] == pytest.approx(0.07232, abs=1e-12)
    for clipped, buyer, seller in ((False, BOUNDED, EAGER_BOUNDED), (True, CLIPPED, EAGER_CLIPPED)):
        # The highest report on the grid is half a step short: an error of order 1/m.
        assert buyer_on_midpoints(160, clipped=clipped) == pytest.approx(buyer, abs=1e-3)
        assert seller_on_midpoints(160, clipped=clipped) == pytest.approx(seller, abs=1e-3)


@pytest.mark.parametrize("clipped", [False, True])
def test_under_balanced_transfers_neither_gains_even_knowing_what_is_reported_now(clipped: bool) -> None:
    env = table(f"trading-game:clipped={clipped}")
    for mechanism in ("balanced-team", "once:base=balanced-team"):
        assert gains(env, mechanism) == pytest.approx([0, 0], abs=1e-12)
    # One newly informed agent per period: within-period ex post too, if each type is reported once.
    assert gains(env, "once:base=balanced-team", Information.EX_POST) == pytest.approx([0, 0], abs=1e-12)
    assert gains(env, "balanced-team", Information.EX_POST)[SELLER] > 0.1  # asked again it knows θ_2, and uses it
    assert audit(env, make_mechanism("once:base=balanced-team", env)).holds
    verdicts = {v.promise: v.status for v in audit(env, make_mechanism("expected-externality", env)).verdicts}
    assert verdicts == {"incentive: bayesian": "breaks", "budget: ex post": "holds", "efficient": "holds"}


def test_balanced_transfers_are_the_papers() -> None:
    """γ_2 = −½ θ_1 (θ_2² − E θ_2²), with the grid's moments; γ_1 = θ_1 (1 + E θ_2²) less its mean."""
    env, m = table("trading-game"), 5
    mechanism = make_mechanism("once:base=balanced-team", env)
    one, two = (2 * np.arange(m) + 1) / (2 * m), (2 * np.arange(m) + 1) / m
    square = float((two**2).mean())
    assert square == pytest.approx(4 / 3 - 1 / (3 * m * m))
    page = FiniteGame(env, mechanism).truthful.periods
    seller = one * (1 + square)
    np.testing.assert_allclose(page[0].transfer[SELLER][0], seller.mean() - seller, atol=1e-12)
    for k in range(m):
        memory = int(page[0].following[0, k, 0])
        paid = page[1].transfer[BUYER][memory].reshape(m, m)[k]
        np.testing.assert_allclose(paid, one[k] / 2 * (two**2 - square), atol=1e-12)
        np.testing.assert_allclose(page[1].transfer[:, memory].sum(axis=0), 0, atol=1e-15)


def test_naive_rules_lose_for_somebody() -> None:
    env = table("trading-game")
    assert min(gains(env, "pay-your-report")) > 0.1
    assert min(gains(env, "team")) > -1e-12
    assert max(gains(env, "team")) < 1e-12


# On intervals


def midpoints(n: int = 1500) -> tuple[FloatArray, FloatArray]:
    k = (np.arange(n) + 0.5) / n
    one, two = np.meshgrid(k, 2 * k, indexing="ij")
    return one.reshape(-1), two.reshape(-1)


@pytest.mark.parametrize(
    ("top", "clipped", "expected"), [(4.0, False, UNBOUNDED), (2.0, False, BOUNDED), (2.0, True, CLIPPED)]
)
def test_the_buyers_gain_by_quadrature(top: float, clipped: bool, expected: float) -> None:
    one, two = midpoints()
    best = best_buyer_report(one, two, top, clipped=clipped)
    gain = buyer_worth(one, two, best, clipped=clipped) - buyer_worth(one, two, two, clipped=clipped)
    assert gain.mean() == pytest.approx(expected, abs=3e-7)
    rng = np.random.Generator(np.random.Philox(key=3))
    one, two, best = one[::7], two[::7], best[::7]
    most = buyer_worth(one, two, best, clipped=clipped)
    for _ in range(5):  # no other report does better
        other = rng.uniform(0, top, len(one))
        assert (buyer_worth(one, two, other, clipped=clipped) <= most + 1e-9).all()


@pytest.mark.parametrize(
    ("top", "clipped", "expected"), [(2.0, False, EAGER), (1.0, False, EAGER_BOUNDED), (1.0, True, EAGER_CLIPPED)]
)
def test_the_sellers_gain_by_quadrature(top: float, clipped: bool, expected: float) -> None:
    one = (np.arange(4000) + 0.5) / 4000
    best = best_seller_report(one, top, clipped=clipped)
    gain = seller_worth(one, best, clipped=clipped) - seller_worth(one, one, clipped=clipped)
    assert gain.mean() == pytest.approx(expected, abs=3e-7)
    for r in np.linspace(0, top, 41):
        assert (
            seller_worth(one, np.full_like(one, r), clipped=clipped) <= seller_worth(one, best, clipped=clipped) + 1e-9
        ).all()


def played(environment: str, mechanism: str, agent: int, strategy: Strategy) -> Moments:
    """The gain of one agent's strategy in play, paired."""
    env = load(environment)
    game = make_game(env, make_mechanism(mechanism, env))
    streams = Streams(5, "test", 0, 20_000, 2)
    profile = [Truthful(), Truthful()]
    honest = play_shard(game, profile, streams)
    profile[agent] = strategy  # type: ignore[call-overload]
    return Moments.of(play_shard(game, profile, streams).payoffs[agent] - honest.payoffs[agent])


@pytest.mark.parametrize(
    ("environment", "transfers", "agent", "expected"),
    [
        ("", "expected-externality,reach=2", BUYER, UNBOUNDED),
        ("", "expected-externality", BUYER, BOUNDED),
        ("clipped=true", "expected-externality", BUYER, CLIPPED),
        ("", "actual-externality,reach=2", SELLER, EAGER),
        ("", "actual-externality", SELLER, EAGER_BOUNDED),
        ("clipped=true", "actual-externality", SELLER, EAGER_CLIPPED),
    ],
)
def test_play_covers_the_closed_forms(environment: str, transfers: str, agent: int, expected: float) -> None:
    name = f"trading-game-continuous:{environment}".removesuffix(":")
    clipped = bool(environment)
    strategy: Strategy = InformedBuyer(clipped) if agent == BUYER else EagerSeller(clipped)
    gain = played(name, f"continuous-trade:transfers={transfers}", agent, strategy)
    assert float(gain.error) < 0.003
    assert abs(float(gain.mean) - expected) <= 4 * float(gain.error)
    for honest in ("balanced-team", "team"):  # the same lie under the rules that hold
        assert float(played(name, f"continuous-trade:transfers={honest}", agent, strategy).mean) < -0.02


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("transfers", ["team", "expected-externality", "actual-externality", "balanced-team"])
def test_truthful_payoffs_and_the_budget(transfers: str, clipped: bool) -> None:
    """Surplus m S/2 = 7/12; clipped 13/12 − ¼ − ½ (ln 2 − 1/6) = 11/12 − ln 2 / 2."""
    env = load(f"trading-game-continuous:clipped={clipped}")
    game = make_game(env, make_mechanism(f"continuous-trade:transfers={transfers}", env))
    record = play_shard(game, [Truthful(), Truthful()], Streams(6, "test", 0, 20_000, 2))
    one, two = midpoints()
    x = np.minimum(one * two, 1) if clipped else one * two
    utility = np.array([-one / 2 - x**2 / (2 * one), one + two * x]).mean(axis=1)
    assert utility.sum() == pytest.approx(11 / 12 - np.log(2) / 2 if clipped else 7 / 12, abs=1e-5)
    paid = {
        "team": -utility[::-1],
        "balanced-team": np.zeros(2),
        "expected-externality": np.array([-1, 1]) * (utility[1] - utility[0]),
        "actual-externality": np.array([-1, 1]) * (utility[1] - utility[0]),
    }[transfers]
    payoff = [Moments.of(one_side) for one_side in record.payoffs]
    for i in range(2):
        assert abs(float(payoff[i].mean) - (utility[i] - paid[i])) <= 4 * float(payoff[i].error)
    if transfers != "team":
        assert (record.transfer.sum(axis=1) == 0).all()


def test_at_a_type_of_zero_nothing_is_produced() -> None:
    worth = seller_worth(np.zeros(1), best_seller_report(np.zeros(1), 1.0, clipped=True), clipped=True)
    assert np.isfinite(worth).all()


# The variations


FIRST_BEST = {
    "plain": 0.58,
    "correlated-values": 1.831875,
    "decisions-move-values": 1.85546875,
    "decisions-move-information": 0.825,
    "hidden-investment": 1.10375,
    "hidden-information": 0.815,
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variation_has_its_first_best_and_balances(variant: str) -> None:
    env = table(f"trading-game:variant={variant}")
    assert float((plan(env).value[0] * env.prior).sum()) == pytest.approx(FIRST_BEST[variant], abs=1e-12)
    for mechanism in ("team", "balanced-team"):  # misreports, disobedience, and both
        assert gains(env, mechanism) == pytest.approx([0, 0], abs=1e-12)
    rules = make_mechanism("balanced-team", env)
    truthful = FiniteGame(env, rules).truthful
    np.testing.assert_allclose(truthful.transfer, 0, atol=1e-12)
    assert max(gains(env, "pay-your-report")) > 0.05


@pytest.mark.parametrize("number", range(1, 7))
def test_a_variant_is_asked_for_by_the_number_of_its_example(number: int) -> None:
    named, numbered = table(f"trading-game:variant={VARIANTS[number - 1]}"), table(f"trading-game:variant={number}")
    assert numbered.name == named.name
    np.testing.assert_array_equal(numbered.prior, named.prior)
    for one, other in zip(numbered.stages, named.stages, strict=True):
        np.testing.assert_array_equal(one.utility, other.utility)


def invested(low: float, high: float, cost: float, discount: float) -> float:
    """The first best of Example 5 by hand, every quantity and action tried."""
    best = 0.0
    for theta in (0.5, 1.0):
        trade = {v: max(v * x - x * x / (2 * theta) for x in (0, 0.5, 1, 1.5, 2)) for v in (1, 2)}
        later = [-cost * k + discount * (p * trade[2] + (1 - p) * trade[1]) for k, p in enumerate((low, high))]
        best += 0.5 * (trade[1] + max(later))
    return best


def test_the_numbers_of_a_variant_are_free() -> None:
    for low, high, cost, discount in ((0.3, 0.8, 0.5, 0.9), (0.1, 0.9, 0.3, 1.0), (0.2, 0.4, 0.6, 0.5)):
        env = table(f"trading-game:variant=5,low={low},high={high},cost={cost},discount={discount}")
        value = float((plan(env).value[0] * env.prior).sum())
        assert value == pytest.approx(invested(low, high, cost, discount), abs=1e-12)
        assert gains(env, "balanced-team") == pytest.approx([0, 0], abs=1e-12)
    moved = variation("decisions-move-values", TradingGame("3", low=0.2, rate=0.1).numbers)
    np.testing.assert_allclose(moved.law[4, 0, :, 1], [0.4, 0.6])
    assert variation("hidden-information").actions == {"idle": 0, "look": NUMBERS["hidden-information"].cost}


def test_what_is_efficient_in_the_variations() -> None:
    values = table("trading-game:variant=decisions-move-values")
    # x_0 rises to 1.5 at (θ_1 = 1, low), beyond the myopic 1; it would be 0.5 at θ_1 = ½ either way.
    chosen = [values.stage(0).decisions[k] for k in plan(values).policy[0].reshape(-1)]
    assert chosen[2] == "1.5"
    invest = table("trading-game:variant=hidden-investment")
    chosen = [invest.stage(0).decisions[k].partition("/")[2] for k in plan(invest).policy[0].reshape(-1)]
    assert chosen == ["idle", "invest"]  # only where θ_1 = 1


def test_the_witness_of_the_buyer_plays_what_it_is_worth() -> None:
    env = table("trading-game")
    mechanism = make_mechanism("once:base=expected-externality", env)
    witness = Witness(build_problem(FiniteGame(env, mechanism), (BUYER,)), Family.BEST_RESPONSE)
    gain = played("trading-game", "once:base=expected-externality", BUYER, witness)
    assert abs(float(gain.mean) - 0.07232) <= 4 * float(gain.error)


def test_a_stress_test_finds_the_informed_buyer(tmp_path: object) -> None:
    result = stress(
        "trading-game-continuous",
        "continuous-trade:transfers=expected-externality",
        episodes=2000,
        out=f"{tmp_path}/run",
    )
    row = result.gains.iloc[0]
    assert (row["family"], row["agent"], bool(row["found"])) == ("informed-buyer", "buyer", True)
    assert abs(row["gain"] - BOUNDED) < 4 * row["half_width"] / 1.96


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("trading-game:variant=plane", "variant"),
        ("trading-game:variant=hidden-investment,points=7", "points and clipped are for variant=plain"),
        ("trading-game:points=0", "points: 0 is not in 1..50"),
        ("trading-game:variant=7", "variant: '7' is none of plain, .*, nor a number from 1 to 6"),
        ("trading-game:low=0.2", "low: variant 'plain' has no such number; it has none"),
        ("trading-game:variant=5,rate=0.2", "rate: variant 'hidden-investment' .* it has low, high, cost"),
        ("trading-game:variant=2,low=1.5", r"low: it makes a probability of 1.5"),
        ("trading-game:variant=3,rate=0.4", r"high: it makes a probability of 1.2"),
        ("trading-game:variant=4,rate=0.6", r"rate: it makes a probability of 1.2"),
        ("trading-game:variant=5,cost=inf", "cost: inf is not a finite number"),
    ],
)
def test_bad_options_get_one_line(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        load(text)


def test_mechanisms_refuse_what_they_are_not_for() -> None:
    env = load("trading-game")
    with pytest.raises(Refusal, match="trading game on intervals"):
        make_mechanism("continuous-trade", env)
    with pytest.raises(Refusal, match="there is no agent 'Bob'"):
        make_mechanism("actual-externality:informed=Bob", env)
    with pytest.raises(Refusal, match="signals differ from period to period"):
        make_mechanism("expected-externality:beliefs=prior", env)
    with pytest.raises(Refusal, match="use beliefs=prior"):
        make_mechanism("expected-externality:beliefs=ex-ante", load("repeated-auction"))
    with pytest.raises(Refusal, match="does not ask for signals"):
        make_mechanism("once:base=once", env)


@pytest.mark.parametrize("informed", ["bidder 1", "bidder 2"])
def test_actual_externalities_lose_in_a_single_period_already(informed: str) -> None:
    """Private values, independent types, nothing to learn: who is not charged what it causes moves what it pays."""
    env = load("repeated-auction:horizon=1")
    assert isinstance(env, TableEnvironment)
    assert audit(env, make_mechanism("expected-externality", env)).holds
    naive = make_mechanism(f"actual-externality:informed={informed}", env)
    gains = {s.problem.deviator[0]: s.figures[Family.BEST_RESPONSE]["interim"].gain for s in audit(env, naive).searches}
    known = env.agents.index(informed)
    assert gains[known] < 1e-9
    assert gains[1 - known] > 0.5
    assert set(naive.promises.assumptions) > set(make_mechanism("expected-externality", env).promises.assumptions)


def test_the_prior_agv_each_period_loses_over_an_infinite_horizon() -> None:
    env = table("repeated-auction")
    assert audit(env, make_mechanism("expected-externality", env)).verdict == "breaks"
    assert max(gains(env, "expected-externality")) > 1e-3


@pytest.mark.parametrize("reach", [0.9, 2.5])
def test_reports_reach_from_the_types_to_twice_as_far(reach: float) -> None:
    with pytest.raises(Refusal, match=rf"reach={reach} is not in \[1, 2\]"):
        make_mechanism(f"continuous-trade:reach={reach}", load("trading-game-continuous"))
