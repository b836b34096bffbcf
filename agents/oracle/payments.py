"""The decision problem of an agent that pays voluntarily: lies, and what becomes of every bill.

The state gains *where the agent stands*: in good standing with what it owes from the last `grace` periods, or in
default. After the decision (and its acts) it is billed p⁺, this period's charge and what falls due; of what is owed,
what is `grace` periods old is due now. It chooses

    pay      everything that is owed is paid (prescribed);
    late     only what is due now is paid; the rest is owed next period, more by 1/δ (only with grace);
    default  nothing is paid, the deposit D is lost, and the agent is in default for good.

A partial payment is a default like any other, so none is considered; where nothing is due there is no default. Under
`exclude` an agent in default is out, and worth its outside option (0 unless the economy names one) from the next
period on; under `ignore` it plays on and pays no bill.

A mechanism that *reads payments* charges and remembers otherwise once an agent is in default. As long as it is in good
standing nothing differs; under `exclude` nothing that follows a default is the agent's any more; under `ignore` the
states in default are those of the problem against the rules as they are then (`gone`), memories kept apart.

All of this is one more act after the decision, fastest of the axis K of a `Period`, and more states, so that the search
of lies serves as it is. What falls due is counted when it falls due: whoever is out does not pay it.

Axes: as in `dynmech.agents.oracle.problem`; C states of the problem of lies, n states here, g periods of grace, Y ways
to treat a bill.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dynmech.agents.oracle.problem import Period, Problem, Reached, build_problem, with_post_decision_states
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.in_default import in_default
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, IntArray
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.memory_budget import require_room
from dynmech.sim.core.ties import scale_of
from dynmech.sim.play.payment_terms import PaymentTerms

NOTHING = 1e-12
"""Bills up to this share of the largest are none."""


@dataclass(frozen=True, eq=False)
class Standing:
    """Where the agent stands in the states of a period.

    Attributes:
        base: the state of the problem of lies, `(n,)`.
        good: whether it is in good standing, `(n,)`.
        arrears: what it owes from before, by age 1 … g, in present money, `(n, g)`.
        bill: p⁺ of this period, `(n, S, R, K)`; 0 in default.
        due: what must be paid now to stay in good standing, likewise.
        owed: all that is owed now, likewise.
    """

    base: IntArray
    good: BoolArray
    arrears: FloatArray
    bill: FloatArray
    due: FloatArray
    owed: FloatArray


@dataclass(frozen=True, eq=False, kw_only=True)
class PaymentPeriod(Period):
    """One period of the problem; an act is an act of the problem of lies and a way to treat the bill, fastest.

    Attributes:
        ways: Y: 2, pay or default; with grace 3, pay, late or default.
        before: the same period of the problem of lies.
        standing: where the agent stands.
    """

    ways: int
    before: Period
    standing: Standing

    def way(self, act: int) -> str:
        """Return what an act does with the bill: `pay`, `late` or `default`."""
        return ("pay", "default", "late")[2 if self.ways == 3 and act % 3 == 1 else min(act % self.ways, 1)]


@dataclass(frozen=True, eq=False, kw_only=True)
class PaymentProblem(Problem):
    """The problem of an agent that lies and pays as it likes.

    Attributes:
        terms: what follows a default.
        fine: the deposit D that is lost.
        lies: the same problem with every bill paid, what falls due counted when it falls due.
        gone: the same against the rules towards an agent in default; `lies` where the mechanism does not read payments.
    """

    terms: PaymentTerms
    fine: float
    lies: Problem
    gone: Problem

    @cached_property
    def reachable(self) -> list[Reached]:
        """The states in good standing that some play leads to: what follows a default is counted in its gain."""
        out = []
        for period, (occurs, led) in zip(self.periods, super().reachable, strict=True):
            good = standing_of(period).good
            out.append((occurs & good[:, None], None if led is None else led & good[:, None, None]))
        return out

    def with_deposit(self, fine: float) -> "PaymentProblem":
        """Return the problem with another deposit."""
        periods = tuple(_fined(period, fine - self.fine) for period in self.periods)
        return replace(self, periods=periods, fine=fine)


def is_out(problem: Problem, t: int, state: int) -> bool:
    """Return whether a state of an entry is that of an agent that has been excluded."""
    if not (isinstance(problem, PaymentProblem) and problem.terms.excludes):
        return False
    return not standing_of(problem.periods[t]).good[state]


def outside_flow(lies: Problem) -> float:
    """Return what the agent enjoys in a period in which it is out."""
    return sum(lies.environment.outside[i] for i in lies.deviator) if lies.environment.outside else 0.0


def standing_of(period: Period) -> Standing:
    """Return where the agent stands in the states of a period of a `PaymentProblem`."""
    assert isinstance(period, PaymentPeriod)
    return period.standing


def _fined(period: Period, more: float) -> Period:
    """Return the period with so much more lost at default."""
    standing = standing_of(period)
    flow = period.flow.reshape(*standing.due.shape, -1).copy()
    flow[..., -1] -= more * (standing.due > 0)
    return replace(period, flow=flow.reshape(period.flow.shape))


def build_payment_problem(
    game: FiniteGame, deviator: Sequence[int], terms: PaymentTerms, fine: float = 0.0
) -> PaymentProblem:
    """Return the problem of an agent that pays voluntarily.

    Args:
        fine: the deposit; that of the terms may be `auto`, which is worked out from the problem without one.

    Raises:
        Refusal: a coalition; or the problem is too large, the size is given.
    """
    if len(deviator) > 1:
        names = " + ".join(game.environment.agents[i] for i in deviator)
        raise Refusal(f"audit: {names}: payments=voluntary is searched for one agent at a time; leave --coalition out")
    reads = game.mechanism.reads_payments and not terms.excludes
    lies = replace(build_problem(game, deviator, merge=not reads, exit=True), exit=False)
    gone = _in_default(game, deviator) if reads else lies
    build = _Build(lies, gone, terms)
    periods, origins = with_post_decision_states(build.periods(), lies.stationary)
    free = PaymentProblem(
        game, lies.deviator, periods, origins, lies.prior, lies.stationary, terms=terms, fine=0.0, lies=lies, gone=gone
    )
    return free.with_deposit(fine) if fine else free


def _in_default(game: FiniteGame, deviator: Sequence[int]) -> Problem:
    """Return the problem of lies against the rules towards an agent in default, memories kept apart."""
    rules = FiniteGame(game.environment, in_default(game.mechanism, deviator[0]))
    return replace(build_problem(rules, deviator, merge=False, exit=True), exit=False)


def unpaid(lies: Problem) -> Problem:
    """Return the problem of lies in which no bill is ever paid: of an agent in default that nothing follows."""
    periods = tuple(replace(p, flow=p.flow + b) for p, b in zip(lies.periods, _bills(lies), strict=True))
    return replace(lies, periods=periods)


def _bills(lies: Problem) -> list[FloatArray]:
    """Return p⁺ of every entry, `(C, S, R, K)`: utility less flow where that is positive."""
    (agent,), out = lies.deviator, []
    for t, period in enumerate(lies.periods):
        stage = lies.environment.stage(t)
        event = period.decision * stage.size + np.arange(stage.size)[:, None, None]
        out.append(stage.utility[agent].take(event) - period.flow)
    least = NOTHING * max(lies.environment.scale, *(float(np.abs(bill).max()) for bill in out))
    return [np.where(bill > least, bill, 0.0) for bill in out]


class _Build:
    """The periods of a payment problem, from those of the problem of lies.

    What is owed from the last g periods is a number with g digits to the base V, the youngest bill last; a digit is the
    place of the bill among all different ones, 0 for none. A state is C's times V^g plus that number.
    """

    def __init__(self, lies: Problem, gone: Problem, terms: PaymentTerms) -> None:
        self.lies, self.gone, self.terms = lies, gone, terms
        self.bills = _bills(lies)
        self.unpaid = self.bills if gone is lies else _bills(gone)
        self.values = np.zeros(1)
        if terms.grace:
            self.values = _distinct(self.bills, lies.environment.scale)
        self.base = len(self.values)
        self.codes = self.base**terms.grace
        if self.codes > 2**40:
            raise Refusal(
                f"audit: grace: {terms.grace} periods with {self.base - 1:,} different bills leave too many arrears"
            )
        self.keys = self._reached()

    def periods(self) -> tuple[Period, ...]:
        """Return all entries."""
        return tuple(self._period(t) for t in range(len(self.lies.periods)))

    def _reached(self) -> list[IntArray]:
        """Return the states in good standing of each entry, sorted: all that owe nothing, and those after lateness."""
        clean = [np.arange(period.states) * self.codes for period in self.lies.periods]
        if not self.terms.grace:
            return clean
        if not self.lies.stationary:
            for t in range(len(clean) - 1):
                clean[t + 1] = np.union1d(clean[t + 1], self._late(t, clean[t]))
            return clean
        known, new = clean[1], np.union1d(clean[1], self._late(0, clean[0]))
        while len(new):
            known = np.union1d(known, new)
            new = np.setdiff1d(self._late(1, new), known)
        return [clean[0], known]

    def _late(self, t: int, keys: IntArray) -> IntArray:
        """Return the distinct states that putting off what can be put off leads to, from states of entry t."""
        state, code = np.divmod(keys, self.codes)
        self._require_room(len(keys), self.lies.periods[t])
        return np.unique(self._after_lateness(t, state, code))

    def _after_lateness(self, t: int, state: IntArray, code: IntArray) -> IntArray:
        """Return next period's state after paying only what is due, `(n, S, R, K)`."""
        digit = np.searchsorted(self.values, self.bills[t][state] * (1 - 1e-11))
        kept = code % (self.codes // self.base) * self.base
        return self.lies.periods[t].following[state] * self.codes + digit + kept[:, None, None, None]

    def _require_room(self, states: int, period: Period) -> None:
        name = self.lies.environment.agents[self.lies.deviator[0]]
        numbers = 30.0 * (states + period.states) * period.flow[0].size
        require_room(f"the search of what agent {name!r} can gain by lies and payments", numbers)

    def _arrears(self, code: IntArray) -> FloatArray:
        """Return what is owed by age 1 … g in present money, `(n, g)`."""
        ages = np.arange(self.terms.grace)
        digits = code[:, None] // self.base**ages % self.base
        owed: FloatArray = self.values[digits] / self.lies.discount ** (ages + 1)
        return owed

    def _period(self, t: int) -> PaymentPeriod:
        """Return one entry with its states: those in good standing, then those in default."""
        before, keys = self.lies.periods[t], self.keys[t]
        self._require_room(len(keys), before)
        state, code = np.divmod(keys, self.codes)
        arrears, bill = self._arrears(code), self.bills[t][state]
        owed = bill + arrears.sum(axis=1)[:, None, None, None]
        due = np.broadcast_to(arrears[:, -1:, None, None], bill.shape) if self.terms.grace else bill
        after = self.lies.after(t)
        due = owed if after is None else due
        out = np.zeros(1, np.intp) if self.terms.excludes else np.arange(before.states)
        base = np.concatenate([state, out])
        nothing = np.zeros((len(out), *bill.shape[1:]))
        standing = Standing(
            base=base,
            good=np.arange(len(base)) < len(keys),
            arrears=np.concatenate([arrears, np.zeros((len(out), arrears.shape[1]))]),
            bill=np.concatenate([bill, nothing]),
            due=np.concatenate([due, nothing]),
            owed=np.concatenate([owed, nothing]),
        )
        flow, following = self._moves(t, state, code, standing)
        ways = flow.shape[-1]
        return PaymentPeriod(
            merged=np.searchsorted(keys, before.merged * self.codes),
            members=before.members[base],
            flow=_joined(flow),
            decision=_joined(np.repeat(before.decision[base][..., None], ways, axis=-1)),
            following=_joined(following),
            drawn=before.drawn[base],
            chance=before.chance[base],
            truth=before.truth[base],
            obey=before.obey[base] * ways,
            own=before.own,
            width=before.width,
            law=before.law,
            ways=ways,
            before=before,
            standing=standing,
        )

    def _moves(self, t: int, state: IntArray, code: IntArray, standing: Standing) -> tuple[FloatArray, IntArray]:
        """Return flows and next states by way, `(n, S, R, K, Y)` each; the last way is to default."""
        before, n, grace = self.lies.periods[t], len(state), self.terms.grace
        gone = self.gone.periods[t]
        flow = before.flow[standing.base]
        flow[n:] = outside_flow(self.lies) if self.terms.excludes else gone.flow + self.unpaid[t]
        free = flow + standing.bill
        ways = [flow - (standing.owed - standing.bill), *([free - standing.due] if grace else []), free]
        after, shape = self.lies.after(t), (*before.flow.shape[1:],)
        if after is None:
            places = [np.zeros((len(flow), *shape), np.intp)] * len(ways)
        else:
            known, following = self.keys[after], before.following[standing.base]
            after_default = gone.following[standing.base]
            out = np.full_like(following, len(known)) if self.terms.excludes else len(known) + after_default
            paid, late = (out.copy(), out.copy())
            paid[:n] = np.searchsorted(known, following[:n] * self.codes)
            if grace:
                late[:n] = np.searchsorted(known, self._after_lateness(t, state, code))
            places = [paid, *([late] if grace else []), out]
        must = standing.due > 0
        ways[-1] = np.where(must, ways[-1], ways[-2])
        places[-1] = np.where(must, places[-1], places[-2])
        return np.stack(ways, axis=-1), np.stack(places, axis=-1)


def _distinct(bills: list[FloatArray], scale: float) -> FloatArray:
    """Return 0 and all different bills, those closer than rounding taken for one."""
    values = np.unique(np.concatenate([np.zeros(1), *(bill.reshape(-1) for bill in bills)]))
    gaps = np.diff(values, prepend=-np.inf) > 1e-11 * np.maximum(values, NOTHING * scale_of(scale))
    return values[gaps]


def _joined(table: Array) -> Array:
    """Return a table `(n, S, R, K, Y)` as `(n, S, R, K Y)`."""
    return table.reshape(*table.shape[:3], -1)


def payment_text(ways: set[str]) -> str:
    """Return what an agent does with its bills, as words that follow its name.

    >>> payment_text({"pay"}), payment_text({"pay", "default"}), payment_text({"late"})
    ('pays', 'does not pay after some reports', 'pays late')
    """
    some = " after some reports" if len(ways) > 1 else ""
    return ("does not pay" if "default" in ways else "pays late" if "late" in ways else "pays") + some
