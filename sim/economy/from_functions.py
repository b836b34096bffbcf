"""A finite environment from functions or tables: `environment(agents, signals, decisions, utility=f, transition=g)`."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.checks import check_law
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import AXES, LARGEST, TOO_LARGE
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

Label = str | int | float
Labels = Sequence[Label]


@checked_arguments
def environment(
    agents: int | Sequence[str],
    signals: Labels | Sequence[Labels],
    decisions: Labels,
    *,
    utility: Any,
    transition: Any = None,
    prior: Any = None,
    cost: Any = None,
    discount: float = 0.9,
    horizon: int | None = None,
    name: str = "environment",
    outside: Sequence[float] = (),
) -> TableEnvironment:
    """Tabulate a finite environment with one stage that repeats, and check it.

    Parameters
    ----------
    agents : int or sequence of str
        How many agents there are (`agent 1`, `agent 2`, …), or their names.
    signals : sequence, or one sequence per agent
        The labels of the signals, texts or numbers; one sequence serves all agents. Functions get the labels as given.
    decisions : sequence
        The labels of the decisions.
    utility : function, array or DataFrame
        `utility(agent, decision, profile)`, the agent's flow utility in money, with `profile` a tuple of all agents'
        signals; or an array `(N, D, K_1, …, K_N)`; or a long table with the columns `agent`, `decision`, one per agent
        (its signal) and `utility`, a row for every combination.
    transition : function, array, sequence of arrays or DataFrame, optional
        `transition(agent, decision, signal)`, the law of the agent's own next signal: probabilities in the order of its
        signals, or `{signal: probability}`. Or `transition(decision, profile)`, the law of the next profile:
        `{profile: probability}` or an array `(K_1, …, K_N)`. Or arrays: one `(D, K_i, K_i)` per agent, or
        `(D, K_1, …, K_N, K_1, …, K_N)`. Or a long table with the columns `agent`, `decision`, `signal`, `next` and
        `probability`; what it does not list has probability 0. May be left out where `horizon` is 1.
    prior : function, mapping, array or sequence, optional
        `prior(profile)`, `{profile: probability}`, an array `(K_1, …, K_N)`, or one law per agent if the first signals
        are independent. By default all profiles are equally likely.
    cost : function or sequence, optional
        The designer's cost `cost(decision)`, or a number per decision.
    discount : float
        Discount factor per period; 1 is allowed with a finite horizon.
    horizon : int, optional
        Number of periods; without end if left out.
    name : str
        What results call it.
    outside : sequence of float
        What each agent enjoys in a period in which it is excluded, as who has not paid may be; by default nothing.

    Returns
    -------
    TableEnvironment

    Raises
    ------
    InputError
        One line that names the argument and the place: a law that does not sum to 1, an unknown label, a wrong shape.

    Examples
    --------
    A good that one of two bidders may get each period; a value stays with probability 0.8.

    >>> auction = environment(
    ...     ["ann", "bob"], [0, 1], ["none", "ann", "bob"],
    ...     utility=lambda agent, decision, profile: profile[["ann", "bob"].index(agent)] * (decision == agent),
    ...     transition=lambda agent, decision, signal: {signal: 0.8, 1 - signal: 0.2},
    ...     horizon=3,
    ... )
    >>> auction.stage(0).utility[1, 2]
    array([[0., 1.],
           [0., 1.]])
    """
    names = tuple(f"agent {i + 1}" for i in range(agents)) if isinstance(agents, int) else tuple(agents)
    tables = EnvironmentTables(names, signal_labels(signals, len(names)), tuple(decisions))
    stage = Stage(
        signals=tuple(tuple(map(str, own)) for own in tables.signals),
        decisions=tuple(map(str, tables.decisions)),
        utility=tables.utility(utility),
        kernel=tables.kernel(transition, horizon),
        cost=tables.cost(cost),
    )
    return TableEnvironment(name, names, tables.prior(prior), (stage,), discount, horizon, outside=tuple(outside))


def signal_labels(signals: Any, count: int) -> tuple[tuple[Label, ...], ...]:
    """Return the labels of every agent's signals."""
    listed = list(signals)
    if not listed or isinstance(listed[0], str | int | float):
        return (tuple(listed),) * count
    if len(listed) != count:
        raise InputError(f"signals: {len(listed)} lists for {count} agents, expected one each, or one for all")
    return tuple(map(tuple, listed))


class EnvironmentTables:
    """Arrays from functions, mappings or tables, for given agents, signals and decisions."""

    def __init__(
        self, agents: tuple[str, ...], signals: tuple[tuple[Label, ...], ...], decisions: tuple[Label, ...]
    ) -> None:
        self.agents, self.signals, self.decisions = agents, signals, decisions
        self.axes = tuple(map(len, signals))
        if len(self.axes) + 2 > AXES or len(agents) * len(decisions) * float(np.prod(self.axes, dtype=float)) > LARGEST:
            raise InputError(TOO_LARGE)

    def profiles(self) -> "product[tuple[Label, ...]]":
        """Iterate over all profiles of labels, agent 0 slowest."""
        return product(*self.signals)

    def utility(self, source: Any) -> FloatArray:
        """Return the utilities, `(N, D, *K)`."""
        shape = (len(self.agents), len(self.decisions), *self.axes)
        if callable(source):
            cells = product(self.agents, self.decisions, self.profiles())
            return _numbers(((cell, source(*cell)) for cell in cells), shape, "utility")
        if hasattr(source, "columns"):
            keys = [self.agents, self.decisions, *self.signals]
            return _from_rows(source, ["agent", "decision", *self.agents], keys, "utility", "utility", whole=True)
        return _shaped(source, shape, "utility")

    def kernel(self, source: Any, horizon: int | None) -> JointKernel | IndependentKernel | None:
        """Return the law of motion; None where nothing follows."""
        if source is None:
            if horizon == 1:
                return None
            raise InputError("transition: missing; how do signals move from one period to the next?")
        if callable(source):
            own = len(inspect.signature(source).parameters) == 3
            return IndependentKernel(self._own_laws(source)) if own else self._joint(source)
        if hasattr(source, "columns"):
            return IndependentKernel(tuple(self._rows_of(source, i) for i in range(len(self.agents))))
        if isinstance(source, np.ndarray):
            return JointKernel(source.astype(np.float64), self.axes, self.axes)
        return IndependentKernel(tuple(np.asarray(law, dtype=np.float64) for law in source))

    def _own_laws(self, source: Callable[[str, Label, Label], Any]) -> tuple[FloatArray, ...]:
        """Return one `(D, K_i, K_i)` per agent, from a function of agent, decision and own signal."""
        laws = []
        for agent, own in zip(self.agents, self.signals, strict=True):
            rows = [
                [read_law(source(agent, d, k), own, f"transition({agent!r}, {d!r}, {k!r})") for k in own]
                for d in self.decisions
            ]
            laws.append(np.array(rows))
        return tuple(laws)

    def _joint(self, source: Callable[[Label, tuple[Label, ...]], Any]) -> JointKernel:
        """Return a joint kernel from a function of decision and profile."""
        rows = [
            self._profile_law(source(decision, profile), f"transition({decision!r}, {profile!r})")
            for decision in self.decisions
            for profile in self.profiles()
        ]
        shape = (len(self.decisions), *self.axes, *self.axes)
        return JointKernel(np.array(rows).reshape(shape), self.axes, self.axes)

    def _rows_of(self, table: Any, agent: int) -> FloatArray:
        """Return the `(D, K_i, K_i)` that a long table says of one agent."""
        rows = table[table["agent"] == self.agents[agent]]
        own = self.signals[agent]
        columns, keys = ["decision", "signal", "next"], [self.decisions, own, own]
        where = f"transition of {self.agents[agent]!r}"
        laws = _from_rows(rows, columns, keys, "probability", where, whole=False)
        for (d, decision), (k, signal) in product(enumerate(self.decisions), enumerate(own)):
            check_law(laws[d, k], f"{where} at {decision!r}, {signal!r}", 1)
        return laws

    def _profile_law(self, law: Any, where: str) -> FloatArray:
        """Return a law over profiles, `(*K)`."""
        if not isinstance(law, Mapping):
            return self._checked(_shaped(law, self.axes, where), where)
        known = set(self.profiles())
        for profile in law:
            if profile not in known:
                raise InputError(f"{where}: {profile!r} is no profile of signals")
        cells = ((profile, law.get(profile, 0.0)) for profile in self.profiles())
        return self._checked(_numbers(cells, self.axes, where), where)

    def _checked(self, law: FloatArray, where: str) -> FloatArray:
        """Return a law over profiles that is one."""
        check_law(law, where, law.ndim)
        return law

    def prior(self, source: Any) -> FloatArray:
        """Return the law of the first profile, `(*K)`."""
        if source is None:
            return np.full(self.axes, 1 / np.prod(self.axes))
        if callable(source):
            return _numbers(((profile, source(profile)) for profile in self.profiles()), self.axes, "prior")
        if isinstance(source, Mapping | np.ndarray):
            return self._profile_law(source, "prior")
        laws = [
            read_law(law, own, f"prior of {agent!r}")
            for law, own, agent in zip(source, self.signals, self.agents, strict=False)
        ]
        if len(laws) != len(self.agents) or len(source) != len(self.agents):
            raise InputError(f"prior: {len(source)} laws for {len(self.agents)} agents")
        joint = np.ones(())
        for law in laws:
            joint = np.multiply.outer(joint, law)
        return joint

    def cost(self, source: Any) -> FloatArray | None:
        """Return the designer's cost, `(D,)`; None where there is none."""
        if source is None:
            return None
        shape = (len(self.decisions),)
        if callable(source):
            return _numbers(((decision, source(decision)) for decision in self.decisions), shape, "cost")
        return _shaped(source, shape, "cost")


def read_law(law: Any, labels: Sequence[Label], where: str) -> FloatArray:
    """Return probabilities in the order of `labels`, which sum to 1."""
    if not isinstance(law, Mapping):
        chances = _shaped(law, (len(labels),), where)
    else:
        for label in law:
            if label not in labels:
                raise InputError(f"{where}: {label!r} is none of the signals {', '.join(map(repr, labels))}")
        chances = _numbers(((label, law.get(label, 0.0)) for label in labels), (len(labels),), where)
    check_law(chances, where, 1)
    return chances


def _shaped(values: Any, shape: tuple[int, ...], where: str) -> FloatArray:
    """Return an array of the right shape."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{where}: not an array of numbers") from None
    if array.shape != shape:
        raise InputError(f"{where}: shape {list(array.shape)}, expected {list(shape)}")
    return array


def _numbers(cells: Any, shape: tuple[int, ...], where: str) -> FloatArray:
    """Return the numbers of (key, number) pairs, in their order, as an array."""
    flat = np.empty(int(np.prod(shape)))
    for k, (key, value) in enumerate(cells):
        try:
            flat[k] = value
        except (TypeError, ValueError):
            raise InputError(f"{where}: {value!r} at {key!r} is not a number") from None
    return flat.reshape(shape)


def _from_rows(
    table: Any, columns: Sequence[str], labels: Sequence[Sequence[Label]], value: str, where: str, *, whole: bool
) -> FloatArray:
    """Return an array from a long table: `columns` are the axes, `value` the column of numbers."""
    for column in (*columns, value):
        if column not in table.columns:
            raise InputError(f"{where}: the table has no column {column!r}, expected {', '.join((*columns, value))}")
    filled = np.full(tuple(map(len, labels)), np.nan)
    places = [{label: k for k, label in enumerate(axis)} for axis in labels]
    for row in zip(*(table[column] for column in (*columns, value)), strict=True):
        for column, key, place in zip(columns, row, places, strict=False):
            if key not in place:
                raise InputError(f"{where}: {column} {key!r} is unknown")
        index = tuple(place[key] for key, place in zip(row, places, strict=False))
        if not np.isnan(filled[index]):
            raise InputError(f"{where}: two rows for {', '.join(map(repr, row[:-1]))}")
        filled[index] = row[-1]
    if whole and np.isnan(filled).any():
        missing = np.argwhere(np.isnan(filled))[0]
        named = ", ".join(repr(axis[k]) for axis, k in zip(labels, missing, strict=True))
        raise InputError(f"{where}: no row for {named}")
    return np.nan_to_num(filled, nan=0.0)
