"""Floor 1: the economy, nature's draws, the roles of designer and agents, the event loop and its log."""

if not __name__.startswith("dynmech."):
    raise ImportError(f"import dynmech.{__name__}, not {__name__}: a module under two names would exist twice")
