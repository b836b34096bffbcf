"""Engines: who carries play out.

`fused_games` says which games can be played from tables (`dynmech.sim.play.fused`) and makes them; everything else is
played by the event loop (`dynmech.sim.play.loop`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
