"""Tournaments: strategies against each other under each mechanism, as an empirical game.

`loading` reads a study (`study`) and says all that is wrong with it; `roles` finds which agents are alike, `profiles`
lists who plays what, and `playing` plays it, shard by shard. `empirical` holds payoffs, regrets and dominance with
their intervals, `equilibria` and `population` look for equilibria and replicator dynamics, `coalitions` for joint
deviations, and `found` is the result.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
