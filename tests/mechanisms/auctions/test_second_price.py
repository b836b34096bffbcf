"""The symmetric equilibrium of the second-price auction: no bid does better, by brute force and by the exact search."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.scenarios.lowest_bid_auction import LowestBidAuction
from dynmech.mechanisms.auctions.bids import BidMechanism, LinearValues, linear_values
from dynmech.mechanisms.auctions.second_price import UNTOLD, SecondPrice
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation
from tests.builders.generators import generator

seeds = st.integers(0, 10_000)


def untold(bidders: int, signals: int, gamma: float, seed: int | None = None) -> TableEnvironment:
    """Evenly spaced signals, drawn anew every period from one law: even, or at random."""
    own = np.linspace(0, 1, signals)
    law = np.full(signals, 1 / signals) if seed is None else generator(seed).dirichlet(np.ones(signals))
    theta = np.array(np.meshgrid(*[own] * bidders, indexing="ij"))
    utility = np.zeros((bidders, bidders, *theta.shape[1:]))
    for i in range(bidders):
        utility[i, i] = (1 - gamma) * theta[i] + gamma * theta.sum(axis=0)
    prior = np.ones(())
    for _ in range(bidders):
        prior = np.multiply.outer(prior, law)
    kernel = np.broadcast_to(prior, (bidders, *theta.shape[1:], *prior.shape)).copy()
    return from_arrays(utility, kernel, prior, 0.5, name="bidders")


class OneBidForAll(BidMechanism):
    """The auction with the bid c θ^i, the equilibrium of two bidders."""

    name = "one-bid-for-all"
    promises = Promises(incentive="bayesian")

    @property
    def lowest_wins(self) -> bool:
        return False

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return self.pays(self.winner(messages), self.linear.scale * self.grid[self.next_in_line(messages)])

    def transfer_bound(self) -> float:
        return self.linear.scale * float(np.abs(self.grid).max())


def amounts_asked(mechanism: SecondPrice | OneBidForAll) -> list[list[float]]:
    """The prescribed bids in money, by bidder and signal, at the start."""
    table = mechanism.amounts[0] if isinstance(mechanism, SecondPrice) else mechanism.linear.scale * mechanism.grid
    return [[float(table[k]) for k in own] for own in mechanism.prescribed_bids]


def most_gained(environment: TableEnvironment, asked: list[list[float]], fine: int = 60) -> float:
    """The most that any bid gains over the prescribed one in one period, given the own signal, in plain loops.

    Bids are tried on all sides of all others' and on a fine grid; a tie goes to the first bidder.
    """
    utility, prior = environment.stage(0).utility, environment.prior
    every = sorted({bid for own in asked for bid in own})
    tried = [*every, *(bid + d for bid in every for d in (-1e-7, 1e-7)), *np.linspace(-0.1, every[-1] + 0.5, fine)]
    most = -np.inf
    for i, own in enumerate(asked):
        for k, prescribed in enumerate(own):
            worth = dict.fromkeys([prescribed, *tried], 0.0)
            for profile in product(*(range(len(other)) for other in asked)):
                if profile[i] != k:
                    continue
                others = [(asked[j][profile[j]], -j) for j in range(len(asked)) if j != i]
                price, rival = max(others)
                for bid in worth:
                    if (bid, -i) > (price, rival):
                        worth[bid] += float(prior[profile]) * (float(utility[(i, i, *profile)]) - price)
            mass = float(np.moveaxis(prior, i, 0)[k].sum())
            most = max(most, (max(worth.values()) - worth[prescribed]) / mass)
    return most


@pytest.mark.parametrize("bidders", [2, 3, 4])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_no_bid_does_better_by_brute_force(bidders: int, gamma: float) -> None:
    environment = untold(bidders, 3, gamma)
    mechanism = SecondPrice(environment)
    assert most_gained(environment, amounts_asked(mechanism)) < 1e-12
    planted = most_gained(environment, amounts_asked(OneBidForAll(environment)))
    assert (planted > 0.01) == (bidders > 2 and gamma > 0)


@given(seeds, st.integers(3, 4), st.integers(2, 3), st.floats(0.05, 1))
def test_nor_where_some_signals_are_likelier(seed: int, bidders: int, signals: int, gamma: float) -> None:
    environment = untold(bidders, signals, gamma, seed)
    assert most_gained(environment, amounts_asked(SecondPrice(environment)), fine=20) < 1e-9


@pytest.mark.parametrize(("signals", "steps"), [(3, 1), (4, 1), (3, 3)])
def test_the_exact_search_finds_nothing_either(signals: int, steps: int) -> None:
    """The winner of every tie is the planner's, and efficiency, budget and incentives hold as promised."""
    environment = untold(3, signals, 0.6)
    found = audit(environment, SecondPrice(environment, steps))
    assert {v.promise: v.status for v in found.verdicts} == {
        "incentive: bayesian": "holds",
        "budget: no deficit": "holds",
        "efficient": "holds",
    }
    assert found.worst(Family.BEST_RESPONSE, "ex_post")[1].gain > 0.01, "who knows the others' signals repents"


def test_the_bid_is_what_the_object_is_worth_at_a_tie() -> None:
    """Three bidders, signals 0, ½, 1, γ = ½, by hand: 3/2 x, and half of the third one's expected signal.

    Below x, for whoever breaks ties before; at most x, for whoever does after: of the second bidder one of each.
    """
    mechanism = SecondPrice(untold(3, 3, 0.5))
    below, most = {0.5: 0.0, 1.0: 0.25}, {0.0: 0.0, 0.5: 0.25, 1.0: 0.5}
    first, second, third = amounts_asked(mechanism)
    assert first == pytest.approx([1.5 * x + 0.5 * most[x] for x in (0.0, 0.5, 1.0)])
    assert third[1:] == pytest.approx([1.5 * x + 0.5 * below[x] for x in (0.5, 1.0)])
    assert second[1:] == pytest.approx([1.5 * x + 0.25 * (below[x] + most[x]) for x in (0.5, 1.0)])
    assert first[0] == second[0] == third[0] == 0


def test_on_finer_grids_all_bid_alike_and_less_than_if_all_signals_were_one_own() -> None:
    """On the continuum of U[0, 1], b(x) = (1 + γ) x + γ x/2."""
    off = []
    for signals in (3, 5, 9):
        bids = np.array(amounts_asked(SecondPrice(untold(3, signals, 0.5))))
        off.append(float(np.abs(bids - 1.75 * np.linspace(0, 1, signals)).max()))
        assert (bids[:, 1:] < 2 * np.linspace(0, 1, signals)[1:]).all()
    assert off[0] > 1.5 * off[1] > 2 * off[2]
    assert off[2] < 0.04


@pytest.mark.parametrize("gamma", [0.4, 1.0, 1.8])
def test_two_bidders_bid_as_if_both_signals_were_their_own(gamma: float) -> None:
    environment = LowestBidAuction(bidders=2, gamma=gamma).build()
    mechanism = SecondPrice(environment)
    assert len(mechanism.amounts) == 1
    assert amounts_asked(mechanism) == [pytest.approx((1 + gamma) * np.array([0, 0.5, 1]))] * 2
    assert mechanism.promises.incentive == "periodic ex post"


def test_where_the_past_tells_about_signals_bids_follow_it_and_can_be_moved_by_a_lie() -> None:
    """Three bidders whose next signals follow the average: each table of bids is that of the law after last bids."""
    environment = LowestBidAuction(gamma=0.5).build()
    mechanism = SecondPrice(environment)
    assert len(mechanism.amounts) > 1
    law = environment.kernel(0).rows()[0]
    for profile in range(environment.stage(0).size):
        told = mechanism.amounts[mechanism._told[1 + profile]]
        alone = from_arrays(
            environment.stage(0).utility,
            np.broadcast_to(law[profile].reshape(3, 3, 3), (3, 3, 3, 3, 3, 3, 3)).copy(),
            law[profile].reshape(3, 3, 3),
            0.5,
        )
        wanted = amounts_asked(SecondPrice(alone))
        assert [[float(told[k]) for k in own] for own in mechanism.prescribed_bids] == [
            pytest.approx(own) for own in wanted
        ]
        assert most_gained(alone, wanted, fine=5) < 1e-9, "nothing is gained today"
    first = SecondPrice(
        from_arrays(
            environment.stage(0).utility,
            np.broadcast_to(environment.prior, (3, 3, 3, 3, 3, 3, 3)).copy(),
            environment.prior,
            0.5,
        )
    )
    today = mechanism.amounts[mechanism._table(Situation(0, np.zeros(1, np.intp), np.zeros(1, np.intp)))[0]]
    assert [[float(today[k]) for k in own] for own in mechanism.prescribed_bids] == [
        pytest.approx(own) for own in amounts_asked(first)
    ], "at first by the prior"
    found = audit(environment, mechanism)
    assert found.verdicts[0].status == "outside_assumptions"
    assert found.violated == [UNTOLD]
    assert 0.01 < found.worst(Family.BEST_RESPONSE, "interim")[1].gain < 0.5
    assert found.verdicts[2].status == "holds"


def test_bids_that_depend_on_the_past_are_called_after_whose_they_are() -> None:
    for steps, between in ((1, ()), (2, ("0.5 (bidder 2) + 1/2",))):
        mechanism = SecondPrice(LowestBidAuction(gamma=0.5).build(), steps)
        labels = mechanism.bids.labels
        assert len(labels) == len(set(labels)) == mechanism.amounts.shape[1]
        assert set(between) <= set(labels)
        for j in range(3):
            assert labels[mechanism.prescribed_bids[j][1]] == f"0.5 (bidder {j + 1})"
            assert labels[mechanism.prescribed_bids[j][2]] == f"1 (bidder {j + 1})"


def test_memory_is_what_the_last_bids_stand_for() -> None:
    mechanism = SecondPrice(LowestBidAuction(gamma=0.5).build())
    now = Situation(1, np.zeros(1, np.intp), np.zeros(1, np.intp))
    acts = Acts(np.zeros((1, 3), np.intp), np.zeros((1, 3)))
    for profile in product(range(3), repeat=3):
        bids = np.array([[mechanism.prescribed_bids[j][k] for j, k in enumerate(profile)]])
        decision = mechanism.decide(now, bids)
        flat = int(np.ravel_multi_index(profile, (3, 3, 3)))
        assert mechanism.remember(now, bids, decision, acts)[0] == mechanism._told[1 + 27 * int(decision[0]) + flat]


@pytest.mark.parametrize(("gamma", "ordered"), [(0.4, True), (1.0, True), (1.0 + 1e-6, False)])
def test_others_signals_may_weigh_as_much_as_ones_own(gamma: float, ordered: bool) -> None:
    crossing = SecondPrice(untold(2, 3, gamma)).conditions()[0]
    assert crossing.holds is ordered
    assert crossing.value == pytest.approx(gamma)


@pytest.mark.parametrize("winners", [(0, 0, 2), (0, 1, 1), (0, (1, 2), 2), (0, (1, 2), ())])
def test_an_object_that_is_not_each_ones_once_is_refused(winners: tuple[int | tuple[int, ...], ...]) -> None:
    """Planted: two decisions give it to one bidder, and none to another; one decision to two; and one to nobody."""

    def values(given: tuple[int | tuple[int, ...], ...]) -> LinearValues | str:
        utility = np.zeros((3, 3, 2, 2, 2))
        for decision, who in enumerate(given):
            for i in (who,) if isinstance(who, int) else who:
                utility[i, decision] = np.moveaxis(np.array([1.0, 2.0])[:, None, None], 0, i)
        flat = np.full((3, 2, 2), 0.5)
        return linear_values(from_arrays(utility, [flat] * 3, np.full((2, 2, 2), 1 / 8), 0.5))

    assert isinstance(values((0, 1, 2)), LinearValues)
    said = values(winners)
    assert isinstance(said, str)
    assert said.startswith("the object must be worth something to whoever gets it and nothing to the others")


def test_up_to_gamma_1_a_bid_rises_with_the_own_signal() -> None:
    """At γ = 1 values are common, and the condition still holds; a little above it does not."""
    conditions = {gamma: SecondPrice(untold(2, 3, gamma)).conditions()[0] for gamma in (1.0, 1.01)}
    assert {gamma: condition.holds for gamma, condition in conditions.items()} == {1.0: True, 1.01: False}


@pytest.mark.parametrize("apart", [False, True])
def test_signals_that_tell_about_each_other_today_are_told_too(apart: bool) -> None:
    """Drawn anew every period, but all from one of two laws: the past tells nothing, the others' signals do."""
    base = untold(3, 2, 0.5)
    laws = np.array([[0.2, 0.8], [0.8, 0.2]]) if apart else np.full((2, 2), 0.5)
    prior = np.einsum("ca,cb,cd->abd", laws, laws, laws) / 2
    kernel = np.broadcast_to(prior, (3, 2, 2, 2, 2, 2, 2)).copy()
    told = SecondPrice(from_arrays(base.stage(0).utility, kernel, prior, 0.5)).conditions()[1]
    assert told.name == UNTOLD
    assert told.holds is not apart


def test_what_is_told_counts_wherever_there_is_a_second_period() -> None:
    """Values that persist: after two periods as after many, bids depend on the last ones; after one there is none."""
    theta, law = np.array([0.0, 1.0]), np.array([[0.9, 0.1], [0.1, 0.9]])
    utility = np.zeros((3, 3, 2, 2, 2))
    for i in range(3):
        own = np.moveaxis(theta.reshape(2, 1, 1), 0, i)
        others = sum(np.moveaxis(theta.reshape(2, 1, 1), 0, j) for j in range(3) if j != i)
        utility[i, i] = own + 0.5 * others
    sizes = {}
    for horizon in (1, 2, 3):
        base = from_arrays(utility, [np.stack([law] * 3)] * 3, np.full((2, 2, 2), 1 / 8), 0.5, horizon=horizon)
        sizes[horizon] = len(SecondPrice(base).amounts)
    assert sizes[1] == 1
    assert sizes[2] == sizes[3] > 1


@pytest.mark.parametrize("spoilt", ["two get it", "one gets it twice"])
def test_each_decision_gives_the_object_to_one_bidder(spoilt: str) -> None:
    environment = untold(3, 2, 0.5)
    utility = environment.stage(0).utility.copy()
    assert not isinstance(linear_values(environment), str)
    if spoilt == "two get it":
        utility[0, 1] = utility[0, 0]
    else:
        utility[0, 1], utility[1, 1] = utility[0, 0], 0.0
    kernel = [np.full((3, 2, 2), 0.5)] * 3
    assert linear_values(from_arrays(utility, kernel, np.full((2, 2, 2), 1 / 8), 0.5)) == (
        "the object must be worth something to whoever gets it and nothing to the others, for each bidder once"
    )
