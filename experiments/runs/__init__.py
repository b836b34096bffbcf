"""Runs: a profile of strategies or a stress test is planned, played in shards, logged, read back and summed up."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
