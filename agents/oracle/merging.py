"""Merge memories of a mechanism that are the same state of a deviator's problem.

Two memories are the same if for every (θ, r) they lead to the same decision, charges, dues and next state: the coarsest
such partition, found by refinement as finite automata are minimised. Charges are sums, whose last bits a processor
decides: of a period's charges those in a row that are no further apart than `CLOSE` times the largest are the same. So
the number of states does not depend on the processor.

Axes: M memories, S profiles, R own messages; X message profiles; L draws of a lottery, see `RuleTables`; B own acts.
"""

from dataclasses import dataclass
from hashlib import blake2b
from math import prod

import numpy as np

from dynmech.agents.oracle.action_choices import ActTables, read_acts
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import Array, FloatArray, IntArray

CLOSE = 1e-13
"""Gap up to which charges, dues and odds are the same, relative to the largest of the period."""


@dataclass(frozen=True, eq=False)
class Unmerged:
    """A period before merging: everything by memory; truth is `(M, S)`, decide and chance `(M, S, R, L)`.

    Charge and remember are `(M, S, R, L, 1)`, or `(M, S, R, L, B)` where the mechanism acts on what is done and
    replied; then `acts` has what is done and what is prescribed.
    """

    decide: IntArray
    chance: FloatArray
    charge: FloatArray
    remember: IntArray
    truth: IntArray
    due: FloatArray
    """Due of the deviator under its prescribed message, `(M, S)`; zero where it is not sunk (then in `charge`)."""
    acts: ActTables | None = None

    @property
    def scale(self) -> float:
        """The largest charge or due in absolute value."""
        return max(float(np.abs(table).max()) for table in (self.charge, self.due))


def read_rules(game: FiniteGame, t: int, who: tuple[int, ...], *, defer: bool) -> Unmerged:
    """Return the outcome of each message of the deviator while the others send what is prescribed.

    With `defer`, what falls due is kept apart where the deviator's message cannot change it.
    """
    stage, tables = game.environment.stage(t), game.tables[t]
    strides = np.array([prod(tables.shape[k + 1 :]) for k in range(len(tables.shape))])
    profile = np.array(np.unravel_index(np.arange(stage.size), stage.axes))
    public = profile[0] if stage.public else np.zeros(stage.size, np.intp)
    signals = profile[stage.offset :]
    sent = [tables.prescribed[j][:, public, signals[j]] for j in range(len(signals))]
    others = public * strides[0] + sum(
        (sent[j] * strides[j + 1] for j in range(len(sent)) if j not in who), np.zeros_like(sent[0])
    )
    own_shape = tuple(tables.shape[i + 1] for i in who)
    own = np.array(np.unravel_index(np.arange(prod(own_shape)), own_shape)).T @ strides[[i + 1 for i in who]]
    case = (np.arange(tables.memories)[:, None] * prod(tables.shape) + others)[:, :, None] + own
    charge = _total([_by_case(tables.charge[i], case) for i in who])
    due = _total([tables.due[i].take(case) for i in who])
    moved = CLOSE * max(float(np.abs(table).max()) for table in (charge, due))
    sunk = defer and bool((np.abs(due - due[:, :, :1]) <= moved).all())  # out of its hands when it falls due
    acts = read_acts(game, t, who, case) if tables.acts else None
    charge = charge[..., None] if acts is None else acts.charge
    if not sunk:
        charge += due[..., None, None]
    return Unmerged(
        decide=_by_case(tables.decide, case),
        chance=_by_case(tables.chance, case),
        charge=charge,
        remember=_by_case(tables.remember, case)[..., None] if acts is None else acts.remember,
        acts=acts,
        truth=np.ravel_multi_index([sent[i] for i in who], own_shape),
        due=due[:, :, 0].copy() if sunk else np.zeros(due.shape[:2]),
    )


def _by_case(table: Array, case: IntArray) -> Array:
    """Return a table `(M, X, L)` at flat cases `(M, S, R)`, shape `(M, S, R, L)`."""
    if table.shape[-1] == 1:
        return table.take(case)[..., None]
    return table.reshape(-1, table.shape[-1]).take(case, axis=0)


def _total(parts: list[FloatArray]) -> FloatArray:
    """Return the sum of what several members pay."""
    out = parts[0]
    for part in parts[1:]:
        out += part
    return out


def merge_repeated(raw: Unmerged) -> IntArray:
    """Return the state of each memory in a period that repeats for ever, `(M,)`."""
    fixed, labels = _outcomes(raw, raw), np.zeros(len(raw.decide), np.intp)
    while True:
        finer = numbered(np.stack([*fixed, numbered(labels[raw.remember])], axis=1))
        if finer.max() == labels.max():
            return finer
        labels = finer


def merge_one(raw: Unmerged, after: Unmerged | None, next_labels: IntArray | None) -> IntArray:
    """Return the state of each memory, `(M,)`, given those of next period (None in the last one)."""
    parts = _outcomes(raw, after)
    if next_labels is not None:
        parts.append(numbered(next_labels[raw.remember]))
    return numbered(np.stack(parts, axis=1))


def _outcomes(raw: Unmerged, after: Unmerged | None) -> list[IntArray]:
    """Return the labels by which memories differ whatever the states of next period are."""
    parts = [numbered(raw.decide), numbered(clusters(raw.charge, raw.scale)), numbered(raw.truth)]
    if raw.chance.shape[-1] > 1:
        parts.append(numbered(clusters(raw.chance, 1.0)))
    if raw.acts is not None:
        parts.append(numbered(raw.acts.obey))
    if after is not None:
        parts.append(numbered(numbered(clusters(after.due, after.scale))[raw.remember]))
    return parts


def clusters(values: FloatArray, scale: float) -> IntArray:
    """Number values by size, those in a row with gaps up to `CLOSE` × scale alike; return numbers of the same shape.

    >>> clusters(np.array([0.3, 0.1 + 0.2, 1.0, -0.0, 1e-17]), 1.0).tolist()
    [1, 1, 2, 0, 0]
    """
    if len(values) == 1 and values.ndim > 1:  # one memory: nothing to compare
        return np.zeros(values.shape, np.intp)
    ordered = np.sort(values, axis=None)
    starts = ordered[np.diff(ordered, prepend=-np.inf) > CLOSE * scale]
    return np.searchsorted(starts, values, side="right") - 1


def numbered(rows: Array) -> IntArray:
    """Number the distinct rows of `(M, …)` in order of appearance; return `(M,)`.

    Rows are compared by a digest of 128 bits, which is quicker than sorting them; a million different rows have all
    different ones but for a chance of 10^−27.

    >>> numbered(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0]])).tolist()
    [0, 1, 0]
    """
    if rows.dtype.kind == "f":
        rows = rows + 0.0  # −0 is 0
    numbers: dict[bytes, int] = {}
    digests = (blake2b(row.tobytes(), digest_size=16).digest() for row in rows)
    return np.array([numbers.setdefault(digest, len(numbers)) for digest in digests], np.intp)
