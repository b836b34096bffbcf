"""What everything rests on: array types, errors, checks of input, message spaces, random numbers by address, names."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
