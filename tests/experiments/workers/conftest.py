"""A fixture that tests of the sandbox share."""

import os
from collections.abc import Iterator

import pytest

from tests.builders.sandboxed import children, descriptors, state


@pytest.fixture
def nothing_is_left_behind() -> Iterator[None]:
    """Hold a test to what it must leave as it was: processes, open files, state of this process."""
    os.umask(0o22)
    before = (children(), descriptors(), state())
    yield
    assert children() <= before[0], "no new process, dead or alive"
    assert descriptors() <= before[1], "no open file; some of an earlier test may have been closed meanwhile"
    assert state() == before[2]
