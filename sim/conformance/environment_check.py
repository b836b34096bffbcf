"""Does an economy keep to what the event loop asks of it? It is walked through with decisions at random.

Every answer must be of the right shape and type, finite and within the spaces and bounds that the economy declares, and
a function of its arguments, episode by episode: the same when it is asked again, in another order, or for one episode
alone. Arguments are arrays that cannot be written to, and nothing else may change
(`dynmech.sim.conformance.side_effects`). Utilities of finite economies are looked at in every profile, and where the
law is known draws are counted (`dynmech.sim.conformance.goodness_of_fit`).
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from dynmech.sim.conformance.checked_environment import CheckedEnvironment, parts, same, some
from dynmech.sim.conformance.goodness_of_fit import check_frequencies
from dynmech.sim.conformance.side_effects import no_side_effects
from dynmech.sim.core.arrays import Array, FloatArray, IntArray, frozen
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.economy.environment import Environment, State, TableEnvironment

PERIODS = 24
"""Periods that are walked through, if the horizon is not shorter."""

ALONE = 6
"""Episodes that are also played alone."""

MANY = 4096
"""Profiles up to which every one is looked at."""

DECISIONS = 64
"""Decisions up to which every one is looked at."""

COUNTED = 3
"""Periods in which draws are counted."""

LAST = np.nextafter(1.0, 0.0)
"""The largest uniform number that can be drawn."""

FUNCTION = "it may depend on its arguments only (no random numbers but the given ones, no notes)"
EPISODES = "an episode's answer may depend on that episode only (elementwise arithmetic, no matrix products)"


def check_environment(
    environment: Environment, table: TableEnvironment | None = None, *, episodes: int = 64, seed: int = 0
) -> None:
    """Hold an economy to what the protocol demands.

    Args:
        table: the finite economy that it is another form of: utilities must be the same, and draws must follow its law.
            A `TableEnvironment` is held to its own tables if none is given.
        episodes: how many are walked through.
        seed: of the decisions and of nature's uniform numbers.

    Raises:
        InputError: what it says of itself makes no sense (agents, discount, horizon, spaces, bound).
        PlayError: what it does is wrong; names method, agent and the first period.
    """
    generator = np.random.Generator(np.random.Philox(key=seed))
    asked = CheckedEnvironment(environment)
    with no_side_effects(f"environment {asked.name!r}", environment):
        _walk(asked, max(episodes, 2), generator)
    if table is None and isinstance(environment, TableEnvironment):
        table = environment
    if table is not None:
        counted = COUNTED if table.horizon is None else min(COUNTED, table.horizon)
        _compare(asked, table, counted)
        check_frequencies(asked, table, counted, generator)


def _walk(asked: CheckedEnvironment, n: int, generator: np.random.Generator) -> None:
    """Draw, decide at random, enjoy; period after period. At the end all draws are asked for again, last first."""
    state: State | None = None
    decision: Array | None = None
    replay = []
    for t in range(PERIODS if asked.horizon is None else min(asked.horizon, PERIODS)):
        public, decisions = asked.space(t, "public_space"), asked.space(t, "decision_space")
        signals = asked.signal_spaces(t)
        asked.actions(t, decisions)
        arguments = (state, decision, _uniforms(generator, n, asked.streams(t)))
        state = _draw(asked, t, public, signals, *arguments)
        replay.append((t, arguments, state))
        decision = frozen(_pick(generator, decisions, n))
        for method in ("utility", "cost"):
            _flow(asked, t, method, state, decision)
        _look_everywhere(asked, t, state, [public, *signals], decisions)
    for t, arguments, drawn in reversed(replay):
        if not same(parts(asked.drawn(t, *arguments)), parts(drawn)):
            raise asked.wrong(t, f"draw answers otherwise when it is asked again later; {FUNCTION}")


def _uniforms(generator: np.random.Generator, n: int, width: int) -> FloatArray:
    """Return uniform numbers; those of the first two episodes are the least and the largest possible."""
    numbers = generator.random((n, width))
    numbers[0], numbers[1] = 0.0, LAST
    return frozen(numbers)


def _pick(generator: np.random.Generator, space: Space, n: int) -> Array:
    """Return random elements of a space."""
    uniforms = generator.random(n)
    if isinstance(space, Finite):
        return (uniforms * space.size).astype(np.intp)
    return space.low + uniforms * (space.high - space.low)


def _draw(
    asked: CheckedEnvironment,
    t: int,
    public: Space,
    signals: Sequence[Space],
    last: State | None,
    decision: Array | None,
    uniforms: FloatArray,
) -> State:
    """Return the state of period t after checking its spaces, and that it is drawn alike however it is asked for."""

    def answer(rows: slice) -> Sequence[Array]:
        before = None if last is None else some(last, rows)
        decided = None if decision is None else frozen(decision[rows])
        return parts(asked.drawn(t, before, decided, frozen(uniforms[rows])))

    state = asked.drawn(t, last, decision, uniforms)
    asked.belongs(t, state.public, public, "a public state")
    for i, space in enumerate(signals):
        asked.belongs(t, state.signals[:, i], space, f"a signal of agent {asked.agents[i]!r}")
    _steady(asked, t, "draw", parts(state), answer)
    return state


def _flow(asked: CheckedEnvironment, t: int, method: str, state: State, decision: Array) -> None:
    """Check that utilities or costs are alike however they are asked for."""

    def answer(rows: slice) -> Sequence[Array]:
        return [asked.flows(t, method, some(state, rows), frozen(decision[rows]))]

    _steady(asked, t, method, answer(slice(None)), answer)


def _steady(
    asked: CheckedEnvironment, t: int, method: str, whole: Sequence[Array], answer: Callable[[slice], Sequence[Array]]
) -> None:
    """Raise unless an answer is the same again, backwards, and for single episodes."""
    if not same(answer(slice(None)), whole):
        raise asked.wrong(t, f"{method} answers otherwise when it is asked again; {FUNCTION}")
    if not same([part[::-1] for part in answer(slice(None, None, -1))], whole):
        raise asked.wrong(t, f"{method} answers otherwise when episodes come in another order; {EPISODES}")
    for k in range(min(ALONE, len(whole[0]))):
        if not same(answer(slice(k, k + 1)), [part[k : k + 1] for part in whole]):
            raise asked.wrong(t, f"{method} answers otherwise when an episode comes alone; {EPISODES}")


def _look_everywhere(
    asked: CheckedEnvironment, t: int, state: State, spaces: Sequence[Space], decisions: Space
) -> None:
    """Check utilities of every decision in every profile, or in a sample where there are too many."""
    every = every_state(spaces)
    utility = [
        asked.flows(t, "utility", every or state, frozen(np.full(len((every or state).public), d)))
        for d in _some_decisions(decisions)
    ]
    classes = asked.classes(t, decisions)
    if classes is not None and isinstance(decisions, Finite) and decisions.size <= DECISIONS:
        _check_classes(asked, t, classes, np.stack(utility), decisions, complete=every is not None)


def every_state(spaces: Sequence[Space]) -> State | None:
    """Return all profiles as one state, public state first; None if they are infinitely, or too, many."""
    sizes = [space.size for space in spaces if isinstance(space, Finite)]
    if len(sizes) < len(spaces) or prod(sizes) > MANY:
        return None
    axes = np.array(np.unravel_index(np.arange(prod(sizes)), sizes))
    return State(frozen(axes[0]), frozen(np.ascontiguousarray(axes[1:].T)))


def _some_decisions(decisions: Space) -> list[Any]:
    if isinstance(decisions, Finite):
        return np.unique(np.linspace(0, decisions.size - 1, DECISIONS).round().astype(int)).tolist()
    return np.unique(np.linspace(decisions.low, decisions.high, 9)).tolist()


def _check_classes(
    asked: CheckedEnvironment, t: int, classes: IntArray, utility: FloatArray, decisions: Finite, *, complete: bool
) -> None:
    """Raise unless decisions of one class are worth the same, and (all profiles seen) no others are; `(D, n, N)`."""
    for i, agent in enumerate(asked.agents):
        for d, label in enumerate(decisions.labels):
            same_worth = (utility[: d + 1, :, i] == utility[d, :, i]).all(axis=1)
            if not same_worth[classes[i, d]] or (complete and int(np.argmax(same_worth)) != classes[i, d]):
                told_class, right = decisions.labels[classes[i, d]], decisions.labels[int(np.argmax(same_worth))]
                raise asked.wrong(
                    t,
                    f"outcome_classes puts decision {label!r} with {told_class!r} for agent {agent!r}, but by what it "
                    f"gets it goes with {right!r}",
                )


def _compare(asked: CheckedEnvironment, table: TableEnvironment, periods: int) -> None:
    """Raise unless terms, sizes and utilities are those of the table."""
    environment = asked.environment
    for what in ("horizon", "discount"):
        if getattr(environment, what) != getattr(table, what):
            raise asked.wrong(
                None, f"{what}: {getattr(environment, what)}, of {table.name!r} it is {getattr(table, what)}"
            )
    if len(asked.agents) != len(table.agents):
        raise asked.wrong(None, f"agents: {len(asked.agents)}, of {table.name!r} there are {len(table.agents)}")
    for t in range(periods):
        stage = table.stage(t)
        spaces = [asked.space(t, "public_space"), *asked.signal_spaces(t), asked.space(t, "decision_space")]
        wanted = [max(len(stage.public), 1), *map(len, stage.signals), len(stage.decisions)]
        if [space.size if isinstance(space, Finite) else None for space in spaces] != wanted:
            raise asked.wrong(t, f"public states, signals or decisions are not as many as those of {table.name!r}")
        every = every_state(spaces[:-1])
        for d, label in enumerate(stage.decisions) if every is not None else ():
            assert every is not None
            decided = frozen(np.full(len(every.public), d))
            one, two = asked.flows(t, "utility", every, decided), table.utility(t, every, decided)
            if not np.allclose(one, two, rtol=1e-9, atol=1e-12 * table.scale):
                row, i = np.unravel_index(int(np.argmax(np.abs(one - two))), one.shape)
                raise asked.wrong(
                    t,
                    f"utility of agent {asked.agents[i]!r} from decision {label!r} at signals "
                    f"{every.signals[row].tolist()} is {one[row, i]:.6g}, of {table.name!r} it is {two[row, i]:.6g}",
                )
