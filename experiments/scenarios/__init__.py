"""Scenarios: economies with a name and options, one file each.

A file defines one subclass of `Scenario`, which the command line, study files and `dynmech.load` then know by name. An
option called `persistence` is the probability of staying, the diagonal of a chain; `keep` is the probability that
something is not drawn anew, and what is drawn anew may be the same again.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
