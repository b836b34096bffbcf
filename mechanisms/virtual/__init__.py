"""Revenue in separable economies: virtual values, the virtual pivot mechanism, menus of contracts, the relaxed
bound."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
