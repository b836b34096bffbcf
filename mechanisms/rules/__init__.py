"""What mechanisms have in common.

The base classes (`Mechanism`, `DirectMechanism`, `FlowMechanism`, and those that remember reports), rules written out
as tables (`tabulate`), charges after actions and replies (`settle`), and the values of prescribed play
(`truthful_values`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
