"""Mechanisms with a balanced budget: Athey and Segal's balanced mechanism, expected externalities, self-enforcing
play."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
