"""Conditions that mechanisms rest on: whether each holds, how well, and where it is worst.

`all_conditions` are those asked of every finite environment: private values, independent types, convex independence,
spanning, an implementable last decision, single crossing. The others are asked by the mechanism that needs them:
interval order and its relatives, `separable_conditions`, `property_a` (Yoon), and the budget of bilateral trade.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
