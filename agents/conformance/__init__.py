"""Checks that hold strategies and mechanisms to what they declare, by playing them.

`check_strategy` and `check_mechanism` raise an error of one line that names the first breach and its period.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
