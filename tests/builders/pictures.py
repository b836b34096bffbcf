"""Pictures as arrays."""

from pathlib import Path

import matplotlib as mpl
import numpy as np

from dynmech.sim.core.arrays import FloatArray


def pixels(path: Path) -> FloatArray:
    """Red, green and blue, `(height, width, 3)`."""
    return np.asarray(mpl.image.imread(path))[..., :3].astype(np.float64)
