"""Play: nature, the designer and the agents as SimPy processes that exchange messages and payments period by period.

`roles` holds what a mechanism and a strategy must offer, `game` an environment and a mechanism ready to be played.
`loop` sets up the processes, which stand in `nature`, `designer` and `agent`; `messages` holds what they speak through,
`rules` checks what the mechanism returns, `record` keeps what happened. `episode` plays without the event loop.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
