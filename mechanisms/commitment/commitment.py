"""Another mechanism whose designer may break its word: at the start of every period it can choose other rules.

Timing: that of the base mechanism. At the start of a period, together with everybody's report and before it has seen
any, the designer, who is the last agent, says which rules hold in it:

| it says | the rules of the period are |
| --- | --- |
| as promised | the base's |
| history m | the base's, as if its memory were m: a promise is forgotten, or one is made up |
| the name of `also` | those of another mechanism, which has watched all reports and decisions too |

What it says binds for the period and is public afterwards; it may choose again in the next. It is paid what the others
pay, and bears the costs, so that its payoff is net revenue. It knows all that was reported and decided before: what it
has learned. Everybody else reports as the base mechanism asks, as if its word were good.

Guarantee: none of its own. Where the audit says that the designer gains X, X is what its word costs it: what it would
earn more by breaking it, if it is believed. What commitment is *worth* is the designer's payoff under the promise less
that in an equilibrium of the same game, where nobody is deceived (`dynmech equilibrium` finds such profiles).

Assumptions: a finite mechanism that asks for messages and decides, by lottery or not, and charges now or later. What
the designer can do instead is what the two mechanisms would do after some history; it cannot invent rules, so that what
it takes is bounded by what one of them would take.

Source: the ratchet effect of Freixas, Guesnerie and Tirole 1985; Bester–Strausz 2001 on mechanisms without commitment.
"""

from collections.abc import Callable

import numpy as np

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import acts_matter
from dynmech.sim.core.arrays import Array, BoolArray, FloatArray, IntArray
from dynmech.sim.core.registry import Registry
from dynmech.sim.core.spaces import Finite, Space
from dynmech.sim.economy.designer_seat import has_designer, without_designer
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.play.roles import Acts, Promises, Situation

PROMISED = "as promised"


class Commitment(Mechanism):
    """The base mechanism, or what its designer puts in its place; memory is the base's, times that of `also`.

    Args:
        base: a mechanism for the economy without the designer's seat, or the name of one that needs no options. As
            text with options: `base=ratchet:share=0`, several joined by `+`.
        also: another mechanism that the designer may fall back on, in the same form; empty: there is none.

    Raises:
        Refusal: the last agent is not the designer; a mechanism is not finite, does not fit, or asks for acts.
    """

    name = "commitment"
    source = "Freixas–Guesnerie–Tirole 1985; Bester–Strausz 2001"
    environment: TableEnvironment

    def __init__(self, environment: Environment, base: str | Mechanism = "pivot", also: str | Mechanism = "") -> None:
        super().__init__(environment)
        if not isinstance(environment, TableEnvironment) or not has_designer(environment):
            raise self.refuse("its last agent must be the designer; take with-designer:base=ECONOMY")
        below = self.base_environment(environment)
        self.base = self._made(base, below)
        self.also = self._made(also, self.base.environment) if also else None
        told = self.base.promises.incentive
        self.promises = Promises(incentive="none" if told == "none" else "bayesian", budget="ex post")

    @staticmethod
    def base_environment(environment: Environment) -> Environment:
        """Return the economy that the base mechanism is for: without the designer's seat, if there is one."""
        seated = isinstance(environment, TableEnvironment) and has_designer(environment)
        return without_designer(environment) if seated else environment  # type: ignore[arg-type] # a finite one

    def _made(self, given: str | Mechanism, environment: Environment) -> Mechanism:
        """Return a mechanism by its name, checked."""
        known = Registry("mechanism", Mechanism, "dynmech.mechanisms")  # type: ignore[type-abstract]
        made = known.get(given)(environment) if isinstance(given, str) else given
        agents, periods = self.environment.agents[:-1], range(self.environment.horizon or 2)
        if made.environment.agents != agents:
            raise self.refuse(f"{made.name!r} was made for other agents than {', '.join(agents)}")
        for t in periods:
            finite = all(isinstance(made.messages(t, i), Finite) for i in range(len(agents)))
            if not finite or made.memory_size(t) is None or acts_matter(made, t):
                raise self.refuse(f"{made.name!r} is not finite, or asks for more than messages")
            if self.__dict__.get("base") and any(
                made.messages(t, i) != self.base.messages(t, i) for i in range(len(agents))
            ):
                raise self.refuse(f"{made.name!r} asks for other messages than {self.base.name!r}")
        return made

    # The designer's choice

    def _histories(self, t: int) -> int:
        """Return the number of the base's memories in period t."""
        return _size(self.base, t)

    def messages(self, t: int, agent: int) -> Space:
        """Return the base's messages; for the designer, what it may say."""
        if agent < len(self.environment.agents) - 1:
            return self.base.messages(t, agent)
        count = self._histories(t)
        others = [f"history {m}" for m in range(count)] if count > 1 else []
        return Finite((PROMISED, *others, *([self.also.name] if self.also else [])))

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        """Return what the base asks for; of the designer, to keep its word."""
        if agent == len(self.environment.agents) - 1:
            return np.zeros(len(signal), np.intp)
        return self.base.prescribed(now._replace(memory=self._split(now)[0]), agent, signal)

    def default(self, now: Situation, agent: int) -> Array:
        """Return the base's default; of the designer, that it keeps its word."""
        if agent == len(self.environment.agents) - 1:
            return np.zeros(len(now.memory), np.intp)
        return self.base.default(now._replace(memory=self._split(now)[0]), agent)

    def _split(self, now: Situation) -> tuple[IntArray, IntArray]:
        """Return the memory of the base, and that of `also`."""
        base, other = np.divmod(np.asarray(now.memory, np.intp), _size(self.also, now.t))
        return base, other

    def _chosen(self, now: Situation, messages: Array) -> tuple[Situation, Situation, BoolArray]:
        """Return the situation as the base's rules see it, as those of `also` do, and where the latter hold."""
        said, count = np.asarray(messages[:, -1], np.intp), self._histories(now.t)
        base, other = self._split(now)
        pretends = (said >= 1) & (said <= count) & (count > 1)
        fallen_back = (said > 0) & ~pretends
        return now._replace(memory=np.where(pretends, said - 1, base)), now._replace(memory=other), fallen_back

    def _ruled(self, now: Situation, messages: Array, rule: Callable[[Mechanism, Situation], Array]) -> Array:
        """Return the answer of the rules that the designer has chosen, of the base's where it keeps its word."""
        first, second, fallen_back = self._chosen(now, messages)
        answer = np.asarray(rule(self.base, first))
        if self.also is None or not fallen_back.any():
            return answer
        other = np.asarray(rule(self.also, second))
        if answer.ndim != other.ndim:  # one of them decides by lottery
            size = max(answer.shape[-1] if answer.ndim > 1 else 0, other.shape[-1] if other.ndim > 1 else 0)
            answer, other = (np.eye(size)[one] if one.ndim == 1 else one for one in (answer, other))
        return np.where(fallen_back.reshape(-1, *(1,) * (answer.ndim - 1)), other, answer)

    # Rules

    @property
    def lags(self) -> int:
        """The longer of both."""
        return max(self.base.lags, self.also.lags if self.also else 0)

    def memory_size(self, t: int) -> int:
        """Return the base's memories times those of `also`."""
        return _size(self.base, t) * _size(self.also, t)

    def decide(self, now: Situation, messages: Array) -> Array:
        """Return the decision, or lottery, of the rules that hold."""
        return self._ruled(now, messages, lambda rules, seen: rules.decide(seen, messages[:, :-1]))

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        """Return what the rules that hold charge, all of it paid to the designer, `(n, N)`."""
        below = _below(acts)
        return _to_designer(
            self._ruled(now, messages, lambda rules, seen: rules.charge(seen, messages[:, :-1], decision, below))
        )

    def due(self, now: Situation, messages: Array) -> FloatArray:
        """Return what falls due under the rules that hold, paid to the designer, `(n, N)`."""
        return _to_designer(self._ruled(now, messages, lambda rules, seen: rules.due(seen, messages[:, :-1])))

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> Array:
        """Return what both remember: the base from the history that the designer says has been, `(n,)`."""
        first, second, _ = self._chosen(now, messages)
        memory = np.asarray(self.base.remember(first, messages[:, :-1], decision, _below(acts)), np.intp)
        if self.also is None:
            return memory
        other = self.also.remember(second, messages[:, :-1], decision, _below(acts))
        return memory * _size(self.also, now.t + 1) + other

    def transfer_bound(self) -> float:
        """Return what all agents can pay at most."""
        bound = max(one.transfer_bound() for one in (self.base, self.also) if one is not None)
        return bound * (len(self.environment.agents) - 1)


def _size(mechanism: Mechanism | None, t: int) -> int:
    """Return the number of memories; 1 of no mechanism."""
    return 1 if mechanism is None else mechanism.memory_size(t) or 1


def _below(acts: Acts) -> Acts:
    """Return the acts of everybody but the designer."""
    return Acts(acts.seen[:, :-1], acts.replies[:, :-1], None if acts.paid is None else acts.paid[:, :-1])


def _to_designer(paid: FloatArray) -> FloatArray:
    """Return transfers `(n, N − 1)` with a last column for who is paid all of them."""
    return np.concatenate([paid, -paid.sum(axis=1, keepdims=True)], axis=1)
