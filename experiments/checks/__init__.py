"""Checks of what users write: economies, mechanisms, strategies and plug-in files, held to what they declare."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
