"""Lies and payments, attacked by trees with default moves that share no code with the search; deposits."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.oracle.best_response import BestResponse
from dynmech.agents.oracle.deposits import find_deposit
from dynmech.agents.oracle.gains import KINDS, search_deviator
from dynmech.agents.oracle.paying_witness import PayingWitness
from dynmech.agents.oracle.payment_search import search_payments
from dynmech.agents.oracle.payments import PaymentPeriod, PaymentProblem, build_payment_problem
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.scenarios.oil_leases_prior import OilLeasesPrior
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.linked import Linked
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import DirectMechanism, Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import ProtocolOptions, make_game
from dynmech.sim.play.loop import play_shard
from dynmech.sim.play.payment_terms import PaymentTerms
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.generators import generator
from tests.builders.payment_tree import PaymentTree
from tests.builders.planted_mechanisms import Lottery
from tests.builders.random_economies import interdependent, working
from tests.builders.repeated_market import market


def spanning(environment: TableEnvironment) -> Mechanism:
    """Contingent transfers; the last decision is held constant, where nothing that is paid later could carry it."""
    return ContingentSpanning(environment, last=environment.stage(0).decisions[0])


class Notes(DirectMechanism):
    """Notes who does not pay: then another decision is taken, and more is charged, or less is paid out."""

    name = "notes"
    reads_payments = True

    def memory_size(self, t: int) -> int:
        return 1 if t == 0 else 4

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        paid = np.ones(messages.shape, np.bool_) if acts.paid is None else acts.paid
        return np.asarray((1 - paid) @ np.array([2, 1]), np.intp) | np.asarray(now.memory, np.intp)

    def decide(self, now: Situation, messages: Array) -> Array:
        return np.where(now.memory > 0, 1 - super().decide(now, messages), super().decide(now, messages))

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        paid = np.ones(messages.shape, np.bool_) if acts.paid is None else acts.paid
        return (
            np.array([0.4, -0.2]) * (1 + messages) - 0.3 * decision[:, None] + 0.1 * ~paid + 0.2 * now.memory[:, None]
        )

    def transfer_bound(self) -> float:
        return 10.0


RULES: list[Callable[[TableEnvironment], Mechanism]] = [Team, Pivot, PayYourReport, Lottery, spanning, Notes]

TERMS = [PaymentTerms(default, grace) for default in ("exclude", "ignore") for grace in (0, 1, 2)]


def economy(seed: int, horizon: int = 3) -> TableEnvironment:
    """Two agents with two signals each, values of both signs."""
    base = random_environment(generator(seed), agents=2, signals=2, decisions=2, singular_value=0.05)
    outside = (0.3, -0.2) if seed % 3 == 2 else ()
    return TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, horizon, outside=outside)


def best(problem: PaymentProblem, information: Information = Information.INTERIM) -> float:
    return solve(problem, Family.BEST_RESPONSE, information).ex_ante


def assert_agrees(seed: int, rule: Callable[[TableEnvironment], Mechanism], terms: PaymentTerms) -> bool:
    """The search of one agent against the tree, with and without a deposit; say whether a deposit is needed."""
    environment, agent = economy(seed), seed % 2
    mechanism, scale = rule(environment), environment.scale
    free = build_payment_problem(FiniteGame(environment, mechanism), (agent,), terms)
    needed = find_deposit(free)
    fines = [0.0, 0.4 * needed.amount, needed.amount]
    for fine in dict.fromkeys(fines):
        for information in Information:
            tree = PaymentTree(
                environment,
                mechanism,
                agent,
                terms.default,
                grace=terms.grace,
                deposit=fine,
                spy=information is Information.EX_POST,
            )
            assert best(free.with_deposit(fine), information) == pytest.approx(tree.best(), abs=1e-9 * scale)
    honest = PaymentTree(environment, mechanism, agent, "pay")
    tree = PaymentTree(environment, mechanism, agent, terms.default, grace=terms.grace)
    assert needed.amount == pytest.approx(tree.excess(honest), abs=1e-9 * scale)
    assert needed.ex_ante <= needed.amount * (1 + 1e-9)
    assert best(free.with_deposit(needed.amount)) == pytest.approx(honest.best(), abs=1e-9 * scale)
    return needed.amount > 1e-6


@pytest.mark.parametrize("terms", TERMS, ids=lambda terms: f"{terms.default}, grace {terms.grace}")
@pytest.mark.parametrize("rule", RULES)
def test_lies_and_payments_agree_with_the_tree(
    rule: Callable[[TableEnvironment], Mechanism], terms: PaymentTerms
) -> None:
    assert_agrees(1 + terms.grace, rule, terms)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 118))
def test_many_economies_agree_with_the_tree(seed: int) -> None:
    needed = [assert_agrees(seed, rule, terms) for rule in RULES for terms in TERMS]
    assert any(needed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1500, 25))
def test_five_hundred_economies_agree_with_the_tree(start: int) -> None:
    """An economy, a mechanism and terms of payment each, all of them in turn, with and without deposits."""
    cases = [
        (seed, RULES[seed % len(RULES)], TERMS[seed // len(RULES) % len(TERMS)]) for seed in range(start, start + 25)
    ]
    assert sum(assert_agrees(seed, rule, terms) for seed, rule, terms in cases) > 5


@pytest.mark.parametrize("terms", [*TERMS[:2], TERMS[3], pytest.param(TERMS[4], marks=pytest.mark.slow)])
def test_endless_horizons_agree_with_a_long_tree(terms: PaymentTerms) -> None:
    base = interdependent(3)
    environment = TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.25, None)
    mechanism = PayYourReport(environment)
    free = build_payment_problem(FiniteGame(environment, mechanism), (0,), terms)
    needed = find_deposit(free).amount
    for fine in (0.0, 0.7 * needed):
        tree = PaymentTree(environment, mechanism, 0, terms.default, grace=terms.grace, deposit=fine, last=15)
        assert best(free.with_deposit(fine)) == pytest.approx(tree.best(), abs=1e-8 * environment.scale)


@pytest.mark.parametrize(
    "terms", [TERMS[0], TERMS[1], TERMS[4]], ids=lambda terms: f"{terms.default}, grace {terms.grace}"
)
@pytest.mark.parametrize(("rule", "seed"), [(Pivot, 4), (PayYourReport, 2)])
def test_the_witness_earns_its_figure_on_the_event_loop(
    rule: Callable[[TableEnvironment], Mechanism], seed: int, terms: PaymentTerms
) -> None:
    """It lies and pays, late or never, as the search says; the gain is more than noise."""
    environment = economy(seed)
    mechanism = rule(environment)
    game = make_game(environment, mechanism, ProtocolOptions(payments=terms))
    streams = Streams(0, "witness", 0, 2000, game.periods + game.closing)
    honest = play_shard(game, [Truthful(), Truthful()], streams).payoffs
    for agent in range(2):
        problem = build_payment_problem(FiniteGame(environment, mechanism), (agent,), terms, game.deposits[agent])
        witness = PayingWitness(problem)
        exact = witness.value.ex_ante - solve(problem, Family.PRESCRIBED, Information.INTERIM).ex_ante
        profile = [witness if i == agent else Truthful() for i in range(2)]
        gains = play_shard(game, profile, streams).payoffs[agent] - honest[agent]
        error = float(gains.std(ddof=1) / np.sqrt(len(gains)))
        assert abs(gains.mean() - exact) <= 4 * error + 1e-9
        assert exact > 5 * error


def test_an_act_is_one_on_the_decision_and_a_way_to_treat_the_bill() -> None:
    """Two private actions: with grace six acts, without four."""
    environment = working(1, 3)
    for grace, ways in ((0, ["pay", "default"]), (1, ["pay", "late", "default"])):
        problem = build_payment_problem(
            FiniteGame(environment, Team(environment)), (0,), PaymentTerms("exclude", grace)
        )
        period = problem.periods[0]
        assert isinstance(period, PaymentPeriod)
        assert [period.way(act) for act in range(period.acts)] == 2 * ways


@pytest.mark.parametrize("default", ["exclude", "ignore"])
def test_the_deposit_holds_and_one_that_is_a_little_too_small_does_not(default: str) -> None:
    """At every payment state and every report stage; 0.1 % less, and some default gains."""
    shown = 0
    for seed in range(6):
        environment = economy(seed)
        mechanism = PayYourReport(environment)
        free = build_payment_problem(FiniteGame(environment, mechanism), (0,), PaymentTerms(default))
        needed = find_deposit(free)
        tree, honest = (PaymentTree(environment, mechanism, 0, rule) for rule in (default, "pay"))
        excess = tree.excess(honest)
        assert excess - needed.amount <= 1e-9 * environment.scale
        assert excess - 0.999 * needed.amount > 0
        enough, less = free.with_deposit(needed.amount), free.with_deposit(0.999 * needed.amount)
        with_it = solve(enough, Family.BEST_RESPONSE, Information.INTERIM)
        lies = solve(free.lies, Family.LIES, Information.INTERIM)
        for t, period in enumerate(free.lies.periods):
            stages = free.reachable[t][0][: period.states]
            best_there, lies_there = (value.choices[t][: period.states].max(axis=2) for value in (with_it, lies))
            np.testing.assert_allclose(best_there[stages], lies_there[stages], atol=1e-9 * environment.scale)
        shown += best(less) > best(enough) + 1e-6 * environment.scale
    assert shown >= 3, "where it is needed on a plan that is worth making, it shows ex ante"


@pytest.mark.parametrize("rule", [Linked, "cremer-mclean"])
def test_take_and_default_on_the_oil_leases(rule: type[Mechanism] | str) -> None:
    """Firm 2 takes the lease, and does not pay its price."""
    without = dm.audit("oil-leases-prior", rule, payments="voluntary")
    assert without.verdict == "breaks"
    assert "does not pay" in without.sentence
    gains = without.gains.query("agent == 'firm 2' and information == 'ex_ante'").set_index("family").gain
    assert gains["best_response"] > 5
    assert abs(gains["lies"]) < 1e-9


def test_contingent_transfers_lose_the_take_and_default_and_a_deposit_holds() -> None:
    environment = replace(interdependent(2), discount=0.8, horizon=3)
    mechanism = ContingentSpanning(environment)
    assert dm.audit(environment, mechanism).verdict == "holds"
    free = dm.audit(environment, mechanism, payments="voluntary")
    gains = free.gains.query("information == 'ex_ante'").set_index(["family", "agent"]).gain
    assert gains["best_response"].max() > 0.1 * environment.scale
    assert gains["lies"].abs().max() < 1e-8 * environment.scale
    for default in ("exclude", "ignore"):
        held = dm.audit(environment, mechanism, payments="voluntary", default=default, deposit="auto")
        assert held.verdict == "holds"
        assert held.to_dict()["deposit"] == pytest.approx(held.to_dict()["payments"]["held"])


def test_self_enforcing_play_gains_the_same_by_its_own_replies() -> None:
    """Who withholds by its reply keeps all it owes and is paid, so that default adds nothing, patient or not.

    Ex ante no deposit is needed; one is that covers an agent's own folly, who has broken its promise in public and
    still says that it pays.
    """
    for shift in (-0.01, 0.01):
        environment = market(round(28 / 33 + shift, 6), 0.5)
        game = FiniteGame(environment, SelfEnforcing(environment))
        for agent in range(2):
            enforced = search_deviator(build_problem(game, (agent,)))
            voluntary = search_payments(game, (agent,), PaymentTerms())
            for kind in KINDS:
                mine, its = (search.figures[Family.BEST_RESPONSE][kind].gain for search in (voluntary, enforced))
                assert mine == pytest.approx(its, abs=1e-8 * environment.scale)
            assert voluntary.needed is not None
            assert voluntary.needed.ex_ante == 0


def test_lies_are_what_enforced_payments_leave() -> None:
    for rule in (Linked, PayYourReport):
        environment = OilLeasesPrior().build()
        enforced = dm.audit(environment, rule(environment)).gains.query("family == 'best_response'")
        voluntary = dm.audit(environment, rule(environment), payments="voluntary").gains.query("family == 'lies'")
        np.testing.assert_array_equal(enforced.gain.to_numpy(), voluntary.gain.to_numpy())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"payments": "voluntry"}, "payments: 'voluntry' is none of enforced, billed, voluntary"),
        ({"default": "ignore"}, "default: only with payments=voluntary"),
        ({"payments": "voluntary", "default": "excl"}, "default: 'excl' is none of exclude, ignore"),
        ({"payments": "voluntary", "grace": -1}, "grace: -1 is not a whole number of periods, 0 or more"),
        ({"payments": "voluntary", "deposit": -2}, "deposit: -2 is below 0"),
        ({"payments": "voluntary", "deposit": "much"}, "deposit: 'much' is neither a number nor 'auto'"),
        ({"payments": "voluntary", "exit": True}, "exit: not with payments=voluntary"),
        ({"payments": "voluntary", "coalitions": [[0, 1]]}, "coalition: payments=voluntary is searched for one agent"),
        ({"payments": "voluntary", "default": "ignore", "all_states": True}, "all-states: not with default=ignore"),
    ],
)
def test_bad_options_get_a_line(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        dm.audit("oil-leases-prior", "linked", **options)  # type: ignore[arg-type]


def test_a_default_that_is_noted_is_played_as_it_is_searched() -> None:
    """The best plan against a mechanism that reads payments, on the event loop; unnoted, another one is best."""
    environment = economy(3)
    terms = PaymentTerms("ignore")
    mechanism = Notes(environment)
    game = FiniteGame(environment, mechanism)
    problem = build_payment_problem(game, (0,), terms)
    silent = Notes(environment)
    silent.reads_payments = False
    assert abs(best(problem) - best(build_payment_problem(FiniteGame(environment, silent), (0,), terms))) > 1e-3
    played = make_game(environment, mechanism, ProtocolOptions(payments=terms))
    witness = BestResponse().made_for(played, 0)
    streams = Streams(1, "play", 0, 4000, played.periods)
    payoff = play_shard(played, [witness, Truthful()], streams).payoffs[0]
    assert abs(payoff.mean() - best(problem)) < 5 * payoff.std() / len(payoff) ** 0.5
