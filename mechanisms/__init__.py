"""Floor 2: the planner, the mechanisms of the literature (one idea per file), the conditions they rest on."""

if not __name__.startswith("dynmech."):
    raise ImportError(f"import dynmech.{__name__}, not {__name__}: a module under two names would exist twice")
