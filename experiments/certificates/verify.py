"""Check a certificate: is what it claims of a mechanism proved?  `python verify.py FILE`, or `dynmech verify FILE`.

This file needs Python's standard library alone and shares no code with what wrote the certificate. It reads an economy
and a mechanism as tables, rebuilds from them what a deviator can do, and checks that the vectors in the file bound what
that gains. Exit code 0: every claim is proved; 1: one is not; 2: this is no certificate.

The deviator (an agent, or a coalition that pools signals) is at a *node* (m, d, θ): the mechanism's memory, and the
decision and the profile of the period before, all public by then; None when play begins. Nature draws the next profile;
the deviator learns its own signals (`interim`) or the profile (`ex_post`), sends messages and acts; everybody else does
what is prescribed. With a number X per node, messages r at memory m and profile θ are worth

    q_X(m, θ, r) = Σ_{i deviates} [u_i(d, θ) − charge_i − due_i] + δ X(m', d, θ).

T, T' and T" take the best message at every information set, the prescribed one, and that of the policy in the file (T
and T" with the best acts after it, T' with the prescribed ones). All are monotone and contract by δ; so for any W, v
and w, with r(x) the largest x over nodes, at least 0,

    best ≤ W + r(TW − W) / (1 − δ),   v − r(v − T'v) / (1 − δ) ≤ truth ≤ v + r(T'v − v) / (1 − δ),
    best ≥ policy ≥ w − r(w − T"w) / (1 − δ),

which bounds gains at every information set from both sides (under a finite horizon, discounted sums of the periods' r).
Where truth beats every lie that changes anything by more than these errors, no single lie pays, hence none at all (the
one-shot-deviation principle): the gain is exactly 0. Numbers are doubles, read as the rationals that they are; amounts
are whole numbers of units of 2^-1074, so nothing is rounded. A law is what is given divided by its exact sum.
"""

import gzip
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache, reduce
from itertools import product
from math import gcd, prod
from operator import getitem, itemgetter
from typing import Any

UNIT = 1074  # every double is a whole number of units of 2^-1074
LARGEST = 1 << 28  # bytes of a file, unpacked
MISS = Fraction(1, 10**9)  # by how much the probabilities of a law may miss 1
INFORMATION = ("ex_ante", "on_path", "interim", "ex_post")
Node = tuple[int, int, int] | None
Case = tuple[int, int, int]  # an entry, the memory and the profile
Act = tuple[int, tuple[int, int, int], bool]  # its flow, the node that follows, and whether it is prescribed
Law = tuple[list[tuple[int, int]], int]  # what is possible with its weight, and the sum of all weights

SAID = (
    "Proved: with the tables of this file, and everybody else as prescribed, no play gains more, some as much.",
    "Not proved: that the tables are those of a program or of a paper.",
)
UNCHECKED = (
    "not checked: what is promised of single lies, participation and budget; verify_promises.py checks that, too"
)


class Malformed(Exception):
    """This is no certificate."""


class Unproved(Exception):
    """A claim does not follow."""


def read(path: str) -> Any:
    """Return what a JSON file holds, packed by gzip or not."""
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else open(path, "rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise Malformed(f"it holds more than {LARGEST} bytes")
    return json.loads(text, object_pairs_hook=_no_repeats, parse_constant=lambda word: amount(word, "a number"))


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise Malformed("a key stands twice in one object")
    return dict(pairs)


def amount(value: Any, where: str) -> int:
    """Return a number in units of 2^-1074."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**1023:
        raise Malformed(f"{where}: {str(value)[:40]} is no number")
    above, below = value.as_integer_ratio()
    return above << (UNIT + 1 - below.bit_length())


def index(value: Any, size: int, where: str) -> int:
    """Return a whole number from 0 to size − 1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < size:
        raise Malformed(f"{where}: {str(value)[:40]} is no whole number from 0 to {size - 1}")
    return value


def flat(nested: Any, shape: tuple[int, ...], where: str, below: int | None = None) -> list[int]:
    """Return nested lists of a shape as one list of amounts, or of whole numbers below a limit."""
    if not shape:
        return [amount(nested, where) if below is None else index(nested, below, where)]
    if not isinstance(nested, list) or len(nested) != shape[0]:
        raise Malformed(f"{where}: expected a list of {shape[0]}")
    return [value for k, part in enumerate(nested) for value in flat(part, shape[1:], f"{where}[{k}]", below)]


def law(weights: list[int], where: str) -> Law:
    """Return a law as whole numbers without a common factor; what is given is divided by its sum."""
    total, common = sum(weights), gcd(*weights)
    if min(weights) < 0 or abs(Fraction(total, 1 << UNIT) - 1) > MISS:
        raise Malformed(f"{where}: a negative probability, or they do not sum to 1")
    return [(k, weight // common) for k, weight in enumerate(weights) if weight], total // common


def numbered(digits: Iterable[int], sizes: Iterable[int], start: int = 0) -> int:
    """Return the number of a combination in C order."""
    for digit, size in zip(digits, sizes, strict=True):
        start = start * size + digit
    return start


class Stage:
    """One period of an economy; profiles are numbered in C order, the public state first, then agents' signals."""

    def __init__(self, data: dict[str, Any], agents: int, where: str) -> None:
        self.signals, self.where = [len(labels) for labels in data["signals"]], where
        self.public, self.decisions = len(data.get("public", [])), len(data["decisions"])
        self.shape = (*([self.public] if self.public else []), *self.signals)
        self.axes = (self.public or 1, *self.signals)
        self.actions = [len(labels) for labels in data.get("private_actions") or [[0]] * agents]
        self.utility = [flat(one, (self.decisions, *self.shape), f"{where}.utility") for one in data["utility"]]
        missing = 0 in (agents, self.decisions, *self.signals, *self.actions) or self.decisions % prod(self.actions)
        if missing or {agents} != {len(self.signals), len(self.utility), len(self.actions)}:
            raise Malformed(f"{where}: it is not for {agents} agents, or signals, actions or decisions are missing")
        self.profiles = list(product(*(range(size) for size in self.axes)))
        self.size, self.law, self.kernel = len(self.profiles), cache(self._law), data["kernel"]
        self.combinations = list(product(*(range(size) for size in self.actions)))

    def _law(self, decision: int, profile: int, after: "Stage") -> Law:
        """Return the law of the next profile."""
        place, where = self.profiles[profile][len(self.axes) - len(self.shape) :], f"{self.where}.kernel"
        if "joint" in self.kernel:
            return law(flat(reduce(getitem, place, self.kernel["joint"][decision]), after.shape, where), where)
        rows = zip(self.kernel["independent"], place, after.shape, strict=True)
        factors = [law(flat(factor[decision][k], (size,), where), where) for factor, k, size in rows]
        pairs = (zip(*combination, strict=True) for combination in product(*(one for one, _ in factors)))
        return [(numbered(k, after.shape), prod(w)) for k, w in pairs], prod(total for _, total in factors)


class Rules:
    """One period of a mechanism; message profiles are numbered like profiles of signals."""

    def __init__(self, data: dict[str, Any], stage: Stage, after: int, where: str) -> None:
        agents, memories, lottery = range(len(stage.signals)), data["memory"], data.get("lottery")
        self.messages = [len(labels) for labels in data.get("messages") or data["signals"]]
        self.cases = prod(self.messages) * stage.axes[0]
        nothing: list[Any] = [None for _ in agents]
        self.sees = [seen or [0] * stage.actions[i] for i, seen in enumerate(data.get("sees") or nothing)]
        self.replies = [len(labels or "0") for labels in data.get("replies") or nothing]
        self.acts = [*(max(seen) + 1 for seen in self.sees), *self.replies]
        self.draws = stage.decisions if lottery else 1
        wrong = min(memories, *(k for seen in self.sees for k in seen)) < 0 or prod(self.acts) * memories > LARGEST >> 2
        if wrong or len(self.acts) != 2 * len(agents):
            raise Malformed(f"{where}: memory, or what is seen, is out of range, or something is missing for an agent")
        start = (memories, *([stage.public] if stage.public else []))
        reported = (*start, *self.messages)
        drawn = (*reported, *([self.draws] if lottery else []))
        acted = (*drawn, *([prod(self.acts)] if prod(self.acts) > 1 else []))

        def table(name: str, shape: tuple[int, ...], agent: int | None = None, below: int | None = None) -> list[int]:
            given = data.get(name) if agent is None else (data.get(name) or nothing)[agent]
            return [0] * prod(shape) if given is None else flat(given, shape, f"{where}.{name}", below)

        self.decide: list[Law]
        if lottery:
            odds = flat(lottery, drawn, f"{where}.lottery")
            self.decide = [law(odds[k : k + self.draws], f"{where}.lottery") for k in range(0, len(odds), self.draws)]
        else:
            self.decide = [([(d, 1)], 1) for d in flat(data["decide"], reported, f"{where}.decide", stage.decisions)]
        self.charge = [table("charge", acted, i) for i in agents]
        self.due = [table("due", reported, i) for i in agents]
        self.remember = table("remember", acted, None, after)
        self.reply = [table("reply", drawn, i, self.replies[i]) for i in agents]
        self.prescribed = [list(range(size)) * prod(start) for size in stage.signals]
        if "prescribed" in data:
            self.prescribed = [table("prescribed", (*start, stage.signals[i]), i, self.messages[i]) for i in agents]
        elif self.messages != stage.signals:
            raise Malformed(f"{where}: messages are not signals, and none are prescribed")


class Game:
    """An economy and a mechanism for it; an infinite horizon has two entries, the first period and all later ones."""

    def __init__(self, economy: dict[str, Any], rules: dict[str, Any]) -> None:
        self.agents, self.horizon, periods = economy["agents"], economy["horizon"], rules["periods"]
        stages = [Stage(x, len(self.agents), f"environment.stages[{k}]") for k, x in enumerate(economy["stages"])]
        self.entries = 2 if self.horizon is None else index(self.horizon, 1 << 20, "horizon")
        self.stages = stages * (self.entries if len(stages) == 1 else 1)
        alike = len(set(self.agents)) < len(self.agents)
        if alike or (rules["agents"], rules["horizon"], len(periods)) != (self.agents, self.horizon, len(self.stages)):
            raise Malformed("mechanism: agents, horizon or periods are not those of the environment")
        for t, period in enumerate(periods):
            of = economy["stages"][t if len(stages) > 1 else 0]
            if any(period.get(key, []) != of.get(key, []) for key in ("public", "signals", "decisions")):
                raise Malformed(f"mechanism.periods[{t}]: labels are not those of the environment")
        sizes = [*(period["memory"] for period in periods[1:]), periods[-1]["memory"] if self.horizon is None else 1]
        self.rules = [
            Rules(period, stage, size, f"mechanism.periods[{t}]")
            for t, (period, stage, size) in enumerate(zip(periods, self.stages, sizes, strict=True))
        ]
        self.discount = Fraction(amount(economy["discount"], "discount"), 1 << UNIT)
        self.shift = self.discount.denominator.bit_length() - 1
        if not (0 < self.discount < 1 or (self.discount == 1 and self.horizon is not None)):
            raise Malformed("discount: not within 0 and 1; 1 only under a finite horizon")
        self.prior = law(flat(economy["prior"], self.stages[0].shape, "prior"), "prior")

    def after(self, t: int) -> int | None:
        """Return the entry that follows; None at the end."""
        return 1 if self.horizon is None else t + 1 if t + 1 < self.entries else None

    def arrivals(self, t: int, node: Node) -> Law:
        """Return the law of the profile at a node of entry t."""
        before = self.stages[t if self.horizon is None else t - 1]
        return self.prior if node is None else before.law(node[1], node[2], self.stages[t])


class Deviator:
    """What an agent or a coalition can do, and where that leads."""

    def __init__(self, game: Game, members: tuple[int, ...], leaves: bool) -> None:
        self.game, self.members, self.leaves = game, members, leaves
        self.moves, self.reachable = cache(self._moves), cache(self._reachable)
        both = zip(game.stages, game.rules, strict=True)
        self.acts = any(stage.actions[i] > 1 or rules.replies[i] > 1 for stage, rules in both for i in members)
        self.reports = [list(product(*(range(rules.messages[i]) for i in members))) for rules in game.rules]

    def asked(self, t: int, memory: int, profile: int) -> list[int]:
        """Return the messages that are prescribed to all agents."""
        stage, tables = self.game.stages[t], self.game.rules[t].prescribed
        public, *signals = stage.profiles[profile]
        at = memory * stage.axes[0] + public
        return [sent[at * size + k] for sent, size, k in zip(tables, stage.signals, signals, strict=True)]

    def truth(self, case: Case) -> tuple[int, ...]:
        """Return the messages that are prescribed to the deviator."""
        sent = self.asked(*case)
        return tuple(sent[i] for i in self.members)

    def _moves(self, case: Case, report: tuple[int, ...]) -> tuple[list[tuple[int, list[Act]]], int]:
        """Return what may be drawn, with weights and the acts after it, and the sum of the weights."""
        t, memory, profile = case
        rules, sent, public = self.game.rules[t], self.asked(*case), self.game.stages[t].profiles[profile][0]
        for i, message in zip(self.members, report, strict=True):
            sent[i] = message
        place = memory * rules.cases + numbered(sent, rules.messages, public)
        drawn, total = rules.decide[place]
        return [(w, list(self._acts(t, profile, place, d))) for d, w in drawn], total

    def _acts(self, t: int, profile: int, place: int, decision: int) -> Iterator[Act]:
        rules, stage = self.game.rules[t], self.game.stages[t]
        outcome, combination = divmod(decision, len(stage.combinations))
        asked = stage.combinations[combination]
        at = place * rules.draws + (decision if rules.draws > 1 else 0)
        replied = [table[at] for table in rules.reply]
        choices = [range(stage.actions[i]) for i in self.members] + [range(rules.replies[i]) for i in self.members]
        for choice in product(*choices):
            done, said = list(asked), list(replied)
            for k, i in enumerate(self.members):
                done[i], said[i] = choice[k], choice[len(self.members) + k]
            observed = [seen[action] for seen, action in zip(rules.sees, done, strict=True)]
            then = at * prod(rules.acts) + numbered((*observed, *said), rules.acts)
            taken, flow = numbered(done, stage.actions, outcome), 0
            for i in self.members:
                flow += stage.utility[i][taken * stage.size + profile] - rules.charge[i][then] - rules.due[i][place]
            yield flow, (rules.remember[then], taken, profile), (done, said) == ([*asked], replied)

    def worth(self, case: Case, report: tuple[int, ...], ahead: dict[Node, int], obey: bool = False) -> int | Fraction:
        """Return q in units of 2^-1074-shift: with the best act after every draw, or the prescribed one."""
        (drawn, total), above, shift, out = self.moves(case, report), self.game.discount.numerator, self.game.shift, 0
        for weight, acts in drawn:
            kept = [(flow << shift, node) for flow, node, asked in acts if asked or not obey]
            out += weight * max(flow + (above * ahead[node] if ahead else 0) for flow, node in kept)
        return out if total == 1 else Fraction(out, total)

    def sets(self, t: int, node: Node, spying: bool) -> dict[int, list[tuple[int, int]]]:
        """Return the information sets at a node: profiles with their weights, by the number of what is known."""
        stage, found = self.game.stages[t], dict[int, list[tuple[int, int]]]()
        for profile, weight in self.game.arrivals(t, node)[0]:
            axes = (0, *(1 + i for i in self.members))
            own = numbered((stage.profiles[profile][k] for k in axes), (stage.axes[k] for k in axes))
            found.setdefault(profile if spying else own, []).append((profile, weight))
        return found

    def _reachable(self, obey: bool) -> list[set[Node]]:
        """Return the nodes of every entry that some play, or prescribed play, leads to with positive probability."""
        nodes: list[set[Node]] = [{None}, *(set[Node]() for _ in self.game.rules[1:])]
        todo, seen = list[tuple[int, Node]]([(0, None)]), set[Case]()
        while todo:
            t, node = todo.pop()
            if (after := self.game.after(t)) is None:
                continue
            for case in {(t, node[0] if node else 0, profile) for profile, _ in self.game.arrivals(t, node)[0]} - seen:
                seen.add(case)
                for report in [self.truth(case)] if obey else self.reports[t]:
                    acts = [act for _, acts in self.moves(case, report)[0] for act in acts]
                    new = {node for _, node, asked in acts if asked or not obey} - nodes[after]
                    nodes[after] |= new
                    todo += [(after, one) for one in new]
        return nodes

    def require_revealing(self) -> None:
        """Raise unless the others' messages tell their signals wherever that matters later."""
        for t, (rules, stage) in enumerate(zip(self.game.rules, self.game.stages, strict=True)):
            for i, (sent, size) in enumerate(zip(rules.prescribed, stage.signals, strict=True)):
                silent = any(len(set(sent[k : k + size])) < size for k in range(0, len(sent), size))
                if silent and i not in self.members and self.game.after(t):
                    raise Unproved(f"period {t}: what agent {i} is asked to send does not tell its signal")


class Bounds:
    """Bounds of the gain at every information set, from the vectors of a proof."""

    def __init__(self, deviator: Deviator, proof: dict[str, Any], where: str) -> None:
        self.deviator, self.game, self.spying = deviator, deviator.game, proof["information"] == "ex_post"
        self.nodes, self.path = deviator.reachable(False), deviator.reachable(True)
        keys: list[list[Any]] = [[None], *([tuple(node) for node in nodes] for nodes in proof["nodes"][1:])]
        pairs = (zip(keys, [[0.0], *proof[x][1:]], strict=True) for x in ("best", "truth", "policy_value"))
        self.values = [[dict(zip(key, flat(x, (len(key),), where), strict=True)) for key, x in pair] for pair in pairs]
        self.policy = [dict(zip(key, chosen, strict=True)) for key, chosen in zip(keys, proof["policy"], strict=True)]
        for t, node in ((k, one) for k, nodes in enumerate(self.nodes) for one in nodes - self.policy[k].keys()):
            raise Unproved(f"{where}: node {node} of period {t} can be reached, and is not listed")
        self.case = cache(self._case)
        self.rows = [{node: dict(self._row(t, node)) for node in nodes} for t, nodes in enumerate(self.nodes)]
        self.errors = self._errors()

    def _case(self, case: Case) -> tuple[Any, list[tuple[Any, ...]]]:
        """Return what truth is worth and, by report, what best, truth and policy make of it; if it changes anything."""
        deviator, after, asked = self.deviator, self.game.after(case[0]), self.deviator.truth(case)
        ahead: list[dict[Node, int]] = [{} if after is None else self.values[k][after] for k in range(3)]
        honest, rows = deviator.moves(case, asked), list[tuple[Any, ...]]()
        for r in deviator.reports[case[0]]:
            changes = deviator.acts or deviator.moves(case, r) != honest
            rows.append((*(deviator.worth(case, r, one) for one in ahead), changes))
        return deviator.worth(case, asked, ahead[1], True), rows

    def _row(self, t: int, node: Node) -> Iterator[tuple[int, list[Any]]]:
        """Yield what is known, its weight and, times that: worth of best, truth, policy; least loss of a lie."""
        memory, leaves = node[0] if node else 0, self.deviator.leaves
        for own, profiles in self.deviator.sets(t, node, self.spying).items():
            cases = [(w, *self.case((t, memory, k))) for k, w in profiles]
            honest, loss, chosen = sum(w * truth for w, truth, _ in cases), None, self.policy[t][node][own]
            worths, stays = list[Any]([0] * leaves), not (leaves and chosen == -1)
            index(chosen if stays else 0, len(cases[0][2]), "policy")
            for k in range(len(cases[0][2])):
                worths.append(sum(w * rows[k][0] for w, _, rows in cases))
                if any(rows[k][3] for _, _, rows in cases):
                    lie = honest - sum(w * rows[k][1] for w, _, rows in cases)
                    loss = lie if loss is None else min(loss, lie)
            played = sum(w * rows[chosen][2] for w, _, rows in cases) if stays else 0
            yield own, [sum(w for w, _, _ in cases), max(worths), honest, played, loss]

    def _errors(self) -> list[list[Fraction]]:
        """Return, per entry, how far best, truth (from above and below) and policy may be from what is computed."""
        misses = [[Fraction(0)] * 4 for _ in self.rows]
        for t, nodes in enumerate(self.rows[1:], 1):
            for node, rows in nodes.items():
                total = self.game.arrivals(t, node)[1]
                best, truth, policy = (Fraction(sum(row[k] for row in rows.values()), total) for k in (1, 2, 3))
                high, honest, low = (value[t][node] << self.game.shift for value in self.values)
                by = (best - high, honest - truth, low - policy, truth - honest)
                misses[t] = [max(pair) for pair in zip(misses[t], by, strict=True)]
        if self.game.horizon is None:
            return [[self.game.discount / (1 - self.game.discount) * miss for miss in misses[1]]] * 2
        pay, last = self.game.discount, self.game.entries
        sums = [[Fraction(0)] * 4]
        for missed in misses[last - 1 : 0 : -1]:  # the last period first
            sums.append([pay * (miss + later) for miss, later in zip(missed, sums[-1], strict=True)])
        return sums[::-1]

    def gains(self, information: str) -> Iterator[tuple[str, Fraction, Fraction]]:
        """Yield information sets, each with the bounds of the gain in money; `ex_ante` is one, before all."""
        one = 1 << (UNIT + self.game.shift)
        for t, nodes in enumerate(self.rows[:1] if information == "ex_ante" else self.rows):
            over, under, short, above = (error / one for error in self.errors[t])
            for node in nodes if information != "on_path" else self.path[t]:
                sets = nodes[node]
                if information == "ex_ante":
                    sets = {-1: [sum(row[k] for row in sets.values()) for k in range(4)]}
                for own, (weight, best, truth, policy, *_) in sets.items():
                    low = Fraction(policy - truth, weight * one) - (short + above)
                    high = Fraction(best - truth, weight * one) + (over + under)
                    yield f"period {t}, node {node}, information {own}", low, high

    def never(self) -> bool:
        """Return whether truth beats every lie that changes anything by more than the errors of its values."""
        both = zip((error[1] + error[3] for error in self.errors), self.rows, strict=True)
        rows = ((need, row) for need, nodes in both for sets in nodes.values() for row in sets.values())
        return not self.deviator.leaves and all(row[4] is None or row[4] >= need * row[0] for need, row in rows)


def check(data: dict[str, Any], known: dict[int, Bounds] | None = None) -> list[str]:
    """Return a line per claim, all being proved; raise Unproved at the first that is not.

    Whoever goes on with the bounds of every proof, as `verify_promises.py` does, finds them in `known`.
    """
    lines, known = [UNCHECKED] * (known is None and bool(data.get("promises"))), {} if known is None else known
    if (data["kind"], data["schema"], bool(data["claims"])) != ("certificate", 1, True):
        raise Malformed("it is not of schema 1, or claims nothing")
    for part in ("environment", "mechanism"):
        text = json.dumps(data[part], sort_keys=True, separators=(",", ":"))
        if hashlib.sha256(text.encode()).hexdigest() != data["hashes"][part]:
            raise Malformed(f"the {part} has another hash than the one that was certified")
    game, deviators = Game(data["environment"], data["mechanism"]), dict[tuple[tuple[int, ...], bool], Deviator]()
    for k, claim in enumerate(data["claims"]):
        where, names, information = f"claims[{k}]", claim["agents"], claim["information"]
        if (claim["family"], claim["states"], information in INFORMATION) != ("best_response", "reachable", True):
            raise Malformed(f"{where}: family, information or states are none that are known here")
        proof = data["proofs"][number := index(claim["proof"], len(data["proofs"]), where)]
        about = (names, "ex_post" if information == "ex_post" else "interim", leaves := bool(claim["exit"]))
        if (proof["agents"], proof["information"], bool(proof["exit"])) != about or len(set(names)) != len(names):
            raise Malformed(f"{where}: proof {number} is about something else")
        if number not in known:
            who = tuple(game.agents.index(name) for name in names), leaves
            deviator = deviators.setdefault(who, Deviator(game, *who))
            if information != "ex_post":
                deviator.require_revealing()
            known[number] = Bounds(deviator, proof, f"proofs[{number}]")
        lines.insert(k, _decide(claim, known[number], f"{where}, {' + '.join(names)}, {information}"))
    return lines


def _decide(claim: dict[str, Any], bounds: Bounds, what: str) -> str:
    """Return the line of a claim that is proved; that no deviation gains less than 0 needs no proof: truth is one."""
    lower, upper = (Fraction(amount(claim[key], what), 1 << UNIT) for key in ("lower", "upper"))
    sets: list[Any] = list(bounds.gains(claim["information"]))
    most, least = (max(sets, key=itemgetter(k)) for k in (2, 1))
    if most[2] > upper and not (upper >= 0 and bounds.never()):
        raise Unproved(f"{what}: at most {float(upper)!r} is claimed, {float(most[2])!r} is proved ({most[0]})")
    if lower > max(least[1], 0):
        raise Unproved(f"{what}: at least {float(lower)!r} is claimed, {float(least[1])!r} is proved ({least[0]})")
    told = f"the best response gains {float(lower)!r} to" if lower > 0 else "no deviation gains more than"
    return f"proved: {what}: {told} {float(upper)!r}{f' ({least[0]})' if lower > 0 else ''}"


def main(arguments: list[str], checks: Any = check, said: tuple[str, ...] = SAID) -> int:
    """Check a file; print what is proved, and what is not. The neighbours of this file bring checks of their own.

    Names come from the file: shown as Python writes texts, none gives orders to a terminal or looks like another line.
    """
    try:
        lines, code = [*checks(read(*arguments)), *said], 0
    except Unproved as error:
        lines, code = [f"not proved: {error}"], 1
    except Exception as error:  # whatever a hostile file leads to
        lines, code = [f"no certificate: {type(error).__name__}: {' '.join(str(error).split())[:300]}"], 2
    stream: Any = sys.stderr if code == 2 else sys.stdout
    text, letters = "".join(f"{repr(line)[1:-1][:2000]}\n" for line in lines), stream.encoding or "utf-8"
    stream.write(text.encode(letters, "backslashreplace").decode(letters))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
