"""Floor 4: scenarios, runs, stress tests, results and plots, the command line."""

from experiments.catalog import make_environment, make_mechanism, make_strategy, use_plugins
from experiments.plots import plot_stress
from experiments.results import read_run
from experiments.running import run
from experiments.stressing import stress

__all__ = [
    "make_environment",
    "make_mechanism",
    "make_strategy",
    "plot_stress",
    "read_run",
    "run",
    "stress",
    "use_plugins",
]
