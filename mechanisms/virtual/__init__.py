"""Revenue in separable economies (Kakade, Lobel and Nazerzadeh).

`VirtualPivot` is the virtual pivot mechanism; `VirtualMyopic` (no decision moves a state), `VirtualIndex` (bandits) and
`OptimalContract` (one buyer) are its special forms, `RelaxedPrices` and the tariffs what it is compared with.
`continuum_bound` and `grid_bound` are the relaxed bounds on revenue, `first_period_ic` checks the first report.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
