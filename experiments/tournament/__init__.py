"""Tournaments: strategies against each other under each mechanism, as an empirical game."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
