"""Contingent transfers (Liu): today's decision is paid for by what the others report tomorrow.

`ContingentSpanning`, `ContingentConvex` and `ContingentDensity` hit their targets in three ways; `AverageExternality`
and `SurplusExtraction` leave agents another share of the surplus. `Linked` is the example of two linked auctions, and
`CremerMcLean` the period-by-period scheme that they are compared with.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
