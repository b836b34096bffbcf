from .run_plots import Column as Column, write_plots as write_plots
from .stress_plots import plot_stress as plot_stress, save_figure as save_figure
