"""Floor 3: strategies, that is truth and the deviations that mechanisms must withstand, and the exact oracle."""

if not __name__.startswith("dynmech."):
    raise ImportError(f"import dynmech.{__name__}, not {__name__}: a module under two names would exist twice")
