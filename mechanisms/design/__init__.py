"""From goals to transfers: the linear program whose solutions are the mechanisms that do what is asked.

`goals` says what can be asked, `decision_rule` what the transfers are for, `public_nodes` what they may remember and
`reach` which states count; `columns` and `rows` are the program's unknowns and inequalities, which `truth_rows` and
`goal_rows` fill in; `program` solves it, `least_squares` makes tables unique, `designed_mechanism` writes them out.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
