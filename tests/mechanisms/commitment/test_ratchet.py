"""Reserves that follow the last bid: gains against dynamic programs of our own, a closed form, and simulation."""

from itertools import product

import numpy as np
import pytest

import dynmech as dm
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.chains import persistent_chain


def gain(text: str, mechanism: str, agent: str, information: str = "ex_ante") -> float:
    rows = dm.audit(text, mechanism).gains.query(f"family == 'best_response' and information == '{information}'")
    return float(rows.set_index("agent")["upper"][agent])


def auction(bids: tuple[float, ...], reserves: tuple[float, ...]) -> tuple[int, float]:
    """Who wins and at which price, one case at a time."""
    able = [i for i, b in enumerate(bids) if b >= reserves[i] - 1e-12]
    if not able:
        return -1, 0.0
    winner = max(able, key=lambda i: (bids[i], -i))
    return winner, max([reserves[winner], *(bids[i] for i in able if i != winner)])


def shading(k: int, persistence: float, discount: float, share: float, rivals: int) -> float:
    """What bidder 1 gains ex ante by its best bids, by value iteration over own value, own and rival's last bids."""
    chain, values = persistent_chain(k, persistence), np.arange(1, k + 1)
    rival = range(k) if rivals else [None]
    states = [*product(range(k), range(k), rival)]

    def flow(v: int, b: int, last: int, w: int | None, before: int | None) -> float:
        bids = (float(values[b]), *(() if w is None else (float(values[w]),)))
        lasts = (values[last], *(() if before is None else (values[before],)))
        winner, price = auction(bids, tuple(float(share * x) for x in lasts))
        return float(values[v]) - price if winner == 0 else 0.0

    def law(before: int | None) -> list[tuple[int | None, float]]:
        return [(None, 1.0)] if before is None else [(w, float(chain[before, w])) for w in range(k)]

    best, honest = dict.fromkeys(states, 0.0), dict.fromkeys(states, 0.0)
    for _ in range(250):
        options = {
            (v, last, before): [
                sum(
                    p * (flow(v, b, last, w, before) + discount * sum(chain[v, u] * best[u, b, w] for u in range(k)))
                    for w, p in law(before)
                )
                for b in range(k)
            ]
            for v, last, before in states
        }
        truth = {
            (v, last, before): sum(
                p * (flow(v, v, last, w, before) + discount * sum(chain[v, u] * honest[u, v, w] for u in range(k)))
                for w, p in law(before)
            )
            for v, last, before in states
        }
        best, honest = {s: max(o) for s, o in options.items()}, truth
    total = 0.0
    for v in range(k):
        first = [(w, 1.0 if w is None else 1 / k) for w in rival]
        worth = []
        for b in range(k):
            after = best
            now = 0.0
            for w, p in first:
                bids = (float(values[b]), *(() if w is None else (float(values[w]),)))
                winner, price = auction(bids, (0.0,) * len(bids))
                later = sum(chain[v, u] * after[u, b, w] for u in range(k))
                now += p * ((values[v] - price if winner == 0 else 0.0) + discount * later)
            worth.append(now)
        plain = 0.0
        for w, p in first:
            bids = (float(values[v]), *(() if w is None else (float(values[w]),)))
            winner, price = auction(bids, (0.0,) * len(bids))
            later = sum(chain[v, u] * honest[u, v, w] for u in range(k))
            plain += p * ((values[v] - price if winner == 0 else 0.0) + discount * later)
        total += (max(worth) - plain) / k
    return total


@pytest.mark.parametrize(
    ("k", "persistence", "discount", "share", "bidders"),
    [
        (3, 0.8, 0.6, 0.5, 1),
        (3, 0.6, 0.7, 0.9, 1),
        (2, 0.9, 0.7, 0.75, 2),
        (3, 0.8, 0.5, 0.6, 2),
        (2, 0.5, 0.6, 1.0, 2),
    ],
)
def test_shading_gains_what_a_dynamic_program_of_our_own_says(
    k: int, persistence: float, discount: float, share: float, bidders: int
) -> None:
    text = f"ad-exchange:bidders={bidders},values={k},persistence={persistence},discount={discount}"
    by_hand = shading(k, persistence, discount, share, bidders - 1)
    assert gain(text, f"ratchet:share={share}", "bidder 1") == pytest.approx(by_hand, abs=1e-7)


@pytest.mark.parametrize(("share", "discount"), [(0.25, 0.5), (1.0, 0.9), (0.0, 0.9)])
def test_a_lone_bidder_whose_value_never_changes(share: float, discount: float) -> None:
    text = f"ad-exchange:bidders=1,persistence=1,discount={discount}"
    assert gain(text, f"ratchet:share={share}", "bidder 1") == pytest.approx(
        share * discount / (1 - discount), abs=1e-9
    )


def test_truth_is_best_without_a_share_unless_awards_move_signals() -> None:
    for text in ("ad-exchange", "repeated-auction:values=2"):
        audit = dm.audit(text, "ratchet:share=0,reserve=1")
        assert set(audit.promises["status"]) == {"holds"}
    unpromised = dm.audit("repeated-auction:values=2", "ratchet:share=1").promises
    assert unpromised.set_index("promise")["status"]["incentive"] == "not_promised"
    tired = dm.audit("repeated-auction:values=3,fatigue=0.9", "ratchet:share=0").promises
    assert tired.set_index("promise")["status"]["incentive: periodic ex post"] == "outside_assumptions"


@pytest.mark.parametrize(("persistence", "reserve", "share"), [(0.8, 0.0, 1.0), (0.9, 1.0, 0.6), (0.4, 2.0, 0.9)])
def test_the_exchange_gains_what_it_has_learned(persistence: float, reserve: float, share: float) -> None:
    """Bidders are truthful, so that its choice changes nothing later: it takes the better rule period by period."""
    k, discount = 3, 0.7
    chain, values = persistent_chain(k, persistence), np.arange(1, k + 1)
    total, law = 0.0, np.full((k, k), 1 / k**2)
    for t in range(80):
        for last in product(range(k), repeat=2):
            income = []
            for reserves in ((reserve,) * 2, tuple(max(share * values[x], reserve) for x in last)):
                chances = np.multiply.outer(chain[last[0]], chain[last[1]])
                income.append(
                    sum(
                        chances[now] * auction(tuple(float(values[x]) for x in now), reserves)[1]
                        for now in product(range(k), repeat=2)
                    )
                )
            total += discount ** (t + 1) * law[last] * max(income[1] - income[0], 0.0)
        law = chain.T @ law @ chain
    text = f"ad-exchange:persistence={persistence},discount={discount}"
    mechanism = f"ratchet:plan=promise,reserve={reserve},share={share}"
    assert total > 0.005
    assert gain(text, mechanism, "exchange") == pytest.approx(total, abs=1e-8)
    assert gain(text, mechanism, "bidder 1", "interim") <= 1e-8
    audit = dm.audit(text, mechanism)
    assert audit.promises.set_index("promise")["status"]["incentive: bayesian"] == "breaks"


def test_commitment_is_worth_more_than_what_the_ratchet_takes_from_the_truthful() -> None:
    """A lone bidder of a lasting value that is asked by the ratchet bids the least: all that it takes is share · 1."""
    text, discount = "ad-exchange:bidders=1,persistence=1", 0.9
    audit = dm.audit(text, "ratchet:share=1")
    run = dm.simulate(text, "ratchet:share=1", {"bidder 1": audit.witness}, episodes=50, tail=1e-6)
    paid = run.outcomes().query("agent == 'bidder 1'")
    assert set(paid.query("period > 0")["transfer"]) == {1.0}
    kept = dm.audit(text, "ratchet:share=0,reserve=2").to_dict()["truth"]["transfer"][0]
    assert kept == pytest.approx(2 * (2 / 3) / (1 - discount))
    assert kept > 1.2 * (paid["transfer"] * discount ** paid["period"]).groupby(paid["episode"]).sum().max()


def test_the_gain_grows_with_the_share_and_with_persistence() -> None:
    def gain(share: float, persistence: float = 0.7) -> float:
        audit = dm.audit(f"ad-exchange:persistence={persistence}", f"ratchet:share={share}")
        return max(
            one.gain
            for one in audit.figures
            if (one.agent, one.family, one.information) == ("bidder 1", "best_response", "interim")
            and one.gain is not None
        )

    shares = [gain(share) for share in (0.3, 0.6, 0.9)]
    assert shares[0] == pytest.approx(0, abs=1e-9), "the reserve stays below every value"
    assert 1e-3 < shares[1] < shares[2]
    persistent = [gain(0.9, persistence) for persistence in (0.5, 0.7, 0.9)]
    assert persistent == sorted(persistent)
    assert persistent[0] < persistent[2] - 1e-3


@pytest.mark.parametrize(
    ("mechanism", "why"),
    [
        ("ratchet:share=2", r"share: 2 is not in \[0, 1\]"),
        ("ratchet:reserve=-1", "reserve: -1 is not a finite price of at least 0"),
        ("ratchet:plan=hope", "plan"),
    ],
)
def test_bad_options_get_one_line(mechanism: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        dm.make_mechanism(mechanism, dm.load("ad-exchange"))


@pytest.mark.parametrize(
    ("text", "mechanism", "why"),
    [
        ("repeated-auction", "ratchet:plan=promise", "plan=promise needs an exchange"),
        ("oil-leases", "ratchet", "the same economy every period"),
        ("lowest-bid-auction", "ratchet", "to one bidder or to nobody"),
        ("public-good", "ratchet", "to one bidder or to nobody"),
    ],
)
def test_other_economies_are_refused(text: str, mechanism: str, why: str) -> None:
    with pytest.raises(Refusal, match=why):
        dm.make_mechanism(mechanism, dm.load(text))
    with pytest.raises(InputError, match="1 to 6 bidders"):
        dm.load("ad-exchange:bidders=0")
