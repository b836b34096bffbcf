"""Names with options: `name:key=value,…` becomes a scenario, a mechanism or a strategy."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
