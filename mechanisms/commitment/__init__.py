"""Designers that cannot bind themselves: an agent that stands for the designer chooses rules as play goes on.

`SpotPrice` sells a durable good at prices that the seller names; `Ratchet` sets reserves by what bidders said before,
by rule or where an exchange breaks its promise. An audit then searches the designer's best response as any agent's.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
