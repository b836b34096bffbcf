"""The deviator against the distribution of the others: agents who are alike matter by their numbers only.

`crowd_problem` says what is searched, `alike_problem` makes it from rules that are written by counts, `table_problem`
from tables after proving by exchange of agents that nothing else matters; `crowd_gains` finds the gains, by the laws
of `crowd_values`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
