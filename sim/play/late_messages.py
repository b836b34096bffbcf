"""What counts in place of a message that is late or missing: the mechanism's default."""

from collections.abc import Callable

import numpy as np

from dynmech.sim.core.arrays import Array, BoolArray
from dynmech.sim.core.spaces import SILENT
from dynmech.sim.play.messages import Message


def with_default(
    message: Message | None, default: Callable[[], Array], size: int, *, silent: bool
) -> tuple[Array, BoolArray]:
    """Return an agent's messages that count, and in which episodes the default does, both `(n,)`.

    Args:
        message: what it sent; its `on_time` says which arrived by the deadline. None: nothing at all came.
        default: what the mechanism puts in place of a message.
        size: number of episodes.
        silent: whether the strategy may send nothing on purpose.
    """
    if message is None:
        return default(), np.ones(size, np.bool_)
    missing = message.values == SILENT if silent else np.zeros(size, np.bool_)
    if message.on_time is not None:
        missing = missing | ~message.on_time
    return (np.where(missing, default(), message.values) if missing.any() else message.values), missing
