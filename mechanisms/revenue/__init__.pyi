from .cutoff_rule import CutoffRule as CutoffRule, optimal_rule as optimal_rule
from .discrete_virtual import DiscreteVirtual as DiscreteVirtual, discrete_virtual_values as discrete_virtual_values
from .dynamic_program import (
    DynamicOptimum as DynamicOptimum,
    dynamic_revenue as dynamic_revenue,
    relaxed_revenue as relaxed_revenue,
)
from .markovian_contract import MarkovianContract as MarkovianContract, low_quantities as low_quantities
from .optimal_two_period import OptimalTwoPeriod as OptimalTwoPeriod
from .refund_menu import RefundMenu as RefundMenu
from .revenue_lp import RevenueOptimum as RevenueOptimum, revenue_optimum as revenue_optimum
from .revenue_optimal import RevenueOptimal as RevenueOptimal
from .two_period_types import (
    TwoPeriodSale as TwoPeriodSale,
    TwoPeriodTypes as TwoPeriodTypes,
    family as family,
)
