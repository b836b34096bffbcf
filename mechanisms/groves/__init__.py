"""Groves mechanisms and static relatives: team, dynamic pivot, participation fees, static VCG."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
