"""A base fee that empty blocks push down: against dynamic programs of our own, by lottery, by coalition, in play."""

from functools import cache

import numpy as np
import pytest

import dynmech as dm
from dynmech.mechanisms.commitment.base_fee import BaseFee
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation

STEP = np.log(9 / 8)


def ex_ante(text: str, mechanism: str, who: str = "proposer 1") -> float:
    """The deviator's best gain before anything is known."""
    audit = dm.audit(text, mechanism, coalitions=[who.split(" + ")])
    return max(
        float(one.gain or 0)
        for one in audit.figures
        if (one.family, one.information) == ("best_response", "ex_ante") and one.agent == who
    )


class Market:
    """One slot, worked out by scanning: price, tips and gas of a block at a fee."""

    def __init__(self, elasticity: float, units: int, tips: str, tip: float) -> None:
        self.tips, self.tip, self.units = tips, tip, units
        worth = [(k / units) ** (-1 / elasticity) for k in range(1, 2 * units + 1)]
        self.points = [(0.0, 2 * worth[0] - worth[1]), *((k / units, w) for k, w in enumerate(worth, start=1))]

    def wanted(self, price: float) -> float:
        """D(p) on straight lines between units."""
        if price <= self.points[-1][1]:
            return 2.0
        for (q0, p0), (q1, p1) in zip(self.points, self.points[1:], strict=False):
            if p1 <= price <= p0:
                return q0 + (q1 - q0) * (p0 - price) / (p0 - p1)
        return 0.0

    def slot(self, fee: float, ready: int) -> tuple[float, list[tuple[float, float]]]:
        """Expected tips, and (chance, gas) of what is used."""
        limit = self.points[(ready if self.tips == "clearing" else 2) * self.units][1] if ready else 0.0
        price = max(fee + self.tip, limit)
        gas = min(float(ready), self.wanted(price))
        low = np.floor(gas * self.units + 1e-9)
        up = max(gas * self.units - low, 0.0)
        return (price - fee) * gas, [(1 - up, low / self.units), (up, (low + 1) / self.units)]


def endless(share: float, market: Market, discount: float, mesh: int = 4, adjustment: float = 0.125) -> float:
    """Best response less filling blocks, from b* on for ever; values between grid points are straight lines."""
    logs = np.log(1 - market.tip) + STEP / mesh * np.arange(-int(np.ceil(-np.log(0.2) * mesh / STEP)), mesh + 1)
    table = []
    for fee in np.exp(logs):
        row = []
        for ready in (0, 1, 2):
            tips, used = market.slot(float(fee), ready)
            after = [(c, np.log(fee) + np.log(1 + adjustment * (g - 1))) for c, g in used]
            row.append((tips, after))
        table.append(row)
    worths = []
    for free in (False, True):
        value = np.zeros(len(logs))
        for _ in range(int(np.log(1e-11) / np.log(discount))):
            new = np.empty_like(value)
            for j, row in enumerate(table):
                ahead = [discount * sum(c * np.interp(x, logs, value) for c, x in after) for _, after in row]
                own = max(row[r][0] + ahead[r] for r in ((0, 1, 2) if free else (2,)))
                new[j] = share * own + (1 - share) * ahead[2]
            value = new
        worths.append(float(np.interp(np.log(1 - market.tip), logs, value)))
    return worths[1] - worths[0]


@pytest.mark.parametrize(
    ("share", "elasticity", "units", "tips", "tip", "discount"),
    [(0.7, 1.0, 2, "clearing", 0.05, 0.6), (0.3, 2.5, 3, "clearing", 0.02, 0.7), (0.9, 2.0, 2, "minimal", 0.01, 0.9)],
)
def test_the_best_response_is_that_of_a_dynamic_program_of_our_own(
    share: float, elasticity: float, units: int, tips: str, tip: float, discount: float
) -> None:
    text = f"base-fee:shares={share},elasticity={elasticity},units={units},discount={discount}"
    by_hand = endless(share, Market(elasticity, units, tips, tip), discount)
    assert by_hand > 1e-4
    assert ex_ante(text, f"base-fee:tips={tips},tip={tip}") == pytest.approx(by_hand, abs=1e-8)


def of_blocks(share: float, market: Market, slots: int, window: int, *, free: bool, mesh: int = 1) -> float:
    """A finite number of slots with δ = 1, the fee following the mean of some blocks; every history by recursion."""
    logs = np.log(1 - market.tip) + STEP / mesh * np.arange(-int(np.ceil(-np.log(0.2) * mesh / STEP)), mesh + 1)
    start = len(logs) - mesh - 1

    @cache
    def worth(left: int, place: int, past: tuple[float, ...]) -> float:
        if left == 0:
            return 0.0
        own = [follow(left, place, past, ready) for ready in (0, 1, 2)]
        best = max(tips + later for tips, later in own) if free else sum(own[2])
        return share * best + (1 - share) * own[2][1]

    def follow(left: int, place: int, past: tuple[float, ...], ready: int) -> tuple[float, float]:
        tips, used = market.slot(float(np.exp(logs[place])), ready)
        later = 0.0
        for chance, gas in used:
            mean = (gas + sum(past)) / window
            y = min(max(place + np.log(1 + 0.125 * (mean - 1)) * mesh / STEP, 0.0), len(logs) - 1.0)
            low = int(np.floor(y + 1e-9))
            kept = (gas, *past)[: window - 1]
            later += chance * (1 - (y - low)) * worth(left - 1, low, kept)
            if y - low > 1e-9:
                later += chance * (y - low) * worth(left - 1, low + 1, kept)
        return tips, later

    return worth(slots, start, (1.0,) * (window - 1))


@pytest.mark.parametrize(
    ("window", "tips", "share"), [(1, "clearing", 0.4), (2, "clearing", 0.4), (3, "clearing", 0.7)]
)
def test_a_fee_that_follows_several_blocks_against_a_recursion_over_histories(
    window: int, tips: str, share: float
) -> None:
    market, slots = Market(1.0, 1, tips, 0.05), 6
    free, filled = (of_blocks(share, market, slots, window, free=one) for one in (True, False))
    found = ex_ante(
        f"base-fee:shares={share},units=1,discount=1,horizon={slots}", f"base-fee:mesh=1,window={window},tips={tips}"
    )
    assert free - filled > 1e-3
    assert found == pytest.approx(free - filled, abs=1e-9)


def test_the_lottery_keeps_the_mean_of_the_logarithm() -> None:
    environment = dm.load("base-fee:shares=0.5,units=3,elasticity=1.7")
    assert isinstance(environment, TableEnvironment)
    mechanism = BaseFee(environment, mesh=3)
    inside = np.arange(8, len(mechanism.logs) - 4)
    for said in (0, 1, 2):
        now = Situation(1, inside, np.zeros(len(inside), np.intp))
        messages = np.column_stack([np.full(len(inside), said), np.zeros(len(inside), np.intp)])
        lottery = mechanism.decide(now, messages)
        np.testing.assert_allclose(lottery.sum(axis=1), 1)
        acts = Acts(np.zeros(messages.shape, np.intp), np.zeros(messages.shape))
        mean, gas, wanted = np.zeros(len(inside)), np.zeros(len(inside)), np.zeros(len(inside))
        for d in range(lottery.shape[1]):
            drawn = np.full(len(inside), d)
            after = mechanism.remember(now, messages, drawn, acts)
            used = (d // 2) / 3
            mean += lottery[:, d] * mechanism.logs[np.minimum(after, len(mechanism.logs) - 1)]
            wanted += lottery[:, d] * (mechanism.logs[inside] + np.log(1 + (used - 1) / 8))
            gas += lottery[:, d] * used
        np.testing.assert_allclose(mean, wanted, atol=1e-12)
        market = Market(1.7, 3, "clearing", 0.05)
        by_hand = [sum(c * g for c, g in market.slot(float(np.exp(mechanism.logs[j])), said)[1]) for j in inside]
        np.testing.assert_allclose(gas, by_hand, atol=1e-9)


def test_prescribed_play_stays_where_users_want_the_target() -> None:
    run = dm.simulate("base-fee:shares=0.6", "base-fee", {}, episodes=20, tail=0.05)
    outcomes = run.outcomes()
    assert {text.partition(",")[0] for text in outcomes["decision"]} == {"gas 1"}
    paid = outcomes.query("agent == 'users'")["transfer"]
    np.testing.assert_allclose(paid, 1.0)
    tips = outcomes.query("agent == 'proposer 1'")["transfer"]
    assert set(tips.round(12)) == {0.0, -0.05}


def test_a_coalition_counts_as_one_proposer_with_all_its_slots() -> None:
    alone = ex_ante("base-fee:shares=0.04,units=2", "base-fee")
    two = ex_ante("base-fee:shares=0.04+0.16,units=2", "base-fee", "proposer 1 + proposer 2")
    one = ex_ante("base-fee:shares=0.2,units=2", "base-fee")
    assert alone <= 1e-9
    assert two == pytest.approx(one, abs=1e-8)
    assert one > 0.1


def test_a_fee_that_does_not_move_gives_nothing_to_gain() -> None:
    assert ex_ante("base-fee:shares=0.9,units=2", "base-fee:adjustment=0") <= 1e-9
    assert ex_ante("base-fee:shares=0.9,units=2", "base-fee:adjustment=0.02") > 0.1


def test_a_finer_mesh_changes_less_and_less() -> None:
    gains = [ex_ante("base-fee:shares=0.3,units=2,discount=0.9", f"base-fee:mesh={mesh}") for mesh in (1, 2, 4, 8)]
    steps = np.abs(np.diff(gains))
    assert steps[2] < steps[1] < steps[0]
    assert steps[2] < 0.02 * gains[-1]


def test_the_worst_deviation_earns_in_play_what_it_is_worth() -> None:
    text = "base-fee:shares=0.5,units=2,discount=1,horizon=12"
    audit = dm.audit(text, "base-fee")
    run = dm.simulate(text, "base-fee", {"proposer 1": audit.witness}, episodes=2000)
    gains = run.gains().query("agent == 'proposer 1'")["gain"]
    exact = ex_ante(text, "base-fee")
    assert exact > 0.1
    assert abs(gains.mean() - exact) < 4 * gains.std() / 2000**0.5
    promises = audit.promises.set_index("promise")["status"]
    assert promises["incentive"] == "not_promised"
    assert promises["budget: no deficit"] == "holds"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("tips=large", "input should be 'clearing' or 'minimal'"),
        ("tip=0", "tip: 0 is not between 0 and 1"),
        ("adjustment=0.9", r"adjustment: 0.9 is not in \[0, 0.5\]"),
        ("window=0", "window: 0, mesh: 4; expected 1 to 8 blocks"),
        ("lowest=1", "lowest: 1 is not between 0 and 1"),
    ],
)
def test_bad_options_of_the_rule_get_one_line(options: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        dm.make_mechanism(f"base-fee:{options}", dm.load("base-fee"))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("shares=0.7+0.6", "must be 1 to 4 positive numbers that sum to at most 1"),
        ("shares=half", "is no list of numbers"),
        ("curve=round", "curve: 'round' is none of isoelastic, linear"),
        ("elasticity=0", "elasticity: 0 is not a positive number"),
        ("curve=linear,elasticity=0.5", "a linear curve needs more than 1"),
        ("units=0", r"units: 0 is not in 1\.\.32"),
    ],
)
def test_bad_options_of_the_market_get_one_line(options: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        dm.load(f"base-fee:{options}")


@pytest.mark.parametrize("text", ["repeated-auction", "oil-leases", "renewable-resource", "durable-good"])
def test_other_economies_are_refused(text: str) -> None:
    with pytest.raises(Refusal, match="scenario base-fee has it"):
        dm.make_mechanism("base-fee", dm.load(text))
