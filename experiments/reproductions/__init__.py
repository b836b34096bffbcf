"""What the papers print, beside what is exact and what is simulated: one module per paper.

A module has `PAPER` (its name on the command line), `TITLE` (author, year) and a function `claims()` that yields
`Claim`s, each computed when it is asked for.

"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
