"""The exact oracle: the most that a deviator can gain, by dynamic programming, with the deviation that gains it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
