"""Floor 4: scenarios, runs, stress tests, audits, tournaments, results and plots, the command line."""

if not __name__.startswith("dynmech."):
    raise ImportError(f"import dynmech.{__name__}, not {__name__}: a module under two names would exist twice")
