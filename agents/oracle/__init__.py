"""The exact oracle: the most that a deviator can gain, by dynamic programming, with the deviation that gains it.

`problem` builds a deviator's decision problem (`merging` merges memories, `action_choices` adds private actions and
replies), `search` solves it for a family of deviations, `gains` reads off what is gained and what staying is worth,
`story` puts the worst case into words, and `witness` plays it. `restricted` is about deviators held to truth or
obedience, `frozen_search` about frozen weights, `patience_thresholds` about discounting.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
