"""Off-schedule play from some moment on: another public action, a payment withheld, or both."""

from collections.abc import Callable, Iterator
from typing import Self

import numpy as np

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.agents.strategies.maps import MessageMap, lies
from dynmech.sim.core.arrays import Array, BoolArray
from dynmech.sim.core.spaces import Finite
from dynmech.sim.play.roles import View


class Quitting(Strategy):
    """From one period on, or (from Python) wherever a condition holds: acts and replies otherwise than prescribed.

    Args:
        when: the period from which on it quits; or a function of the view after the decision, once true always true.
        action: the map of actions, see `dynmech.agents.strategies.maps`; None: the prescribed action.
        withhold: whether it replies with the last of the finite replies that it is asked for (`withhold`).
    """

    name = "quitting"
    source = "Athey–Segal 2007 §6: off-schedule deviations"
    complexity = 2

    def __init__(
        self,
        when: int | Callable[[View], BoolArray] = 1,
        action: str | None = "low",
        withhold: bool = True,
    ) -> None:
        self.when = when
        self.acted = None if action is None else MessageMap(action)
        self.withhold = withhold

    def message(self, view: View) -> Array:
        """Return the prescribed message, shape `(n,)`."""
        return view.prescribed

    def action(self, view: View) -> Array:
        """Return the mapped action once it has quit, shape `(n,)`."""
        if self.acted is None:
            return view.prescribed
        return np.where(self._quits(view), self.acted(view.prescribed, view.space), view.prescribed)

    def reply(self, view: View) -> Array:
        """Return the last reply once it has quit, shape `(n,)`."""
        if not (self.withhold and isinstance(view.space, Finite)):
            return view.prescribed
        return np.where(self._quits(view), view.space.size - 1, view.prescribed)

    def _quits(self, view: View) -> BoolArray:
        """Return where it has quit by now, shape `(n,)`."""
        if isinstance(self.when, int):
            return np.full(view.size, view.t >= self.when)
        gone = view.private.get("gone", np.zeros(view.size, np.bool_)) | self.when(view)
        view.private["gone"] = gone
        return np.asarray(gone, dtype=np.bool_)

    def options(self) -> dict[str, str]:
        """Return when it quits, the map and whether it withholds, as text."""
        when = str(self.when) if isinstance(self.when, int) else getattr(self.when, "__qualname__", repr(self.when))
        action = "none" if self.acted is None else self.acted.text
        return {"when": when, "action": action, "withhold": str(self.withhold).lower()}

    def describe(self, context: AgentContext) -> str:  # noqa: ARG002
        """Return the deviation in words."""
        how = [f"acts as {self.acted.text}"] if self.acted is not None else []
        how += ["pays nothing"] if self.withhold else []
        when = f"from period {self.when} on" if isinstance(self.when, int) else "when it pays to"
        return f"leaves the schedule {when} ({' and '.join(how)})"

    def validate(self, context: AgentContext) -> None:
        """Check that the period is played and that the map fits every set of actions."""
        if isinstance(self.when, int):
            context.require_period(self.when)
        if self.acted is not None:
            for space in context.actions:
                self.acted.validate(space)

    @classmethod
    def candidates(cls, context: AgentContext) -> Iterator[Self]:
        """Yield, where there are actions, every map in words and no map, unpaid, in the first three periods."""
        words = dict.fromkeys(act.text for space in context.actions if space.size > 1 for act in lies(space, limit=0))
        for when in range(min(3, context.periods)) if words else ():
            yield from (cls(when, action) for action in (None, *words))
