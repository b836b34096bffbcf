"""Strategies that learn over the rounds of an episode: Q-learning, EXP3, fictitious play.

`learning` holds their base class `Learner`: the states that are told apart, exploration, and the tables.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
