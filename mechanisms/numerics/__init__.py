"""Linear algebra and linear programs behind transfers: targets to hit, hulls, lags, brackets, ex post payments."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
