"""Strategies made of strategies: each part sees the view that it would see alone, with its own uniforms and notes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace

from dynmech.agents.strategies.base import AgentContext, Strategy
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray
from dynmech.sim.core.spaces import LEAVE, SILENT
from dynmech.sim.play.billing import Bill
from dynmech.sim.play.game import Game
from dynmech.sim.play.roles import Past, View


class Wrapping(Strategy):
    """A strategy made of others.

    Its traits are what its parts need together; its uniform numbers are its own (`own_width`), then those of each part.

    Args:
        parts: the strategies that it is made of.
        own_width: uniform numbers of its own.
        lookback: past periods that it looks at itself.
    """

    def __init__(self, parts: Sequence[Strategy], own_width: int, lookback: int | None = 0) -> None:
        self.parts = tuple(parts)
        self.own_width = own_width
        self.width = own_width + sum(part.width for part in parts)
        memories = [lookback, *(part.memory_periods for part in parts)]
        known = [memory for memory in memories if memory is not None]
        self.memory_periods = None if len(known) < len(memories) else max(known)
        self.spies = any(part.spies for part in parts)
        self.silent = any(part.silent for part in parts)
        self.leaves = any(part.leaves for part in parts)
        self.rounds = max(part.rounds for part in parts)
        self.complexity = max(part.complexity for part in parts)

    def components(self) -> Iterator[Strategy]:
        """Yield the strategy, its parts and theirs."""
        yield self
        for part in self.parts:
            yield from part.components()

    def made_for(self, game: Game, agent: int) -> Strategy:
        """Return the same strategy over the parts that the agent plays in the game."""
        parts = tuple(part.made_for(game, agent) for part in self.parts)
        if all(made is part for made, part in zip(parts, self.parts, strict=True)):
            return self
        made = copy(self)
        made.parts = parts
        return made

    def ask(self, k: int, move: str, view: View) -> Array:
        """Return part k's move ("message", "action", "reply" or "pay") at a view, shape `(n,)`."""
        anew = move == "message" and not view.t and self.parts[k].rounds == 1  # only learners keep notes over rounds
        with self._shown(k, view, anew) as own:
            if move == "pay":
                assert own.bill is not None
                return self.parts[k].pay(own, own.bill)
            chosen: Array = getattr(self.parts[k], move)(own)
        return chosen

    @contextmanager
    def _shown(self, k: int, view: View, anew: bool = False) -> Iterator[View]:
        """Yield the view that part k would have alone, and keep what it notes."""
        part, prefix = self.parts[k], f"{k}/"
        start = self.own_width + sum(part.width for part in self.parts[:k])
        kept = {} if anew else view.private
        notes = {key[len(prefix) :]: note for key, note in kept.items() if key.startswith(prefix)}
        memory = part.memory_periods
        past = view.past if memory is None else view.past[len(view.past) - min(memory, len(view.past)) :]
        own = replace(view, private=notes, uniforms=view.uniforms[:, start : start + part.width], past=past)
        if not part.spies:
            own = replace(own, spied=None)
        yield own
        for key in [key for key in view.private if key.startswith(prefix) and key[len(prefix) :] not in notes]:
            del view.private[key]
        view.private.update({prefix + key: note for key, note in notes.items()})

    def unsent(self, messages: Array) -> BoolArray:
        """Return where a part sends nothing, or leaves, `(n,)`."""
        unsent: BoolArray = (messages == SILENT) & self.silent | (messages == LEAVE) & self.leaves
        return unsent

    def observe(self, view: View, seen: Past) -> None:
        """Show the finished period to every part that learns, whichever part sent the message."""
        for k, part in enumerate(self.parts):
            if part.rounds > 1:
                with self._shown(k, view) as own:
                    part.observe(own, seen)

    def action(self, view: View) -> Array:
        """Return the first part's action, shape `(n,)`."""
        return self.ask(0, "action", view)

    def reply(self, view: View) -> Array:
        """Return the first part's reply, shape `(n,)`."""
        return self.ask(0, "reply", view)

    def pay(self, view: View, bill: Bill) -> FloatArray:  # noqa: ARG002 - the view has it, and parts of it
        """Return the first part's payment, shape `(n,)`."""
        return self.ask(0, "pay", view)

    def validate(self, context: AgentContext) -> None:
        """Check that all parts fit."""
        for part in self.parts:
            part.validate(context)

    def options(self) -> dict[str, str]:
        """Return no options: the name of a wrapped strategy holds them."""
        return {}

    def describe(self, context: AgentContext) -> str:
        """Return the parts in words."""
        return " or ".join(part.describe(context) for part in self.parts)
