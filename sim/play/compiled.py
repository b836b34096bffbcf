"""Play from tables as machine code (Numba, optional extra `fast`): one episode after the other, draws included.

The tables are those of `fused`, the addresses of draws those of `streams`, the order of sums that of the event loop:
the record is the same to the last bit. Only sums are kept; where all of play is, `fused` is as fast.

Axes: N agents, P periods, J uniform numbers a period, X states, E episodes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

from dynmech.sim.core.arrays import Array, FloatArray, IntArray
from dynmech.sim.core.streams import Streams
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.fused import PeriodTables
from dynmech.sim.play.game import Game
from dynmech.sim.play.record import Keep, Record

GROUP = 64
"""Episodes that are played side by side: while one waits for memory, others go on."""


@dataclass(frozen=True, eq=False)
class _Chain:
    """All periods' tables, one after the other; those of periods that are alike stand once.

    Attributes:
        start: where each period's states begin, `(P,)`.
        flows: utilities, then transfers, `(ΣX, 2N)`; utilities of a closing period are 0.
        cost: `(ΣX,)`.
        following: state of the next period with profile 0, within that period, `(ΣX,)`.
        row: of each period's states and axes, the row of its distribution functions, `(Σ J X,)`; `row_start`: `(P,)`.
        steps: distribution functions, one after the other; `steps_start`, `width`: `(P,)`.
        outcomes: how many outcomes are counted, one by one; 0: they are searched by halves, `(P,)`.
        stride: what a step along each axis adds to the profile, `(P, J)`.
    """

    start: IntArray
    flows: FloatArray
    cost: FloatArray
    following: IntArray
    row: IntArray
    row_start: IntArray
    steps: FloatArray
    steps_start: IntArray
    width: IntArray
    outcomes: IntArray
    stride: IntArray


def play_compiled(
    game: Game,
    tables: Callable[[int], PeriodTables],
    streams: Streams,
    *,
    parts: int = 1,
    episodes: int | None = None,
    keep: Keep = "sums",
) -> Record:
    """Play one shard from tables; arguments and record are those of `fused.play_tables`, but for what is kept.

    Args:
        keep: `sums` or `payoffs`.
    """
    count = streams.episodes if episodes is None else episodes
    record, environment = Record(game, count, keep), game.environment
    assert isinstance(environment, TableEnvironment)
    assert not record.everything
    periods, own = game.periods + game.closing, count // streams.copies
    first, later = (_keys(streams, environment.streams(t)) for t in (0, min(1, periods - 1)))
    layout = np.array([streams.span, streams.episodes, own], np.int64)
    profile = environment.draw(0, None, None, np.tile(_first(first, layout), streams.copies).T).profile
    assert profile is not None
    base = tables(0).first.take(np.repeat(np.arange(parts), count // parts))
    early = record.early if record.sums else 0
    seen = np.empty((early, count), np.int64)
    sums = (record.discounted_cost, record.least_revenue, record.continuation) if early else _no_sums(record)
    _episodes(
        _fields(_chain([tables(t) for t in range(periods)], len(later))),
        later,
        layout,
        (np.asarray(base, np.int64), np.asarray(profile, np.int64)),
        np.asarray(game.weights, np.float64),
        environment.discount,
        early,
        (record.discounted_utility, record.discounted_transfer, *sums, seen),
    )
    for t in range(len(seen)):
        record.signal[t] = environment.state_at(t, seen[t]).signals.T
    return record


def _keys(streams: Streams, names: Sequence[str]) -> Array:
    return np.array([streams.key(name) for name in names])


def _no_sums(record: Record) -> tuple[FloatArray, FloatArray, FloatArray]:
    return np.empty(0), np.empty(0), np.empty((0, *record.discounted_utility.shape))


def _chain(periods: list[PeriodTables], axes: int) -> _Chain:
    """Put the tables of all periods one after the other."""
    different = list({id(one): one for one in periods}.values())
    number = {id(one): k for k, one in enumerate(different)}
    which = np.array([number[id(one)] for one in periods])
    laws = [_law(one, axes) for one in different]

    def places(sizes: list[int]) -> IntArray:
        return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)[which]

    def put(parts: list[Array], kind: Any) -> Array:
        return np.ascontiguousarray(np.concatenate(parts), kind)

    return _Chain(
        start=places([len(one.cost) for one in different]),
        flows=put([_flows(one) for one in different], np.float64),
        cost=put([one.cost if one.utility is not None else np.zeros(len(one.cost)) for one in different], np.float64),
        following=put([one.following for one in different], np.int64),
        row=put([rows.T.reshape(-1) for rows, *_ in laws], np.int64),
        row_start=places([rows.size for rows, *_ in laws]),
        steps=put([steps for _, steps, *_ in laws], np.float64),
        steps_start=places([len(steps) for _, steps, *_ in laws]),
        width=np.array([width for *_, width, _, _ in laws], np.int64)[which],
        outcomes=np.array([outcomes for *_, outcomes, _ in laws], np.int64)[which],
        stride=np.array([stride for *_, stride in laws], np.int64)[which],
    )


def _flows(period: PeriodTables) -> FloatArray:
    utility = np.zeros_like(period.transfer) if period.utility is None else period.utility
    return np.concatenate([utility, period.transfer]).T


def _law(period: PeriodTables, axes: int) -> tuple[IntArray, FloatArray, int, int, IntArray]:
    """Return rows `(J, X)`, distribution functions, their width, outcomes that are counted, and strides `(J,)`."""
    move = period.move
    if move is None:
        return np.empty((axes, 0), np.intp), np.empty(0), 1, 1, np.zeros(axes, np.intp)
    inverse = move.inverse
    return move.rows, inverse.flat, inverse.width, len(inverse.columns) * inverse.counted, move.steps.reshape(-1)


def _fields(chain: _Chain) -> tuple[Array, ...]:
    return tuple(getattr(chain, name) for name in _Chain.__dataclass_fields__)


def _machine_code(function: Any) -> Any:
    """Compile a function when it is first called, and keep the code beside it where that can be written."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


def _high_half(_context: Any, _a: Any, _b: Any) -> Any:
    """Return the high half of the product of two 64-bit numbers, which no function of Python or NumPy gives."""

    def code(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), code


_high: Any = intrinsic(_high_half)


@_machine_code
def philox(counter: Any, key: Any, out: Any, place: int) -> None:
    """Four uniform numbers in [0, 1): Philox4x64-10 at a counter, as NumPy's generator makes them."""
    c0, c1, c2, c3 = np.uint64(counter), np.uint64(0), np.uint64(0), np.uint64(0)
    k0, k1 = key[0], key[1]
    for _ in range(10):
        high0, low0 = _high(np.uint64(0xD2E7470EE14C6C93), c0), np.uint64(0xD2E7470EE14C6C93) * c0
        high1, low1 = _high(np.uint64(0xCA5A826395121157), c2), np.uint64(0xCA5A826395121157) * c2
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0 += np.uint64(0x9E3779B97F4A7C15)
        k1 += np.uint64(0xBB67AE8584CAA73B)
    out[0, place] = np.float64(c0 >> np.uint64(11)) * 2.0**-53
    out[1, place] = np.float64(c1 >> np.uint64(11)) * 2.0**-53
    out[2, place] = np.float64(c2 >> np.uint64(11)) * 2.0**-53
    out[3, place] = np.float64(c3 >> np.uint64(11)) * 2.0**-53


@_machine_code
def _first(keys: Any, layout: Any) -> Any:
    """Return the uniform numbers of the first period, `(J, E)`; `layout` as in `_episodes`."""
    four, out = np.empty((4, 1)), np.empty((len(keys), layout[2]))
    for j in range(len(keys)):
        for e in range(layout[2]):
            philox(e * ((layout[0] + 3) // 4) + 1, keys[j], four, 0)
            out[j, e] = four[0, 0]
    return out


@_machine_code
def _move(
    state: Any, profile: Any, row: Any, steps: Any, width: int, outcomes: int, stride: Any, uniforms: Any
) -> None:
    """Draw the next profile of some episodes, `(n,)`, from the states that they are in."""
    axes = len(stride)
    for k in range(len(state)):
        profile[k] = 0
    for j in range(axes):
        if outcomes > 0 or width == 1:
            for k in range(len(state)):
                here, drawn = row[state[k] * axes + j] * width, 0
                for m in range(outcomes):
                    drawn += steps[here + m] <= uniforms[j, k]
                profile[k] += drawn * stride[j]
            continue
        for k in range(len(state)):
            here, drawn, step = row[state[k] * axes + j] * width, 0, width >> 1
            while step > 0:
                if steps[here + drawn + step - 1] <= uniforms[j, k]:
                    drawn += step
                step >>= 1
            profile[k] += drawn * stride[j]


@_machine_code
def _add(
    state: Any,
    flows: Any,
    cost: Any,
    weight: float,
    lag: float,
    total: Any,
    rest: Any,
    costs: Any,
    least: Any,
    early: Any,
) -> None:
    """Add what a period brings to all sums; `lag` is its weight in `rest`, -1 in a period that is kept in `early`."""
    agents = len(rest)
    for k in range(len(state)):
        here = state[k]
        costs[k] += weight * cost[here]
        taken = flows[here, agents]
        for i in range(1, agents):
            taken += flows[here, agents + i]
        least[k] = min(least[k], taken)
        for i in range(agents):
            enjoyed, paid = flows[here, i], flows[here, agents + i]
            total[i, k] += enjoyed * weight
            total[agents + i, k] += paid * weight
            if lag < 0.0:
                early[i, k] = enjoyed - paid
            else:
                rest[i, k] += (enjoyed - paid) * lag


@_machine_code
def _add_payoffs(state: Any, flows: Any, weight: float, total: Any) -> None:
    """Add what a period brings to utilities and transfers."""
    for k in range(len(state)):
        for i in range(len(total)):
            total[i, k] += flows[state[k], i] * weight


@_machine_code
def _close(
    here: Any, discount: float, costs: Any, lowest: Any, rest: Any, kept: Any, total: Any, least: Any, continuation: Any
) -> None:
    """Hand the sums of a group over, and add up what follows each of the early periods."""
    for k in range(here.stop - here.start):
        total[here.start + k], least[here.start + k] = costs[k], lowest[k]
    for t in range(len(continuation) - 1, -1, -1):
        for i in range(len(rest)):
            for k in range(here.stop - here.start):
                rest[i, k] = kept[t, i, k] + discount * rest[i, k]
                continuation[t, i, here.start + k] = rest[i, k]


@_machine_code
def _episodes(
    chain: Any, keys: Any, layout: Any, begun: Any, weights: Any, discount: Any, early: int, out: Any
) -> None:
    """Play one group of episodes after the other; see `_Chain` for what is given, `Record` for what is written.

    Args:
        keys: of nature's streams, `(J, 2)`.
        layout: periods in a chunk of a stream, episodes in a full shard, and different episodes here (the rest are
            copies of them).
        begun: state that each episode's part begins with, and first profiles, `(E,)` each.
        early: so many first periods are kept; 0: payoffs alone are.
        out: utility, transfer, cost, least revenue, continuation, profiles of the early periods.
    """
    start, flows, cost, following, row, row_start, steps, steps_start, width, outcomes, stride = chain
    utility, transfer, total_cost, least, continuation, seen = out
    agents, count = utility.shape
    axes, periods, span = stride.shape[1], len(start), layout[0]
    per_episode, own = (span + 3) // 4, layout[2]
    numbers = np.empty((axes, 4, GROUP))
    total, rest = np.empty((2 * agents, GROUP)), np.empty((agents, GROUP))
    kept = np.empty((max(early, 1), agents, GROUP))
    costs, lowest = np.empty(GROUP), np.empty(GROUP)
    profile, begin, state = np.empty(GROUP, np.int64), np.empty(GROUP, np.int64), np.empty(GROUP, np.int64)
    place = np.empty(GROUP, np.int64)
    for e in range(0, count, GROUP):
        n = min(GROUP, count - e)
        for k in range(n):
            begin[k], profile[k], costs[k], lowest[k] = begun[0][e + k], begun[1][e + k], 0.0, np.inf
            place[k] = (e + k) % own * per_episode
            for i in range(agents):
                total[i, k], total[agents + i, k], rest[i, k] = 0.0, 0.0, 0.0
        for t in range(periods):
            if t > 0:
                column = t % span
                if column % 4 == 0 or t == 1:
                    counter = t // span * layout[1] * per_episode + column // 4 + 1
                    for j in range(axes):
                        for k in range(n):
                            philox(counter + place[k], keys[j], numbers[j], k)
                for k in range(n):
                    begin[k] = following[start[t - 1] + state[k]]
                _move(state[:n], profile, row[row_start[t - 1] :], steps[steps_start[t - 1] :], width[t - 1],
                      outcomes[t - 1], stride[t - 1], numbers[:, column % 4])  # fmt: skip
            for k in range(n):
                state[k] = begin[k] + profile[k]
            here, prices, charged = state[:n], flows[start[t] :], cost[start[t] :]
            if early == 0:
                _add_payoffs(here, prices, weights[t], total)
                continue
            lag = -1.0 if t < early else weights[t - early]
            _add(here, prices, charged, weights[t], lag, total, rest, costs, lowest, kept[min(t, early - 1)])
            if t < early:
                for k in range(n):
                    seen[t, e + k] = profile[k]
        for i in range(agents):
            for k in range(n):
                utility[i, e + k], transfer[i, e + k] = total[i, k], total[agents + i, k]
        if early > 0:
            _close(slice(e, e + n), discount, costs, lowest, rest, kept, total_cost, least, continuation)
