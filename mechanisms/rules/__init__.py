"""What mechanisms have in common.

The base classes (`Mechanism`, `DirectMechanism`, `FlowMechanism`, and those that remember reports), rules written out
as tables (`tabulate`), charges after actions and replies (`settle`), the values of prescribed play, and the game that
holds them all (`FiniteGame`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
