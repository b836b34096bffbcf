"""What strategies and rules hand back, held to what it should be; anything else becomes one line."""

import numpy as np

from sim.arrays import Array
from sim.errors import PlayError
from sim.registry import place
from sim.spaces import SILENT, Finite, Space


def checked_answer(answer: object, space: Space, n: int, who: str, *, silent: bool = False) -> Array:
    """A private copy of an answer, if it is one element of `space` per episode.

    Raises:
        PlayError: wrong type, wrong shape, or the first value outside the space.
    """
    if not isinstance(answer, np.ndarray):
        shown = " ".join(f"{answer!r}".split())
        raise PlayError(f"{who} returned {type(answer).__name__} {shown:.40}, expected an array of shape ({n},)")
    answer = np.asarray(answer)
    if answer.shape != (n,):
        raise PlayError(f"{who} returned an array of shape {answer.shape}, expected ({n},)")
    if not space.accepts(answer.dtype):
        shown = f", first value {' '.join(str(answer[0]).split()):.40}" if n else ""
        raise PlayError(f"{who} returned type {answer.dtype}{shown}, expected elements of {space.describe()}")
    inside = space.contains(answer)
    if silent:
        inside = inside | (answer == SILENT)
    if not inside.all():
        k = int(np.argmin(inside))
        raise PlayError(f"{who} returned {answer[k]} (row {k} of the block), outside {space.describe()}")
    return answer.astype(np.intp if isinstance(space, Finite) else np.float64)


def one_line(error: BaseException) -> str:
    """An error as one line.

    >>> one_line(ValueError("two\\nlines"))
    'ValueError: two lines'
    """
    return " ".join(f"{type(error).__name__}: {error}{place(error)}".split())
