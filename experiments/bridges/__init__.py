"""Bridges: mechanisms as objects of other libraries, each an optional extra.

`openspiel` makes an extensive-form game of a finite mechanism (`export_game`) that it also loads by name,
and computes best responses and NashConv there;
`evolution` ranks the strategies of a tournament's game (`alpha_rank`, `fixation`);
`rl` makes a PettingZoo environment of all agents (`parallel_env`) or a Gymnasium environment of one deviator
(`deviator_env`, `flat_deviator_env`), or of one deviator in many episodes at once (`vector_deviator_env`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
