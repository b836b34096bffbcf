"""Random numbers that are the same in every run."""

import numpy as np


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))
