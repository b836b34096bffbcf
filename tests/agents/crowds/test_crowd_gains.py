"""Gains against crowds are those of the full search, wherever that fits."""

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.crowds.alike_problem import AlikeRules
from dynmech.agents.crowds.crowd_gains import CrowdGains, search_crowds
from dynmech.agents.crowds.table_problem import crowd_problems
from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.catalog.names import make_mechanism
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.static_vcg import StaticVCG
from dynmech.mechanisms.groves.static_vcg_efficient import StaticVCGEfficient
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.by_counts import counted
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.builders import single_object
from dynmech.sim.economy.chains import count_vectors, crowd_laws, places
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment, exchangeable_environment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage

RULES = (PayYourReport, Team, Pivot, StaticVCG, StaticVCGEfficient)


def alike(
    seed: int, agents: int, signals: int, horizon: int | None = None, sparse: bool = False
) -> ExchangeableEnvironment:
    """Return a random economy of agents who are alike; round numbers, so that ties are exact."""
    rng = np.random.default_rng(seed)
    chain = rng.dirichlet(np.ones(signals), signals)
    if sparse:  # signals only rise
        chain = np.triu(chain) / np.triu(chain).sum(axis=1, keepdims=True)
    prior = rng.dirichlet(np.ones(signals))
    commons = int(rng.integers(1, 3))
    flow = rng.integers(-2, 5, (commons + 2, signals)).astype(float)
    return exchangeable_environment(
        tuple(f"agent {i + 1}" for i in range(agents)),
        tuple(f"s{k}" for k in range(signals)),
        (*(f"all {c}" for c in range(commons)), *(f"to {i + 1}" for i in range(agents))),
        prior=np.eye(signals)[0] if sparse else prior,
        chain=chain,
        flow=flow,
        discount=0.7,
        horizon=horizon,
    )


def on_tables(economy: ExchangeableEnvironment) -> TableEnvironment:
    """Return the same economy on tables, from its definition."""
    count, size = len(economy.agents), len(economy.prior)
    held = np.indices((size,) * count).reshape(count, -1).T
    decisions = range(economy.common + count)
    utility = np.stack([economy.payoff(0, held, np.full(len(held), d)) for d in decisions])  # (D, S, N)
    prior = np.prod(economy.prior[held], axis=1).reshape((size,) * count)
    kernel = IndependentKernel((np.stack([economy.chain] * len(decisions)),) * count)
    labels = [space.labels for space in economy.signals]  # type: ignore[union-attr]
    stage = Stage(
        tuple(labels),
        economy.decisions.labels,  # type: ignore[union-attr]
        np.moveaxis(utility, 2, 0).reshape(count, len(decisions), *(size,) * count),
        kernel,
    )
    return TableEnvironment(economy.name, economy.agents, prior, (stage,), economy.discount, economy.horizon)


def assert_same(found: list[CrowdGains], audit: Audit) -> None:
    """Hold every figure against the full search."""
    scale = audit.request.scale
    expected = {(gain.agent, gain.family, gain.information): gain for gain in audit.figures}
    names = audit.environment.agents
    for one in found:
        for (family, kind), (gain, bound) in one.gains.items():
            other = expected[names[one.agent], family.value, kind]
            assert abs(gain - other.gain) <= bound + other.bound + 1e-9 * scale, (names[one.agent], family, kind)
    truth = audit.truth
    assert truth.utility is not None
    assert truth.transfer is not None
    assert [one.utility for one in found] == pytest.approx(truth.utility, abs=1e-9 * scale)
    assert [one.charge for one in found] == pytest.approx(truth.transfer, abs=1e-9 * scale)


CASES = [
    (0, 3, 3, None, False),
    (1, 4, 2, None, False),
    (2, 3, 2, 3, False),
    (3, 3, 3, None, True),
    (4, 4, 2, 1, False),
]


PAIRS = [
    *((PayYourReport, case) for case in CASES),
    *((rules, CASES[k]) for n, rules in enumerate(RULES[1:]) for k in (2, 3 + n % 2)),
]


@pytest.mark.parametrize(("rules", "case"), PAIRS, ids=str)
def test_gains_by_counts_are_those_of_the_full_search(rules: type[Mechanism], case: tuple) -> None:  # type: ignore[type-arg]
    economy = alike(*case)
    table = on_tables(economy)
    full = dm.audit(table, rules)
    assert full.backend == "exact"
    by_rules = AlikeRules(economy, rules(economy))  # type: ignore[arg-type]
    everybody = list(range(len(economy.agents)))
    found = search_crowds([by_rules.problem(i) for i in everybody], economy.scale)
    assert_same(found, full)
    assert_same(search_crowds(crowd_problems(table, rules(table), everybody), table.scale), full)


@pytest.mark.parametrize("seed", range(3))
def test_crowds_of_other_kinds_stand_apart(seed: int) -> None:
    """A deviator with a law of its own, and others of two kinds."""
    rng = np.random.default_rng(seed)
    own, first, second = (rng.dirichlet(np.ones(2), 2) for _ in range(3))
    values = [[0, 2], [1, 2], [1, 2], [1, 3]]
    table = single_object(values, [own, first, first, second], np.full((2,) * 4, 1 / 16), 0.6)
    full, found = dm.audit(table, PayYourReport), crowd_problems(table, PayYourReport(table), list(range(4)))
    assert [[crowd.size for crowd in problem.crowds] for problem in found] == [[2, 1], [1, 1, 1], [1, 1, 1], [1, 2]]
    assert_same(search_crowds(found, table.scale), full)


@pytest.mark.parametrize("discount", [0.5, 0.99])
def test_sums_over_endless_dates_end(discount: float) -> None:
    """A chain that hardly moves and much patience: sums by doubling against the full search."""
    chain = np.array([[0.999, 0.001], [0.002, 0.998]])
    table = single_object([[0, 1], [1, 2], [1, 2]], [chain] * 3, np.full((2,) * 3, 1 / 8), discount)
    assert_same(
        search_crowds(crowd_problems(table, PayYourReport(table), [0, 1, 2]), 2.0), dm.audit(table, PayYourReport)
    )


@pytest.mark.parametrize(
    ("scenario", "mechanism", "why"),
    [
        ("repeated-auction:fatigue=0.2", "pivot", "decisions move the signal of agent 'bidder 1'"),
        ("oil-leases", "pay-your-report", "periods differ"),
        ("repeated-auction", "balanced", "remembers"),
        ("random", "team", "drawn together"),
    ],
)
def test_what_crowds_need(scenario: str, mechanism: str, why: str) -> None:
    audit_of = dm.load(scenario)
    assert isinstance(audit_of, TableEnvironment)
    made = make_mechanism(mechanism, audit_of)
    with pytest.raises(Refusal, match=why):
        crowd_problems(audit_of, made, [0])


def test_numbers_move_as_agents_do() -> None:
    """The law of the numbers of five agents, against all their profiles."""
    rng = np.random.default_rng(0)
    chain = rng.dirichlet(np.ones(3), 3)
    law, vectors = crowd_laws(chain, 5)[5], count_vectors(5, 3)
    start = np.repeat(np.arange(3), vectors[7])
    profiles = np.indices((3,) * 5).reshape(5, -1).T
    chance = np.prod(chain[start, profiles], axis=1)
    expected = np.bincount(places(counted(profiles, 3), 5), weights=chance, minlength=len(vectors))
    assert law[7] == pytest.approx(expected, abs=1e-15)
    assert law.sum(axis=1) == pytest.approx(1.0)
