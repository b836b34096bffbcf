"""What a deviator gains when the law of motion is not the nominal one, and on which number of the economy that hangs.

`balls` are sets of laws, row by row, with the highest expectation over each; `pair_bound` bounds the largest gain over
all laws in them from above, `found_laws` from below; `gain_bounds` holds both, and the robustness radius between them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
