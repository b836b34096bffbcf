"""Check a proof that truth is best under many laws.  `python verify_robust.py FILE`, or `dynmech verify FILE`.

Beside the standard library this file needs its neighbour `verify.py`, which reads economies and mechanisms; it shares
no code with what wrote the proof. A file of kind `robustness` holds an economy, a mechanism, radii ρ(d, θ) by stage,
and for every agent numbers v(t, m, θ): about what truth is worth to it at memory m and profile θ.

Claim: under *every* law of motion whose rows are within their radii of the economy's own in L1 (nature may differ in
every row; where the radius is 0 the row is right), and after every history that an agent's own messages and the
others' truth can lead to, no play of that agent gains more by it than the file says, whatever the others' current
signals are: nothing, or what rounding comes to. The mechanism must ask everybody for its own signal.

With q(m, θ, r) = E_d [flow + δ Σ μ(θ' | d, θ) v(m', θ')], all exact, and span(m') the most by which v(m', ·) differs
between profiles that may follow, under another law truth is worth v up to

    e_t = max over cases of [ |v − q(truth)| + E_d δ ρ(d, θ) span(m') / 2 ] + δ e_{t+1}

(over an infinite horizon e = max [...] / (1 − δ)), and a message r gains, under any law, at most

    q(m, θ, r) − q(m, θ, truth) + E_d δ ρ span / 2 (after truth) + E_d δ ρ span / 2 (after r) + 2 δ e_{t+1},

and nothing if it changes nothing that concerns the agent: the same decisions and payments now, and a memory from which
on the mechanism is the same. With g_t the most that a single lie gains in period t, or 0, no play gains more than
Σ_{s >= t} δ^{s−t} g_s (the one-shot-deviation principle).
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from importlib import import_module
from typing import Any

verify: Any = import_module(f"{'dynmech.experiments.certificates.' if __package__ else ''}verify")

SAID = (
    "Proved: that, with the tables of this file and the others truthful, after every history, whatever the others' "
    "signals are, for every law of motion within the radii.",
    "Not proved: that the true law is within the radii, nor anything of participation, budgets or coalitions.",
)

Case = tuple[int, int, int]


class Truth:
    """One agent, and what truth is worth to it in the file."""

    def __init__(self, game: Any, agent: int, values: Any, radii: list[list[list[Fraction]] | None]) -> None:
        self.game, self.deviator = game, verify.Deviator(game, (agent,), False)
        self.radii, self.where = radii, f"values of {game.agents[agent]}"
        require_truth(game)
        if self.deviator.acts:
            raise verify.Malformed(f"{self.where}: it has private actions, or replies")
        if len(values) != len(game.rules):
            raise verify.Malformed(f"{self.where}: not of as many periods as the mechanism has")
        self.memories = [len(part) for part in values]
        self.values: list[list[list[int]]] = []
        for t, part in enumerate(values):
            size = game.stages[t].size
            self.values.append([verify.flat(row, (size,), f"{self.where}[{t}]") for row in part])
        self.alike = self._alike()
        self.moves, self.spread = cache(self._moves), cache(self._spread)

    def radius(self, t: int, decision: int, profile: int) -> Fraction:
        """Return how far the law after a decision at a profile of an entry may be off."""
        rows = self.radii[t if len(self.radii) > 1 else 0]
        assert rows is not None
        return rows[decision][profile]

    def following(self, t: int, decision: int, profile: int) -> list[int]:
        """Return the profiles that may follow: all of them where the law may be off."""
        after = self.game.after(t)
        if self.radius(t, decision, profile) > 0:
            return list(range(self.game.stages[after].size))
        return [k for k, _ in self.game.stages[t].law(decision, profile, self.game.stages[after])[0]]

    def value(self, t: int, memory: int) -> list[int]:
        """Return the numbers of a memory; raise Unproved where the file has none."""
        if not 0 <= memory < self.memories[t]:
            raise verify.Unproved(f"{self.where}: memory {memory} of period {t} can be reached, and is not listed")
        return self.values[t][memory]

    def _spread(self, t: int, memory: int, profiles: tuple[int, ...]) -> int:
        worth = self.value(t, memory)
        return max(worth[k] for k in profiles) - min(worth[k] for k in profiles)

    def _moves(self, case: Case, report: tuple[int, ...]) -> tuple[Fraction, Fraction, tuple[Any, ...]]:
        """Return q in units of 2^-1074, by how much other laws may move it, and what tells messages apart."""
        t, (drawn, total) = case[0], self.deviator.moves(case, report)
        after, worth, off, told = self.game.after(t), Fraction(0), Fraction(0), []
        for weight, ((flow, (memory, decision, profile), _),) in drawn:
            then, chance = None, Fraction(weight, total)
            worth += chance * flow
            if after is not None:
                law, sum_ = self.game.stages[t].law(decision, profile, self.game.stages[after])
                ahead = self.value(after, memory)
                worth += chance * self.game.discount * Fraction(sum(w * ahead[k] for k, w in law), sum_)
                may = tuple(self.following(t, decision, profile))
                spread = self.spread(after, memory, may)
                off += chance * self.game.discount * self.radius(t, decision, profile) * spread / 2
                then = self.alike[after][memory]
            told.append((chance, flow, decision, then))
        return worth, off, tuple(told)

    def _alike(self) -> list[list[int]]:
        """Return a number per memory: those of the same number are the same mechanism for this agent from there on."""
        rules, endless = self.game.rules, self.game.horizon is None
        classes = [[0] * count for count in self.memories]
        order = list(reversed(range(len(rules))))
        while True:
            before = [len(set(part)) for part in classes]
            for t in order:
                after = self.game.after(t)
                keys = [
                    self._key(t, memory, classes[after] if after is not None else None)
                    for memory in range(self.memories[t])
                ]
                pairs = [(own, key) for own, key in zip(classes[t], keys, strict=True)]
                known = {pair: k for k, pair in enumerate(dict.fromkeys(pairs))}
                classes[t] = [known[pair] for pair in pairs]
            if not endless or [len(set(part)) for part in classes] == before:
                return classes

    def _key(self, t: int, memory: int, after: list[int] | None) -> tuple[Any, ...]:
        """Return all that a memory decides, charges this agent, asks and remembers."""
        rules, stage, (i,) = self.game.rules[t], self.game.stages[t], self.deviator.members
        cases = range(memory * rules.cases, (memory + 1) * rules.cases)
        wide = self._wide(t)
        drawn = range(memory * rules.cases * wide, (memory + 1) * rules.cases * wide)
        asked = [
            tuple(sent[memory * stage.axes[0] * size : (memory + 1) * stage.axes[0] * size])
            for sent, size in zip(rules.prescribed, stage.signals, strict=True)
        ]
        then = (
            ()
            if after is None
            else tuple(after[m] if 0 <= m < len(after) else ~m for m in (rules.remember[k] for k in drawn))
        )
        charged = tuple(rules.charge[i][k] for k in drawn)
        due = tuple(rules.due[i][k] for k in cases)
        return tuple((tuple(rules.decide[k][0]), rules.decide[k][1]) for k in cases), charged, due, tuple(asked), then

    def _wide(self, t: int) -> int:
        """Return how many entries tables after the draw have per case."""
        rules = self.game.rules[t]
        return len(rules.remember) // len(rules.decide)

    def cases(self) -> Iterator[Case]:
        """Yield every memory and profile that own messages and the others' truth can lead to under some law."""
        todo: list[Case] = [(0, 0, profile) for profile, _ in self.game.prior[0]]
        seen = set(todo)
        while todo:
            case = todo.pop()
            yield case
            after = self.game.after(case[0])
            for report in self.deviator.reports[case[0]] if after is not None else ():
                for _, ((_, (memory, decision, profile), _),) in self.deviator.moves(case, report)[0]:
                    new = {(after, memory, k) for k in self.following(case[0], decision, profile)} - seen
                    seen |= new
                    todo += new

    def gain(self) -> Fraction:
        """Return what no play gains more than, in money, and 0 where no single lie can gain."""
        every = list(self.cases())
        errors, gains = self._errors(every), [Fraction(0)] * len(self.values)
        for case in every:
            worth, off, same = self.moves(case, self.deviator.truth(case))
            after = self.game.after(case[0])
            beyond = Fraction(0) if after is None else 2 * self.game.discount * errors[after]
            for report in self.deviator.reports[case[0]]:
                lie, apart, told = self.moves(case, report)
                if told != same:
                    gains[case[0]] = max(gains[case[0]], lie - worth + off + apart + beyond)
        return max(self._discounted(gains)) / (1 << verify.UNIT)

    def _discounted(self, flows: list[Fraction]) -> list[Fraction]:
        """Return by entry the discounted sum of what later entries, and this one, come to at most."""
        if self.game.horizon is None:
            later = flows[1] / (1 - self.game.discount)
            return [flows[0] + self.game.discount * later, later]
        out = [Fraction(0)] * (len(flows) + 1)
        for t in reversed(range(len(flows))):
            out[t] = flows[t] + self.game.discount * out[t + 1]
        return out[:-1]

    def _errors(self, every: list[Case]) -> list[Fraction]:
        """Return by entry how far what truth is worth may be from the file, under any law."""
        most = [Fraction(0)] * len(self.values)
        for case in every:
            t, memory, profile = case
            worth, off, _ = self.moves(case, self.deviator.truth(case))
            most[t] = max(most[t], abs(self.value(t, memory)[profile] - worth) + off)
        return self._discounted(most)


def require_truth(game: Any) -> None:
    """Raise unless everybody is asked to send its own signal: about any other play nothing is said here."""
    for t, (rules, stage) in enumerate(zip(game.rules, game.stages, strict=True)):
        for name, sent, size in zip(game.agents, rules.prescribed, stage.signals, strict=True):
            if sent != list(range(size)) * (len(sent) // size):
                raise verify.Unproved(f"period {t}: what {name} is asked to send is not the truth")


def read_radii(data: Any, game: Any, stages: int) -> list[list[list[Fraction]] | None]:
    """Return the radii by stage, decision and profile."""
    if not isinstance(data, list) or len(data) != stages:
        raise verify.Malformed(f"radii: expected a list of {stages}")
    out: list[list[list[Fraction]] | None] = []
    for s, part in enumerate(data):
        stage = game.stages[s]
        leads = game.horizon is None or stages == 1 or s + 1 < stages
        if part is None and not (leads and game.after(0) is not None):
            out.append(None)
            continue
        rows = [verify.flat(row, (stage.size,), f"radii[{s}]") for row in part]
        if len(rows) != stage.decisions or any(not 0 <= value <= 2 << verify.UNIT for row in rows for value in row):
            raise verify.Malformed(f"radii[{s}]: not a row per decision, or a radius is not within 0 and 2")
        out.append([[Fraction(value, 1 << verify.UNIT) for value in row] for row in rows])
    return out


def check(data: dict[str, Any]) -> list[str]:
    """Return a line per agent; raise Unproved at the first whose lies may gain more than is claimed."""
    if (data["kind"], data["schema"]) != ("robustness", 1):
        raise verify.Malformed("it is not of kind robustness and schema 1")
    for part in ("environment", "mechanism"):
        text = json.dumps(data[part], sort_keys=True, separators=(",", ":"))
        if hashlib.sha256(text.encode()).hexdigest() != data["hashes"][part]:
            raise verify.Malformed(f"the {part} has another hash than the one that was certified")
    game, lines = verify.Game(data["environment"], data["mechanism"]), []
    radii = read_radii(data["radii"], game, len(data["environment"]["stages"]))
    if {len(data["values"]), len(data["gains"])} != {len(game.agents)}:
        raise verify.Malformed("values, or gains: not for every agent")
    every = [value for part in radii for row in part or [] for value in row] or [Fraction(0)]
    span = f"{float(min(every)):.6g} to {float(max(every)):.6g}"
    for agent, values in enumerate(data["values"]):
        name, gain = game.agents[agent], Truth(game, agent, values, radii).gain()
        claimed = Fraction(verify.amount(data["gains"][agent], f"gains[{agent}]"), 1 << verify.UNIT)
        if gain > claimed:
            raise verify.Unproved(
                f"{name}: under no law within the radii it gains more than {float(claimed):.6g}, is claimed; "
                f"{float(gain):.6g} is proved"
            )
        most = "no play gains anything" if claimed == 0 else f"no play gains more than {float(claimed):.3g}"
        lines.append(f"proved: {name}: {most} under any law within the radii ({span} in L1)")
    return lines


if __name__ == "__main__":
    sys.exit(verify.main(sys.argv[1:], check, SAID))
