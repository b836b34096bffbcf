"""Searches: exact gains beside simulated ones.

`exact` searches one game, `exact_searches` those of a stress test, on the workers, and tells what it finds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
