from .sweep_plan import SweepPlan as SweepPlan
from .sweep_plots import plot_sweep as plot_sweep
from .sweep_result import SweepResult as SweepResult
from .sweeping import sweep as sweep
from .variations import Variation as Variation, read_variations as read_variations
