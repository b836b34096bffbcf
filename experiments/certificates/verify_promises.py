"""Check all that a certificate of an audit says.  `python verify_promises.py FILE`, or `dynmech verify FILE`.

Beside the standard library this file needs its neighbour `verify.py`, which reads the file and proves what the best
response gains; it shares no code with what wrote the certificate. Under `promises` a certificate claims bounds of

- `one_shot`: the gain where the messages of one period alone differ, its date chosen as play unfolds;
- `belief_manipulation`: the gain by a lie, a best response in the following period, and prescribed play after that;
- `participation`: the least that prescribed play is worth to an agent when it reports, this period's payment included,
  over the states that its own play leads to (`at_the_start`: in period 0 alone, knowing its own signal);
- `budget`: what the designer takes in: expected and discounted (`ex_ante`), the least that it expects in a period given
  what was public before (`expected_period`), and the least in any period (`ex_post`), all of prescribed play.

With v what truth is worth, A what follows a lie (v, or B, the best reply for one period with v after it), the value of
a single lie is the fixed point of

    T W = max(T' W, max over messages r of q_A(r)),

leaving counted among the messages where it is allowed; T is monotone, and where a lie ends the choice it does not
contract at all. With e(x) by how much v, or B, may be off, and r the largest miss of W, values at information sets are
off at most by max(δ r / (1 − δ), δ e); under a finite horizon, by i(t) = max(δ (r(t+1) + i(t+1)), δ e(t+1)). What
truth is worth is bounded in `verify.py`, from both sides; revenue is bounded like that, and what is taken in a period
is added up. All arithmetic is exact.
"""

import copy
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Any

verify: Any = import_module(f"{'dynmech.experiments.certificates.' if __package__ else ''}verify")

SAID = verify.SAID
LIES = ("one_shot", "belief_manipulation")
KINDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(LIES, ("ex_ante", "on_path", "interim", "ex_post")),
    "participation": ("ex_ante", "at_the_start", "interim", "ex_post"),
    "budget": ("ex_ante", "expected_period", "ex_post"),
}
Found = Iterator[tuple[str, Fraction, Fraction]]  # states, each with the bounds of a quantity in money


class OneLie:
    """Bounds of what a single lie gains; with `reply`, a best response in the period after it is part of it."""

    def __init__(self, bounds: Any, vectors: Any, *, reply: bool, where: str) -> None:
        self.bounds, self.game, self.deviator, self.reply = bounds, bounds.game, bounds.deviator, reply
        keys = [list(values) for values in bounds.values[1]]
        vectors = [[0.0], *vectors[1:]]
        pairs = zip(keys, vectors, strict=True)
        self.value = [dict(zip(key, verify.flat(x, (len(key),), where), strict=True)) for key, x in pairs]
        self.follows, self.case = cache(self._follows), cache(self._case)
        self.rows = [{node: dict(self._row(t, node)) for node in nodes} for t, nodes in enumerate(bounds.nodes)]
        self.errors = [self._errors(1), self._errors(-1)]

    def _sets(self, t: int, node: Any) -> Iterator[tuple[int, list[tuple[int, Any]]]]:
        memory = node[0] if node else 0
        for own, profiles in self.deviator.sets(t, node, self.bounds.spying).items():
            yield own, [(w, (t, memory, profile)) for profile, w in profiles]

    def _follows(self, t: int, node: Any) -> int | Fraction:
        """Return what a node of entry t is worth after a lie."""
        if not self.reply:
            return self.bounds.values[1][t][node]
        worth: int | Fraction = 0
        for _, cases in self._sets(t, node):
            rows = [(w, self.bounds.case(case)[1]) for w, case in cases]
            sums = [sum(w * row[k][1] for w, row in rows) for k in range(len(rows[0][1]))]
            worth += max(sums + [0] * self.deviator.leaves)
        return Fraction(worth) / (self.game.arrivals(t, node)[1] << self.game.shift)

    def _case(self, case: Any) -> list[Any]:
        """Return what messages are worth, the prescribed one with prescribed acts and this family after it, too."""
        after, asked, lies = self.game.after(case[0]), self.deviator.truth(case), list[Any]()
        truth = self.deviator.worth(case, asked, {} if after is None else self.value[after], True)
        for k, report in enumerate(self.deviator.reports[case[0]]):
            if self.reply and after is not None:
                lies.append(self.deviator.worth(case, report, After(self, after)))
            else:
                lies.append(self.bounds.case(case)[1][k][1])
            if report == asked:
                lies[-1] = max(lies[-1], truth)
        return lies

    def _row(self, t: int, node: Any) -> Iterator[tuple[int, Any]]:
        """Yield what is known, and what the best choice of this family is worth times its weight."""
        for own, cases in self._sets(t, node):
            rows = [(w, self.case(case)) for w, case in cases]
            sums = [sum(w * row[k] for w, row in rows) for k in range(len(rows[0][1]))]
            yield own, max(sums + [0] * self.deviator.leaves)

    def _errors(self, sign: int) -> list[Fraction]:
        """Return by how much values at information sets may be too low (1) or too high (−1), per entry."""
        pay, last = self.game.discount, len(self.rows) - 1
        short = [error[3 if sign > 0 else 1] for error in self.bounds.errors]
        if self.reply:
            nexts = [self.game.after(t) for t in range(last + 1)]
            short = [Fraction(0) if after is None else pay * short[after] for after in nexts]
        misses = [Fraction(0) for _ in self.rows]
        for t, nodes in enumerate(self.rows[1:], 1):
            for node, sets in nodes.items():
                worth = Fraction(sum(sets.values())) / self.game.arrivals(t, node)[1]
                misses[t] = max(misses[t], sign * (worth - (self.value[t][node] << self.game.shift)))
        if self.game.horizon is None:
            return [max(pay / (1 - pay) * misses[1], short[1])] * 2
        sums = [Fraction(0)]
        for t in range(last, 0, -1):
            sums.append(max(pay * (misses[t] + sums[-1]), short[t - 1]))
        return sums[::-1]

    def gains(self, information: str) -> Found:
        """Yield information sets, each with the bounds of the gain in money; `ex_ante` is one, before all."""
        one = 1 << (verify.UNIT + self.game.shift)
        for t, nodes in enumerate(self.rows[:1] if information == "ex_ante" else self.rows):
            _, under, _, above = self.bounds.errors[t]
            over, short = (errors[t] for errors in self.errors)
            for node in nodes if information != "on_path" else self.bounds.path[t]:
                truth, best = self.bounds.rows[t][node], dict(nodes[node])
                pairs = {own: (row[0], best[own], row[2]) for own, row in truth.items()}
                if information == "ex_ante":
                    pairs = {-1: tuple(sum(column) for column in zip(*pairs.values(), strict=True))}
                for own, (weight, worth, honest) in pairs.items():
                    gain = Fraction(worth - honest) / (weight * one)
                    yield _state(t, node, own), gain - (short + above) / one, gain + (over + under) / one


class After(dict[Any, Any]):
    """What a lie leads to, worked out where it is asked for."""

    def __init__(self, family: OneLie, t: int) -> None:
        super().__init__({"": 0})  # never empty: something follows
        self.family, self.t = family, t

    def __missing__(self, node: Any) -> int | Fraction:
        """Return what a node is worth after a lie."""
        return self.family.follows(self.t, node)


def _state(t: int, node: Any, own: int) -> str:
    return f"period {t}, node {node}, information {own}"


def stays(bounds: Any, information: str) -> Found:
    """Yield information sets, each with bounds of what prescribed play is worth there."""
    one = 1 << (verify.UNIT + bounds.game.shift)
    for t, nodes in enumerate(bounds.rows if information in ("interim", "ex_post") else bounds.rows[:1]):
        _, under, _, above = bounds.errors[t]
        for node, sets in nodes.items():
            pairs = {own: (row[0], row[2]) for own, row in sets.items()}
            if information == "ex_ante":
                pairs = {-1: tuple(sum(column) for column in zip(*pairs.values(), strict=True))}
            for own, (weight, worth) in pairs.items():
                stay = Fraction(worth) / (weight * one)
                yield _state(t, node, own), stay - under / one, stay + above / one


class Revenue:
    """What the designer takes in under prescribed play."""

    def __init__(self, game: Any, proof: dict[str, Any]) -> None:
        self.game = copy.copy(game)
        self.game.stages = [copy.copy(stage) for stage in game.stages]
        for stage in self.game.stages:
            stage.utility = [[0] * len(table) for table in stage.utility]
        everybody = tuple(range(len(game.agents)))
        self.all = verify.Deviator(self.game, everybody, False)  # whose flow is what all pay
        self.path = self.all.reachable(True)
        keys: list[list[Any]] = [[None], *([tuple(node) for node in nodes] for nodes in proof["nodes"][1:])]
        pairs = zip(keys, [[0.0], *proof["revenue"][1:]], strict=True)
        self.value = [dict(zip(key, verify.flat(x, (len(key),), "budget"), strict=True)) for key, x in pairs]
        for t, node in ((k, one) for k, nodes in enumerate(self.path) for one in nodes - self.value[k].keys()):
            raise verify.Unproved(f"budget: node {node} of period {t} can be reached, and is not listed")

    def _taken(self, t: int, node: Any, ahead: dict[Any, int]) -> Fraction:
        """Return what is taken in expectation at a node, in units of 2^-1074-shift."""
        profiles, total = self.game.arrivals(t, node)
        cases = [(w, (t, node[0] if node else 0, profile)) for profile, w in profiles]
        paid = sum(w * self.all.worth(case, self.all.truth(case), ahead, True) for w, case in cases)
        return -Fraction(paid) / total

    def _ahead(self, t: int) -> dict[Any, int]:
        after = self.game.after(t)
        return {} if after is None else {node: -value for node, value in self.value[after].items()}

    def ex_ante(self) -> Found:
        """Yield what is taken in all periods, discounted."""
        pay, sums = self.game.discount, [(Fraction(0), Fraction(0))]
        for t in range(len(self.path) - 1, 0, -1):
            ahead, misses = self._ahead(t), [Fraction(0)]
            for node in self.path[t]:
                misses.append(self._taken(t, node, ahead) - (self.value[t][node] << self.game.shift))
            if self.game.horizon is None:
                sums.append((pay / (1 - pay) * max(misses), pay / (1 - pay) * -min(misses)))
            else:
                sums.append((pay * (max(misses) + sums[-1][0]), pay * (-min(misses) + sums[-1][1])))
        (above, below), one = sums[-1], 1 << (verify.UNIT + self.game.shift)
        taken = self._taken(0, None, self._ahead(0))
        yield "before all", (taken - below) / one, (taken + above) / one

    def expected_period(self) -> Found:
        """Yield what is taken in a period given what was public before."""
        verify.Deviator(self.game, (), False).require_revealing()
        one = 1 << (verify.UNIT + self.game.shift)
        for t, nodes in enumerate(self.path):
            for node in nodes:
                taken = self._taken(t, node, {}) / one
                yield f"period {t}, node {node}, information -1", taken, taken

    def ex_post(self) -> Found:
        """Yield what is taken in a period, whatever is drawn."""
        for t, nodes in enumerate(self.path):
            for case in {(t, node[0] if node else 0, k) for node in nodes for k, _ in self.game.arrivals(t, node)[0]}:
                drawn = self.all.moves(case, self.all.truth(case))[0]
                paid = max(flow for _, acts in drawn for flow, _, asked in acts if asked)
                taken = Fraction(-paid, 1 << verify.UNIT)
                yield f"period {t}, memory {case[1]}, profile {case[2]}", taken, taken


class Promises:
    """What a file claims beside what the best response gains, and the bounds that its vectors prove."""

    def __init__(self, data: dict[str, Any], known: dict[int, Any]) -> None:
        self.data, self.known, self.lies = data, known, cache(self._lies)
        self.game = next(iter(known.values())).game
        self.revenue = cache(lambda: Revenue(self.game, data["budget"]))

    def _lies(self, number: int, family: str) -> OneLie:
        where = f"proofs[{number}].{family}"
        vectors = self.data["proofs"][number][family]
        return OneLie(self.known[number], vectors, reply=family == "belief_manipulation", where=where)

    def bounds(self, claim: dict[str, Any], where: str) -> tuple[str, list[tuple[str, Fraction, Fraction]]]:
        """Return what a claim is about, in words, and the bounds at all states that it speaks of."""
        what, information = claim["what"], claim["information"]
        if what not in KINDS or information not in KINDS[what] or claim["states"] != "reachable":
            raise verify.Malformed(f"{where}: what is promised, information or states are none that are known here")
        if what == "budget":
            return f"{where}, budget, {information}", list(getattr(self.revenue(), information)())
        number, names = claim["proof"], claim["agents"]
        proof = self.data["proofs"][verify.index(number, len(self.data["proofs"]), where)]
        kind = "ex_post" if information == "ex_post" else "interim"
        fits = proof["information"] == kind or (what == "participation" and information == "ex_ante")
        same = (proof["agents"], bool(proof["exit"])) == (names, bool(claim["exit"]))
        if number not in self.known or not fits or not same or (what == "participation" and len(names) != 1):
            raise verify.Malformed(f"{where}: proof {number} is about something else, or no gain is claimed by it")
        find: Callable[[str], Found] = lambda one: stays(self.known[number], one)  # noqa: E731
        if what in LIES:
            find = self.lies(number, what).gains
        return f"{where}, {' + '.join(names)}, {what}, {information}", list(find(information))

    def proved(self, claim: dict[str, Any], where: str) -> str:
        """Return the line of a claim that is proved; raise Unproved if it is not."""
        named, states = self.bounds(claim, where)
        lower, upper = (Fraction(verify.amount(claim[key], named), 1 << verify.UNIT) for key in ("lower", "upper"))
        gains = claim["what"] in LIES
        pick: Any = max if gains else min
        low, high = (pick(states, key=lambda state, k=k: state[k]) for k in (1, 2))
        never = gains and upper >= 0 and self.known[claim["proof"]].never()
        if high[2] > upper and not never:
            raise verify.Unproved(
                f"{named}: at most {float(upper)!r} is claimed, {float(high[2])!r} is proved ({high[0]})"
            )
        if lower > (max(low[1], 0) if gains else low[1]):  # no deviation gains less than 0: truth is one
            raise verify.Unproved(
                f"{named}: at least {float(lower)!r} is claimed, {float(low[1])!r} is proved ({low[0]})"
            )
        if gains and lower <= 0:
            return f"proved: {named}: no single lie gains more than {float(upper)!r}"
        about = {"budget": "the designer takes", "participation": "the least is"}.get(claim["what"], "a lie gains")
        state = (low if gains else high)[0]
        return f"proved: {named}: {about} {float(lower)!r} to {float(upper)!r} ({state})"


def check(data: dict[str, Any]) -> list[str]:
    """Return a line per claim, all being proved; raise Unproved at the first that is not."""
    known: dict[int, Any] = {}
    lines = verify.check(data, known)
    promises = Promises(data, known)
    return lines + [promises.proved(claim, f"promises[{k}]") for k, claim in enumerate(data.get("promises", []))]


if __name__ == "__main__":
    sys.exit(verify.main(sys.argv[1:], check, SAID))
