"""Pictures as arrays."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

from dynmech.sim.core.arrays import FloatArray


def pixels(path: Path) -> FloatArray:
    """Red, green and blue, `(height, width, 3)`."""
    return np.asarray(mpl.image.imread(path))[..., :3].astype(np.float64)


def colour_count(path: Path) -> int:
    """How many colours there are in a picture; marked one by one, as to sort all pixels takes a second."""
    codes = np.rint(pixels(path) * 255).astype(np.intp) @ np.array([1 << 16, 1 << 8, 1])
    seen = np.zeros(1 << 24, np.bool_)
    seen[codes] = True
    return int(np.count_nonzero(seen))
