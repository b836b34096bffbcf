"""Maps from the prescribed message to the message sent.

Written as a word that fits any message set: `flip` (k → K − 1 − k), `up`, `down` (one step, staying inside), `low`,
`high` (always the first, always the last), or as the images in order, by label or number: `6/4`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.near_names import near_name
from dynmech.sim.core.spaces import Finite, Interval, Space

MEANING = (
    "what is sent (or done) where something is prescribed: flip (the first becomes the last, and so on), up or down "
    "(one step), low or high (always the first, always the last), or the images of all, in order, by label or "
    "number: 6/4"
)
"""Help text for an option that is a map."""

WORDS = ("flip", "up", "down", "low", "high")


@dataclass(frozen=True)
class MessageMap:
    """A map of messages, applied elementwise.

    >>> lie = MessageMap("flip")
    >>> lie(np.array([0, 1, 2]), Finite(("a", "b", "c"))).tolist()
    [2, 1, 0]
    >>> lie.words(Finite(("4", "6")))
    '4→6, 6→4'
    """

    text: str

    def __post_init__(self) -> None:
        if not self.text or any(not part for part in self.text.split("/")):
            raise InputError(f"map: {self.text!r} is neither one of {', '.join(WORDS)} nor images such as 1/0")

    def __call__(self, prescribed: Array, space: Space) -> Array:
        """Return the message sent for each prescribed one, shape `(n,)`."""
        if isinstance(space, Interval):
            return self._continuous(prescribed, space)
        return self.image(space)[prescribed]

    def image(self, space: Finite) -> IntArray:
        """Return the image of every message of a finite set, shape `(K,)`."""
        k, top = np.arange(space.size), space.size - 1
        match self.text:
            case "flip":
                return top - k
            case "up":
                return np.minimum(k + 1, top)
            case "down":
                return np.maximum(k - 1, 0)
            case "low":
                return np.zeros_like(k)
            case "high":
                return np.full_like(k, top)
        parts = self.text.split("/")
        if len(parts) == 1 and space.size > 1:
            listed = f"{', '.join(WORDS)}, nor a list of {space.size} images"
            raise PlayError(f"map: {self.text!r} is none of {listed}{near_name(self.text, WORDS)}")
        if len(parts) != space.size:
            raise PlayError(f"map {self.text!r} has {len(parts)} images for {space.size} messages {space.describe()}")
        try:
            return np.array([space.index(part, f"map {self.text!r}") for part in parts])
        except InputError as error:
            raise PlayError(str(error)) from error

    def _continuous(self, prescribed: Array, space: Interval) -> Array:
        """Return the images of numbers from an interval."""
        match self.text:
            case "flip":
                return space.low + space.high - prescribed
            case "low":
                return np.full_like(prescribed, space.low)
            case "high":
                return np.full_like(prescribed, space.high)
        raise PlayError(f"map {self.text!r} is for finite message sets; on an interval use flip, low or high")

    def validate(self, space: Space) -> None:
        """Check that the map is defined on every message of a set.

        Raises:
            InputError: it is not.
        """
        try:
            self(np.zeros(0, np.float64 if isinstance(space, Interval) else np.intp), space)
        except PlayError as error:
            raise InputError(str(error)) from None

    def words(self, space: Space) -> str:
        """Return the messages that change, as `4→6, 6→4`."""
        if isinstance(space, Interval):
            return self.text
        image = self.image(space)
        moved = [f"{space.labels[k]}→{space.labels[j]}" for k, j in enumerate(image) if j != k]
        if len(moved) > 1 and len({int(j) for j in image}) == 1:
            return f"always {space.labels[int(image[0])]}"
        return ", ".join(moved)


def breadth(space: Space) -> float:
    """Return the number of messages, infinite for an interval; words that fit a broader space fit a narrower one."""
    return space.size if isinstance(space, Finite) else float("inf")


def lies(space: Space, limit: int) -> Iterator[MessageMap]:
    """Yield every map but the identity if there are at most `limit`, else the distinct maps in words."""
    if isinstance(space, Interval):
        yield from map(MessageMap, ("flip", "low", "high"))
        return
    size = space.size
    if size**size - 1 <= limit:
        for image in product(range(size), repeat=size):
            if image != tuple(range(size)):
                yield MessageMap("/".join(space.labels[k] if _plain(space, k) else str(k) for k in image))
        return
    seen = {tuple(range(size))}
    candidates = [MessageMap(word) for word in WORDS]
    for lie in candidates:
        image = tuple(int(k) for k in lie.image(space))
        if image not in seen:
            seen.add(image)
            yield lie


def _plain(space: Finite, k: int) -> bool:
    """Return whether the label can be written in an option and means message k."""
    label = space.labels[k]
    return not set("/,=:&") & set(label) and space.index(label, "label") == k
