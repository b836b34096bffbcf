from . import testing as testing
from .agents.strategies.base import AgentContext as AgentContext, Strategy as Strategy
from .agents.strategies.per_episode import EpisodeStrategy as EpisodeStrategy
from .experiments.audits.auditing import audit as audit
from .experiments.audits.found_equilibrium import Equilibrium as Equilibrium, equilibrium as equilibrium
from .experiments.audits.relaxed_economy import relaxation as relaxation
from .experiments.audits.revenue_bound import bound as bound
from .experiments.audits.transfer_sizes import epsilon_curve as epsilon_curve, plot_epsilon as plot_epsilon
from .experiments.catalog.names import (
    load as load,
    make_mechanism as make_mechanism,
    make_strategy as make_strategy,
)
from .experiments.certificates.certified_audit import certify as certify
from .experiments.certificates.verified import Verified as Verified, verify as verify
from .experiments.checks.checking import (
    check_environment as check_environment,
    check_mechanism as check_mechanism,
    check_plugins as check_plugins,
    check_strategy as check_strategy,
)
from .experiments.designs.designing import design as design
from .experiments.designs.mapping import possibility_map as possibility_map
from .experiments.estimation.estimating import estimate as estimate
from .experiments.exports.exporting import export as export
from .experiments.plots.run_plots import write_plots as write_plots
from .experiments.plots.stress_plots import plot_stress as plot_stress
from .experiments.report.page import report as report
from .experiments.reproductions.claims import reproduce as reproduce
from .experiments.robustness.robusting import robust as robust
from .experiments.runs.in_memory import simulate as simulate
from .experiments.runs.replaying import replay as replay
from .experiments.runs.results import read_run as read_run
from .experiments.runs.running import run as run
from .experiments.runs.stressing import stress as stress
from .experiments.runs.study import load_study as load_study
from .experiments.scenarios.base import Scenario as Scenario
from .experiments.sweeps.sweep_result import SweepResult as SweepResult
from .experiments.sweeps.sweeping import sweep as sweep
from .experiments.tournament.loading import load_tournament as load_tournament
from .experiments.tournament.playing import tournament as tournament
from .experiments.workers.plugin_opening import use_plugins as use_plugins
from .mechanisms.rules.base import DirectMechanism as DirectMechanism, Mechanism as Mechanism
from .mechanisms.tables.mechanism_files import load_mechanism as load_mechanism, save_mechanism as save_mechanism
from .sim.core.errors import (
    DynmechError as DynmechError,
    InputError as InputError,
    PlayError as PlayError,
    Refusal as Refusal,
)
from .sim.economy.autoregressive_law import autoregression as autoregression
from .sim.economy.density import DensityEnvironment as DensityEnvironment
from .sim.economy.environment import Environment as Environment, TableEnvironment as TableEnvironment
from .sim.economy.files import load_environment as load_environment, save_environment as save_environment
from .sim.economy.from_functions import environment as environment
from .sim.economy.function import FunctionEnvironment as FunctionEnvironment
from .sim.economy.lagged_signals import finite_memory as finite_memory
from .sim.play.roles import Acts as Acts, Promises as Promises, Situation as Situation, View as View

__version__: str
__all__: list[str]
