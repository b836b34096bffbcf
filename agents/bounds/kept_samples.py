"""Samples that are kept in a folder, batch by batch, so that a line that was interrupted goes on where it stopped.

What is played depends on the batch's address alone (economy, mechanism, penalty, scope, number, size), so that samples
that were read are those that would be played again, and bounds the same to the last digit. A penalty counts by its
place among those that are tried, too: functions that a user gives may share a name.
"""

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np

from dynmech.agents.bounds.bracket import Candidate
from dynmech.agents.bounds.inner_problem import Limits, Samples
from dynmech.sim.core.whole_files import write_whole


@dataclass(frozen=True, eq=False)
class KeptCandidate:
    """A candidate whose batches are read where they have been played before.

    Attributes:
        folder: where they are.
        mark: says which economy, mechanism, agent and seed these are.
        place: of the candidate among those that are tried.
    """

    inner: Candidate
    folder: Path
    mark: str
    place: int

    @property
    def name(self) -> str:
        """What H is."""
        return self.inner.name

    @property
    def steps(self) -> float:
        """Elementary steps of work per path."""
        return self.inner.steps

    @property
    def batch(self) -> int:
        """Paths at a time."""
        return self.inner.batch

    @property
    def shift(self) -> float:
        """What the means are added to."""
        return self.inner.shift

    @property
    def limits(self) -> Limits:
        """The range of the samples, and the tails."""
        return self.inner.limits

    def play(self, scope: str, shard: int, n: int) -> Samples:
        """Return the samples of a batch of paths, played or read."""
        address = "\x1f".join([self.mark, str(self.place), self.name, scope, str(shard), str(n)])
        path = self.folder / f"{sha256(address.encode()).hexdigest()[:24]}.npy"
        found = _read(path, n)
        if found is None:
            found = self.inner.play(scope, shard, n)
            file = BytesIO()
            np.save(file, np.stack(found))
            write_whole(path, file.getvalue())
        return found


def _read(path: Path, n: int) -> Samples | None:
    """Return the samples in a file; None where there is none, or it is damaged."""
    try:
        table = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if table.dtype != np.float64 or table.shape != (3, n) or not np.isfinite(table).all():
        return None
    return Samples(*table)
