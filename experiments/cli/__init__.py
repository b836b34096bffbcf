"""The command line `dynmech`: a file per command, one for the console, one per screen."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
