"""What goes out of a run folder for other programs: games, arrays and tables.

`exporting` says which format can be had of which kind of run and writes it; `sources` opens the run. Games go out as
tensors (`payoff_tensors`) in Gambit's format (`gambit`) or profile by profile (`gameanalysis`), figures as arrays
(`arrays`) and as tables (`tables`; in LaTeX `latex_tables`, written by `latex`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
