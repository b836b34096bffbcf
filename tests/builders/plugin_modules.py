"""Which plug-ins a process has taken in."""

import sys
from typing import Any

from dynmech.experiments.workers.pool import EXECUTORS
from dynmech.sim.core.registry import PLUGIN


def plugin_modules() -> list[str]:
    """Names of the plug-in modules of this process."""
    return [name for name in sys.modules if name.startswith(PLUGIN)]


def workers_without() -> bool:
    """Whether no worker of this process has taken in a plug-in; several are not asked."""
    return all(_clean(executor) for executor in EXECUTORS)


def _clean(executor: Any) -> bool:
    try:
        return executor._max_workers == 1 and not executor.submit(plugin_modules).result(timeout=5)
    except Exception:  # it is broken, or still at work
        return False
