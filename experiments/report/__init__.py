"""A run as one HTML page that opens offline, with no script but one that sorts its tables, made from its folder alone.

`page` chooses the template of a run, a stress test or a tournament and writes the file; `run_page`, `stress_page` and
`tournament_page` prepare what the templates show. `drawing` makes the charts, `story` puts an episode into sentences,
and `toml_text` shows a study as it would be typed.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
