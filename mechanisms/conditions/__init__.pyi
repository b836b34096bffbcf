from .conditions import (
    all_conditions as all_conditions,
    convex_independence as convex_independence,
    independent_types as independent_types,
    private_values as private_values,
    spanning as spanning,
)
from .dependence import Violation as Violation
from .one_dimensional import (
    Line as Line,
    increasing_differences as increasing_differences,
    interval_order as interval_order,
    others_text as others_text,
    single_crossing as single_crossing,
)
from .separable import separable_conditions as separable_conditions
from .trade_budget import (
    Trade as Trade,
    TradeBudget as TradeBudget,
    trade_in as trade_in,
)
from .yoon_property_a import property_a as property_a
