"""A designer that may break its word: what that is worth, by recursion, by the ratchet, and in an equilibrium."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import dynmech as dm
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.mechanisms.auctions.pay_your_report import PayYourReport
from dynmech.mechanisms.commitment.commitment import Commitment
from dynmech.mechanisms.commitment.ratchet import Ratchet
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.designer_seat import has_designer, with_designer, without_designer
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.generators import generator
from tests.builders.lottery_mechanisms import Raffle
from tests.builders.random_economies import interdependent


@pytest.mark.parametrize(
    "name", ["oil-leases-prior", "repeated-auction:values=2", "renewable-resource", "power-plants"]
)
def test_a_seat_is_taken_and_left(name: str) -> None:
    environment = dm.load(name)
    assert isinstance(environment, TableEnvironment)
    seated = with_designer(environment)
    assert has_designer(seated)
    assert not has_designer(environment)
    assert environment_hash(without_designer(seated)) == environment_hash(environment)
    one, other = (dm.audit(e, "team").to_dict()["truth"] for e in (environment, seated))
    assert one["first_best"] == pytest.approx(other["first_best"])


def most(base: Mechanism, also: Mechanism | None, seated: TableEnvironment) -> float:
    """What the designer can earn against truth in two periods: no code of the search or of the wrapper."""
    below, discount = base.environment, seated.discount
    assert isinstance(below, TableEnvironment)
    agents = len(below.agents)
    nobody = Acts(np.zeros((1, agents), np.intp), np.zeros((1, agents)))

    def played(t: int, rules: Mechanism, memory: int, signals: tuple[int, ...]) -> list[tuple[float, int, float]]:
        """Chance, decision and the designer's income."""
        now, sent = Situation(t, np.array([memory]), np.array([0])), np.array([signals])
        law = np.asarray(rules.decide(now, sent))
        odds = [(1.0, int(law[0]))] if law.ndim == 1 else [(float(p), d) for d, p in enumerate(law[0]) if p > 0]
        due = float(rules.due(now, sent).sum())
        return [
            (p, d, due + float(rules.charge(now, sent, np.array([d]), nobody).sum() - below.stage(t).cost_table[d, 0]))
            for p, d in odds
        ]

    def after(rules: Mechanism, signals: tuple[int, ...], decision: int) -> int:
        now, sent = Situation(0, np.array([0]), np.array([0])), np.array([signals])
        return int(rules.remember(now, sent, np.array([decision]), nobody)[0])

    def tomorrow(signals: tuple[int, ...], decision: int) -> float:
        """The best choice of the second period, which sees what was reported and decided."""
        flat = int(np.ravel_multi_index(signals, below.stage(0).axes))
        law = below.kernel(0).row(decision, flat)
        options = [(base, m) for m in range(base.memory_size(1) or 1)]
        options += [(also, after(also, signals, decision))] if also else []
        worth = []
        for rules, memory in options:
            incomes = {s: sum(p * x for p, _, x in played(1, rules, memory, s)) for s in np.ndindex(*law.shape)}
            worth.append(sum(float(law[s]) * x for s, x in incomes.items()))
        return max(worth)

    def today(rules: Mechanism) -> float:
        total = 0.0
        for s in product(*(range(k) for k in below.stage(0).axes)):
            total += float(below.prior[s]) * sum(
                p * (x + discount * tomorrow(s, d)) for p, d, x in played(0, rules, 0, s)
            )
        return total

    return max(today(rules) for rules in (base, *([also] if also else [])))


@pytest.mark.parametrize("seed", range(8))
def test_the_designers_best_response_is_that_of_plain_recursion(seed: int) -> None:
    below = replace(interdependent(seed), horizon=2) if seed % 2 else two_periods(seed)
    last = below.stage(0).decisions[0]
    bases = [Pivot(below), ContingentSpanning(below, last=last) if seed % 2 else Raffle(below, seed)]
    seated = with_designer(below)
    for base, also in ((bases[0], PayYourReport(below)), (bases[1], None), (bases[1], bases[0])):
        mechanism = Commitment(seated, base, also or "")
        problem = build_problem(FiniteGame(seated, mechanism), (len(below.agents),))
        best = solve(problem, Family.BEST_RESPONSE, Information.INTERIM).ex_ante
        assert best == pytest.approx(most(base, also, seated), abs=1e-9 * seated.scale)


def two_periods(seed: int) -> TableEnvironment:
    return replace(random_environment(generator(seed), agents=2, signals=2, decisions=2), horizon=2)


def test_it_is_the_ratchet_where_that_is_what_the_designer_falls_back_on() -> None:
    """The exchange that promises not to look at bids, built in and wrapped: the same gains of everybody."""
    built_in = dm.load("ad-exchange:values=2")
    assert isinstance(built_in, TableEnvironment)
    seated = replace(built_in, agents=(*built_in.agents[:-1], "designer"))
    below = without_designer(seated)
    wrapped = Commitment(seated, Ratchet(below, share=0.0), Ratchet(below, share=0.9))
    one = dm.audit(built_in, "ratchet:plan=promise,share=0.9").gains
    other = dm.audit(seated, wrapped).gains
    keys = ["family", "information"]
    for mine, its in (("exchange", "designer"), ("bidder 1", "bidder 1")):
        left, right = (table[table.agent == who].set_index(keys).gain for table, who in ((one, mine), (other, its)))
        np.testing.assert_allclose(left[right.index], right, atol=1e-9)
        assert mine == "bidder 1" or left.max() > 0.1


def test_it_can_be_typed_and_played() -> None:
    """A designer that falls back on first prices: what it gains, found and played."""
    line = "with-designer:base=repeated-auction:values=2+horizon=2"
    mechanism = "commitment:base=static-vcg,also=pay-your-report"
    audit = dm.audit(line, mechanism)
    gain = audit.gains.query("agent == 'designer' and family == 'best_response' and information == 'ex_ante'").gain
    assert audit.verdict in ("breaks", "not_promised")
    assert gain.item() > 0.1
    run = dm.simulate(line, mechanism, {"designer": audit.deviation("designer")}, episodes=2000)
    played = run.gains().query("agent == 'designer'").gain
    assert abs(played.mean() - gain.item()) < 5 * played.std() / len(played) ** 0.5 + 1e-9


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(Refusal, match="its last agent must be the designer; take with-designer:base=ECONOMY"):
        dm.audit("oil-leases", "commitment")
    with pytest.raises(Refusal, match="asks for other messages than"):
        dm.audit("with-designer:base=lowest-bid-auction", "commitment:base=pivot,also=lowest-bid")
    with pytest.raises(InputError, match="also: give base=MECHANISM, too"):
        dm.audit("with-designer", "commitment:also=pivot")
    with pytest.raises(InputError, match="has a designer among its agents already"):
        dm.load("with-designer:base=with-designer")
