"""Sweeps: mechanisms on an economy while options of either vary.

`variations` reads what varies; `sweep_plan` says which economies and mechanisms come of it; `cell_figures` works out
one of them, exactly where an exact audit fits, else by simulation (`simulated_play`); `sweeping` does all of it, in a
folder and on several processes; `sweep_result`, `sweep_frames` and `sweep_plots` are what one holds afterwards.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
