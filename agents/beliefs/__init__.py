"""Searches in which what a deviator believes is part of the state: less is disclosed, or the others do not tell truth.

The others play a *profile* (`profiles`), a deviator is shown what the disclosure policy shows (`period_outcomes`), and
what it believes of the rest is worked out by Bayes' rule (`graph_of_beliefs`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
