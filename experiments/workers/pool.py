"""Send calls to loky worker processes, a few at a time; a call that fails is tried once more.

`Workers.run` takes an iterator of calls and yields results as they are finished, with a few calls in flight at a time,
so that memory does not grow with their number. Users' code runs in a process of its own
(`dynmech.experiments.workers.sandbox`). If a worker dies, the calls in flight are tried again one by one, and more
often than a call that fails by itself.
"""

import importlib
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Protocol

from loky import get_reusable_executor

from dynmech.experiments.catalog.names import index_shipped_names
from dynmech.experiments.workers.interrupts import uninterrupted
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.process_tree import children
from dynmech.experiments.workers.sandbox import Answer, Limits, attempted, confined, located
from dynmech.sim.core.errors import DynmechError, InputError, PlayError, StorageError, WorkerDied

TRIES = 2
"""How often a call is tried that fails by itself."""

DEATHS = 4
"""How many workers may die at a call: they are ended from outside, too, and then the call is not to blame."""

LOOK = 2.0
"""Seconds after which a crew is asked again how many calls it takes: a cluster may grow."""

IDLE = 60
"""Seconds after which an idle worker ends."""

THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
"""Environment of a worker: one thread each, so that workers do not compete for the cores."""


@dataclass(frozen=True)
class Call:
    """One piece of work, `function(thing, *args)`; another process gets `thing` from the parcel, this one as it is.

    Attributes:
        key: identifies it in `Done`.
        users: whether users' code runs in it.
    """

    key: Any
    function: Callable[..., Any]
    thing: Any
    parcel: Callable[[], Parcel]
    args: tuple[Any, ...] = ()
    users: bool = False


@dataclass(frozen=True)
class Done:
    """The result of a call, and how often it was tried."""

    key: Any
    answer: Answer
    tries: int


class Crew(Protocol):
    """Processes that take calls.

    Attributes:
        nearby: whether they run on this machine, in this folder.
        brittle: whether all calls in flight are lost when one process dies.
        lost: the errors that a future raises when its process died.
    """

    @property
    def nearby(self) -> bool: ...

    @property
    def brittle(self) -> bool: ...

    @property
    def lost(self) -> tuple[type[BaseException], ...]: ...

    def room(self) -> int:
        """Return how many calls to keep in flight."""
        ...

    def submit(self, function: Callable[..., Answer], *args: Any) -> "Future[Answer]":
        """Send a call out."""
        ...

    def end(self) -> None:
        """Drop everything in flight."""
        ...


EXECUTORS: list[Any] = []
"""The pool in use on this machine, if any."""


@dataclass(frozen=True)
class Loky:
    """Worker processes on this machine; they stay for a while, and are replaced when one has died."""

    count: int
    nearby: ClassVar[bool] = True
    brittle: ClassVar[bool] = True
    lost: ClassVar[tuple[type[BaseException], ...]] = (BrokenProcessPool,)

    def room(self) -> int:
        """Return one more than there are processes, so that none is idle."""
        return self.count + 1

    def submit(self, function: Callable[..., Answer], *args: Any) -> "Future[Answer]":
        """Send a call to the present pool, or to a new one if it is broken or gone."""
        with uninterrupted():
            try:
                executor = get_reusable_executor(
                    self.count,
                    timeout=IDLE,
                    kill_workers=True,
                    initializer=_begin,
                    initargs=(os.getpid(),),
                    env=THREADS,
                )
                EXECUTORS[:] = [executor]
                future: Future[Answer] = executor.submit(function, *args)
            except OSError as error:  # what processes share lies in /dev/shm, which may be full or closed
                why = error.strerror or error
                raise StorageError(f"worker processes cannot be started: {why} (is /dev/shm writable?)") from None
        return future

    def end(self) -> None:
        """Kill the workers, whatever they do."""
        with uninterrupted():
            while EXECUTORS:
                EXECUTORS.pop().shutdown(wait=True, kill_workers=True)


@dataclass(frozen=True)
class Workers:
    """Who does the work.

    Attributes:
        count: processes on this machine; 1: this process does the work itself, users' code apart.
        limits: what users' code may take per call.
        crew: processes elsewhere, in place of those on this machine.
    """

    count: int = 1
    limits: Limits = field(default_factory=Limits)
    crew: Crew | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"workers: {self.count} is below 1")

    @property
    def many(self) -> bool:
        """Whether calls go out to several processes."""
        return self.count > 1 or self.crew is not None

    def run(self, calls: Iterable[Call]) -> Iterator[Done]:
        """Do the calls and yield their results in the order in which they are finished.

        Raises:
            StorageError: nothing more can be written.
        """
        if self.many:
            yield from self._spread(calls)
            return
        for call in calls:
            yield from self._spread([call]) if call.users else [_tried(call)]

    def _spread(self, calls: Iterable[Call]) -> Iterator[Done]:
        rest = iter(calls)
        crew: Crew = self.crew or Loky(self.count)
        flying: dict[Future[Answer], tuple[Call, int]] = {}
        retries: deque[tuple[Call, int]] = deque()
        try:
            while True:
                while len(flying) < crew.room() and (attempt := retries.popleft() if retries else _next(rest)):
                    flying[self._submit(attempt[0], crew)] = attempt
                if not flying:
                    return
                landed, _ = wait(flying, timeout=LOOK, return_when=FIRST_COMPLETED)
                lost = []
                for future in landed:
                    call, tries = flying.pop(future)
                    answer = _result(future, crew)
                    if answer is None:
                        lost.append((call, tries))
                    elif _worth_another(answer, tries):
                        retries.append((call, tries + 1))
                    else:
                        yield _checked(Done(call.key, answer, tries))
                if lost and crew.brittle:  # whoever was in flight may have killed the worker
                    lost += flying.values()
                    flying.clear()
                for call, tries in lost:
                    yield self._alone(call, tries, crew)
        except BaseException:
            crew.end()
            raise

    def _submit(self, call: Call, crew: Crew) -> "Future[Answer]":
        try:
            parcel = call.parcel()
        except DynmechError as error:
            failed: Future[Answer] = Future()
            failed.set_result(Answer(error=error, bare=True))
            return failed
        place = Place.here() if crew.nearby else None
        try:
            return crew.submit(_serve, place, call.function, parcel, call.args, self.limits if call.users else None)
        except crew.lost as error:  # the pool has broken since it was asked for
            gone: Future[Answer] = Future()
            gone.set_exception(error)
            return gone

    def _alone(self, call: Call, tries: int, crew: Crew) -> Done:
        """Try a call whose worker died again, with no other call in flight."""
        deaths = 1
        while deaths < DEATHS:
            tries += 1
            answer = _result(self._submit(call, crew), crew)
            deaths += answer is None
            if answer is not None and not _worth_another(answer, tries - deaths):
                return _checked(Done(call.key, answer, tries))
        how = WorkerDied(f"its worker process died {DEATHS} times (killed, or out of memory)")
        return Done(call.key, Answer(error=how, bare=True), tries)


def _next(calls: Iterator[Call]) -> tuple[Call, int] | None:
    call = next(calls, None)
    return None if call is None else (call, 1)


def _tried(call: Call) -> Done:
    """Do a call in this process."""
    for tries in range(1, TRIES + 1):
        answer = attempted(partial(call.function, call.thing, *call.args))
        if not _worth_another(answer, tries):
            break
    return _checked(Done(call.key, answer, tries))


def _worth_another(answer: Answer, tries: int) -> bool:
    return answer.error is not None and not isinstance(answer.error, StorageError) and tries < TRIES


def _checked(result: Done) -> Done:
    """Return a result, unless it is an error that stops the whole run: that is raised."""
    if isinstance(result.answer.error, StorageError):
        raise result.answer.error
    return result


def _result(future: "Future[Answer]", crew: Crew) -> Answer | None:
    """Return a call's answer, None if its worker died."""
    try:
        return future.result().opened()
    except crew.lost:
        return None
    except Exception as error:  # the worker could not even begin, or its answer not be sent
        return Answer(error=PlayError(located(error)), bare=True)


# In a worker


def _begin(parent: int) -> None:
    """Ignore Ctrl-C, and end this worker when its parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)
    for child in children():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    os._exit(1)


@dataclass(frozen=True)
class Place:
    """The parent's working folder and module path, in which a worker does a call."""

    folder: str
    path: tuple[str, ...]

    @classmethod
    def here(cls) -> "Place":
        """Return those of this process."""
        return cls(os.getcwd(), tuple(sys.path))

    def enter(self) -> None:
        """Make them this process's own."""
        os.chdir(self.folder)
        if tuple(sys.path) != self.path:
            sys.path[:] = self.path
            importlib.invalidate_caches()


def _serve(
    place: Place | None, function: Callable[..., Any], parcel: Parcel, args: tuple[Any, ...], limits: Limits | None
) -> Answer:
    def work() -> Any:
        if place is not None:
            place.enter()
        return function(parcel.open(), *args)

    if limits is None:
        return attempted(work)
    if parcel.plugins:
        index_shipped_names()
    return confined(work, limits)
