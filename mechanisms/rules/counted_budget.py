"""What a mechanism takes in from agents who are alike, by how many report each signal."""

import numpy as np

from dynmech.mechanisms.rules.base import DirectMechanism
from dynmech.mechanisms.rules.by_counts import CountedCase, good_to_serve
from dynmech.sim.core.arrays import FloatArray, IntArray
from dynmech.sim.economy.chains import count_vectors, crowd_laws
from dynmech.sim.economy.exchangeable import ExchangeableEnvironment


def least_takings(environment: ExchangeableEnvironment, mechanism: DirectMechanism) -> dict[str, float]:
    """Return the least that is taken in in a period: given what was public before it, and whatever is reported.

    States are those that truthful play leads to at some date.
    """
    count, size = len(environment.agents), len(environment.prior)
    totals = count_vectors(count, size)
    taken = takings(environment, mechanism, totals)
    law = crowd_laws(environment.chain, count)[count]
    start = crowd_laws(environment.prior[None], count)[count][0]
    held, possible, before = environment.prior > 0, np.zeros(len(totals), np.bool_), np.zeros(len(totals), np.bool_)
    dates = size + 1 if environment.horizon is None else environment.horizon
    for t in range(max(dates, 1)):
        here = ~(totals[:, ~held] > 0).any(axis=1)
        possible |= here
        if t + 1 < dates:
            before |= here
        held = environment.chain[held].sum(axis=0) > 0
    expected = [float(start @ taken), *(law @ taken)[before]]
    return {"expected_period": float(min(expected)), "ex_post": float(taken[possible].min())}


def takings(environment: ExchangeableEnvironment, mechanism: DirectMechanism, totals: IntArray) -> FloatArray:
    """Return Σ_i p^i at numbers of reports `(m, K)`, the least over who may be served, `(m,)`."""
    size, common = len(environment.prior), environment.common
    decided, good = good_to_serve(environment, totals)
    out = np.full(len(totals), np.inf)
    for w in range(-1, size):
        fits = decided >= 0 if w < 0 else good[:, w]
        rows, total = totals[fits], np.zeros(int(fits.sum()))
        for v in range(size):
            others = rows - np.eye(size, dtype=np.intp)[v]
            role = decided[fits] if w < 0 else np.full(len(rows), common + 1)
            numbers = rows[:, v] - (v == w)
            some = numbers > 0
            case = CountedCase(np.full(some.sum(), v), others[some], role[some], np.full(some.sum(), w))
            total[some] += numbers[some] * mechanism.charge_by_counts(environment, case)
            if v == w:
                case = CountedCase(np.full(len(rows), v), others, np.full(len(rows), common), np.full(len(rows), w))
                total += mechanism.charge_by_counts(environment, case)
        out[fits] = np.minimum(out[fits], total)
    return out
