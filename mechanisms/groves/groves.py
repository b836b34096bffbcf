"""Dynamic Groves mechanisms: everybody earns the whole surplus less a term that it cannot move.

Timing: reports, decision a*(r), payment at once. With V_{−i}(θ) the others' continuation utility (less the designer's
cost) and Φ^i(θ^{−i}) any function of the others' signals, the expected discounted transfers of agent i from θ on are

    Z^i(θ) = Φ^i(θ^{−i}) − V_{−i}(θ),

which the following flows add up to, a* = a*(r):

    p^i(r) = c(a*) − Σ_{j≠i} u^j(a*, r) + Φ^i_t(r^{−i}) − δ E[Φ^i_{t+1}(θ′^{−i}) | a*, r].

A flow φ^i(r^{−i}) put in by itself would not do: where decisions move the others' signals, a lie today moves it
tomorrow. The last term takes that back.

Guarantee: with private values and independent types i's continuation payoff is W(θ) − Φ^i(θ^{−i}), and truth is
periodic ex post incentive compatible. `team` is Φ = 0 at every date (up to the flows), `pivot` is Φ^i = W_{−i}.

A `surcharge` ε that agent 0 pays whenever decision 0 is taken makes it no Groves mechanism, by the residual of
`dynmech.mechanisms.conditions.yoon_property_a`; with finitely many signals truth survives while ε is below every gap.
So incentive compatibility without a rich domain of types does not make a mechanism Groves.

Assumptions: private values, independent types.

Source: Yoon 2021, §3.2: Definition 1, Theorem 3; Theorem 4 (the converse) needs its unrestricted domain.
"""

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.planning.planner import continuation, flow_welfare
from dynmech.mechanisms.rules.base import FlowMechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Promises

ASSUMPTIONS = ("private values", "independent types")

Terms = Callable[[int, int], FloatArray]
"""(period, agent) to Φ^i_t, an array over the public state and the others' signals, `(*A without i)`, or a number."""

LARGEST = 1e100
"""What a discretionary term is below: sums of some beyond it are no numbers."""


class Groves(FlowMechanism):
    """Groves mechanisms: team transfers and a discretionary term.

    Args:
        phi: the discretionary terms. `balance`: the constants E V_{−i}, with which everybody's expected transfer is 0
            (budget in balance before anything is known); `zero`; `pivot`: W_{−i}; a number; or the path of a JSON file
            {"phi": [an array over the others' signals, per agent]}; with an end, {"periods": [such a list each]} too.
        surcharge: what agent 0 pays on top whenever decision 0 is taken: no Groves mechanism unless it is 0.

    Raises:
        InputError: the terms cannot be read, or do not fit the economy; agent and axes are named.
    """

    name = "groves"
    source = "Yoon 2021 §3.2, Definition 1 and Theorem 3"

    def __init__(self, environment: TableEnvironment, phi: str = "balance", surcharge: float = 0.0) -> None:
        super().__init__(environment)
        self.phi, self.surcharge = phi, surcharge
        self.terms: Terms = self._named(phi)
        budget = "ex ante" if phi == "balance" else "none"
        self.promises = Promises(incentive="periodic ex post", budget=budget, efficient=True, assumptions=ASSUMPTIONS)

    @classmethod
    def with_terms(cls, environment: TableEnvironment, terms: Terms) -> "Groves":
        """Build the mechanism with terms from a function; over an infinite horizon the same in every period."""
        made = cls(environment, phi="zero")
        made.phi, made.terms = "function", terms
        return made

    def _named(self, phi: str) -> Terms:
        """Return the discretionary terms that the option `phi` names."""
        if phi == "balance":
            return lambda _t, i: np.array(self.others_expected[i])
        if phi == "zero":
            return lambda _t, _i: np.zeros(())
        if phi == "pivot":
            return self._pivot_term
        try:
            constant = float(phi)
        except ValueError:
            tables = _read(Path(phi), len(self.environment.agents), self.environment.horizon)
            return lambda t, i: tables[t if len(tables) > 1 else 0][i]
        if not np.isfinite(constant):
            raise InputError(f"phi: {phi} is not a finite number")
        return lambda _t, _i: np.array(constant)

    @cached_property
    def others_expected(self) -> FloatArray:
        """E V_{−i} before anything is known, `(N,)`: the team mechanism's expected payments to i."""
        return -FiniteGame(self.environment, Team(self.environment)).truthful.transfer

    @cached_property
    def _pivot(self) -> Pivot:
        """The pivot mechanism of the same economy."""
        return Pivot(self.environment)

    def _pivot_term(self, t: int, agent: int) -> FloatArray:
        """Return W_{−i} without the agent's own axis, along which it does not change under independent types."""
        alone = self._pivot.alone(agent)
        axis = self.environment.stage(t).offset + agent
        return np.take(alone.value[alone.at(t)], 0, axis=axis)

    def term(self, t: int, agent: int) -> FloatArray:
        """Return Φ^i_t spread over all profiles of period t, `(*A)`."""
        stage = self.environment.stage(t)
        own = stage.offset + agent
        others = tuple(width for axis, width in enumerate(stage.axes) if axis != own)
        table = np.asarray(self.terms(t, agent), dtype=np.float64)
        if table.shape not in ((), others) or not (np.abs(table) < LARGEST).all():
            raise InputError(
                f"groves: phi of agent {self.environment.agents[agent]!r} in period {t}: shape {list(table.shape)}, "
                f"expected finite numbers, below {LARGEST:g}, over the others' signals, {list(others)}"
            )
        spread = table if table.ndim == 0 else np.expand_dims(table, own)
        return np.ascontiguousarray(np.broadcast_to(spread, stage.axes))

    def flow_table(self, t: int) -> FloatArray:
        """Return the payments p^i at every reported profile, `(N, *A)`."""
        stage = self.environment.stage(t)
        follows = self.environment.horizon is None or t + 1 < self.environment.horizon
        rows = []
        for i in range(len(self.environment.agents)):
            back = -flow_welfare(stage, i)
            if follows:
                back = back - continuation(self.environment, t, self.term(t + 1, i))
            rows.append(self.term(t, i) + self.efficient(t, back))
        rows[0] = rows[0] + self.surcharge * (self.plan.policy[self.plan.at(t)] == 0)
        return np.stack(rows)


def _read(path: Path, agents: int, horizon: int | None) -> list[list[FloatArray]]:
    """Return the arrays of a file of discretionary terms, by period and agent; one list if it serves all periods."""
    from dynmech.sim.core.json_files import read_json  # it needs pydantic, which takes a while

    if not os.path.exists(path):
        raise InputError(f"phi: {shown(str(path))} is none of balance, zero, pivot, a number, or a JSON file")
    try:
        data = read_json(path, "an object of terms")
    except InputError as error:
        raise InputError(f"phi: {path}: {error}") from None
    try:
        lists = data["periods"] if "periods" in data else [data["phi"]]
        tables = [[np.asarray(table, dtype=np.float64) for table in by_agent] for by_agent in lists]
    except (ValueError, TypeError, KeyError, OverflowError):
        raise InputError(f'phi: {path}: expected {{"phi": [one array of numbers per agent]}}') from None
    if "periods" in data and len(tables) != horizon:
        raise InputError(f"phi: {path}: {len(tables)} periods for {horizon or 'infinitely many'}")
    for by_agent in tables:
        if len(by_agent) != agents:
            raise InputError(f"phi: {path}: {len(by_agent)} arrays for {agents} agents")
    return tables
