"""What beliefs that come from data cost: mechanisms built on estimates, and the worst law near the nominal one.

`drawn_counts` draws what an estimate is made from; `estimation_cost` builds a mechanism on it and audits it under the
truth; `robust_plan` and `robusting` do that for all mechanisms, numbers of draws and replications, in a folder and on
several processes; `robust_figures`, `robust_result` and `robust_plots` are what one holds afterwards.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
