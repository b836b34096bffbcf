"""Auctions of one object per period.

`SecondPrice` and `LowestBid` take bids for interdependent values, `GeneralizedVCG` reports of one-dimensional signals;
under `PayYourReport` everybody pays what it says that the decision is worth to it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
