from .run_plots import write_plots as write_plots
from .stress_plots import plot_stress as plot_stress
