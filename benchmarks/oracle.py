"""The exact oracle: one stage of backward induction, and a best response beside OpenSpiel's.

The stage: three agents, eight signals each, four decisions, under a planted mechanism that remembers last period's
reports and decision and prices every message by all of it, so that no memories merge: 2049 memories × 512 profiles,
over a million states, with eight reports in each. Work: what every report is worth (flow, and what it leads to), the
best one by what the deviator knows, and its expectation at every place that leads to the stage.

The game beside OpenSpiel is one that it can hold: two agents, two signals, four periods, best response of agent 1 to
the truth of the other, the mechanism written out as a game tree in Gambit's format and read by OpenSpiel's C++.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.base import Row, apart, median_seconds, memory_of, paired
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, best_of_actions, solve
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.remembering import LastPeriodMechanism
from dynmech.mechanisms.rules.tabulation import tabulate
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.economy.builders import random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Acts, Situation

SIZE = (3, 8, 4)
"""Agents, signals, decisions of the stage."""

Past = tuple[tuple[int, tuple[int, ...]], ...]
"""Profile and reports of every earlier period."""


class Priced(LastPeriodMechanism):
    """The planted mechanism: what a message costs depends on all that is remembered."""

    name = "planted prices"

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment)
        generator = np.random.Generator(np.random.Philox(key=1))
        stage = environment.stage(0)
        memories = 1 + len(stage.decisions) * stage.size
        self.table = generator.uniform(-1, 1, (len(environment.agents), memories, stage.size))

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:  # noqa: ARG002
        """By memory and reported profile."""
        return self.table[:, now.memory, self.profile(now, messages)].T

    def transfer_bound(self) -> float:
        """Prices are between −1 and 1."""
        return 1.0


def measure(pairs: int) -> list[Row]:
    """Millions of state-reports per CPU second; CPU seconds of the same best response."""
    rates, size, memory = apart(stage_rates, SIZE, pairs)
    words = f"one stage, {size[0] * size[1] / 1e6:.3g} million states × {size[2]} reports"
    rows = [
        Row(f"{words}, {information.value}", rate / 1e6, "10⁶ state-reports/s", "", None, None, "20", rate >= 20e6)
        for information, rate in rates.items()
    ]
    rows.append(Row("its problem, memory", memory, "MB", "", None, None, "–", True))
    return [*rows, *beside_openspiel(pairs)]


def economy(agents: int, signals: int, decisions: int, horizon: int) -> TableEnvironment:
    """Random, with signals that move independently."""
    generator = np.random.Generator(np.random.Philox(key=0))
    base = random_environment(
        generator, agents=agents, signals=signals, decisions=decisions, correlation=0.0, independent=True
    )
    return TableEnvironment(base.name, base.agents, base.prior, base.stages, 0.9, horizon)


def stage_rates(size: tuple[int, int, int], runs: int) -> tuple[dict[Information, float], tuple[int, ...], float]:
    """State-reports per CPU second by information, `(C, S, R)` of the stage, and MB of the whole problem."""
    environment = economy(*size, horizon=3)
    mechanism = Priced(environment)
    problem, memory = memory_of(
        lambda: build_problem(FiniteGame(environment, mechanism), (1,))
    )  # neither first nor last in order
    rates = {}
    for information in Information:
        value = solve(problem, Family.BEST_RESPONSE, information)
        work = _stage(problem, value.ahead[1], information)
        rates[information] = problem.periods[1].following.size / median_seconds(work, runs)
    return rates, problem.periods[1].following.shape[:3], memory


def _stage(problem: Problem, ahead: FloatArray | None, information: Information) -> Callable[[], FloatArray]:
    """The middle one of three periods."""

    def work() -> FloatArray:
        choices = best_of_actions(problem.periods[1], ahead, problem.discount)
        return problem.expectations(1).best(choices, spying=information is Information.EX_POST)

    return work


# OpenSpiel


def beside_openspiel(pairs: int, periods: int = 4) -> list[Row]:
    """Agent 1's best response; nothing where OpenSpiel is not installed."""
    try:
        import pyspiel
    except ImportError:
        print("OpenSpiel is not installed: its row is left out")  # noqa: T201 - for whoever runs the benchmarks
        return []
    environment = economy(2, 2, 2, periods)
    mechanism = Priced(environment)
    tree = Tree(environment, mechanism)
    game = pyspiel.load_efg_game(tree.text)
    prescribed = tree.policy_of(game)

    def theirs() -> float:
        return float(pyspiel.TabularBestResponse(game, 0, prescribed).value_from_state(game.new_initial_state()))

    def ours() -> float:
        return solve(
            build_problem(FiniteGame(environment, mechanism), (0,)), Family.BEST_RESPONSE, Information.INTERIM
        ).ex_ante

    if abs(ours() - theirs()) > 1e-9:
        raise AssertionError(f"OpenSpiel's best response is worth {theirs():.12g}, ours {ours():.12g}")
    mine, other, ratio = paired(ours, theirs, pairs)
    work = f"best response, 2 agents × 2 signals, {periods} periods ({tree.moves:,} histories × reports)"
    return [Row(work, 1e3 * mine, "ms", "OpenSpiel, TabularBestResponse", 1e3 * other, ratio, "–", True)]


class Tree:
    """A mechanism's game tree in Gambit's format, which OpenSpiel reads, and prescribed play on it.

    Every period is one chance move, the profile, and one report by each agent in turn; an agent knows its own signals
    and all earlier reports. Two agents or more, no public state, no private actions.

    Attributes:
        text: the file.
        prescribed: the message asked for, by agents' nodes in the order of the file.
        moves: messages that agent 0 may send, summed over the histories at which it sends one.
    """

    def __init__(self, environment: TableEnvironment, mechanism: Mechanism) -> None:
        assert environment.horizon is not None
        self.environment = environment
        self.tables = [tabulate(mechanism, t) for t in range(environment.horizon)]
        names = " ".join(f'"{name}"' for name in environment.agents)
        self.lines = [f'EFG 2 R "{mechanism.name}" {{ {names} }}']
        self.prescribed: list[int] = []
        self.moves = self._chances = self._leaves = 0
        self._known: list[dict[object, int]] = [{} for _ in environment.agents]
        self._profiles = [list(np.ndindex(*stage.axes)) for stage in environment.stages]
        self._nature(0, environment.prior.reshape(-1), 0, (), np.zeros(len(environment.agents)))
        self.text = "\n".join(self.lines) + "\n"

    def _nature(self, t: int, law: FloatArray, memory: int, past: Past, payoff: FloatArray) -> None:
        """Nature's move, or the end."""
        if t == len(self.tables):
            self._leaves += 1
            self.lines.append(f't "" {self._leaves} "" {{ {" ".join(map(repr, payoff.tolist()))} }}')
            return
        self._chances += 1
        chances = " ".join(f'"{k}" {chance!r}' for k, chance in enumerate(law.tolist()))
        self.lines.append(f'c "" {self._chances} "" {{ {chances} }} 0')
        for profile in range(len(law)):
            self._report(t, profile, memory, past, payoff, ())

    def _report(
        self, t: int, profile: int, memory: int, past: Past, payoff: FloatArray, reports: tuple[int, ...]
    ) -> None:
        """The next agent's move; when all have reported, the period is settled."""
        who, table = len(reports), self.tables[t]
        if who == len(self._known):
            self._settle(t, profile, memory, past, payoff, reports)
            return
        signals = [self._profiles[0][k][who] for k, _ in (*past, (profile, ()))]
        known = self._known[who]
        number = known.setdefault((*signals, *(sent for _, sent in past)), len(known) + 1)
        labels = " ".join(f'"{r}"' for r in range(table.shape[1 + who]))
        self.lines.append(f'p "" {who + 1} {number} "{who + 1}.{number}" {{ {labels} }} 0')
        self.prescribed.append(int(table.prescribed[who][memory, 0, signals[-1]]))
        self.moves += table.shape[1] if who == 0 else 0
        for report in range(table.shape[1 + who]):
            self._report(t, profile, memory, past, payoff, (*reports, report))

    def _settle(
        self, t: int, profile: int, memory: int, past: Past, payoff: FloatArray, reports: tuple[int, ...]
    ) -> None:
        """Decision, payments, memory, and on to the next period."""
        table, stage = self.tables[t], self.environment.stage(t)
        case = int(np.ravel_multi_index(reports, table.shape[1:]))
        decision = int(table.decide[memory, case, 0])
        utility = stage.utility.reshape(len(reports), len(stage.decisions), -1)[:, decision, profile]
        paid = table.charge[:, memory, case, 0] + table.due[:, memory, case]
        payoff = payoff + self.environment.discount**t * (utility - paid)
        law = np.ones(1) if t + 1 == len(self.tables) else self.environment.kernel(t).row(decision, profile)
        self._nature(t + 1, law.reshape(-1), int(table.remember[memory, case, 0]), (*past, (profile, reports)), payoff)

    def policy_of(self, game: Any) -> dict[str, list[tuple[int, float]]]:
        """Prescribed play by OpenSpiel's own names of information states: the same walk through what it has read."""
        policy: dict[str, list[tuple[int, float]]] = {}
        asked = iter(self.prescribed)

        def walk(state: Any) -> None:
            if state.is_terminal():
                return
            if not state.is_chance_node():
                right = next(asked)
                policy[state.information_state_string()] = [
                    (action, float(k == right)) for k, action in enumerate(state.legal_actions())
                ]
            for action in state.legal_actions():
                walk(state.child(action))

        walk(game.new_initial_state())
        return policy
