"""Bills and payments on the event loop: equal figures where all pay, default, lateness, exclusion, and the log."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.conformance.strategy_check import check_strategy
from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.default import Default
from dynmech.agents.strategies.late import Late
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.catalog.names import make_strategy
from dynmech.experiments.engines.fused_games import obstacle
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.billing import Bill, Ledger
from dynmech.sim.play.game import Game, ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.payment_terms import PaymentTerms
from dynmech.sim.play.record import Record
from dynmech.sim.play.roles import Acts, Situation, View
from tests.builders.random_economies import private_values

COLUMNS = ("utility", "transfer", "signal", "report", "decision", "cost", "public")


class Fee(DirectMechanism):
    """Decision 0; every agent owes 1 in period 0, 2 in period 1, and so on; it notes who is in good standing."""

    name = "fee"
    reads_payments = True

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.zeros(len(messages), np.intp)

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        return np.full(messages.shape, now.t + 1.0)

    def memory_size(self, t: int) -> int:
        return 1 if t == 0 else 4

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        assert acts.paid is not None
        return np.asarray(acts.paid @ np.array([2, 1]), np.intp)

    def transfer_bound(self) -> float:
        return 10.0


class Pays(Strategy):
    """Tells the truth, and pays what it is told to period by period, as shares of what it owes."""

    name = "pays"

    def __init__(self, shares: Sequence[float]) -> None:
        self.shares = tuple(shares)
        self.seen: list[Bill] = []
        self.memories: list[Array] = []

    def message(self, view: View) -> Array:
        if view.memory is not None:
            self.memories.append(view.memory)
        return view.prescribed

    def pay(self, view: View, bill: Bill) -> FloatArray:
        self.seen.append(bill)
        return np.asarray(self.shares[view.t] * bill.owed, np.float64)


def game_of(terms: PaymentTerms | None, *, horizon: int = 3, rule: type = Fee) -> Game:
    base = private_values(4)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.5, horizon)
    return make_game(environment, rule(environment), ProtocolOptions(payments=terms))


def played(game: Game, *strategies: Strategy, block: int = 4096, episodes: int = 20) -> Record:
    streams = Streams(3, "play", 0, episodes, game.periods + game.closing)
    return play_shard(game, strategies, streams, block=block)


@pytest.mark.parametrize("terms", [PaymentTerms(), PaymentTerms("ignore", 2, 1.5)])
def test_who_pays_every_bill_plays_as_if_payments_were_enforced(terms: PaymentTerms) -> None:
    base = private_values(4)
    for environment in (base, TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.5, 3)):
        truth = [Truthful()] * 2
        free, forced = (
            played(make_game(environment, Pivot(environment), ProtocolOptions(payments=payments)), *truth)
            for payments in (terms, None)
        )
        for column in (*COLUMNS, "discounted_utility", "discounted_transfer"):
            np.testing.assert_array_equal(getattr(free, column), getattr(forced, column))
        assert not free.in_default.any()
        assert not free.claims.any()
        np.testing.assert_array_equal(free.billed, free.paid)


def test_enforced_bills_can_be_events_and_change_no_byte_of_play() -> None:
    """Whoever plays: a strategy that would not pay is not asked."""
    base = private_values(4)
    for environment in (base, TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.5, 3)):
        sides = [
            played(make_game(environment, Pivot(environment), ProtocolOptions(payments=terms)), Default(), Truthful())
            for terms in (PaymentTerms(voluntary=False), None)
        ]
        for column in (*COLUMNS, "discounted_utility", "discounted_transfer"):
            assert getattr(sides[0], column).tobytes() == getattr(sides[1], column).tobytes()
        np.testing.assert_array_equal(sides[0].paid, sides[0].billed)
        np.testing.assert_array_equal(sides[0].billed, sides[1].transfer)
        assert not sides[0].in_default.any()


def test_a_default_of_any_size_excludes_from_the_next_period_on() -> None:
    game = game_of(PaymentTerms("exclude", 0, 0.25))
    record = played(game, Pays([1.0, 0.999, 1.0]), Truthful())
    np.testing.assert_array_equal(record.billed[:, 0, 0], [1, 2, 0])
    np.testing.assert_allclose(record.paid[:, 0, 0], [1, 1.998, 0])
    np.testing.assert_array_equal(record.forfeited[:, 0, 0], [0, 0.25, 0])
    np.testing.assert_allclose(record.transfer[:, 0, 0], [1, 2.248, 0])
    assert record.utility[1, 0].any()
    assert not record.utility[2, 0].any(), "it is out: what is decided is not its payoff any more"
    np.testing.assert_array_equal(record.defaulted[2, 0], True)
    np.testing.assert_array_equal(record.in_default[:, 0], [True, False])
    np.testing.assert_allclose(record.claims[0], 0.5 * 0.002)
    np.testing.assert_array_equal(record.paid[:, 1, 0], [1, 2, 3])


def test_nothing_follows_where_default_is_ignored_but_the_deposit_goes_once() -> None:
    game = game_of(PaymentTerms("ignore", 0, 0.25))
    record = played(game, Pays([0.0, 0.0, 1.0]), Truthful())
    np.testing.assert_array_equal(record.billed[:, 0, 0], [1, 2, 3])
    np.testing.assert_array_equal(record.paid[:, 0, 0], [0, 0, 3])
    np.testing.assert_array_equal(record.forfeited[:, 0, 0], [0.25, 0, 0])
    np.testing.assert_allclose(record.claims[0], 1 + 0.5 * 2)
    honest = played(game, Truthful(), Truthful())
    np.testing.assert_array_equal(record.utility, honest.utility)


def test_grace_puts_arrears_off_with_interest() -> None:
    """Bills 1, 2, 3; half the discount, so that arrears double; at the end all is due."""
    game = game_of(PaymentTerms("exclude", 1))
    agent = Pays([0.0, 0.5, 1.0])
    record = played(game, agent, Truthful(), episodes=1)
    bills = [[float(part[0]) for part in bill] for bill in agent.seen]  # amount, arrears, due, owed
    assert bills == [[1, 0, 0, 1], [2, 2, 2, 4], [3, 4, 7, 7]]
    np.testing.assert_array_equal(record.paid[:, 0, 0], [0, 0, 3])
    np.testing.assert_array_equal(record.paid_late[:, 0, 0], [0, 2, 4])
    assert not record.in_default.any()
    honest = played(game, Truthful(), Truthful(), episodes=1)
    np.testing.assert_allclose(record.discounted_transfer, honest.discounted_transfer)
    worse = Pays([0.0, 0.49, 1.0])
    assert played(game, worse, Truthful(), episodes=1).in_default[0, 0], "what is a period old is due"


def test_who_defaults_under_grace_pays_nothing_at_all() -> None:
    record = played(game_of(PaymentTerms("ignore", 1)), Default(), Truthful(), episodes=1)
    assert record.billed[:, 0].all()
    assert not record.paid[:, 0].any()
    assert not record.paid_late[:, 0].any()
    assert record.in_default[0, 0]


def test_lateness_alone_changes_no_payoff_and_the_mechanism_reads_who_is_in_good_standing() -> None:
    game = game_of(PaymentTerms("ignore", 2))
    watcher, late = Pays([1.0, 1.0, 1.0]), played(game, Late(), Pays([1.0, 1.0, 1.0]))
    assert late.paid_late[:, 0].any()
    np.testing.assert_allclose(late.discounted_transfer[0], late.discounted_transfer[1])
    played(game_of(PaymentTerms("ignore")), Default(start=1), watcher, episodes=1)
    assert [int(memory[0]) for memory in watcher.memories] == [0, 3, 1]


@pytest.mark.parametrize("default", ["exclude", "ignore"])
@pytest.mark.parametrize("grace", [0, 1])
def test_blocks_and_processes_change_nothing(default: str, grace: int) -> None:
    base = private_values(4, discount=0.5)
    game = make_game(base, Pivot(base), ProtocolOptions(payments=PaymentTerms(default, grace, 0.1)))
    strategies = Default(start=1), Late(stop=3)
    whole = played(game, *strategies)
    assert whole.in_default.any()
    for block in (1, 7):
        parts = played(game, *strategies, block=block)
        for column in ("transfer", "utility", "billed", "paid", "paid_late", "forfeited", "claims", "in_default"):
            np.testing.assert_array_equal(getattr(whole, column), getattr(parts, column))


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.5, "strategy 'pays' of agent .* in period 0: pay returned 1.5 .*: more than the 1 that it owes"),
        (-1.0, "pay returned -1 .*: a payment is 0 or more"),
        (float("nan"), "pay returned nan .*: a payment is 0 or more"),
    ],
)
def test_a_payment_above_the_bill_or_below_nothing_gets_a_line(share: float, words: str) -> None:
    with pytest.raises(PlayError, match=words):
        played(game_of(PaymentTerms()), Pays([share]), Truthful())


def test_what_is_no_payment_gets_a_line() -> None:
    class Text(Pays):
        def pay(self, view: View, bill: Bill) -> FloatArray:
            return "all"  # type: ignore[return-value]

    with pytest.raises(PlayError, match="pay returned 'all', expected an array of 20 numbers"):
        played(game_of(PaymentTerms()), Text([]), Truthful())
    with pytest.raises(InputError, match="deposit: 'auto' is worked out"):
        Ledger(game_of(PaymentTerms(deposit="auto")), 1)


@pytest.mark.parametrize(
    ("terms", "agent"),
    [
        (PaymentTerms(), "firm 2"),
        (PaymentTerms("ignore"), "firm 2"),
        (PaymentTerms("exclude", 1, 3.0), "firm 2"),
        (PaymentTerms("ignore", 1, 3.0), "firm 1"),
    ],
)
def test_the_best_plan_of_lies_and_payments_earns_in_play_what_the_search_says(terms: PaymentTerms, agent: str) -> None:
    exact = dm.audit("oil-leases-prior", "cremer-mclean", payments="voluntary", **terms.data())
    row = exact.gains.query("agent == @agent and family == 'best_response' and information == 'ex_ante'")
    run = dm.simulate(
        "oil-leases-prior",
        "cremer-mclean",
        {agent: "best-response"},
        episodes=4000,
        protocol=ProtocolOptions(payments=terms),
    )
    shown = run.agents.set_index("agent")
    assert abs(shown.gain[agent] - row.gain.item()) <= 2 * shown.gain_half_width[agent] + 1e-9
    assert row.gain.item() > 1


def test_a_long_plan_of_defaults_earns_what_the_search_says() -> None:
    """Nothing follows a default but the deposit, so the best is to keep all bills from some point on."""
    for terms in (PaymentTerms("ignore", 1, 0.3), PaymentTerms("ignore", 0, 0.5)):
        exact = dm.audit("repeated-auction:values=2,discount=0.7", "pivot", payments="voluntary", **terms.data())
        row = exact.gains.query("agent == 'bidder 1' and family == 'best_response' and information == 'ex_ante'")
        run = dm.simulate(
            exact.environment,
            exact.mechanism,
            {"bidder 1": exact.deviation("bidder 1")},
            episodes=4000,
            protocol=ProtocolOptions(payments=terms),
        )
        shown = run.agents.set_index("agent")
        assert abs(shown.gain["bidder 1"] - row.gain.item()) <= 2 * shown.gain_half_width["bidder 1"] + 1e-3
        assert row.gain.item() > 4 * shown.gain_half_width["bidder 1"]


def test_the_log_and_the_summary_of_a_run(tmp_path: Path) -> None:
    terms = PaymentTerms("exclude", 1, 2.0)
    run = dm.run(
        "oil-leases-prior",
        "linked",
        {"firm 2": "default"},
        episodes=50,
        out=tmp_path,
        protocol=ProtocolOptions(payments=terms),
    )
    rows = run.outcomes()
    total = rows["paid"] + rows["paid_late"] + rows["forfeited"]
    np.testing.assert_array_equal(total, rows["transfer"])
    assert run.summary["default_rate"][1] > 0
    claims = run.summary["claims_outstanding"][1]
    assert run.summary["designers_loss"] == pytest.approx(claims - 2.0 * run.summary["default_rate"][1])
    again = dm.run(
        "oil-leases-prior",
        "linked",
        {"firm 2": "default"},
        episodes=50,
        out=tmp_path,
        protocol=ProtocolOptions(payments=terms),
    )
    assert again.reused
    enforced = dm.run("oil-leases-prior", "linked", episodes=50, out=tmp_path / "enforced")
    assert not {"billed", "paid", "paid_late", "forfeited"} & set(enforced.outcomes().columns)


def test_the_menu_of_default_and_late_and_what_they_need() -> None:
    free, lenient = (AgentContext.of(game_of(PaymentTerms("exclude", grace)), 0) for grace in (0, 1))
    assert [one.key() for one in Default.candidates(free)] == [
        f"default:start={start},least=0,share=0" for start in range(3)
    ]
    assert not list(Late.candidates(free))
    assert [one.key() for one in Late.candidates(lenient)] == ["late:stop=none", *(f"late:stop={k}" for k in range(3))]
    enforced = AgentContext.of(game_of(None), 0)
    for strategy in (Default(), Late()):
        with pytest.raises(InputError, match="payments=voluntary"):
            strategy.validate(enforced)
        strategy.validate(lenient)
        assert make_strategy(strategy.key()).key() == strategy.key()
    with pytest.raises(InputError, match="there is no grace"):
        Late().validate(free)
    with pytest.raises(InputError, match="least: -1 is below 0"):
        Default(least=-1.0)
    with pytest.raises(InputError, match="share: 1 is not in"):
        Default(share=1.0)
    big = played(game_of(PaymentTerms()), Default(least=2.5, share=0.5), Truthful())
    np.testing.assert_allclose(big.paid[:, 0, 0], [1, 2, 1.5])


def test_a_stress_test_has_default_and_late_and_agrees_with_the_search(tmp_path: Path) -> None:
    terms = PaymentTerms("exclude", 1, 1.0)
    found = dm.stress(
        "oil-leases-prior", "linked", episodes=400, out=tmp_path, protocol=ProtocolOptions(payments=terms)
    )
    gains = found.gains.query("agent == 'firm 2'").set_index("family")
    assert {"default", "late", "best-response"} <= set(gains.index)
    assert gains.gain["default"] > 1
    assert gains["agrees"].all()
    exact = dm.audit("oil-leases-prior", "linked", payments="voluntary", **terms.data())
    row = exact.gains.query("agent == 'firm 2' and family == 'best_response' and information == 'ex_ante'")
    assert gains.exact["best-response"] == pytest.approx(row.gain.item())
    assert '"grace":1' in (tmp_path / "run.json").read_text().replace(" ", "")


def test_play_from_tables_is_not_for_voluntary_payments() -> None:
    assert obstacle(game_of(PaymentTerms(), rule=Pivot)) == "bills are sent and answered"
    assert not obstacle(game_of(None, rule=Pivot))


def test_a_strategy_that_pays_is_held_to_its_word() -> None:
    """Its payments must follow from its view, and from its own episode alone."""

    class Neighbour(Pays):
        def pay(self, view: View, bill: Bill) -> FloatArray:
            return np.where(np.arange(view.size) % 2 == 0, bill.owed, 0.0)

    game = game_of(PaymentTerms("ignore"), rule=Pivot)
    check_strategy(Default(start=1), 0, game, [Truthful()] * 2)
    game = game_of(PaymentTerms("ignore"))
    with pytest.raises(PlayError, match="paid differs when episodes come one at a time"):
        check_strategy(Neighbour([]), 0, game, [Truthful()] * 2)
