"""Pictures of results as PDF, SVG or PNG files, the same bytes for the same result.

`stress_plots` draws the heat map of gains, `run_plots` draws everything that a run folder has to show,
`trade_plots` draws the trading examples.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
