"""The quick looks at answers say what a look at every element would say."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.sim.core.arrays import Array, IntArray
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.spaces import SILENT, Finite
from dynmech.sim.play.output_validation import checked_answer, finite, within

EXTREME = st.sampled_from([-(2**63), -(2**63) + 1, -2, -1, 0, 1, 2, 3, 2**31, 2**62, 2**63 - 2, 2**63 - 1])


@given(
    st.lists(st.one_of(EXTREME, st.integers(0, 3)), min_size=1, max_size=20),
    st.integers(1, 5),
    st.sampled_from([0, -1]),
)
def test_indices_are_within_if_each_is(values: list[int], size: int, least: int) -> None:
    assert within(np.array(values, np.int64), size, least) == all(least <= value < size for value in values)


@given(st.lists(st.floats(), min_size=1, max_size=30))
def test_numbers_are_finite_if_each_is(values: list[float]) -> None:
    assert finite(np.array([values])) == finite(np.array([values]).T) == all(abs(v) < np.inf for v in values)


@pytest.mark.parametrize("n", [1, 50])
def test_finite_numbers_whose_sum_is_not_are_finite(n: int) -> None:
    assert finite(np.full((n, 2), 1.7e308))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("n", [1, 30])
def test_indices_of_any_type_come_back_as_a_private_copy(kind: type, n: int) -> None:
    answer: Array = np.arange(n).astype(kind) % 3
    copy = checked_answer(answer, Finite(("a", "b", "c")), n, lambda: "somebody")
    assert copy.dtype == np.intp
    assert copy.tolist() == answer.tolist()
    assert not np.shares_memory(copy, answer)
    assert copy.flags.writeable


@pytest.mark.parametrize("n", [1, 30])
@pytest.mark.parametrize("bad", [3, 2**40, -1, -2, -(2**63)])
@pytest.mark.parametrize("silent", [False, True])
def test_the_first_value_outside_is_named(bad: int, n: int, silent: bool) -> None:
    answer: IntArray = np.zeros(n, np.intp)
    answer[-1] = bad
    if silent and bad == SILENT:
        assert (
            checked_answer(answer, Finite(("a", "b", "c")), n, lambda: "who", silent=True).tolist() == answer.tolist()
        )
        return
    with pytest.raises(PlayError) as caught:
        checked_answer(answer, Finite(("a", "b", "c")), n, lambda: "who", silent=silent)
    assert str(caught.value) == f"who returned {bad} (row {n - 1} of the block), outside 0..2: 'a', 'b', 'c'"
