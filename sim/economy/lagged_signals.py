"""Economies in which the next signal depends on several last ones, made Markov: what an agent knows is a history.

With k lags, agent i's next signal is drawn given its last k signals (h_1, …, h_k), the newest first, and the decision.
The signal of the augmented economy is the history of at most k signals, written `h_1|…|h_k`: one agent's state, which
it reports anew every period. Utilities depend on the newest signals only. Laws may depend on past decisions too, which
are public (`dynmech.sim.economy.decision_histories`).
"""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import LARGEST
from dynmech.sim.economy.decision_histories import decision_histories, joint_kernel
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.from_functions import EnvironmentTables, Label, Labels, read_law, signal_labels
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage

History = tuple[Label, ...]

Transition = Callable[..., Any]


@checked_arguments
def finite_memory(
    agents: int | Sequence[str],
    signals: Labels | Sequence[Labels],
    decisions: Labels,
    *,
    utility: Any,
    transition: Transition,
    lags: int,
    prior: Any = None,
    before: Label | None = None,
    cost: Any = None,
    discount: float = 0.9,
    horizon: int | None = None,
    name: str = "finite memory",
    decision_lags: int = 0,
    decided_before: Label | None = None,
) -> TableEnvironment:
    """Tabulate an environment in which signals depend on the last `lags` ones, and check it.

    Parameters
    ----------
    agents : int or sequence of str
        How many agents there are (`agent 1`, `agent 2`, …), or their names.
    signals : sequence, or one sequence per agent
        The labels of one period's signals, texts or numbers; one sequence serves all agents.
    decisions : sequence
        The labels of the decisions.
    utility : function, array or DataFrame
        `utility(agent, decision, profile)`, `profile` being a tuple of all agents' newest signals, or in the other
        forms that `dynmech.environment` takes.
    transition : function
        `transition(agent, decision, history)`, the law of the agent's own next signal: probabilities in the order of
        its signals, or `{signal: probability}`. `history` is a tuple of `lags` signals, the newest first. With
        `decision_lags`, `transition(agent, decision, history, decided)`, the decisions before this one, likewise.
    lags : int
        How many of its own signals the next one depends on; 1 is a Markov chain.
    prior : function, mapping, array or sequence, optional
        The law of the first signals, as `dynmech.environment` takes it. By default all profiles are equally likely.
    before : signal, optional
        What stood before the first period, in every place of a history that reaches back so far. By default each
        agent's first signal, as if it had been there for long.
    cost : function or sequence, optional
        The designer's cost `cost(decision)`, or a number per decision.
    discount : float
        Discount factor per period; 1 is allowed with a finite horizon.
    horizon : int, optional
        Number of periods; without end if left out.
    name : str
        What results call it.
    decision_lags : int
        On how many decisions before this period's the laws depend; they are the public state.
    decided_before : decision, optional
        What had been decided before the first period; the first decision unless given.

    Returns
    -------
    TableEnvironment
        An agent's signal is its history. With a horizon, periods have the histories that they can have, shorter ones
        at first; without one, all of them always, of which the first period has few.

    Raises
    ------
    InputError
        One line that names the argument and the place: lags below 1 or beyond the horizon, histories that are too
        many, and whatever `dynmech.environment` refuses.

    Examples
    --------
    A value is high tomorrow if it was high in both of the last two periods, or with luck:

    >>> auction = finite_memory(
    ...     2, [0, 1], ["none", "1", "2"],
    ...     utility=lambda agent, decision, profile: profile[int(agent[-1]) - 1] * (decision == agent[-1]),
    ...     transition=lambda agent, decision, history: {1: 1.0} if history == (1, 1) else {0: 0.6, 1: 0.4},
    ...     lags=2,
    ...     horizon=3,
    ... )
    >>> auction.stage(2).signals[0]
    ('0|0', '0|1', '1|0', '1|1')

    A licence that wears its holder out two periods later:

    >>> tired = finite_memory(
    ...     1, [0, 1], ["no", "yes"],
    ...     utility=lambda agent, decision, profile: profile[0] * (decision == "yes"),
    ...     transition=lambda agent, decision, history, decided: {0: 1.0} if decided[0] == "yes" else {1: 1.0},
    ...     lags=1,
    ...     decision_lags=1,
    ... )
    >>> tired.stage(0).public
    ('no', 'yes')
    """
    names = tuple(f"agent {i + 1}" for i in range(agents)) if isinstance(agents, int) else tuple(agents)
    own = signal_labels(signals, len(names))
    _check_lags(lags, horizon, max(map(len, own)))
    periods = lags if horizon is None else horizon
    depths = [lags] if horizon is None else [min(t + 1, lags) for t in range(horizon)]
    histories = [tuple(tuple(product(labels, repeat=depth)) for labels in own) for depth in depths]
    laws = _Histories(names, own, tuple(decisions), transition, lags, before)
    decided = decision_histories(tuple(decisions), decision_lags)
    newest = EnvironmentTables(names, own, tuple(decisions))
    flat, costs = newest.utility(utility), newest.cost(cost)
    public = tuple(map(_text, decided)) if decision_lags else ()
    stages = []
    for t, held in enumerate(histories):
        following = held if horizon is None else histories[min(t + 1, periods - 1)]
        last = horizon is not None and t == horizon - 1
        stages.append(
            Stage(
                signals=tuple(tuple(map(_text, labels)) for labels in held),
                decisions=tuple(map(str, decisions)),
                utility=_beside(_spread(flat, [len(labels) for labels in held]), public, axis=2),
                kernel=None if last else laws.kernel(held, following, decided),
                public=public,
                cost=costs,
            )
        )
    start = _start(newest.prior(prior), [laws.first(i, held) for i, held in enumerate(histories[0])])
    start = _beside(start, public, axis=0)
    if public:
        start[np.arange(len(decided)) != _standing(decided, tuple(decisions), decided_before)] = 0
    return TableEnvironment(name, names, start, tuple(stages), discount, horizon)


def _check_lags(lags: int, horizon: int | None, width: int) -> None:
    """Raise InputError at lags that make no sense, or too many histories."""
    if lags < 1:
        raise InputError(f"lags: {lags} is below 1")
    if horizon is not None and horizon < 2:
        raise InputError(f"horizon: {horizon} leaves no signal that follows another; at least 2 periods are needed")
    if horizon is not None and lags > horizon - 1:
        raise InputError(
            f"lags: {lags} reach beyond the horizon; of {horizon} periods the last has {horizon - 1} before it"
        )
    if lags * np.log(width) > np.log(LARGEST):
        raise InputError(f"lags: {lags} lags of {width} signals make more than {LARGEST:,} histories of one agent")


def _text(history: History) -> str:
    """Return a history as a label, the newest signal first."""
    return "|".join(f"{one:.6g}" if isinstance(one, float) else str(one) for one in history)


def _spread(table: FloatArray, sizes: Sequence[int]) -> FloatArray:
    """Return a table over newest signals `(…, *K)` as one over histories, of which the newest signal is the slowest."""
    for i, size in enumerate(sizes):
        axis = table.ndim - len(sizes) + i
        table = np.repeat(table, size // table.shape[axis], axis=axis)
    return table


def _beside(table: FloatArray, public: Sequence[str], axis: int) -> FloatArray:
    """Return a table with an axis of public states, of which nothing depends; as it is where there are none."""
    return np.stack([table] * len(public), axis=axis) if public else table


def _standing(decided: Sequence[tuple[Label, ...]], decisions: tuple[Label, ...], before: Label | None) -> int:
    """Return which history of decisions stands before the first period."""
    label = decisions[0] if before is None else before
    if label not in decisions:
        raise InputError(f"decided_before: {label!r} is none of the decisions {', '.join(map(repr, decisions))}")
    return decided.index((label,) * len(decided[0]))


def _start(prior: FloatArray, places: Sequence[tuple[int, Sequence[int]]]) -> FloatArray:
    """Return the law of first histories from that of first signals; places: how many, and where each signal stands."""
    out = np.zeros([size for size, _ in places])
    out[np.ix_(*(place for _, place in places))] = prior
    return out


class _Histories:
    """The laws of motion of histories.

    Args:
        names, signals, decisions: labels.
        transition, lags, before: as of `finite_memory`.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        signals: tuple[tuple[Label, ...], ...],
        decisions: tuple[Label, ...],
        transition: Transition,
        lags: int,
        before: Label | None,
    ) -> None:
        self.names, self.signals, self.decisions = names, signals, decisions
        self.transition, self.lags, self.before = transition, lags, before
        for name, own in zip(names, signals, strict=True):
            if before is not None and before not in own:
                raise InputError(f"before: {before!r} is none of the signals {', '.join(map(repr, own))} of {name!r}")

    def filled(self, history: History) -> History:
        """Return a history with what stood before the first period."""
        oldest = history[-1] if self.before is None else self.before
        return (*history, *(oldest,) * (self.lags - len(history)))

    def first(self, agent: int, histories: Sequence[History]) -> tuple[int, list[int]]:
        """Return how many first histories there are, and where that of each first signal stands."""
        depth = len(histories[0])
        place = {history: k for k, history in enumerate(histories)}
        return len(histories), [place[self.filled((own,))[:depth]] for own in self.signals[agent]]

    def kernel(
        self,
        held: Sequence[Sequence[History]],
        following: Sequence[Sequence[History]],
        decided: Sequence[tuple[Label, ...]],
    ) -> IndependentKernel | JointKernel:
        """Return the law of the next histories, of decisions too where more than one can stand."""

        def laws(past: tuple[Label, ...]) -> list[FloatArray]:
            return [self._law(i, held[i], following[i], past) for i in range(len(self.names))]

        if not decided[0]:
            return IndependentKernel(tuple(laws(())))
        return joint_kernel(self.decisions, decided, laws)

    def _law(
        self, agent: int, held: Sequence[History], following: Sequence[History], decided: tuple[Label, ...]
    ) -> FloatArray:
        """Return P(next history | decision, history, past decisions) of one agent, `(D, H, H')`."""
        past = (decided,) if decided else ()
        own, place, depth = self.signals[agent], {h: k for k, h in enumerate(following)}, len(following[0])
        law = np.zeros((len(self.decisions), len(held), len(following)))
        for d, decision in enumerate(self.decisions):
            for k, history in enumerate(held):
                full = self.filled(history)
                where = f"transition({', '.join(map(repr, (self.names[agent], decision, full, *past)))})"
                chance = read_law(self.transition(self.names[agent], decision, full, *past), own, where)
                after = [place[(signal, *history)[:depth]] for signal in own]
                law[d, k, after] = chance
        return law
