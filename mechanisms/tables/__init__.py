"""Mechanisms given as tables: `TabulatedMechanism` plays them, `written_out` makes them of any finite mechanism.

`load_mechanism` and `save_mechanism` read and write mechanism files, which every command takes where a mechanism's name
is meant.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
