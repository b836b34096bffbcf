"""Athey and Segal 2007, §6: how patient agents must be to keep to the mechanism by themselves."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from dynmech.agents.oracle.patience_thresholds import Level, least_patience, sufficient
from dynmech.experiments.reproductions.athey_segal_figures import claim, table
from dynmech.experiments.reproductions.base import Claim
from dynmech.mechanisms.balanced.balanced_team import BalancedTeam
from dynmech.mechanisms.balanced.blackwell import long_run
from dynmech.mechanisms.balanced.self_enforcing import SelfEnforcing
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.chains import persistent_chain

PERSISTENT = {
    Level.TRUTHFUL: 0.9208521875,
    Level.BEST_RESPONSE: 0.9289875038,
    Level.AFTER_LIES: 0.9364960924,
}
"""δ* where types stay with probability ¾."""


def enforcement() -> Iterator[Claim]:
    """How patient two traders must be, and the paper's sufficient bound."""
    anew = {
        Level.TRUTHFUL: Fraction(5, 6),
        Level.BEST_RESPONSE: Fraction(28, 33),
        Level.AFTER_LIES: Fraction(36, 41),
    }
    environment = table("repeated-trade:persistence=0.5")
    for level, fraction in anew.items():
        text = f"Proposition 3, types drawn anew: δ* at level {level.value} ({fraction})"
        exact = least_patience(environment, level)
        yield claim(text, None, exact, float(fraction), "the binding constraint solved by hand", tolerance=1e-8)
    environment = table("repeated-trade")
    for level, expected in PERSISTENT.items():
        text = f"Proposition 3, types that persist: δ* at level {level.value}"
        exact = least_patience(environment, level)
        yield claim(text, None, exact, expected, "the constraints written out for two types", tolerance=1e-8)
    # C = 14/3, M = 4, K = 2 C + M/2 = 34/3 and Σ ū = 5/4: δ/(1 − δ) = 2 (14/3 + 4 · 34/3 + 8)/(5/4) = 92.8.
    yield claim(
        "Proposition 3: the sufficient δ of the proof, for two agents as printed",
        92.8 / 93.8,
        sufficient(environment, printed=True).discount,
        tolerance=1e-9,
    )
    yield from payments_after_a_lie()
    yield bound_on_incentives()


def payments_after_a_lie() -> Iterator[Claim]:
    """(6.3) takes the next balanced transfer to be expected to be 0 given the true signals; γ is centred on reports."""
    env = table("repeated-trade")
    chain, discount = persistent_chain(2, 0.75), env.discount
    correlation = chain[0, 0] - chain[0, 1]  # of a type and the next
    after = {"truth": 0.0, "lie": 0.0}
    for i, (_, later) in enumerate(SelfEnforcing(env).incentives):
        expected = later[:, 0] @ chain.T  # by last reports and true own signal
        for last, said in enumerate(np.unravel_index(np.arange(4), (2, 2))[i]):
            for true in range(2):
                key = "truth" if true == said else "lie"
                after[key] = max(after[key], abs(float(expected[last, true])))
    text = "(6.3): the largest |expected ψ_i of the next period| after"
    yield claim(f"{text} the truth", 0.0, after["truth"], tolerance=1e-8)
    # The buyer of value 4 instead of 2 makes the seller bear its cost of 3, where that is its cost.
    ahead = 1 / (1 - discount * correlation) + correlation / (1 - discount * correlation**2)
    yield claim(
        f"{text} a lie, where the proof uses it too",
        0.0,
        after["lie"],
        1.5 * correlation * ahead,
        "the two chains summed by hand",
        "given the true signals it is 0 only if the last report was the truth, so levels A, B and C differ",
        tolerance=1e-8,
    )


def bound_on_incentives() -> Claim:
    """|γ_j| ≤ 2 C: agent 1 draws θ ∈ {0, 1} anew, a = θ is efficient, three others earn a and agent 1 nothing."""
    utility = np.zeros((4, 2, 2, 1, 1, 1))
    utility[0, 1, 0] = -4.0
    utility[1:, 1] = 1.0
    one = np.ones((2, 1, 1))
    env = from_arrays(utility, [np.full((2, 2, 2), 0.5), one, one, one], np.full((2, 1, 1, 1), 0.5), 0.9)
    spread = max(float(np.abs(long_run(env).excess(discount)).max()) for discount in np.linspace(0, 1, 101))
    largest = max(float(np.abs(table).max()) for table in BalancedTeam(env).tables[1])
    return claim(
        "proof of Proposition 3, |γ_j| ≤ 2 C: the largest |γ_j| with four agents, C = ½",
        2 * spread,
        largest,
        1.5,
        "three others earn a: 3 |1 − ½|",
        "γ_j is about the N − 1 others' utilities: |γ_j| ≤ 2 (N − 1) C, so K = 2 C + M/N",
        tolerance=1e-9,
    )
