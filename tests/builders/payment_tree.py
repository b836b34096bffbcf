"""The best play of an agent that reports and pays as it likes, by recursion over histories: no code of the search.

Bills are kept one by one with their ages; payments are tried one by one too, partial ones included.
"""

from collections.abc import Iterator

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation
from tests.builders.best_play import outcomes

OUT, IN_DEFAULT = "out", "in default"

Standing = str | tuple[float, ...]
"""Out, in default, or the bills that are not paid yet: the oldest first, one per period of grace, in present money."""

SHARES = (0.0, 0.4, 1.0)
"""Of what is due, and of what is not due yet: what an agent may pay."""


class PaymentTree:
    """The best expected payoff of one agent under payments=voluntary.

    Args:
        rule: `exclude`, `ignore`, or `pay`: every bill is paid (then nothing else is tried).
        spy: whether it sees the others' current signals.
        last: the period in which play is broken off where the horizon is infinite.
    """

    def __init__(
        self,
        environment: TableEnvironment,
        mechanism: Mechanism,
        agent: int,
        rule: str,
        *,
        grace: int = 0,
        deposit: float = 0.0,
        spy: bool = False,
        last: int | None = None,
    ) -> None:
        self.environment, self.mechanism, self.agent = environment, mechanism, agent
        self.rule, self.grace, self.deposit, self.spy = rule, grace, deposit, spy
        self.last = (environment.horizon or 0) - 1 if last is None else last
        self.clean: Standing = (0.0,) * grace
        self.nobody = Acts(np.zeros((1, len(environment.agents)), np.intp), np.zeros((1, len(environment.agents))))
        self.known: dict[tuple[object, ...], float] = {}

    def best(self) -> float:
        """Ex ante."""
        return self.value(0, self.environment.prior, 0, self.clean)

    def value(self, t: int, law: FloatArray, memory: int, standing: Standing) -> float:
        """Σ over what the agent sees of the best expected payoff; `law` need not sum to 1."""
        if standing == OUT:  # `law` sums to 1 there
            flow = self.environment.outside[self.agent] if self.environment.outside else 0.0
            return flow * sum(self.environment.discount**k for k in range(self.last + 1 - t))
        groups: dict[object, list[tuple[int, ...]]] = {}
        for profile in np.ndindex(*self.environment.stage(t).axes):
            groups.setdefault(profile if self.spy else profile[self.agent], []).append(profile)
        own = self.environment.stage(t).axes[self.agent]
        return sum(
            max(
                sum(float(law[p]) * self.after(t, p, r, memory, standing) for p in members if law[p] > 0)
                for r in range(own)
            )
            for members in groups.values()
        )

    def after(self, t: int, profile: tuple[int, ...], report: int, memory: int, standing: Standing) -> float:
        """The expected payoff after a report, the best payment after every decision that may be drawn."""
        key = (t, profile, report, memory, standing)
        if key not in self.known:
            self.known[key] = sum(
                chance * max(worth for worth, _ in self.payments(t, profile, report, memory, standing, drawn))
                for chance, drawn in self.decisions(t, profile, report, memory)
            )
        return self.known[key]

    def case(self, t: int, profile: tuple[int, ...], report: int, memory: int) -> tuple[Situation, FloatArray]:
        """Situation and messages."""
        messages = np.array([profile])
        messages[0, self.agent] = report
        return Situation(t, np.array([memory]), np.array([0])), messages

    def decisions(self, t: int, profile: tuple[int, ...], report: int, memory: int) -> list[tuple[float, int]]:
        """Chances and decisions."""
        return outcomes(self.mechanism.decide(*self.case(t, profile, report, memory)))

    def payments(
        self, t: int, profile: tuple[int, ...], report: int, memory: int, standing: Standing, drawn: int
    ) -> Iterator[tuple[float, float | None]]:
        """Yield the payoff of each payment; with it, at a default, what is owed and what follows the default."""
        total, following = self.billed(t, profile, report, memory, drawn, good=standing != IN_DEFAULT)
        noted = self.noted(t, profile, report, memory, drawn)
        utility = float(self.environment.stage(t).utility[self.agent, drawn][profile])
        bill, received = max(total, 0.0), max(-total, 0.0)

        def ahead(standing: Standing) -> float:
            memory_then = noted if standing == IN_DEFAULT else following
            return self.ahead(t, profile, drawn, memory_then, standing)

        if standing == IN_DEFAULT:
            yield utility + received + ahead(IN_DEFAULT), None
            return
        assert isinstance(standing, tuple)
        bills = [*standing, bill]
        over = t == self.last and self.environment.horizon is not None
        due = sum(bills) if over or not self.grace else bills[0]
        later = sum(bills) - due
        if self.rule == "pay":
            yield utility + received - sum(bills) + ahead(self.clean), None
            return
        for now_share in SHARES if due > 0 else (1.0,):
            for later_share in SHARES if later > 0 else (1.0,):
                paid = now_share * due + later_share * later
                payoff = utility + received - paid
                if now_share < 1:
                    after = ahead(OUT if self.rule == "exclude" else IN_DEFAULT)
                    yield payoff - self.deposit + after, sum(bills) + after
                    continue
                rest = [] if over or not self.grace else bills[1:]
                left = tuple((1 - later_share) * b / self.environment.discount for b in rest)
                yield payoff + ahead(left if self.grace and not over else self.clean), None

    def excess(self, honest: "PaymentTree") -> float:
        """The most, over payment stages that play in good standing leads to, that a default beats paying all by.

        `honest`: the tree of lies with every bill paid, which says what staying is worth.
        """
        worst = 0.0
        seen: set[tuple[object, ...]] = set()
        prior = {p: float(self.environment.prior[p]) for p in np.ndindex(*self.environment.prior.shape)}
        todo: list[tuple[int, tuple[int, ...], int, Standing]] = [
            (0, p, 0, self.clean) for p, q in prior.items() if q > 0
        ]
        while todo:
            state = todo.pop()
            if state in seen:
                continue
            seen.add(state)
            t, profile, memory, standing = state
            for report in range(self.environment.stage(t).axes[self.agent]):
                for _, drawn in self.decisions(t, profile, report, memory):
                    total, following = self.billed(t, profile, report, memory, drawn)
                    stay = honest.ahead(t, profile, drawn, following, honest.clean)
                    for _, owed in self.payments(t, profile, report, memory, standing, drawn):
                        worst = worst if owed is None else max(worst, owed - stay)
                    if t < self.last:
                        todo += self.moves(t, profile, drawn, following, standing, max(total, 0.0))
        return worst

    def acts(self, good: bool) -> Acts:
        """Return the acts of who replies nothing; where the mechanism reads payments, whether the agent is good."""
        if not self.mechanism.reads_payments:
            return self.nobody
        paid = np.ones((1, len(self.environment.agents)), np.bool_)
        paid[0, self.agent] = good
        return self.nobody._replace(paid=paid)

    def noted(self, t: int, profile: tuple[int, ...], report: int, memory: int, drawn: int) -> int:
        """Return the next memory where the agent is in default once bills have been settled."""
        now, messages = self.case(t, profile, report, memory)
        return int(self.mechanism.remember(now, messages, np.array([drawn]), self.acts(False))[0])

    def billed(
        self, t: int, profile: tuple[int, ...], report: int, memory: int, drawn: int, good: bool = True
    ) -> tuple[float, int]:
        """Return what falls due in all, rounding apart, and the next memory if it is paid."""
        now, messages = self.case(t, profile, report, memory)
        decision = np.array([drawn])
        charge = self.mechanism.charge(now, messages, decision, self.acts(good))[0, self.agent]
        total = float(charge + self.mechanism.due(now, messages)[0, self.agent])
        following = int(self.mechanism.remember(now, messages, decision, self.acts(True))[0])
        return (total if abs(total) > 1e-11 else 0.0), following

    def ahead(self, t: int, profile: tuple[int, ...], drawn: int, following: int, standing: Standing) -> float:
        """Return what next period on is worth, discounted."""
        if t == self.last:
            return 0.0
        flat = int(np.ravel_multi_index(profile, self.environment.stage(t).axes))
        law = self.environment.kernel(t).row(drawn, flat)
        return self.environment.discount * self.value(t + 1, law, following, standing)

    def moves(
        self, t: int, profile: tuple[int, ...], drawn: int, following: int, standing: Standing, bill: float
    ) -> Iterator[tuple[int, tuple[int, ...], int, Standing]]:
        """Yield what may follow paying all, and paying only what is due."""
        assert isinstance(standing, tuple)
        left: Standing = (
            tuple(b / self.environment.discount for b in [*standing, bill][1:]) if self.grace else self.clean
        )
        law = self.environment.kernel(t).row(drawn, int(np.ravel_multi_index(profile, self.environment.stage(t).axes)))
        for p in np.ndindex(*self.environment.stage(t + 1).axes):
            if law.reshape(self.environment.stage(t + 1).axes)[p] > 0:
                yield t + 1, p, following, self.clean
                yield t + 1, p, following, left
