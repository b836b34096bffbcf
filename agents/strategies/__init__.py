"""Strategies: prescribed play (`truthful`) and the deviations that mechanisms must withstand.

`base` holds the class that every strategy derives from, `per_episode` the one for strategies written for one episode at
a time. A deviation is one module; `maps` and `history_conditions` are what its options are written in, `wrapping` and
the wrappers (`noisy`, `delayed`, `shaded`, `mixture`) build strategies from others.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
