"""Floor 4: scenarios, runs, stress tests, results and plots, the command line."""

from dynmech.experiments.auditing import audit, audit_data
from dynmech.experiments.catalog import make_environment, make_mechanism, make_strategy, use_plugins
from dynmech.experiments.checking import check_environment, check_mechanism, check_plugins, check_strategy
from dynmech.experiments.continuous import epsilon_curve, plot_epsilon
from dynmech.experiments.correlation import plot_correlation, sweep_correlation
from dynmech.experiments.plots import plot_stress
from dynmech.experiments.relaxation import relaxation
from dynmech.experiments.replaying import replay
from dynmech.experiments.report.page import write_report
from dynmech.experiments.results import read_run
from dynmech.experiments.run_plots import write_plots
from dynmech.experiments.running import run
from dynmech.experiments.stressing import stress
from dynmech.experiments.study import load_study
from dynmech.experiments.tournament.loading import load_tournament
from dynmech.experiments.tournament.playing import tournament
from dynmech.experiments.yardstick import yardstick
from dynmech.sim.environment_file import load_environment, save_environment

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
