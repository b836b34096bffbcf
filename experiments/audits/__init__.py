"""Audits: exact verdicts on a mechanism's promises, and what bounds say where the exact search does not fit."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
