"""Strategies: truth and every deviation, with the maps, history conditions and wrappers that they are written in."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
