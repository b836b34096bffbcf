"""What happened in one shard, as arrays: periods first, episodes last, so that blocks write contiguous pieces."""

from bisect import bisect_right
from itertools import chain
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np

from dynmech.sim.core.arrays import Array, BoolArray, FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.spaces import Interval
from dynmech.sim.play.game import Game

NOTHING = -1
"""Code of a value that does not exist (no message, no decision, no act)."""

PAYMENT_COLUMNS = ("billed", "paid", "paid_late", "forfeited")
"""Columns of bills and payments, where bills are sent and answered."""

Keep = Literal["everything", "sums", "payoffs"]
"""How much of play is kept, see `Record`."""

LESSONS = 20
"""Stretches of rounds whose mean payoffs are kept where strategies learn."""

EARLY = 6
"""So many first periods are looked at one by one where only sums over periods are kept."""


class Record:
    """One shard's play; axes `(P,)` periods (closing ones included), `(N,)` agents, `(E,)` episodes.

    - `payoffs`: `discounted_utility`, `discounted_transfer` `(N, E)`, Σ_t δ^t of flows.
    - `sums`, besides: `discounted_cost` `(E,)`; `least_revenue` `(E,)`, min_t Σ_i p_t^i; of the `early` first periods
      `continuation` `(early, N, E)`, Σ_{s ≥ t} δ^{s−t} (u_s^i − p_s^i), and `signal` `(early, N, E)`.
    - `everything`, besides: `utility`, `transfer` `(P, N, E)`, `cost` `(P, E)`; `signal` of all periods; `public`,
      `decision` `(P, E)`; `report` (sent), `counted` (what the designer used), `action`, `reply`, `latency`, `late`,
      `defaulted` `(P, N, E)`. A column in which nothing ever stands is one number, repeated, until something is put
      there.
    - Where bills are sent, `in_default`, discounted `claims` that were not paid and `forfeits` `(N, E)`;
      with `everything`, besides: `PAYMENT_COLUMNS` `(P, N, E)`.
    - `leaving`: whether a strategy may leave; then `LEAVE` is what it sends from then on.
    - Always `learning` `(L, N, E)`: mean payoffs of the rounds before the last one, by stretches of rounds (`lessons`:
      L + 1 rounds at which they begin and end); L = 0 where nobody learns.
    """

    game: Game
    discounted_utility: FloatArray
    discounted_transfer: FloatArray
    discounted_cost: FloatArray
    least_revenue: FloatArray
    continuation: FloatArray
    learning: FloatArray
    utility: FloatArray
    transfer: FloatArray
    cost: FloatArray
    signal: Array
    public: Array
    decision: Array
    report: Array
    counted: Array
    action: Array
    reply: FloatArray
    latency: FloatArray
    late: BoolArray
    defaulted: BoolArray
    in_default: BoolArray
    claims: FloatArray
    forfeits: FloatArray
    billed: FloatArray
    paid: FloatArray
    paid_late: FloatArray
    forfeited: FloatArray

    def __init__(self, game: Game, episodes: int, keep: Keep = "everything", rounds: int = 1) -> None:
        if keep not in get_args(Keep):
            raise InputError(f"keep: {keep!r} is none of {', '.join(get_args(Keep))}")
        self.game, self.keep = game, keep
        self.sums, self.everything = keep != "payoffs", keep == "everything"
        self.early = min(game.periods, EARLY)
        periods, agents = game.periods + game.closing, len(game.environment.agents)
        shape = (periods, agents, episodes)
        kind, nothing = (np.float64, np.nan) if self.sums and _continuous(game) else (np.int32, NOTHING)
        self.discounted_utility, self.discounted_transfer = np.empty(shape[1:]), np.empty(shape[1:])
        self.billed_by_events = game.protocol.payments is not None
        if self.billed_by_events:
            self.in_default = np.zeros(shape[1:], np.bool_)
            self.claims, self.forfeits = np.zeros(shape[1:]), np.zeros(shape[1:])
            if self.everything:
                self.billed, self.paid, self.paid_late, self.forfeited = (np.empty(shape) for _ in PAYMENT_COLUMNS)
        self.leaving = False
        self.rounds, self.lessons = rounds, stretches(rounds)
        self.learning = np.zeros((len(self.lessons) - 1, *shape[1:]))
        if self.sums:
            self.discounted_cost, self.least_revenue = np.empty(episodes), np.empty(episodes)
            self.continuation = np.empty((self.early, *shape[1:]))
            self.signal = np.empty((periods if self.everything else self.early, *shape[1:]), kind)
        if self.everything:
            self.utility, self.transfer, self.cost = np.empty(shape), np.empty(shape), np.empty((periods, episodes))
            self.utility[game.periods :] = 0
            self.cost[game.periods :] = 0
            self.public = np.empty((periods, episodes), kind)
            self.decision, self.report = np.empty((periods, episodes), kind), np.empty(shape, kind)
            self.decision[game.periods :] = nothing
            self.report[game.periods :] = nothing
            self.counted = self.report
            self.action = np.broadcast_to(np.int32(NOTHING), shape)
            self.reply = np.broadcast_to(np.nan, shape)
            self.latency = np.broadcast_to(0.0, shape)
            self.late = np.broadcast_to(np.False_, shape)
            self.defaulted = np.broadcast_to(np.False_, shape)

    def __getattr__(self, name: str) -> Any:
        """What is not there."""
        if name in type(self).__annotations__:
            raise AttributeError(f"a record that keeps {self.keep!r} has no {name!r}")
        raise AttributeError(f"a record has no {name!r}")

    def learned(self, round: int, here: slice, payoffs: FloatArray) -> None:
        """Book the payoffs `(N, n)` of a round that is not the last; rounds come in their order."""
        k = bisect_right(self.lessons, round) - 1
        self.learning[k, :, here] += payoffs / (self.lessons[k + 1] - self.lessons[k])

    def put(self, name: str, place: tuple[int, int, slice], values: Array) -> None:
        """Write into a column in which nothing may stand so far (or, `counted`, nothing but what was sent)."""
        column: Array = getattr(self, name)
        if not column.flags.writeable or (name == "counted" and column is self.report):
            column = column.copy()
            setattr(self, name, column)
        column[place] = values

    def discounted(self, flows: FloatArray) -> FloatArray:
        """Σ_t δ^t flow_t over the leading axis, added in the order of the periods."""
        total = np.zeros(flows.shape[1:])
        for weight, flow in zip(self.game.weights, flows, strict=True):
            total += weight * flow
        return total

    @property
    def payoffs(self) -> FloatArray:
        """Discounted utility minus transfers, `(N, E)`."""
        return self.discounted_utility - self.discounted_transfer


def stretches(rounds: int) -> list[int]:
    """Rounds at which the stretches begin whose mean payoffs are kept, and last where they end.

    >>> stretches(1), stretches(4)
    ([0], [0, 1, 2, 3])
    """
    count = min(rounds - 1, LESSONS)
    return [k * (rounds - 1) // max(count, 1) for k in range(count + 1)]


_KNOWN: WeakKeyDictionary[Game, bool] = WeakKeyDictionary()


def _continuous(game: Game) -> bool:
    """Whether an interval is among the spaces: then values are kept as numbers, else as indices."""
    if game not in _KNOWN:
        game_spaces, agents = game.game_spaces, range(len(game.environment.agents))
        signals = ([game.environment.signal_space(t, i) for i in agents] for t in range(game.periods))
        spaces = chain(game_spaces.decisions, game_spaces.publics, *game_spaces.messages, chain.from_iterable(signals))
        _KNOWN[game] = any(isinstance(space, Interval) for space in spaces)
    return _KNOWN[game]
