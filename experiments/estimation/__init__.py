"""Economies from data: a log of reports and decisions is read, counted, and made an economy that keeps its counts.

`panel_files` reads Parquet, CSV and our own run folders; `panel` makes profiles of the rows; `transition_counts` counts
them; `estimating` is the one function for all of it, `estimate_result` what one holds afterwards.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
