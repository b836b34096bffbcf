"""Play: nature, the designer and the agents as SimPy processes that exchange reports and payments period by period.

`roles` holds what a mechanism and a strategy must offer, `game` an environment and a mechanism ready to be played,
`loop` the processes, `record` what happened.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
