"""Environments: who privately learns what, what may be decided, who enjoys it, and what happens next.

A `TableEnvironment` is a finite economy given by arrays, a `DensityEnvironment` has continuous signals with a density,
a `FunctionEnvironment` is given by functions and only played. Beside them stand the laws of motion (`kernels`), what is
drawn from them (`draws`), what they say about other agents (`beliefs`), builders, environment files and separable
economies.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
