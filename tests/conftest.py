"""One fixed Hypothesis profile, so that a test run is the same everywhere."""

import gc
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.workers.pool import Loky
from tests.builders.plugin_modules import plugin_modules, workers_without

settings.register_profile(
    "fixed", derandomize=True, deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("fixed")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background by a script
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONG = (
    "test_docs.py",
    "test_check_mechanism.py",
    "test_stress.py",
    "test_hostile.py",
    "test_run_plots.py",
    "test_skeletons.py",
    "test_lags.py",
    "test_continuous.py",
    "test_shards.py",
    "test_tournament.py",
    "test_learners.py",
    "test_readme.py",
    "test_relabelling.py",
    "test_stress_luck.py",
    "test_contingent.py",
    "test_streams.py",
    "test_checking.py",
    "test_cli.py",
    "test_private_actions.py",
    "test_factored_laws.py",
    "test_two_period.py",
    "test_kills.py",
    "test_kakade_lobel_nazerzadeh.py",
    "test_self_enforcing.py",
    "test_self_enforcing_economies.py",
    "test_cli_errors.py",
    "test_check.py",
    "test_fused_games.py",
    "test_pool.py",
    "test_manners.py",
    "test_audit_screen.py",
    "test_saving.py",
    "test_robusting.py",
    "test_units.py",
    "test_guard.py",
)
"""Files that take longest. They go first: a process that begins with one at the end leaves the others idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; `--no-loadscope-reorder` keeps them there."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


def pytest_collection_finish() -> None:
    """Leave what collecting has made out of every later search for garbage: it lives as long as the process."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Let what was left out be freed when the process ends: some libraries count what is not."""
    gc.unfreeze()


FEW = 5
"""Examples that no test goes below in the quick suite."""

SHARE = 0.25
"""Of the examples of a test, how many are tried in the quick suite."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try some of the examples of a property in the quick suite, and all of them with the slow tests."""
    chosen = getattr(metafunc.function, "_hypothesis_internal_use_settings", None)
    if chosen is None or metafunc.definition.get_closest_marker("slow"):
        return
    every = chosen.max_examples
    some = max(min(every, FEW), round(SHARE * every))
    if some < every:
        both = [pytest.param(some, id="some"), pytest.param(every, id="every", marks=pytest.mark.slow)]
        metafunc.parametrize("_examples", both, indirect=True)


@pytest.fixture(autouse=True)
def _examples(request: pytest.FixtureRequest) -> Iterator[None]:
    """Set how many examples a property is tried on."""
    count = getattr(request, "param", None)
    if count is None:
        yield
        return
    chosen = request.function._hypothesis_internal_use_settings
    request.function._hypothesis_internal_use_settings = settings(chosen, max_examples=count)
    yield
    request.function._hypothesis_internal_use_settings = chosen


@pytest.fixture(autouse=True)
def _no_width_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parallel workers are given a width of the terminal; what is printed must not depend on it."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(autouse=True)
def _no_plugin_outlives_its_test() -> Iterator[None]:
    """Plug-ins are taken in for the whole process, and by its workers too; a test must not see another's.

    Users' code runs in children of a worker: one that has done nothing else has taken in nothing, and stays.
    """
    yield
    for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
        registry._added.clear()
    if plugins := plugin_modules():
        if not workers_without():
            Loky(1).end()
        for name in plugins:
            del sys.modules[name]
