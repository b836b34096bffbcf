"""Conditions that mechanisms rest on, each answered with how well it holds and where it is worst.

Private values, independent types, convex independence, spanning, single crossing, Yoon's Property A, and the budget of
bilateral trade.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
