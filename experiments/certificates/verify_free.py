"""What `verify_infeasible.py`, its neighbour, needs for proofs that no decisions and transfers together meet goals.

Everything is counted by how likely the lotteries make a history h, all decisions being drawn after the reports that
stand in it: R(h), and x(h, r, d) with reports r and decision d after it. Unknowns are P = R p, R V, x C, x Y in the
places of p, V, C and Y. For every mechanism Σ_d x(h, r, d) = R(h), R(h') is the sum of x over what leads to h', R = 1
when play begins, 0 <= x, R <= 1, and |P| <= B R; the boxes of V, C and Y are as there, since R <= 1.

Histories do not tell apart decisions after which the same comes next: what is summed over them satisfies every row
that each of them does, as all rows are linear. That equality is tested here, in rationals.
"""

from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

HERE = "dynmech.experiments.certificates." if __package__ else ""
verify: Any = import_module(f"{HERE}verify")
if TYPE_CHECKING or __package__:
    from dynmech.experiments.certificates.verify_infeasible import DEFINING, EQUAL, PLACES, Column, Rows
    from dynmech.experiments.certificates.verify_rule import Economy, Key, Law, exact, number
else:
    from verify_infeasible import DEFINING, EQUAL, PLACES, Column, Rows
    from verify_rule import Economy, Key, Law, exact, number

START: Key = ()


class FreeEconomy(Economy):
    """An economy in which every decision may be taken; `rule` lists all of them."""

    deciding = ", whatever is decided,"

    def read(self, rule: Any) -> list[list[Law]]:
        """Return every decision, with chance 1: chances are unknowns."""
        margin = number(self.goals["margin"], "goals.margin")  # of a lie; it would count by a history's chance
        if rule != "free" or self.horizon is None or self.goals["memory"] != "history" or margin:
            raise verify.Malformed("rule: free is for finite horizons, the whole history and no margin")
        everything = [[(d, Fraction(1)) for d in range(s.decisions)] for s in self.stages]
        return [[row] * s.size for s, row in zip(self.stages, everything, strict=True)]

    def step(self, key: Key, profile: int, decision: int) -> Key:
        """Return what is remembered next."""
        return (*key, (profile, self.twins(len(key))[decision]))

    @cache  # noqa: B019 - one object per file
    def twins(self, t: int) -> list[int]:
        """Return the first decision after which the same comes next, of every decision."""
        stage, after = self.stages[t], self.after(t)
        if after is None or len(stage.combinations) > 1:
            return list(range(stage.decisions))
        then, laws = self.stages[after], list[list[Law]]()
        for d in range(stage.decisions):
            laws.append([exact(stage.law(d, profile, then)) for profile in range(stage.size)])
        return [laws.index(law) for law in laws]


class FreeRows(Rows):
    """The rows where decisions are sought as well."""

    places = {  # noqa: RUF012 - as there
        **{kind: PLACES[kind] for kind in PLACES if kind not in ("bill", "refuses", "pays", "welfare")},
        "budget": ("profile",),
        "lottery": ("profile",),
        "reach": (),
        "bound": ("profile", "above"),
    }
    defining = (*DEFINING, "lottery", "reach", "bound")
    equal = (*EQUAL, "lottery", "reach")
    timeless = ()
    economy: FreeEconomy

    def report(
        self, out: dict[Column, Fraction], w: Fraction, i: int, e: int, key: Key, profile: int, x: int
    ) -> Fraction:
        """Subtract w times what reports x are worth at a true profile."""
        economy, after = self.economy, self.economy.after(e)
        chooses = economy.stages[e].actions[i] > 1 and x != profile
        out["p", i, e, key, x] += w
        for d in range(economy.stages[e].decisions):
            if not chooses:
                out["x", i, e, key, x, d] -= w * economy.utility(e, i, d, profile)
            elif after is None:
                out["x", i, e, key, x, d] -= w * self.best(e, i, d, profile)
        if after is not None:
            own = economy.own(e, profile, i)
            for d in sorted(set(economy.twins(e))):
                then = economy.step(key, x, d)
                last: Column = ("Y", i, after, then, own)
                out[last if chooses else ("C", i, after, then, own, economy.asked(e, d, i))] -= w
        return Fraction(0)

    def _worth(self, out: dict[Column, Fraction], i: int, e: int, key: Key, profile: int) -> Fraction:
        out["V", i, self.economy.table(e, key), profile] += 1
        return self.report(out, Fraction(1), i, e, key, profile, profile)

    def _acts(self, out: dict[Column, Fraction], i: int, e: int, key: Key, k: int, a: int) -> Fraction:
        out["Y", i, e, key, k] += 1
        out["C", i, e, key, k, a] -= 1
        out["R", i, e, key] -= self._then(i, e, key, k, a)
        return Fraction(0)

    def _obey(self, out: dict[Column, Fraction], i: int, e: int, key: Key, k: int, a: int) -> Fraction:
        out["R", i, e, key] -= super()._obey(out, i, e, key, k, a)
        return Fraction(0)

    def _obey_last(
        self, out: dict[Column, Fraction], i: int, e: int, key: Key, profile: int, d: int, a: int
    ) -> Fraction:
        self.known(i, e, key, 0, 0, profile, True)
        if self.economy.after(e) is not None:
            raise verify.Unproved(f"entry {e}: it is not the last one")
        economy = self.economy
        gain = economy.utility(e, i, d, profile) - economy.utility(e, i, economy.acting(e, d, i, a), profile)
        out["x", i, e, key, profile, d] += gain
        return Fraction(0)

    def _default(
        self, out: dict[Column, Fraction], i: int, e: int, key: Key, k: int, a: int, profile: int, r: int
    ) -> Fraction:
        economy = self.economy
        if economy.goals["participation"] != "default" or not self.ex_post:
            raise verify.Unproved("participation default, ex post, is not asked for")
        self.known(i, e, key, k, a, profile, True)
        out["V", i, economy.table(e, key), profile] += 1
        x = economy.with_own(e, profile, i, r)
        for d in range(economy.stages[e].decisions):
            out["x", i, e, key, x, d] -= self.best(e, i, d, profile)
        out["R", i, e, key] -= economy.gone(e, i)
        return Fraction(0)

    def _lottery(self, out: dict[Column, Fraction], _: int, e: int, key: Key, x: int) -> Fraction:
        for d in range(self.economy.stages[e].decisions):
            out["x", 0, e, key, x, d] += 1
        out["R", 0, e, key] -= 1
        return Fraction(0)

    def _reach(self, out: dict[Column, Fraction], _: int, e: int, key: Key) -> Fraction:
        if not key:
            raise verify.Unproved("when play begins nothing leads to a history")
        (*before, (x, decision)), economy = key, self.economy
        out["R", 0, e, key] += 1
        for d, first in enumerate(economy.twins(e - 1)):
            if first == decision:
                out["x", 0, e - 1, tuple(before), x, d] -= 1
        return Fraction(0)

    def _bound(self, out: dict[Column, Fraction], i: int, e: int, key: Key, x: int, above: int) -> Fraction:
        out["p", i, e, key, x] += -1 if above else 1
        out["R", i, e, key] += self.largest
        return Fraction(0)

    # The budget; decisions may have costs

    def _budget(  # type: ignore[override] # payments are set before the decision is drawn
        self, out: dict[Column, Fraction], _: int, e: int, key: Key, x: int
    ) -> Fraction:
        if x not in dict(self._path("ex-post", e, key)):
            raise verify.Unproved(f"entry {e}, history {key}: truth does not lead to profile {x}")
        self._covers(out, e, key, [(x, Fraction(1))])
        return Fraction(0)

    def _budget_period(self, out: dict[Column, Fraction], _: int, e: int, key: Key) -> Fraction:
        self._covers(out, e, key, self._path("period", e, key))
        return Fraction(0)

    def _covers(self, out: dict[Column, Fraction], e: int, key: Key, law: Iterable[tuple[int, Fraction]]) -> None:
        """Add payments less costs, expected."""
        economy = self.economy
        for x, w in law:
            public = economy.stages[e].profiles[x][0]
            for i in range(len(economy.agents)):
                out["p", i, e, key, x] += w
            for d in range(economy.stages[e].decisions):
                out["x", 0, e, key, x, d] -= w * economy.costs[e][d][public]

    def _budget_ex_ante(self, out: dict[Column, Fraction], _: int, e: int, key: Key, __: int) -> Fraction:
        economy, weights = self.economy, {START: Fraction(1)}
        if e:
            raise verify.Unproved(f"entry {e}: the budget over all periods counts at the start")
        for x, w in self._path("ex-ante", e, key):
            for i in range(len(economy.agents)):
                out["V", i, economy.table(0, START), x] -= w
        for t in range(economy.periods):
            ahead: dict[Key, Fraction] = {}
            for history, weight in weights.items():
                for x, w in economy.law(-1, (t, history, 0, 0)):
                    for d in range(economy.stages[t].decisions):
                        out["x", 0, t, history, x, d] += economy.discount**t * weight * w * self._welfare_of(t, x, d)
                        if economy.after(t) is not None:
                            ahead[economy.step(history, x, d)] = weight * w
            weights = ahead
        return Fraction(0)

    def _welfare_of(self, t: int, x: int, d: int) -> Fraction:
        """Return the flow of welfare at a profile and a decision."""
        economy = self.economy
        flow = sum((economy.utility(t, i, d, x) for i in range(len(economy.agents))), Fraction(0))
        return flow - economy.costs[t][d][economy.stages[t].profiles[x][0]]

    def most(self, total: dict[Column, Fraction]) -> Fraction:
        """Return the most that a sum of unknowns can be; x and R are the same for all agents, and from 0 to 1."""
        shared, rest = dict[Column, Fraction](), dict[Column, Fraction]()
        for column, value in total.items():
            if column[0] in ("x", "R"):
                key = (column[0], *column[2:])
                shared[key] = shared.get(key, Fraction(0)) + value
            else:
                rest[column] = value
        start = shared.pop(("R", 0, START), Fraction(0))  # R = 1 when play begins
        return super().most(rest) + start + sum((max(value, Fraction(0)) for value in shared.values()), Fraction(0))
