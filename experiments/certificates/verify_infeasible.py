"""Check a proof that goals clash.  `python verify_infeasible.py FILE`, or `dynmech verify FILE`.

Beside the standard library it needs neighbours `verify.py`, `verify_rule.py` and, for rule `free`, `verify_free.py`;
it shares no code with what wrote the proof. A file of kind `infeasibility` holds an economy, a decision rule, goals, a
bound B on transfers, and for each clash multipliers y of rows that are named but not given: all are rebuilt here, in
rationals. Unknowns of agent i are transfers p, the worth V of truth from a history and a profile on, what follows (C; Y
with the best private action), and W, welfare under the rule. Always |p| <= B, and with U the largest |utility|

    |V|, |C| <= (U + B) Σ_t δ^t,   |Y| <= U + (U + B) Σ_t δ^t,   |W| <= (Σ_i U_i + largest |cost|) Σ_t δ^t,
|Z| <= B + U + (U + B + |o|) Σ_t δ^t (what a lie is worth once the bill is known, paid or refused; o: of being out).

Rows that define V, C, Y and W hold for every mechanism; rows of a goal hold if it is met: that no single lie gains
where own lies and the others' truth can lead (a path of positive probability is found here), participation there, the
budget where truth leads. So Σ y (row) is an inequality c·x >= b that holds if all goals of the clash are met, and it
cannot hold if b exceeds Σ |c| (largest |x|). Then no mechanism meets them.
"""

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

HERE = "dynmech.experiments.certificates." if __package__ else ""
verify: Any = import_module(f"{HERE}verify")
if TYPE_CHECKING or __package__:
    from dynmech.experiments.certificates.verify_rule import Economy, Key, Law, asked_text, exact, number, require_names
else:
    from verify_rule import Economy, Key, Law, asked_text, exact, number, require_names

Column = tuple[Any, ...]

SAID = ("Proved: no transfers up to this bound, with this memory and this rule (free: any rule), do all of it.",)
DEFINING = ("worth", "follows", "acts", "welfare", "bill", "refuses")
EQUAL = ("worth", "follows", "welfare")
PLACES = {
    "worth": ("profile",),
    "follows": ("last signal", "last action"),
    "acts": ("last signal", "last action"),
    "truth": ("last signal", "last action", "profile", "signal"),
    "obey": ("last signal", "last action"),
    "obey last": ("profile", "decision", "action"),
    "stays": ("last signal", "last action", "profile"),
    "stays ex ante": ("start",),
    "default": ("last signal", "last action", "profile", "signal"),
    "bill": ("profile", "decision", "signal"),
    "refuses": ("profile", "decision", "signal"),
    "pays": ("profile", "decision"),
    "budget": ("profile", "decision"),
    "budget period": (),
    "budget ex ante": ("start",),
    "welfare": ("profile",),
}
"""Kinds of rows, and what tells one of a kind from another, beside agent, entry and history."""


class Rows:
    """The rows of the program, rebuilt by name: coefficients by column, and the limit."""

    places: dict[str, tuple[str, ...]] = PLACES  # kinds of rows, and what tells them apart
    defining: tuple[str, ...] = DEFINING  # which hold for every mechanism
    equal: tuple[str, ...] = EQUAL
    timeless: tuple[str, ...] = ("welfare", "obey last")  # which have no history

    def __init__(self, economy: Economy, largest: Fraction, margin: Fraction) -> None:
        self.economy, self.largest, self.margin = economy, largest, margin
        self.ex_post = economy.goals["incentive"] != "bayesian"
        self.bills = economy.bills

    def row(self, kind: str, agent: int, e: int, key: Key, place: list[int]) -> tuple[dict[Column, Fraction], Fraction]:
        """Return a row; raise Unproved where it stands for no state that counts."""
        if kind not in self.places:
            raise verify.Malformed(f"row {kind!r}: it is none that is known here")
        self._require_places(kind, agent, e, key, place)
        build = getattr(self, "_" + kind.replace(" ", "_"))
        out: dict[Column, Fraction] = defaultdict(Fraction)
        limit = build(out, agent, e, key, *place)
        return out, limit

    def _require_places(self, kind: str, agent: int, e: int, key: Key, place: list[int]) -> None:
        """Raise Malformed unless every number of a row is one that exists: others would stand for something else."""
        economy, alone = self.economy, kind in ("welfare", "lottery", "reach") or kind.startswith("budget")
        endless = economy.horizon is None
        verify.index(e, economy.keep + 1 if endless and kind != "welfare" else economy.periods, f"{kind}: entry")
        i = 0 if alone else verify.index(agent, len(economy.agents), f"{kind}: agent")
        if len(key) != (0 if kind in self.timeless else min(e, economy.keep)):
            raise verify.Malformed(f"{kind}: entry {e} has no history of {len(key)} periods")
        for back, (profile, decision) in enumerate(reversed(key), 1):
            stage = economy.stages[0 if endless else e - back]
            verify.index(profile, stage.size, f"{kind}: history")
            verify.index(decision, stage.decisions, f"{kind}: history")
        now, last = economy.stages[economy.t(e)], economy.stages[0 if endless else max(e - 1, 0)]
        sizes = {"profile": now.size, "signal": now.axes[1 + i], "decision": now.decisions, "action": now.actions[i]}
        sizes |= {
            "start": 1,
            "above": 2,
            "last signal": last.axes[1 + i] if e else 1,
            "last action": last.actions[i] if e else 1,
        }
        names = self.places[kind]
        if len(place) != len(names):
            raise verify.Malformed(f"{kind}: {len(place)} numbers, expected {len(names)}")
        for name, value in zip(names, place, strict=True):
            if not (
                name.startswith("last") and kind in ("truth", "stays", "default")
            ):  # `known` holds those, if it reads them
                verify.index(value, sizes[name], f"{kind}: {name}")

    def report(
        self, out: dict[Column, Fraction], w: Fraction, i: int, e: int, key: Key, profile: int, x: int
    ) -> Fraction:
        """Subtract w times what reports x are worth at a true profile; return the utility in it, times w."""
        economy, t, after = self.economy, self.economy.t(e), self.economy.after(e)
        honest, total = x == profile, Fraction(0)
        chooses = economy.stages[t].actions[i] > 1 and not honest
        if self.bills and not honest:
            for d, chance in economy.rule[t][x]:
                out["Z", i, e, key, x, d, economy.own(t, profile, i)] -= w * chance
                total += Fraction(0) if chooses else w * chance * economy.utility(t, i, d, profile)
            return total
        out["p", i, economy.table(e, key), x] += w
        for d, chance in economy.rule[t][x]:
            if not chooses:
                total += w * chance * economy.utility(t, i, d, profile)
            elif after is None:
                total += w * chance * self.best(t, i, d, profile)
            if after is not None:
                then, own = economy.step(key, x, d), economy.own(t, profile, i)
                last: Column = ("Y", i, after, then, own)
                out[last if chooses else ("C", i, after, then, own, economy.asked(t, d, i))] -= w * chance
        return total

    def best(self, t: int, i: int, decision: int, profile: int) -> Fraction:
        """Return the utility of the best action."""
        economy = self.economy
        acts = range(economy.stages[t].actions[i])
        return max(economy.utility(t, i, economy.acting(t, decision, i, a), profile) for a in acts)

    def _worth(self, out: dict[Column, Fraction], i: int, e: int, key: Key, profile: int) -> Fraction:
        out["V", i, self.economy.table(e, key), profile] += 1
        return self.report(out, Fraction(1), i, e, key, profile, profile)

    def _follows(self, out: dict[Column, Fraction], i: int, e: int, key: Key, k: int, a: int) -> Fraction:
        out["C", i, e, key, k, a] += 1
        for profile, chance in self.economy.law(i, (e, key, k, a)):
            out["V", i, self.economy.table(e, key), profile] -= self.economy.discount * chance
        return Fraction(0)

    def _acts(self, out: dict[Column, Fraction], i: int, e: int, key: Key, k: int, a: int) -> Fraction:
        out["Y", i, e, key, k] += 1
        out["C", i, e, key, k, a] -= 1
        return self._then(i, e, key, k, a)

    def _then(self, i: int, e: int, key: Key, k: int, a: int) -> Fraction:
        """Return the utility of the period before, at the true signal and action."""
        economy, t = self.economy, 0 if self.economy.horizon is None else e - 1
        profile, decision = key[-1]
        return economy.utility(t, i, economy.acting(t, decision, i, a), economy.with_own(t, profile, i, k))

    def known(self, i: int, e: int, key: Key, k: int, a: int, profile: int, ex_post: bool) -> Law:
        """Return the profiles that an agent thinks possible, with weights that sum to 1."""
        economy, t = self.economy, self.economy.t(e)
        if ex_post:
            pasts = (past for past in economy.pasts(i) if past[:2] == (e, key))
            if not any(profile == one for past in pasts for one, _ in economy.law(i, past)):
                raise verify.Unproved(f"entry {e}, history {key}: agent {i} cannot come to profile {profile}")
            return [(profile, Fraction(1))]
        if (e, key, k, a) not in economy.pasts(i):
            raise verify.Unproved(f"entry {e}: agent {i} cannot come to history {key} with signal {k}")
        cell = [economy.stages[t].profiles[profile][n] for n in (0, 1 + i)]
        law = economy.law(i, (e, key, k, a))
        some = [(one, w) for one, w in law if [economy.stages[t].profiles[one][n] for n in (0, 1 + i)] == cell]
        total = sum((w for _, w in some), Fraction(0))
        if not total:
            raise verify.Unproved(f"entry {e}, history {key}: agent {i} cannot have this signal")
        return [(one, w / total) for one, w in some]

    def _truth(
        self, out: dict[Column, Fraction], i: int, e: int, key: Key, k: int, a: int, profile: int, r: int
    ) -> Fraction:
        economy, t, limit, alike = self.economy, self.economy.t(e), Fraction(0), True
        for one, w in self.known(i, e, key, k, a, profile, self.ex_post):
            x = economy.with_own(t, one, i, r)
            out["V", i, economy.table(e, key), one] += w
            limit += self.report(out, w, i, e, key, one, x)
            alike &= self._alike(i, t, economy.after(e), one, x)
        return limit if alike else limit + self.margin

    def _alike(self, i: int, t: int, after: int | None, one: int, x: int) -> bool:
        """Return whether a lie changes neither the decision nor the law of what comes next."""
        economy = self.economy
        if economy.stages[t].actions[i] > 1 or economy.rule[t][one] != economy.rule[t][x]:
            return False
        then = economy.stages[economy.t(after)] if after is not None else None
        laws = economy.stages[t].law
        return then is None or all(exact(laws(d, one, then)) == exact(laws(d, x, then)) for d, _ in economy.rule[t][x])

    def _obey(self, out: dict[Column, Fraction], i: int, e: int, key: Key, k: int, a: int) -> Fraction:
        economy, t = self.economy, 0 if self.economy.horizon is None else e - 1
        if (e, key, k, a) not in economy.pasts(i) or economy.own(t, key[-1][0], i) != k:
            raise verify.Unproved(f"entry {e}: agent {i} is not asked to obey at history {key} with signal {k}")
        asked = economy.asked(t, key[-1][1], i)
        out["C", i, e, key, k, asked] += 1
        out["C", i, e, key, k, a] -= 1
        return self._then(i, e, key, k, a) - self._then(i, e, key, k, asked)

    def _obey_last(self, _: Any, i: int, e: int, key: Key, profile: int, d: int, a: int) -> Fraction:
        economy, t = self.economy, self.economy.t(e)
        at = (past for past in economy.pasts(i) if past[0] == e)
        reached = any(profile == one for past in at for one, _ in economy.law(i, past))
        if key or economy.after(e) is not None or not reached or d not in dict(economy.rule[t][profile]):
            raise verify.Unproved(f"entry {e}: agent {i} is not asked to obey {d} at profile {profile}")
        return economy.utility(t, i, economy.acting(t, d, i, a), profile) - economy.utility(t, i, d, profile)

    def _stays(self, out: dict[Column, Fraction], i: int, e: int, key: Key, k: int, a: int, profile: int) -> Fraction:
        asked = self.economy.goals["participation"]
        if asked not in ("interim", "ex-post", "exit"):
            raise verify.Unproved(f"participation {asked!r} does not ask for staying in every period")
        ex_post = asked == "ex-post" or (asked == "exit" and self.ex_post)
        for one, w in self.known(i, e, key, k, a, profile, ex_post):
            out["V", i, self.economy.table(e, key), one] += w
        return Fraction(0)

    def _stays_ex_ante(self, out: dict[Column, Fraction], i: int, e: int, key: Key, _: int) -> Fraction:
        if self.economy.goals["participation"] != "ex-ante" or e or key:
            raise verify.Unproved("participation ex ante is not asked for")
        for one, w in self.economy.prior:
            out["V", i, self.economy.table(0, ()), one] += w
        return Fraction(0)

    def _default(
        self, out: dict[Column, Fraction], i: int, e: int, key: Key, k: int, a: int, profile: int, r: int
    ) -> Fraction:
        economy, t = self.economy, self.economy.t(e)
        if economy.goals["participation"] != "default" or self.bills:
            raise verify.Unproved("participation default, ex post, is not asked for")
        self.known(i, e, key, k, a, profile, True)
        out["V", i, economy.table(e, key), profile] += 1
        x = economy.with_own(t, profile, i, r)
        return sum((w * self.best(t, i, d, profile) for d, w in economy.rule[t][x]), economy.gone(e, i))

    def _refuses(self, out: dict[Column, Fraction], i: int, e: int, key: Key, x: int, d: int, k: int) -> Fraction:
        economy, t, gone = self.economy, self.economy.t(e), self.economy.gone(e, i)
        out["Z", i, e, key, x, d, k] += 1
        return gone + (self.best(t, i, d, economy.with_own(t, x, i, k)) if economy.stages[t].actions[i] > 1 else 0)

    def _bill(self, out: dict[Column, Fraction], i: int, e: int, key: Key, x: int, d: int, k: int) -> Fraction:
        economy, t, after = self.economy, self.economy.t(e), self.economy.after(e)
        limit = self._refuses(out, i, e, key, x, d, k)
        out["p", i, economy.table(e, key), x] += 1
        if after is None:
            return limit
        last: Column = (i, after, economy.step(key, x, d), k)
        out[("Y", *last) if economy.stages[t].actions[i] > 1 else ("C", *last, economy.asked(t, d, i))] -= 1
        return Fraction(0)

    def _pays(self, out: dict[Column, Fraction], i: int, e: int, key: Key, x: int, d: int) -> Fraction:
        economy, t, after = self.economy, self.economy.t(e), self.economy.after(e)
        self.known(i, e, key, 0, 0, x, True)
        if not self.bills or d not in dict(economy.rule[t][x]):
            raise verify.Unproved(f"entry {e}, history {key}: nobody is asked to pay at {x} and {d}")
        out["p", i, economy.table(e, key), x] -= 1
        if after is not None:
            out["C", i, after, economy.step(key, x, d), economy.own(t, x, i), economy.asked(t, d, i)] += 1
        return self.best(t, i, d, x) - economy.utility(t, i, d, x) + economy.gone(e, i)

    def _path(self, level: str, e: int, key: Key) -> Law:
        """Return the law of the profile at a history that truth leads to."""
        if self.economy.goals["budget_level"] != level or (e, key, 0, 0) not in self.economy.pasts(-1):
            raise verify.Unproved(f"entry {e}, history {key}: no budget counts there")
        return self.economy.law(-1, (e, key, 0, 0))

    def _budget(self, out: dict[Column, Fraction], _: int, e: int, key: Key, x: int, d: int) -> Fraction:
        economy, t = self.economy, self.economy.t(e)
        if x not in dict(self._path("ex-post", e, key)) or d not in dict(economy.rule[t][x]):
            raise verify.Unproved(f"entry {e}, history {key}: truth does not lead to profile {x} and decision {d}")
        for i in range(len(economy.agents)):
            out["p", i, economy.table(e, key), x] += 1
        return economy.costs[t][d][economy.stages[t].profiles[x][0]]

    def _budget_period(self, out: dict[Column, Fraction], _: int, e: int, key: Key) -> Fraction:
        economy, t, limit = self.economy, self.economy.t(e), Fraction(0)
        for x, w in self._path("period", e, key):
            for i in range(len(economy.agents)):
                out["p", i, economy.table(e, key), x] += w
            public = economy.stages[t].profiles[x][0]
            limit += w * sum((c * economy.costs[t][d][public] for d, c in economy.rule[t][x]), Fraction(0))
        return limit

    def _budget_ex_ante(self, out: dict[Column, Fraction], _: int, e: int, key: Key, __: int) -> Fraction:
        if e:
            raise verify.Unproved(f"entry {e}: the budget over all periods counts at the start")
        for x, w in self._path("ex-ante", e, key):
            out["W", 0, x] += w
            for i in range(len(self.economy.agents)):
                out["V", i, self.economy.table(e, key), x] -= w
        return Fraction(0)

    def _welfare(self, out: dict[Column, Fraction], _: int, t: int, __: Key, profile: int) -> Fraction:
        economy, limit = self.economy, Fraction(0)
        out["W", t, profile] += 1
        after = economy.after(t)
        for d, w in economy.rule[t][profile]:
            flow = sum((economy.utility(t, i, d, profile) for i in range(len(economy.agents))), Fraction(0))
            limit += w * (flow - economy.costs[t][d][economy.stages[t].profiles[profile][0]])
            if after is not None:
                then = economy.t(after)
                for one, chance in exact(economy.stages[t].law(d, profile, economy.stages[then])):
                    out["W", then, one] -= economy.discount * w * chance
        return limit

    def most(self, total: dict[Column, Fraction]) -> Fraction:
        """Return the most that a sum of unknowns can be."""
        return sum((abs(value) * self.box(column[0], column[1]) for column, value in total.items()), Fraction(0))

    @cache  # noqa: B019 - one object per file
    def box(self, kind: str, agent: int) -> Fraction:
        """Return the most that |x| can be."""
        economy, delta = self.economy, self.economy.discount
        left = Fraction(0) if economy.horizon is None else delta**economy.periods
        years = Fraction(economy.periods) if delta == 1 else (1 - left) / (1 - delta)
        most = [max(map(abs, (u for s in economy.stages for u in s.utility[i]))) for i in range(len(economy.agents))]
        utility = [Fraction(one, 1 << verify.UNIT) for one in most]
        if kind == "p":
            return self.largest
        if kind == "W":
            costs = max(abs(c) for table in economy.costs for row in table for c in row)
            return (sum(utility, Fraction(0)) + costs) * years
        refused = self.largest + abs(economy.out[agent]) * years
        more = {"Y": utility[agent], "Z": utility[agent] + refused}.get(kind, Fraction(0))
        return (utility[agent] + self.largest) * years + more


def check(data: dict[str, Any]) -> list[str]:
    """Return a line per clash, all being proved; raise Unproved at the first that is not."""
    if (data["kind"], data["schema"], bool(data["clashes"])) != ("infeasibility", 1, True):
        raise verify.Malformed("it is not of schema 1, or claims nothing")
    for part in ("environment", "rule"):
        text = json.dumps(data[part], sort_keys=True, separators=(",", ":"))
        if hashlib.sha256(text.encode()).hexdigest() != data["hashes"][part]:
            raise verify.Malformed(f"the {part} has another hash than the one that was proved")
    goals, largest = data["goals"], number(data["largest"], "largest")
    if largest <= 0:
        raise verify.Malformed("largest: no bound on transfers")
    free: Any = import_module(f"{HERE}verify_free") if data["rule"] == "free" else None
    economy = (free.FreeEconomy if free else Economy)(data["environment"], data["rule"], goals)
    rows: Rows = (free.FreeRows if free else Rows)(economy, largest, number(goals["margin"], "goals.margin"))
    return [_clash(rows, clash, f"clashes[{k}]") for k, clash in enumerate(data["clashes"])]


def _clash(rows: Rows, clash: dict[str, Any], where: str) -> str:
    """Return the line of a clash that is proved."""
    total, right = defaultdict[Column, Fraction](Fraction), Fraction(0)
    require_names(rows.economy.agents, clash["goals"], where)
    for n, (kind, agent, e, history, place, multiplier) in enumerate(clash["rows"]):
        y, what = number(multiplier, f"{where}.rows[{n}]"), f"{where}.rows[{n}]"
        _require_goal(rows, kind, agent, clash["goals"], what)
        equal = kind in rows.equal or (kind.startswith("budget") and rows.economy.goals["budget"] == "balanced")
        if y < 0 and not equal:
            raise verify.Unproved(f"{what}: a multiplier of an inequality is below 0")
        coefficients, limit = rows.row(kind, agent, e, tuple((x, d) for x, d in history), place)
        right += y * limit
        for column, value in coefficients.items():
            total[column] += y * value
    most, goals = rows.most(total), ", ".join(clash["goals"])
    if right <= most:
        raise verify.Unproved(
            f"{where} ({goals}): the rows add up to at least {float(right)!r}, at most {float(most)!r}"
        )
    if all(kind in rows.defining for kind, *_ in clash["rows"]):
        raise verify.Unproved(f"{where} ({goals}): no row of a goal")
    memory, bound = rows.economy.goals["memory"], float(rows.largest)
    asked = asked_text(rows.economy.goals, rows.margin)
    of = f"with memory {memory}{rows.economy.deciding} and transfers up to {bound:g}"
    return f"proved: {where}: {of}, no mechanism has {goals} ({asked})"


def _require_goal(rows: Rows, kind: str, agent: int, goals: Iterable[str], what: str) -> None:
    """Raise unless a row belongs to a goal of the clash, or to what is asked at all."""
    if kind in rows.defining:
        return
    economy = rows.economy
    name = "budget"
    if not kind.startswith("budget"):
        verify.index(agent, len(economy.agents), what)
        truth = kind in ("truth", "obey", "obey last")
        name = f"truthful {economy.agents[agent]}" if truth else f"participation of {economy.agents[agent]}"
        asked = economy.goals["incentive" if truth else "participation"] != "none"
    else:
        asked = economy.goals["budget"] != "none"
    if name not in goals or not asked:
        raise verify.Unproved(f"{what}: its goal, {name}, is not among those that are said to clash")


if __name__ == "__main__":
    sys.exit(verify.main(sys.argv[1:], check, SAID))
