from .correlation import (
    convex_independence as convex_independence,
    hull_distances as hull_distances,
    spanning as spanning,
)
from .dependence import (
    independent_types as independent_types,
    private_values as private_values,
)
from .general import all_conditions as all_conditions
from .last_period import ex_post_implementable as ex_post_implementable
from .one_dimensional import (
    increasing_differences as increasing_differences,
    interval_order as interval_order,
    single_crossing as single_crossing,
)
from .separable import (
    everybody_can_be_left_out as everybody_can_be_left_out,
    separable_conditions as separable_conditions,
)
from .trade_budget import (
    Trade as Trade,
    TradeBudget as TradeBudget,
    trade_in as trade_in,
)
from .yoon_property_a import property_a as property_a
