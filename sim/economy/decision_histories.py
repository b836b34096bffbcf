"""Laws of motion that depend on past decisions, made Markov: the last decisions are the public state.

The public state is the history of the last m decisions before this period's, written `a_1|…|a_m`, the newest first. It
moves on with every decision, for certain; next to it each agent's history moves by its own law, given both.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.builders import LARGEST
from dynmech.sim.economy.from_functions import Label
from dynmech.sim.economy.kernels import JointKernel

Decided = tuple[Label, ...]

Laws = Callable[[Decided], Sequence[FloatArray]]
"""From past decisions to the law of each agent's next history, `(D, H_i, H_i')`."""


def decision_histories(decisions: Sequence[Label], lags: int) -> list[Decided]:
    """Return all histories of `lags` decisions, the newest first.

    Raises:
        InputError: lags below 0, or too many histories.
    """
    if lags < 0:
        raise InputError(f"decision_lags: {lags} is below 0")
    if lags * np.log(max(len(decisions), 1)) > np.log(LARGEST):
        raise InputError(
            f"decision_lags: {lags} lags of {len(decisions)} decisions make more than {LARGEST:,} histories"
        )
    return list(product(decisions, repeat=lags))


def moved_on(decisions: Sequence[Label], histories: Sequence[Decided]) -> np.ndarray:
    """Return the next history of decisions, by decision and history, `(D, O)`."""
    place = {history: k for k, history in enumerate(histories)}
    return np.array([[place[(d, *history)[: len(history)]] for history in histories] for d in decisions], np.intp)


def joint_kernel(decisions: Sequence[Label], histories: Sequence[Decided], laws: Laws) -> JointKernel:
    """Return the law of the next history of decisions and agents' next histories, from all of these.

    Raises:
        InputError: the table is too large; the number is given.
    """
    by_history = [laws(history) for history in histories]
    sizes, after = ([law.shape[axis] for law in by_history[0]] for axis in (1, 2))
    before, following = int(np.prod(sizes)), int(np.prod(after))
    public = len(histories)
    if (numbers := len(decisions) * public * before * public * following) > LARGEST:
        raise InputError(f"decision_lags: the law of motion would have {numbers:,} numbers, more than {LARGEST:,}")
    table = np.zeros((len(decisions), public, before, public, following))
    arrives = moved_on(decisions, histories)
    for o, parts in enumerate(by_history):
        for d in range(len(decisions)):
            table[d, o, :, arrives[d, o]] = reduce(np.kron, [law[d] for law in parts])
    axes, axes_after = (public, *sizes), (public, *after)
    return JointKernel(table.reshape(len(decisions), *axes, *axes_after), axes, axes_after)
