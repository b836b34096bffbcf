"""A laboratory for dynamic mechanism design: whether a mechanism holds, and what the worst lie earns if not.

Everything that a user types stands here and is loaded when it is first used:

    import dynmech as dm

    env = dm.load("oil-leases-prior")
    audit = dm.audit(env, dm.make_mechanism("cremer-mclean", env))
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
