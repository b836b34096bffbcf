"""The papers' worked examples and numbers, computed again: one module per paper, others for its sections.

A module has `PAPER` (its name on the command line), `TITLE` (author, year) and a function `claims()` that yields
`Claim`s, each computed when it is asked for. `claims` finds the papers; `figures` computes what several of them need.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
