"""Floor 4: scenarios, runs, stress tests, results and plots, the command line."""

from experiments.auditing import audit, audit_data
from experiments.catalog import make_environment, make_mechanism, make_strategy, use_plugins
from experiments.checking import check_environment, check_mechanism, check_plugins, check_strategy
from experiments.continuous import epsilon_curve, plot_epsilon
from experiments.correlation import plot_correlation, sweep_correlation
from experiments.plots import plot_stress
from experiments.relaxation import relaxation
from experiments.replaying import replay
from experiments.report.page import write_report
from experiments.results import read_run
from experiments.run_plots import write_plots
from experiments.running import run
from experiments.stressing import stress
from experiments.study import load_study
from experiments.tournament.loading import load_tournament
from experiments.tournament.playing import tournament
from experiments.yardstick import yardstick
from sim.environment_file import load_environment, save_environment

__all__ = [
    "audit",
    "audit_data",
    "check_environment",
    "check_mechanism",
    "check_plugins",
    "check_strategy",
    "epsilon_curve",
    "load_environment",
    "load_study",
    "load_tournament",
    "make_environment",
    "make_mechanism",
    "make_strategy",
    "plot_correlation",
    "plot_epsilon",
    "plot_stress",
    "read_run",
    "relaxation",
    "replay",
    "run",
    "save_environment",
    "stress",
    "sweep_correlation",
    "tournament",
    "use_plugins",
    "write_plots",
    "write_report",
    "yardstick",
]
