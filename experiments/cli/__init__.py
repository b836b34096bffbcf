"""The command line `dynmech`: a file per command, one for the console, one per screen.

`app` joins the commands and turns errors into one line and an exit code; `options` and `shared` hold what several
commands take, `console` and `styles` how text is printed, `completion` what the shell completes. `audit_screen`,
`tournament_screen` and `verdict_text` lay out what the commands `audit`, `run`, `stress` and `tournament` found.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
