"""The most that can be earned in small economies, and the mechanisms that earn it.

`revenue_optimum` and `dynamic_revenue` are linear programs over all direct mechanisms of two or more periods;
`RevenueOptimal` plays the solution. `TwoPeriodTypes`, `CutoffRule` and `OptimalTwoPeriod` treat one buyer with
continuous types, `discrete_virtual_values` one with finite types.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
