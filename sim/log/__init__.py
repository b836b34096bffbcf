"""The log: a run is a folder with a manifest, a journal of its shards, and Parquet datasets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
