"""Work for several processes: every call gets an answer, in the order in which they come, whoever dies on the way."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech.experiments.runs.loading import make_workers
from dynmech.experiments.workers import pool
from dynmech.experiments.workers.interrupts import uninterrupted
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pool import DEATHS, Call, Done, Workers
from dynmech.experiments.workers.sandbox import Answer
from dynmech.sim.core.errors import InputError, PlayError, StorageError
from tests.builders.processes import alive, gone
from tests.builders.sandboxed import QUICK, asked


def slow(*values: Any) -> Any:
    """Parameters of a case that is run with the slow tests: every death of a worker costs the start of others."""
    return pytest.param(*values, marks=pytest.mark.slow)


def calls(function: Callable[..., Any], things: list[Any], *args: Any, users: bool = False) -> Iterator[Call]:
    for key, thing in enumerate(things):
        yield Call(key, function, thing, partial(Parcel.of, thing), args, users)


def answers(done: list[Done]) -> dict[Any, Any]:
    """Per key the value, or what went wrong."""
    return {one.key: one.answer.value if one.answer.error is None else str(one.answer.error) for one in done}


def square(x: int) -> int:
    return x * x


def where(_: Any) -> tuple[int, int, str, str | None]:
    return os.getpid(), os.getppid(), os.getcwd(), os.environ.get("OPENBLAS_NUM_THREADS")


@pytest.mark.parametrize(
    ("count", "users"), [(1, False), (1, True), (2, True), (2, False), slow(3, True), slow(3, False)]
)
def test_every_call_is_answered_once(count: int, users: bool) -> None:
    done = list(Workers(count, QUICK).run(calls(square, list(range(20)), users=users)))
    assert sorted(one.key for one in done) == list(range(20))
    assert answers(done) == {k: k * k for k in range(20)}
    assert {one.tries for one in done} == {1}


def test_nothing_to_do_is_nothing_done() -> None:
    assert list(Workers(2).run([])) == []


def test_where_work_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker: ours here, users' in a child of a process of its own. Several: in one thread each."""
    monkeypatch.chdir(tmp_path)
    pid, _, folder, _ = asked(Workers(1), Call(0, where, 0, partial(Parcel.of, 0)))
    assert (pid, folder) == (os.getpid(), str(tmp_path))
    pid, parent, folder, threads = asked(Workers(1), Call(0, where, 0, partial(Parcel.of, 0), users=True))
    assert os.getpid() not in (pid, parent)
    assert (folder, threads) == (str(tmp_path), "1")
    assert alive(parent)
    assert not alive(pid)
    found = answers(list(Workers(2).run(calls(where, [0] * 12))))
    assert {place[1:] for place in found.values()} == {(os.getpid(), str(tmp_path), "1")}
    assert 1 <= len({place[0] for place in found.values()}) <= 2


def test_calls_are_made_as_workers_become_free() -> None:
    made, most, done = 0, 0, 0

    def counted() -> Iterator[Call]:
        nonlocal made
        for call in calls(square, list(range(30))):
            made += 1
            yield call

    for _ in Workers(2).run(counted()):
        most = max(most, made - done)
        done += 1
    assert (made, done) == (30, 30)
    assert most <= 4, "two at work, one waiting, one just answered"


# Failing


def at_the_second_try(place: Path) -> str:
    try:
        place.touch(exist_ok=False)
    except FileExistsError:
        return "done"
    raise PlayError("the first try fails")


@pytest.mark.parametrize(("count", "users"), [(1, False), slow(1, True), (2, True), (2, False)])
def test_what_fails_is_tried_once_more(count: int, users: bool, tmp_path: Path) -> None:
    things = [tmp_path / str(k) for k in range(3)]
    done = list(Workers(count, QUICK).run(calls(at_the_second_try, things, users=users)))
    assert [(one.answer.value, one.tries) for one in done] == [("done", 2)] * 3


def odd_ones_fail(k: int) -> int:
    if k % 2:
        raise PlayError(f"{k} is odd") if k % 3 else ValueError(f"{k} is\nvery odd")
    return k


@pytest.mark.parametrize("count", [1, 2])
def test_the_rest_is_done(count: int) -> None:
    done = list(Workers(count).run(calls(odd_ones_fail, list(range(10)))))
    found = answers(done)
    assert {k: found[k] for k in range(0, 10, 2)} == {k: k for k in range(0, 10, 2)}
    assert [found[k] for k in (1, 5, 7)] == ["1 is odd", "5 is odd", "7 is odd"]
    assert all(found[k].startswith(f"ValueError: {k} is very odd (test_pool.py, line ") for k in (3, 9))
    assert {one.tries for one in done if one.key % 2} == {2}
    assert {one.key for one in done if one.answer.bare} == {3, 9}


def full_disk(place: Path) -> None:
    with place.open("a", encoding="ascii") as file:
        file.write("x")
    raise StorageError("a/b.parquet: cannot be written: No space left on device")


@pytest.mark.parametrize(("count", "users"), [(1, False), (2, True), slow(1, True), slow(2, False)])
def test_a_full_disk_stops_everything_at_once(count: int, users: bool, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No space left on device"):
        list(Workers(count, QUICK).run(calls(full_disk, [tmp_path / "tried"] * 50, users=users)))
    assert len((tmp_path / "tried").read_text()) <= count + 1, "not tried again, and no other"


def test_to_ask_is_to_get_the_value_or_the_error() -> None:
    for count in (1, 2):
        assert asked(Workers(count), Call("k", square, 3, partial(Parcel.of, 3))) == 9
        with pytest.raises(PlayError, match="5 is odd"):
            asked(Workers(count), Call("k", odd_ones_fail, 5, partial(Parcel.of, 5)))


def cannot_be_packed() -> Parcel:
    return Parcel.of(threading.Lock())


def test_what_cannot_be_packed_fails_alone() -> None:
    work = [*calls(square, [2, 3]), Call("bad", square, 0, cannot_be_packed)]
    found = answers(list(Workers(2).run([work[0], work[2], work[1]])))
    assert found.pop("bad").startswith("cannot be sent to another process: TypeError: ")
    assert found == {0: 4, 1: 9}


def cannot_be_unpacked() -> Parcel:
    return Parcel(payload=b"no pickle")


def returns_a_lock(_: int) -> Any:
    return threading.Lock()


def test_what_cannot_travel_is_an_error_of_its_own() -> None:
    work = [
        Call("there", square, 0, cannot_be_unpacked),
        Call("back", returns_a_lock, 0, partial(Parcel.of, 0)),
        *calls(square, [3]),
    ]
    done = {one.key: one for one in Workers(2).run(work)}
    assert done[0].answer.value == 9
    for key in ("there", "back"):
        assert done[key].answer.bare
        assert "pickl" in str(done[key].answer.error).lower()


# Dying


def dies(k: int) -> int:
    if k == 3:
        time.sleep(0.2)  # until others are in flight
        os.kill(os.getpid(), signal.SIGKILL)
    return k


def kills_its_worker(k: int) -> int:
    if k == 3:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(10)
    return k


@pytest.mark.parametrize(
    ("function", "count", "users"),
    [slow(dies, 2, False), slow(dies, 3, False), slow(kills_its_worker, 1, True), slow(kills_its_worker, 2, True)],
)
def test_who_kills_its_worker_fails_alone(function: Callable[[int], int], count: int, users: bool) -> None:
    done = list(Workers(count, QUICK).run(calls(function, list(range(9)), users=users)))
    found = answers(done)
    assert found.pop(3) == f"its worker process died {DEATHS} times (killed, or out of memory)"
    assert found == {k: k for k in range(9) if k != 3}
    (dead,) = [one for one in done if one.key == 3]
    assert (dead.answer.bare, dead.tries) == (True, DEATHS)


class _Fragile:
    """A crew in which workers are killed from outside, as often as it is told.

    Args:
        kills: how many calls in a row lose their worker.
    """

    nearby, brittle, lost = False, True, (BrokenProcessPool,)

    def __init__(self, kills: int) -> None:
        self.kills = kills

    def room(self) -> int:
        return 3

    def submit(self, _function: Any, *_args: Any) -> "Future[Answer]":
        future: Future[Answer] = Future()
        if self.kills:
            self.kills -= 1
            if self.kills % 2:
                raise BrokenProcessPool("as it is asked for")
            future.set_exception(BrokenProcessPool("in flight"))
        else:
            future.set_result(Answer(value="done"))
        return future

    def end(self) -> None:
        pass


@pytest.mark.parametrize("kills", [1, 2, 3, 4, 5])
def test_calls_whose_workers_are_killed_from_outside_are_tried_more_often(kills: int) -> None:
    """Three in flight at once, then one of them alone."""
    done = list(Workers(crew=_Fragile(kills)).run(calls(square, [1, 2, 3, 4])))
    assert answers(done) == dict.fromkeys(range(4), "done")


def test_a_call_at_which_every_worker_dies_fails_in_the_end() -> None:
    (one,) = Workers(crew=_Fragile(100)).run(calls(square, [1]))
    assert str(one.answer.error) == f"its worker process died {DEATHS} times (killed, or out of memory)"
    assert one.tries == DEATHS


def dies_once(place: Path) -> str:
    try:
        place.touch(exist_ok=False)
    except FileExistsError:
        return "done"
    if place.name == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


@pytest.mark.slow
def test_a_worker_that_is_killed_once_costs_nothing(tmp_path: Path) -> None:
    done = list(Workers(2).run(calls(dies_once, [tmp_path / str(k) for k in range(5)])))
    assert answers(done) == dict.fromkeys(range(5), "done")


def test_workers_killed_between_calls_are_replaced() -> None:
    """From outside, while nothing is in flight or in the middle of it."""
    stream = Workers(2).run(calls(slow_where, [0] * 8))
    first = next(stream)
    os.kill(first.answer.value[0], signal.SIGKILL)
    rest = list(stream)
    assert len(rest) == 7
    assert all(one.answer.error is None for one in rest)


def slow_where(_: Any) -> tuple[int, int, str, str | None]:
    time.sleep(0.05)
    return where(_)


def wait_for_ever(place: Path) -> None:
    (place / str(os.getpid())).touch()
    time.sleep(100)


@pytest.mark.parametrize("users", [slow(False), True])
def test_who_stops_listening_ends_the_workers(users: bool, tmp_path: Path) -> None:
    work = [*calls(square, [1], users=users), *calls(wait_for_ever, [tmp_path] * 3, users=users)]
    for _ in Workers(2, QUICK).run(work):
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.02)
        break
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert len(pids) >= 2
    assert all(gone(pid) for pid in pids)
    assert next(Workers(2).run(calls(square, [5]))).answer.value == 25, "and others take their place"


def test_large_parcels_and_answers_do_not_choke_the_line() -> None:
    things = [np.full(1 << 18, k) for k in range(6)]  # 2 MB each, far more than a pipe holds
    found = answers(list(Workers(2).run(calls(np.copy, things))))
    assert all(np.array_equal(found[k], things[k]) for k in range(6))


# Interrupts


def test_an_interrupt_waits_for_the_end_of_what_must_not_be_interrupted() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012, SIM117
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
            steps.append("done")
    assert steps == ["done"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())


def test_workers_do_not_hear_of_interrupts() -> None:
    """A signal to every process of the group, as a terminal sends it; here one by one."""
    worker = asked(Workers(2), Call(0, where, 0, partial(Parcel.of, 0)))[0]
    os.kill(worker, signal.SIGINT)
    time.sleep(0.1)
    assert alive(worker)


# How many


def test_how_many_workers() -> None:
    assert make_workers(3, 1, 1).count == 3
    assert make_workers(0, 1, 1).count >= 1
    with pytest.raises(InputError, match="workers: -1 is below 0"):
        make_workers(-1, 1, 1)
    with pytest.raises(InputError, match="workers: 0 is below 1"):
        Workers(0)


def test_the_pool_leaves_nothing_in_this_process() -> None:
    before = list(sys.warnoptions), signal.getsignal(signal.SIGINT)
    list(Workers(2).run(calls(square, [1, 2])))
    assert (list(sys.warnoptions), signal.getsignal(signal.SIGINT)) == before
    pool.Loky(2).end()
    assert pool.EXECUTORS == []
