"""Designers that cannot bind themselves: an agent that stands for the designer chooses rules as play goes on.

`Commitment` is any other mechanism whose designer may break its word. `SpotPrice` sells a durable good at prices that
the seller names; `Ratchet` sets reserves by what bidders said before, by rule or where an exchange breaks its promise;
`BaseFee` sets tomorrow's fee by how full blocks are today.
An audit then searches the designer's best response as any agent's.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
