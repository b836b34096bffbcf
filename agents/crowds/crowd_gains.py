"""The most that deviators gain against crowds: every family, at every information.

A message moves nothing but the period's flow, so that a best response is the best message of every date by itself, and
its gain from a state on is the discounted sum of what the best message earns more than the truth, g:

- *ex post*, g(θ) = max_r flow(r) − flow(truth) where the numbers are seen;
- *interim*, g(k, c) = max_r E[flow(r) − flow(truth) | own signal k, numbers c a period ago]; at first by the prior.

One lie, at a date that is chosen as play unfolds, is an optimal stopping problem with g; a lie and a best response in
the following period one with g + δ E[g′]. Waiting is worth no more than the largest of these, which is some state's,
so that at the worst state their gain is the largest g (and g + δ E[g′]). Before anything is known the stopping problem
is solved by iteration from below; what k steps leave out is at most δ^{k+1} times the gain of a best response after
that, in expectation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dynmech.agents.crowds.crowd_problem import CrowdProblem, contract
from dynmech.agents.crowds.crowd_streams import DenseStream, LumpedStream, Outlook, Stream, double_all
from dynmech.agents.crowds.crowd_values import CrowdLaws, CrowdPriors, Support, largest, supports
from dynmech.agents.oracle.gains import KINDS
from dynmech.agents.oracle.search import Family
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.ties import scale_of

ENOUGH = 1e-11
"""What steps of the stopping problems may leave out, relative to the economy's scale."""

STEPS = 5_000
"""Most steps; the bound then says how far they came."""


@dataclass(frozen=True)
class CrowdGains:
    """What one deviator gains.

    Attributes:
        agent: its index.
        gains: by family and information, the figure and the bound of its error.
        utility, charge: of the truth, ex ante, expected and discounted.
    """

    agent: int
    gains: dict[tuple[Family, str], tuple[float, float]]
    utility: float
    charge: float


@dataclass(frozen=True, eq=False)
class Advantages:
    """What the best message earns more than the truth.

    Attributes:
        seen: by own signal and numbers.
        known: by own signal and numbers a period ago.
        first: by own signal at first, `(K,)`.
    """

    seen: LumpedStream
    known: Stream
    first: FloatArray


def search_crowds(
    problems: Sequence[CrowdProblem], scale: float, advance: Callable[[int], None] = lambda _: None
) -> list[CrowdGains]:
    """Return what every deviator gains; `advance` is called with 1 as each deviator is done."""
    laws, priors = CrowdLaws(problems), CrowdPriors()
    found = [_advantages(problem, laws, priors) for problem in problems]
    if problems[0].horizon is None:
        double_all([stream for one in found for stream in (one.seen, one.known)], scale)
    out = []
    for problem, one in zip(problems, found, strict=True):
        solve = _endless if problem.horizon is None else _backwards
        out.append(CrowdGains(problem.agent, solve(problem, one, laws, priors, scale), *_truthful(problem, priors)))
        advance(1)
    return out


def _advantages(problem: CrowdProblem, laws: CrowdLaws, priors: CrowdPriors) -> Advantages:
    """Return what the best message earns more than the truth."""
    table, outlook = problem.advantage, Outlook(problem)
    outlook.double(laws)
    start = [priors.of(crowd, 0)[None] @ at for crowd, at in zip(problem.crowds, table.indicators, strict=True)]
    first = contract(table.small, start).reshape(*table.small.shape[:2]).max(axis=1)
    seen = LumpedStream(outlook, table.small.max(axis=1), 0)
    return Advantages(seen, _known(problem, outlook, laws), np.maximum(first, 0.0))


def _known(problem: CrowdProblem, outlook: Outlook, laws: CrowdLaws) -> Stream:
    """Return what the best message earns more than the truth where the numbers a period ago are known.

    Among many agents one message is often the best whatever these numbers are; then the flow has few classes.
    """
    small, worth, best = problem.advantage.small, [], []
    weights = [part[:, 1] for part in outlook.ahead]
    for k, by_report in enumerate(small):
        expected = [contract(one, weights) for one in by_report]
        most = np.maximum.reduce(expected)
        slack = 1e-15 * max(float(most.max()), 1e-300)
        best.append(next((r for r, one in enumerate(expected) if (one >= most - slack).all()), -1))
        worth.append(most)
        if best[k] < 0:
            break
    if min(best) >= 0:
        return LumpedStream(outlook, np.stack([small[k, r] for k, r in enumerate(best)]), 1)
    rest = [np.maximum.reduce([contract(one, weights) for one in by_report]) for by_report in small[len(worth) :]]
    return DenseStream(problem, np.maximum(np.stack(worth + rest), 0.0), laws)


Reached = Sequence[tuple[Support, Support | None]]
"""What is possible, by date: now, and own signal beside the numbers a period ago."""

Figures = dict[tuple[Family, str], tuple[float, float]]


def _endless(problem: CrowdProblem, found: Advantages, laws: CrowdLaws, priors: CrowdPriors, scale: float) -> Figures:
    """Return the gains over endless dates."""
    reached, post, interim = supports(problem, None), found.seen.total(), found.known.total()
    start, best = _from_start(problem, priors, interim, found.first), Family.BEST_RESPONSE
    figures: Figures = {
        (best, "ex_ante"): (float(problem.prior @ start), found.known.left()),
        (best, "interim"): (_worst(start, interim, problem, reached), found.known.left()),
        (best, "ex_post"): (max(largest(post, now) for now, _ in reached), found.seen.left()),
    }
    for family in (Family.ONE_SHOT, Family.BELIEF_MANIPULATION):
        worth, first, by_seen = _after_lie(problem, found, priors, family)
        figures[family, "ex_ante"] = _stopping(problem, worth, first, interim, laws, priors, scale)
        figures[family, "interim"] = (_worst(first, worth, problem, reached), 0.0)
        figures[family, "ex_post"] = (max(largest(by_seen, now) for now, _ in reached), 0.0)
    return _with_rounding(figures, scale, interim, post)


def _after_lie(
    problem: CrowdProblem, found: Advantages, priors: CrowdPriors, family: Family
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what is gained where one lies: interim, at first, ex post."""
    known, seen = found.known.after(0), found.seen.after(0)
    if family is Family.ONE_SHOT:
        return known, found.first, seen
    return (
        known + problem.discount * found.known.after(1),
        _from_start(problem, priors, known, found.first),
        seen + problem.discount * found.seen.after(1),
    )


def _from_start(problem: CrowdProblem, priors: CrowdPriors, ahead: FloatArray, first: FloatArray) -> FloatArray:
    """Return what is gained at first, `(K,)`, and δ times what is expected of the next date."""
    return first + problem.discount * _at_start(problem, priors, ahead)


def _at_start(problem: CrowdProblem, priors: CrowdPriors, ahead: FloatArray) -> FloatArray:
    """Return E of a table `(K, *C)` of the second date, by own signal at first, `(K,)`."""
    if not ahead.any():
        return np.zeros(len(problem.prior))
    expected = contract(ahead, [priors.of(crowd, 0)[None] for crowd in problem.crowds]).reshape(-1)
    return np.asarray(problem.chain @ expected)


def _worst(start: FloatArray, later: FloatArray, problem: CrowdProblem, reached: Reached) -> float:
    """Return the largest gain that one who knows its own signal has at some date."""
    return max(float(start[problem.prior > 0].max()), *(largest(later, before) for _, before in reached if before), 0.0)


def _stopping(
    problem: CrowdProblem,
    worth: FloatArray,
    first: FloatArray,
    sums: FloatArray,
    laws: CrowdLaws,
    priors: CrowdPriors,
    scale: float,
) -> tuple[float, float]:
    """Return E of lying at the best date, and a bound of what is left out.

    Args:
        worth, first: what is gained by lying now, later and at first.
        sums: the gain of a best response, which no single lie exceeds.
    """
    value, left, change = worth, 0.0, np.inf
    for step in range(STEPS):
        left = problem.discount ** (step + 1) * _expected_at(problem, priors, sums, step + 1)
        left = min(left, change)
        if left <= ENOUGH * scale:
            break
        better = np.maximum(worth, problem.discount * laws.expect(problem, value))
        change = problem.discount / (1 - problem.discount) * float((better - value).max())
        value = better
    waiting = problem.discount * _at_start(problem, priors, value)
    return float(problem.prior @ np.maximum(first, waiting)), left


def _expected_at(problem: CrowdProblem, priors: CrowdPriors, table: FloatArray, t: int) -> float:
    """Return E of a table by own signal at date t and numbers at the date before, seen from before the first."""
    if not table.any():
        return 0.0
    by_own = contract(table, [priors.of(crowd, t - 1)[None] for crowd in problem.crowds]).reshape(-1)
    return float(priors.own(problem, t) @ by_own)


def _backwards(problem: CrowdProblem, found: Advantages, laws: CrowdLaws, priors: CrowdPriors, scale: float) -> Figures:
    """Return one deviator's gains over finitely many dates."""
    assert problem.horizon is not None
    last, discount = problem.horizon - 1, problem.discount
    flow_seen, flow = found.seen.after(0), found.known.after(0)
    reached = supports(problem, problem.horizon)

    def ahead(table: FloatArray) -> FloatArray:
        return discount * laws.expect(problem, table) if table.any() else table

    figures: Figures = {}
    lying_seen, lying = flow_seen + ahead(flow_seen), flow + ahead(flow)
    for family in (Family.ONE_SHOT, Family.BELIEF_MANIPULATION, Family.BEST_RESPONSE):
        post, interim, lied = 0.0, 0.0, flow
        seen, known = flow_seen, flow
        for t in range(last, 0, -1):
            now, before = reached[t]
            assert before is not None
            if t < last and family is Family.BEST_RESPONSE:
                seen, known = flow_seen + ahead(seen), flow + ahead(known)
            if t < last and family is Family.BELIEF_MANIPULATION:
                seen, known = lying_seen, lying
            lied = known if t == last or family is Family.BEST_RESPONSE else np.maximum(known, ahead(lied))
            post, interim = max(post, largest(seen, now)), max(interim, largest(known, before))
        first, after = found.first, _at_start(problem, priors, lied if last else flow * 0.0)
        if last and family is Family.BEST_RESPONSE:
            first, seen = first + discount * after, flow_seen + ahead(seen)
        elif last and family is Family.BELIEF_MANIPULATION:
            first, seen = first + discount * _at_start(problem, priors, flow), lying_seen
        else:
            seen = flow_seen
        post, interim = max(post, largest(seen, reached[0][0])), max(interim, float(first[problem.prior > 0].max()))
        begins = first if family is Family.BEST_RESPONSE else np.maximum(first, discount * after)
        figures |= {
            (family, "ex_ante"): (float(problem.prior @ begins), 0.0),
            (family, "interim"): (interim, 0.0),
            (family, "ex_post"): (post, 0.0),
        }
    return _with_rounding(figures, scale, known, seen)


def _with_rounding(figures: Figures, scale: float, *tables: FloatArray) -> Figures:
    """Add what rounding may do to every bound; on path is interim, as past messages leave nothing behind."""
    rounding = 1e-13 * scale_of(scale, *tables)
    figures |= {(family, "on_path"): figures[family, "interim"] for family, kind in list(figures) if kind == "interim"}
    ordered = [(family, kind) for family in dict.fromkeys(f for f, _ in figures) for kind in KINDS]
    return {case: (max(figures[case][0], 0.0), figures[case][1] + rounding) for case in ordered}


def _truthful(problem: CrowdProblem, priors: CrowdPriors) -> tuple[float, float]:
    """Return the utility and the charge of the truth, ex ante, expected and discounted."""
    total, weight, t = np.zeros(2), 1.0, 0
    while problem.horizon is None or t < problem.horizon:
        starts = [
            priors.of(crowd, t)[None] @ at for crowd, at in zip(problem.crowds, problem.earned.indicators, strict=True)
        ]
        flow = contract(problem.truthful, starts).reshape(2, -1) @ priors.own(problem, t)
        if problem.horizon is None and _settled(problem, t):
            total += weight / (1 - problem.discount) * flow
            break
        total += weight * flow
        weight *= problem.discount
        t += 1
        if problem.horizon is None and weight < 1e-16:
            break
    return float(total[0]), float(total[1])


def _settled(problem: CrowdProblem, t: int) -> bool:
    """Return whether the laws at a date stay as they are."""
    laws = [(problem.prior, problem.chain), *((crowd.prior, crowd.chain) for crowd in problem.crowds)]
    at = [prior @ np.linalg.matrix_power(chain, t) for prior, chain in laws]
    return all(np.abs(law @ chain - law).max() < 1e-15 for law, (_, chain) in zip(at, laws, strict=True))
