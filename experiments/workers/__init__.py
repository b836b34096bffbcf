"""Worker processes: who executes calls, and how users' code is confined.

`pieces` does what there is to do and records it; `pool` sends calls to processes on this machine and tries a failed
call once more, `cluster` sends them to a Dask cluster, `sandbox` runs users' code in a forked child with limited time
and memory, `warm_modules` spares the next child what the last one had to import, `process_tree` ends what such a child
has started, `interrupts` keeps Ctrl-C from worker processes.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
