"""Runs: what is simulated is planned, played in shards, logged, summed up and read back.

`execution` turns a frozen specification into a result, whatever the command. `running` plays one profile of strategies,
`stressing` every family of deviations under several mechanisms; which members it plays is chosen in `pilot_choice`.
`simulation` holds cases and sampling, `shards` plays and writes them, `tally` and `moments` add them up, `results` and
`replaying` read them back, `episode_trace` shows one episode of a deviation period by period. `loading` makes what a
call names, `study` reads study files.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
