"""What counts where a message is late, missing or kept back."""

import numpy as np
import pytest

from dynmech.sim.core.arrays import Array
from dynmech.sim.core.spaces import SILENT
from dynmech.sim.play.late_messages import with_default
from dynmech.sim.play.messages import Message

SENT = np.array([3, SILENT, 5])


def default() -> Array:
    return np.array([7, 8, 9])


def unasked() -> Array:
    raise AssertionError("nothing is missing")


@pytest.mark.parametrize(
    ("on_time", "silent", "counted", "missing"),
    [
        (None, True, [3, 8, 5], [False, True, False]),
        ([True, True, False], False, [3, SILENT, 9], [False, False, True]),
        ([False, True, True], True, [7, 8, 5], [True, True, False]),
        ([False, False, False], False, [7, 8, 9], [True, True, True]),
    ],
)
def test_the_default_counts_where_nothing_came_in_time(
    on_time: list[bool] | None, silent: bool, counted: list[int], missing: list[bool]
) -> None:
    message = Message(SENT, None if on_time is None else np.array(on_time))
    found = with_default(message, default, 3, silent=silent)
    assert [one.tolist() for one in found] == [counted, missing]


def test_who_sends_nothing_at_all_is_missing_everywhere() -> None:
    counted, missing = with_default(None, default, 3, silent=False)
    assert counted.tolist() == [7, 8, 9]
    assert missing.all()


def test_where_all_is_in_time_no_default_is_asked_for() -> None:
    message = Message(SENT, np.ones(3, np.bool_))
    counted, missing = with_default(message, unasked, 3, silent=False)
    assert counted is message.values
    assert not missing.any()
