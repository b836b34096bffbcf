from .cutoff_rule import CutoffRule as CutoffRule
from .cutoff_rule import optimal_rule as optimal_rule
from .discrete_virtual import DiscreteVirtual as DiscreteVirtual
from .discrete_virtual import discrete_virtual_values as discrete_virtual_values
from .dynamic_program import (
    DynamicOptimum as DynamicOptimum,
)
from .dynamic_program import (
    dynamic_revenue as dynamic_revenue,
)
from .dynamic_program import (
    relaxed_revenue as relaxed_revenue,
)
from .optimal_two_period import OptimalTwoPeriod as OptimalTwoPeriod
from .revenue_lp import Binding as Binding
from .revenue_lp import RevenueOptimum as RevenueOptimum
from .revenue_lp import revenue_optimum as revenue_optimum
from .revenue_optimal import RevenueOptimal as RevenueOptimal
from .revenue_program import Program as Program
from .revenue_program import Rows as Rows
from .two_period_types import (
    Law as Law,
)
from .two_period_types import (
    TwoPeriodSale as TwoPeriodSale,
)
from .two_period_types import (
    TwoPeriodTypes as TwoPeriodTypes,
)
from .two_period_types import (
    family as family,
)
