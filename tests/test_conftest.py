"""What all tests share: how many examples a property is tried on."""

import pytest
from hypothesis import given, settings, strategies as st

TRIED: list[int] = []


@given(st.integers())
def test_some_of_the_examples_are_tried(example: int) -> None:
    TRIED.append(example)


@settings(max_examples=4)
@given(st.integers())
def test_a_property_with_few_examples_is_tried_on_all(example: int) -> None:
    TRIED.append(example)


def test_that_was_so(request: pytest.FixtureRequest) -> None:
    """Five of twenty in the quick suite, all four of four; counted are those that ran before."""
    counts = {"tried[some]": 5, "tried[every]": 20, "tried_on_all": 4}
    mine = [item.name for item in request.session.items if item.path == request.path]
    assert len(TRIED) == sum(counts[end] for end in counts for name in mine if name.endswith(end))
