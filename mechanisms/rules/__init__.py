"""What mechanisms have in common: base classes, rules written out as tables, the values of truthful play."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
