"""Linear algebra and linear programs behind transfers.

Solvers of payment targets (`make_solver`), hulls of beliefs, beliefs over several lags, transfers by brackets, payments
that implement a single decision ex post, and linear pieces of convex functions.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
