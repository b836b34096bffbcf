"""Contingent transfers (Liu): today's decision is paid for by what the others report tomorrow.

Also full surplus extraction, the average externality mechanism, the linked auctions and the period-by-period
Crémer–McLean scheme that they are held against.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
