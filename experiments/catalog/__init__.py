"""The catalog: scenarios, mechanisms and strategies by name.

`names` looks names up among what dynmech ships, what plug-in files define and what installed packages offer, and
makes the objects; `options` parses `name:key=value,…` and reads the options of a class from its constructor;
`skeletons` writes a module of one's own to begin with, and its test; `fingerprint` hashes users' code.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
