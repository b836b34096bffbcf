from .brackets import bounded as bounded, one_sided as one_sided, ridge as ridge
from .ex_post import (
    ex_post_payments as ex_post_payments,
    implementing_payments as implementing_payments,
    least_payments as least_payments,
    own_last as own_last,
    utility_by_report as utility_by_report,
    worst_cycle as worst_cycle,
)
from .hulls import nearest_mixtures as nearest_mixtures
from .lags import (
    lagged_beliefs as lagged_beliefs,
    moved_by_decisions as moved_by_decisions,
    split_profiles as split_profiles,
)
from .min_max_lp import smallest_transfers as smallest_transfers
from .piecewise_linear import Pieces as Pieces, convex_pieces as convex_pieces
from .solvers import (
    Convex as Convex,
    OutOfReachError as OutOfReachError,
    Size as Size,
    Solver as Solver,
    Spanning as Spanning,
    Systems as Systems,
    Way as Way,
    make_solver as make_solver,
    mixture_text as mixture_text,
)
from .targets import (
    convex_solution as convex_solution,
    spanning_solution as spanning_solution,
)
