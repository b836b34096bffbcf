"""More numbers of other papers: contracts, auctions one after the other, licences to learners, fees of a chain."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from scipy.optimize import linprog

from dynmech.agents.oracle.gains import ex_ante_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.designs.designing import design
from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.figures import largest_gain
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.revenue.markovian_contract import MarkovianContract
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.builders import from_arrays, trade
from dynmech.sim.economy.environment import TableEnvironment

_claim = partial(Claim, "elsewhere")


def more_claims() -> Iterator[Claim]:
    """Yield the claims, a source after the other."""
    yield from _consumer()
    yield from _tickets()
    yield from _one_after_the_other()
    yield from _licences()
    yield from _less_patience()
    yield from _blocks()


def _table(text: str) -> TableEnvironment:
    made = load(text)
    assert isinstance(made, TableEnvironment)
    return made


def _net(game: FiniteGame) -> float:
    """Discounted revenue less costs of prescribed play."""
    return float(game.truthful.transfer.sum()) - float(game.truthful.utility.sum() - game.truthful.welfare)


def _consumer() -> Iterator[Claim]:
    """Battaglini 2005, θ = 2, 3, P_HH = 0.8, P_LL = 0.7, even at first, δ = 0.9, T = 4."""
    environment = _table("markov-consumer")
    contract = MarkovianContract(environment)
    game = FiniteGame(environment, contract)
    for t in (0, 1, 2, 3):
        lows = [lows_of_period(game, t)]
        text = f"Battaglini 2005, a consumer of taste 2 or 3: quantity after {t + 1} lows in a row"
        yield _claim(text, 2 - (0.5 / 0.7) ** t, lows[0])
    distorted = np.array([2 - (5 / 7) ** t for t in range(4)])
    surplus, chance = 0.0, np.array([0.5, 0.5])
    for t in range(4):
        lows_so_far = 0.5 * 0.7**t
        other = chance - np.array([lows_so_far, 0.0])
        q = distorted[t]
        surplus += 0.9**t * (lows_so_far * (2 * q - q * q / 2) + other[0] * 2 + other[1] * 4.5)
        chance = chance @ np.array([[0.7, 0.3], [0.2, 0.8]])
    rent = sum((0.9 * 0.5) ** t * distorted[t] for t in range(4))
    text = "Battaglini 2005, the same, 4 periods, δ = 0.9: the seller's profit"
    yield _claim(text, None, _net(game), surplus - 0.5 * rent, "surplus less the rent of a high first taste")
    most = largest_gain(environment, contract)
    yield _claim("Battaglini 2005, the same: the largest gain of any deviation", 0.0, max(most, 0.0))


def lows_of_period(game: FiniteGame, t: int) -> float:
    """The quantity that a low report gets after an unbroken run of lows."""
    environment = game.environment
    decision = int(game.tables[t].decide[0, 0, 0])
    return float(environment.stage(t).utility[0, decision, 0]) / 2.0


def _tickets() -> Iterator[Claim]:
    """Courty and Li 2000: the menu as a mechanism."""
    environment = _table("airline")
    menu = make_mechanism("refund-menu", environment)
    game = FiniteGame(environment, menu)
    first_best = 1 / 3 * 0.5 + 2 / 3 * 0.5 * 1.5
    text = "Courty–Li 2000, airline tickets: what the menu earns, played as a mechanism"
    yield _claim(text, 2 / 3, _net(game), first_best, "the first best, E (v − 1)⁺")
    yield _claim("Courty–Li 2000: the largest gain of a traveller", 0.0, max(largest_gain(environment, menu), 0.0))
    by_hand = (1.5 - 1.75, 0.5 * 0.5 + 0.5 * 2.5 - 1.5)
    for kind, name in enumerate(("leisure by the refundable fare", "business by the fare without refund")):
        found = float(menu.worth[kind, 2 - kind])  # type: ignore[attr-defined] # the mechanism's table
        text, way = f"Courty–Li 2000: what {name} gains", "the mean of what is flown or refunded, less the fare"
        yield _claim(text, None, found, by_hand[kind], way)


def _one_after_the_other() -> Iterator[Claim]:
    """Weber 1983: three bidders, two goods; the winning bid alone is disclosed."""
    text = "sequential-sale:values=5"
    for name, words in (("second", "second price"), ("first", "first price")):
        mechanism = make_mechanism(f"sequential-{name}-price", load(text))
        for t in (0, 1):
            share = 1 / (3 - t) if name == "first" else 1 / (2 - t)
            found = float(mechanism.bids(t)[-1]) / 0.9  # type: ignore[attr-defined] # the highest value is 0.9
            yield _claim(f"Weber 1983, 3 bidders, 2 goods, {words}: bid in round {t + 1} over the value", share, found)
        gain = _announced(text, f"sequential-{name}-price")
        yield _claim(
            "Weber 1983, the same, 5 values, bids of the equilibrium only: the largest gain ex ante", 0.0, gain
        )


def _announced(text: str, mechanism: str) -> float:
    """What the first bidder gains before anything is known, told winning bids only."""
    found = audit(text, mechanism, disclosure="announced")
    gains = [
        one.gain
        for one in found.figures
        if (one.family, one.information, one.agent) == ("best_response", "ex_ante", "bidder 1")
    ]
    return max(float(gain or 0.0) for gain in gains)


def _learners() -> tuple[FloatArray, FloatArray, TableEnvironment]:
    """Two firms that learn only while they hold the licence: values and chains `(2, 3, …)`, and the economy."""
    values = np.array([[1.0, 2.0, 4.0], [1.5, 2.5, 3.0]])
    chains = np.array(
        [
            [[0.6, 0.3, 0.1], [0.1, 0.6, 0.3], [0.0, 0.2, 0.8]],
            [[0.5, 0.4, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]],
        ]
    )
    utility, laws = np.zeros((2, 2, 3, 3)), []
    for i in range(2):
        utility[i, i] = values[i].reshape((3, 1) if i == 0 else (1, 3))
        laws.append(np.stack([chains[i] if d == i else np.eye(3) for d in range(2)]))
    return values, chains, from_arrays(utility, laws, np.full((3, 3), 1 / 9), 0.8, name="licences")


def _licences() -> Iterator[Claim]:
    """Bergemann and Välimäki 2010: who holds the licence pays what the other loses by waiting a period."""
    values, chains, environment = _learners()
    game = FiniteGame(environment, Pivot(environment))
    page = game.truthful.periods[-1]
    alone = [np.linalg.solve(np.eye(3) - 0.8 * chains[i], values[i]) for i in range(2)]
    holder = game.tables[-1].decide[0, :, 0].reshape(3, 3)
    for profile in ((2, 0), (0, 1), (1, 2)):
        winner = int(holder[profile])
        paid = float(page.transfer[winner, 0, int(np.ravel_multi_index(profile, (3, 3)))])
        skills = f"skills {profile[0] + 1} and {profile[1] + 1}"
        text = f"Bergemann–Välimäki 2010, licences to two learners, δ = 0.8, {skills}: price"
        rival = 1 - winner
        yield _claim(text, None, paid, 0.2 * float(alone[rival][profile[rival]]), "(1 − δ) × the rival's value alone")


def _less_patience() -> Iterator[Claim]:
    """Athey and Miller 2007 need δ ≥ ½ within their class: on a grid other transfers do it with less."""
    points, even = [0.0, 0.5, 1.0], np.full(3, 1 / 3)
    for discount in (0.2, 0.4):
        economy = trade(points, [points], [np.tile(even, (3, 1))] * 2, np.full((3, 3), 1 / 9), discount)
        found = design(economy, memory="none", participation="ex-post", budget="balanced", budget_level="period")
        text = f"Athey–Miller 2007, three values, δ = {discount:g}, below ½: the least largest payment of any transfers"
        way = "a linear program of nine cells and two agents"
        yield _claim(
            text, None, float(found.largest_transfer or 0.0), _least_payment(points, discount), way, tolerance=1e-7
        )


def _least_payment(points: list[float], discount: float) -> float:
    """The least bound on payments with truth and staying best ex post, and no expected deficit; seller, then buyer."""
    n = len(points)
    cells = [(s, b) for s in range(n) for b in range(n)]
    weight, size = discount / (1 - discount) / n**2, 2 * n * n

    def use(agent: int, said: tuple[int, int], own: int) -> float:
        return (points[own] if agent else -points[own]) * (points[said[1]] > points[said[0]])

    rows, most = [], []
    for agent in (0, 1):
        mine = slice(agent * n * n, (agent + 1) * n * n)
        ahead = weight * sum(use(agent, cell, cell[agent]) for cell in cells)
        for k, cell in enumerate(cells):
            for lie in range(n):
                said = (lie, cell[1]) if agent == 0 else (cell[0], lie)
                row = np.zeros(size + 1)
                row[mine][k] += 1
                row[mine][cells.index(said)] -= 1
                rows.append(row)
                most.append(use(agent, cell, cell[agent]) - use(agent, said, cell[agent]))
            row = np.zeros(size + 1)
            row[mine] += weight
            row[mine][k] += 1
            rows.append(row)
            most.append(use(agent, cell, cell[agent]) + ahead)
    for k in range(size):
        for sign in (1, -1):
            row = np.zeros(size + 1)
            row[k], row[-1] = sign, -1
            rows.append(row)
            most.append(0.0)
    even = np.append(np.full(size, 1.0), 0.0)[None]
    bounds = [(None, None)] * size + [(0, None)]
    least = linprog(np.eye(1, size + 1, size)[0], np.array(rows), most, even, [0.0], bounds).fun
    assert least is not None
    return float(least)


def _blocks() -> Iterator[Claim]:
    """EIP-1559: one empty block, then blocks to the target, worked out in two slots."""
    environment = _table("base-fee:shares=1,discount=0.9,horizon=2")
    mechanism = make_mechanism("base-fee:mesh=64", environment)
    problem = build_problem(FiniteGame(environment, mechanism), (0,))
    truth, best = (solve(problem, one, Information.INTERIM) for one in (Family.PRESCRIBED, Family.BEST_RESPONSE))
    by_hand = 0.9 * (1 - 0.95 * 7 / 8) - 0.05 - 0.9 * 0.05
    yield _claim(
        "EIP-1559, all slots, 2 of them, least tip 0.05, δ = 0.9: what one empty block gains",
        None,
        ex_ante_gain(best, truth).gain,
        by_hand,
        "the tips 1 − 7/8 b* of the second block less those of two full ones",
        tolerance=2e-5,
        effect=0.05,
    )
