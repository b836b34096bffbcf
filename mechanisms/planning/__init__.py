"""The planner: efficient decision rules, what they are worth, and the fixed points behind them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
