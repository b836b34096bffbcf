"""Bounds from both sides on what a deviator gains ex ante, where the exact search does not fit or is not wanted.

From above by information relaxation: the deviator sees the whole path of signals in advance, and is charged a penalty
that costs nothing in expectation, but takes away on each path what the foresight is worth (`penalties` makes them,
`inner_problem` solves what is left, a deterministic dynamic program along drawn paths). From below by a policy that is
greedy in the same approximate values, on the same paths. `path_problem` says what is enumerated along a path,
`confidence` turns samples into bounds that hold at any stopping time, and `bracket` chooses penalties on other draws
and plays until the bounds are close enough.

Sources: Rogers 2002, Haugh and Kogan 2004, Brown, Smith and Sun 2010; the term that keeps an interim deviator from
being a spy is ours.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
