"""The work of an exact audit grows in proportion to the horizon, and its progress is told as it goes."""

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import MECHANISMS, load, make_mechanism
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import Refusal
from dynmech.sim.economy.environment import TableEnvironment

ECONOMY = "repeated-auction:horizon={}"


def notes_a_record(name: str) -> bool:
    """Whether a call notes, or names, a new largest value: as often as values happen to grow along the way."""
    return "core/ties.py" in name or ("oracle/gains.py" in name and "<lambda>" in name)


def calls(work: Callable[[], object]) -> Counter[str]:
    """Return how often each function is called, and by whom each built-in one: the same on every machine."""
    count: Counter[str] = Counter()

    def seen(frame: FrameType, event: str, what: Any) -> None:
        if event in ("call", "c_call"):
            code, name = frame.f_code, getattr(what, "__name__", "")
            count[f"{code.co_filename}:{code.co_firstlineno} {code.co_name} {name}"] += 1

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def faster_than_linear(made: Callable[[TableEnvironment], Mechanism], short: int) -> list[str]:
    """Return what is called faster than in proportion, when the horizon goes from `short` to twice and four times it.

    The second doubling adds twice what the first adds if it is in proportion, four times if it is quadratic.
    """

    def work(horizon: int) -> Counter[str]:
        economy = load(ECONOMY.format(horizon))
        assert isinstance(economy, TableEnvironment)
        return calls(lambda: audit(economy, made(economy)))

    audit(ECONOMY.format(2), "pivot")  # imports are not the audit's
    first, second, third = (work(short * k) for k in (1, 2, 4))
    growing = [name for name in third if third[name] - second[name] > max(3 * (second[name] - first[name]), 8 * short)]
    return [name for name in growing if not notes_a_record(name)]


def test_no_work_grows_faster_than_the_horizon() -> None:
    assert not faster_than_linear(lambda economy: make_mechanism("pivot", economy), 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", MECHANISMS.names())
def test_no_work_of_any_mechanism_does(name: str) -> None:
    try:
        make_mechanism(name, load(ECONOMY.format(20)))
    except Refusal:
        pytest.skip("it does not fit")
    assert not faster_than_linear(lambda economy: make_mechanism(name, economy), 6)


@pytest.mark.slow
def test_work_that_does_is_noticed() -> None:
    class LooksAtEveryPeriod(Pivot):
        def charge(self, *args: Any) -> Any:
            [abs(t) for t in range(int(self.environment.horizon or 0))]
            return super().charge(*args)

    assert any("abs" in name for name in faster_than_linear(LooksAtEveryPeriod, 4))


def test_progress_is_told_piece_by_piece() -> None:
    told: dict[str, list[int]] = {}

    def progress(name: str, total: int) -> Callable[[int], None]:
        told[name] = [total]
        return told[name].append

    audit(ECONOMY.format(2), "pivot", progress=progress)
    total, *done = told["searching"]
    assert sum(done) == total
    assert max(done) == 1
    assert total > 10
