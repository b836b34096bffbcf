"""One fixed Hypothesis profile, so that a test run is the same everywhere."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.workers.pool import Loky
from dynmech.sim.core.registry import PLUGIN

settings.register_profile(
    "fixed", derandomize=True, deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")


@pytest.fixture(autouse=True)
def _no_width_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parallel workers are given a width of the terminal; what is printed must not depend on it."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def _no_plugin_outlives_its_test() -> Iterator[None]:
    """Plug-ins are taken in for the whole process, and by its workers too; a test must not see another's."""
    yield
    for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
        registry._added.clear()
    if plugins := [name for name in sys.modules if name.startswith(PLUGIN)]:
        Loky(1).end()
        for name in plugins:
            del sys.modules[name]
