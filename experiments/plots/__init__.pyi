from .run_plots import Column as Column
from .run_plots import write_plots as write_plots
from .stress_plots import plot_stress as plot_stress
from .stress_plots import save_figure as save_figure
