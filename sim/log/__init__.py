"""The log: a run is a folder with a manifest, a journal of its shards, and Parquet datasets.

`run_folder` opens, resumes and closes the folder and its manifest `run.json`; `journal` appends one sealed line per
shard to `shards.jsonl`. `tables` makes the datasets outcomes, episodes, gains and rounds from a record, `columns` their
columns, and `shard_files` writes them, each file whole, and later checks them against their checksums.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
