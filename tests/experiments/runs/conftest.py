"""The stress test that several files look at."""

import pytest

from dynmech import stress
from dynmech.experiments.runs.stress_result import StressResult
from tests.builders.stress_rows import NAIVE


@pytest.fixture(scope="module")
def leases(tmp_path_factory: pytest.TempPathFactory) -> StressResult:
    """The main example, once for a file."""
    return stress("oil-leases-prior", [*NAIVE, "linked"], episodes=6000, out=tmp_path_factory.mktemp("stress") / "run")
