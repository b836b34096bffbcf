"""Processes that do the work: a local pool, a Dask cluster, and the sandbox in which users' code runs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
