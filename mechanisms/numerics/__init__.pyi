from .brackets import bounded as bounded
from .brackets import one_sided as one_sided
from .brackets import ridge as ridge
from .ex_post import (
    ex_post_payments as ex_post_payments,
)
from .ex_post import (
    implementing_payments as implementing_payments,
)
from .ex_post import (
    least_payments as least_payments,
)
from .ex_post import (
    own_last as own_last,
)
from .ex_post import (
    utility_by_report as utility_by_report,
)
from .ex_post import (
    worst_cycle as worst_cycle,
)
from .hulls import nearest_mixtures as nearest_mixtures
from .lags import (
    lagged_beliefs as lagged_beliefs,
)
from .lags import (
    moved_by_decisions as moved_by_decisions,
)
from .lags import (
    split_profiles as split_profiles,
)
from .min_max_lp import smallest_transfers as smallest_transfers
from .piecewise_linear import Pieces as Pieces
from .piecewise_linear import convex_pieces as convex_pieces
from .solvers import (
    Convex as Convex,
)
from .solvers import (
    OutOfReachError as OutOfReachError,
)
from .solvers import (
    Size as Size,
)
from .solvers import (
    Solver as Solver,
)
from .solvers import (
    Spanning as Spanning,
)
from .solvers import (
    Systems as Systems,
)
from .solvers import (
    Way as Way,
)
from .solvers import (
    make_solver as make_solver,
)
from .solvers import (
    mixture_text as mixture_text,
)
from .targets import (
    ConvexSolution as ConvexSolution,
)
from .targets import (
    Solution as Solution,
)
from .targets import (
    convex_solution as convex_solution,
)
from .targets import (
    spanning_solution as spanning_solution,
)
