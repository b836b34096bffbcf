"""Markets of other papers and of the world: block space, a lasting customer, goods one by one, tickets.

Each file is a scenario as those of `dynmech.experiments.scenarios` are.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
