"""Groves mechanisms and their static relatives.

`Groves` pays everybody the others' surplus less a term that its own reports cannot move; `Team` and `Pivot` are the
two best known members of the family, `PivotWithFees` adds participation fees, `TradingPivot` is the pivot of bilateral
trade on intervals. `StaticVCG` and `StaticVCGEfficient` price this period only, and `SuppressRepeats` asks for a signal
only where it is news.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
