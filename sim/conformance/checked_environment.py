"""An economy whose every answer is asked for with a net, and held to the shape, type and space that it should have.

What it raises, and whatever it returns that it should not, becomes one line that names economy, method and period.
"""

import re
from collections.abc import Sequence
from math import isfinite, prod
from typing import Any

import numpy as np

from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, IntArray, first, frozen
from dynmech.sim.core.checks import check_names
from dynmech.sim.core.errors import DynmechError, InputError, PlayError
from dynmech.sim.core.registry import format_exception
from dynmech.sim.core.spaces import Finite, Interval, Space
from dynmech.sim.core.ties import TIE, scale_of
from dynmech.sim.economy.environment import Environment, State, check_terms

RESERVED = re.compile(r"designer|(agent|latency) \d+")
"""Streams that are not nature's."""


class CheckedEnvironment:
    """An economy under examination.

    Attributes:
        name, agents, horizon, bound: what it says of itself.

    Raises:
        InputError: that makes no sense.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment, self.name = environment, type(environment).__name__
        self.name = str(self.ask(None, "name"))
        self.horizon = self.ask(None, "horizon")
        if self.horizon is not None and (isinstance(self.horizon, bool) or not isinstance(self.horizon, int)):
            raise self.wrong(None, f"horizon: {self.horizon!r} is neither a whole number nor None (for ever)")
        for field in ("agents", "discount"):
            self.ask(None, field)
        check_terms(environment)
        self.agents = tuple(environment.agents)
        bound = self.ask(None, "utility_bound")
        if not (isinstance(bound, int | float) and isfinite(bound) and bound >= 0):
            raise self.wrong(None, f"utility_bound() is {bound!r}, expected a finite number of at least 0")
        self.bound = float(bound)

    def ask(self, t: int | None, name: str, *arguments: Any) -> Any:
        """Return an attribute, or a method's answer; an exception becomes an error of one line."""
        try:
            thing = getattr(self.environment, name)
            return (thing(*arguments) if t is None else thing(t, *arguments)) if callable(thing) else thing
        except (DynmechError, KeyboardInterrupt):
            raise
        except BaseException as error:
            wrote = isinstance(error, ValueError) and "read-only" in str(error)
            what = "writes to an array that it is given:" if wrote else "raised"
            raise self.wrong(t, f"{name} {what} {format_exception(error)}") from error

    def wrong(self, t: int | None, what: str) -> DynmechError:
        """Return the error for a wrong declaration (no period) or a wrong answer."""
        if t is None:
            return InputError(f"environment {self.name!r}: {what}")
        return PlayError(f"environment {self.name!r} in period {t}: {what}")

    # What it declares

    def space(self, t: int, method: str, *agent: int) -> Space:
        """Return a space after checking that it is one and is the same when asked for again."""
        space: object = self.ask(t, method, *agent)
        where = f"{method}({', '.join(map(str, (t, *agent)))})"
        if isinstance(space, Finite):
            check_names(space.labels, f"environment {self.name!r}: {where}: labels")
        elif not isinstance(space, Interval):
            raise self.wrong(t, f"{where} is of type {type(space).__name__}, expected Finite or Interval")
        elif not (isfinite(space.low) and isfinite(space.high) and space.low <= space.high):
            raise self.wrong(t, f"{where}: from {space.low:g} to {space.high:g} is no interval")
        if self.ask(t, method, *agent) != space:
            raise self.wrong(t, f"{where} is another space when it is asked for again")
        return space

    def signal_spaces(self, t: int) -> list[Space]:
        """Return every agent's signals."""
        return [self.space(t, "signal_space", i) for i in range(len(self.agents))]

    def actions(self, t: int, decisions: Space) -> None:
        """Check private actions: none, or labels for every agent; decisions are a multiple of their combinations."""
        actions = self.ask(t, "actions")
        if not actions:
            return
        if len(actions) != len(self.agents) or not isinstance(decisions, Finite):
            raise self.wrong(t, f"actions({t}) has {len(actions)} lists; one per agent and finite decisions are needed")
        for i, labels in enumerate(actions):
            check_names(labels, f"environment {self.name!r}: actions({t})[{i}]")
        if decisions.size % prod(map(len, actions)):
            raise self.wrong(t, f"{decisions.size} decisions are no multiple of the combinations of actions({t})")

    def streams(self, t: int) -> int:
        """Return how many uniform numbers a draw takes."""
        names = self.ask(t, "streams")
        if not (isinstance(names, tuple | list) and names and all(isinstance(name, str) for name in names)):
            raise self.wrong(t, f"streams({t}) is {names!r}, expected names, at least one")
        for k, name in enumerate(names):
            if name in names[:k]:
                raise self.wrong(t, f"streams({t}): {name!r} stands there twice; its numbers would be the same")
            if RESERVED.fullmatch(name):
                raise self.wrong(t, f"streams({t}): {name!r} is not nature's; call it nature …")
        return len(names)

    def classes(self, t: int, decisions: Space) -> IntArray | None:
        """Return outcome classes `(N, D)`, each named by its first member."""
        classes = self.ask(t, "outcome_classes")
        if classes is None:
            return None
        if not isinstance(decisions, Finite):
            raise self.wrong(t, "outcome_classes is not None although decisions are numbers")
        shape = (len(self.agents), decisions.size)
        if not isinstance(classes, np.ndarray) or classes.shape != shape or classes.dtype.kind not in "iu":
            raise self.wrong(t, f"outcome_classes is no array of whole numbers of shape {shape}")
        bad = (classes < 0) | (classes > np.arange(decisions.size))
        bad |= np.take_along_axis(classes, np.where(bad, 0, classes), axis=1) != classes
        if bad.any():
            i, d = first(bad)
            raise self.wrong(
                t,
                f"outcome_classes says {classes[i, d]} of decision {decisions.labels[d]!r} for agent "
                f"{self.agents[i]!r}; a class is named by its first member",
            )
        return classes.astype(np.intp)

    # What it does

    def drawn(self, t: int, last: State | None, decision: Array | None, uniforms: FloatArray) -> State:
        """Return the next state after checking its shape, over immutable copies and without its flat index."""
        state = self.ask(t, "draw", last, decision, uniforms)
        if not (isinstance(state, State) and all(isinstance(part, np.ndarray) for part in parts(state))):
            raise self.wrong(t, f"draw returned {type(state).__name__}, expected a State of two arrays")
        n = len(uniforms)
        shapes = {"public states": (n,), "signals": (n, len(self.agents))}
        for part, array in zip(shapes, parts(state), strict=True):
            if array.shape != shapes[part]:
                raise self.wrong(t, f"draw returned {part} of shape {array.shape}, expected {shapes[part]}")
        self.flat_index(t, state)
        return State(*(frozen(np.ascontiguousarray(part)) for part in parts(state)))

    def flat_index(self, t: int, state: State) -> None:
        """Raise if a drawn state brings another flat index along than that of its public state and signals."""
        brought = getattr(state, "profile", None)
        spaces = [self.space(t, "public_space"), *self.signal_spaces(t)]
        sizes = [space.size for space in spaces if isinstance(space, Finite)]
        if brought is None or len(sizes) < len(spaces):
            return
        flat = state.public
        for own, size in zip(state.signals.T, sizes[1:], strict=True):
            flat = flat * size + own
        if not np.array_equal(flat, brought):
            raise self.wrong(t, "draw returned a State whose profile is not that of its signals; leave it None")

    def belongs(self, t: int, values: Array, space: Space, what: str) -> None:
        """Raise unless drawn values are elements of the space that is declared."""
        if not space.accepts(values.dtype):
            raise self.wrong(t, f"draw returned {what} of type {values.dtype}, expected elements of {space.describe()}")
        inside: BoolArray = space.contains(values)
        if not inside.all():
            k = int(np.argmin(inside))
            raise self.wrong(t, f"draw returned {values[k]} (row {k}) as {what}, outside {space.describe()}")

    def flows(self, t: int, method: str, state: State, decision: Array) -> FloatArray:
        """Return `utility` `(n, N)` or `cost` `(n,)` after checking that it is finite and within bounds."""
        flows = self.ask(t, method, state, decision)
        shape = (len(decision), len(self.agents)) if method == "utility" else (len(decision),)
        if not isinstance(flows, np.ndarray) or flows.shape != shape or flows.dtype.kind not in "iuf":
            kind = f"{flows.dtype} {flows.shape}" if isinstance(flows, np.ndarray) else type(flows).__name__
            raise self.wrong(t, f"{method} returned {kind}, expected numbers of shape {shape}")
        limit = self.bound + TIE * scale_of(self.bound) if method == "utility" else np.inf
        bad = ~np.isfinite(flows) | (np.abs(flows) > limit)
        if bad.any():
            at = first(bad)
            whose = f" of agent {self.agents[at[1]]!r}" if len(at) > 1 else ""
            why = f"exceeds utility_bound() {self.bound:g}" if np.isfinite(flows[at]) else "is not a finite number"
            raise self.wrong(t, f"{method}{whose} is {flows[at]:.6g} (row {at[0]}), which {why}")
        return flows.astype(np.float64)


def parts(state: State) -> list[Array]:
    """Return a state's public states and signals as a list of arrays."""
    return [state.public, state.signals]


def some(state: State, rows: slice) -> State:
    """Return some episodes of a state, over immutable copies."""
    return State(*(frozen(np.ascontiguousarray(part[rows])) for part in parts(state)))


def same(one: Sequence[Array], two: Sequence[Array]) -> bool:
    """Return whether two lists hold equal arrays."""
    return all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
