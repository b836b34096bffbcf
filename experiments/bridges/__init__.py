"""Mechanisms in the terms of other libraries: OpenSpiel games, PettingZoo and Gymnasium environments."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
