"""Mechanisms whose budget balances: agents pay each other.

`Balanced` balances any base mechanism, `BalancedTeam` the team mechanism (Athey and Segal). `ExpectedExternality` and
`ActualExternality` are the classical comparators, `MinimumRent` pays for signals only, `ContinuousTrade` is the trading
game on intervals. `SelfEnforcing` needs nobody to enforce payments; it rests on the long run of the efficient decision
rule (`long_run`) and on the economy with public actions enforced (`enforced`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
