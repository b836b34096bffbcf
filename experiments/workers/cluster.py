"""Send calls to the workers of a Dask cluster (optional extra `cluster`).

The run folder must lie where every worker finds it under the same path, and so must plug-in files; dynmech must be
installed on every machine. Workers write their own shards and return a line per shard. If a worker dies, another one
gets its calls; a worker that joins late gets calls as soon as it is there.
"""

import logging
import warnings
from concurrent.futures import CancelledError, Future
from importlib.util import find_spec
from typing import Any

from dynmech.experiments.workers.pool import Crew
from dynmech.sim.core.errors import InputError, StorageError


def dask_crew(address: str) -> Crew:
    """Connect to the cluster whose scheduler has this address (`tcp://host:8786`).

    Raises:
        InputError: Dask is not installed, or nobody answers.
    """
    if find_spec("distributed") is None:
        raise InputError("cluster: Dask is not installed: pip install 'dynmech[cluster]'")
    return _Dask(address)


class _Dask:
    nearby: bool = False
    brittle: bool = False
    lost: tuple[type[BaseException], ...]

    def __init__(self, address: str) -> None:
        from distributed import Client, KilledWorker

        self.address = address
        self.lost = (KilledWorker, CancelledError)  # the latter where the scheduler went; `room` then says so
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # other versions of unrelated packages elsewhere
                self.client = Client(address, timeout=10, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(f"cluster {address}: nobody answers ({' '.join(str(error).split())})") from None
        _silence("distributed", "tornado", "asyncio")  # a connection that is lost is told by `room`, in one line
        self.executor = self.client.get_executor(pure=False)

    def room(self) -> int:
        """One more than there are threads in the cluster.

        Raises:
            StorageError: the scheduler is gone.
        """
        try:
            return 1 + sum(self.client.nthreads().values())
        except (OSError, TimeoutError, RuntimeError, CancelledError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise StorageError(
                f"cluster {self.address}: its scheduler is gone ({reason}); repeat the command"
            ) from None

    def submit(self, function: Any, *args: Any) -> "Future[Any]":
        """Send a call to the cluster."""
        future: Future[Any] = self.executor.submit(function, *args)
        return future

    def end(self) -> None:
        """Cancel what is not finished and leave the cluster."""
        self.executor.shutdown(wait=False)
        self.client.close(timeout=5)


def _silence(*talkers: str) -> None:
    """Turn off loggers and those below them, which have levels of their own."""
    for name in [*talkers, *logging.root.manager.loggerDict]:
        if name.partition(".")[0] in talkers:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
