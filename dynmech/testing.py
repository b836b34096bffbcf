"""Checkers for what users write: each raises, naming agent and period, or returns what was checked."""

from dynmech.experiments.checks.checking import (
    check_environment,
    check_mechanism,
    check_plugins,
    check_strategy,
)

__all__ = ["check_environment", "check_mechanism", "check_plugins", "check_strategy"]
