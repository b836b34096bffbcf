from .conditions import (
    Condition as Condition,
)
from .conditions import (
    all_conditions as all_conditions,
)
from .conditions import (
    convex_independence as convex_independence,
)
from .conditions import (
    independent_types as independent_types,
)
from .conditions import (
    private_values as private_values,
)
from .conditions import (
    spanning as spanning,
)
from .dependence import Violation as Violation
from .one_dimensional import (
    Line as Line,
)
from .one_dimensional import (
    increasing_differences as increasing_differences,
)
from .one_dimensional import (
    interval_order as interval_order,
)
from .one_dimensional import (
    others_text as others_text,
)
from .one_dimensional import (
    single_crossing as single_crossing,
)
from .separable import separable_conditions as separable_conditions
from .trade_budget import (
    Trade as Trade,
)
from .trade_budget import (
    TradeBudget as TradeBudget,
)
from .trade_budget import (
    persistent_chain as persistent_chain,
)
from .trade_budget import (
    trade_in as trade_in,
)
from .yoon_property_a import property_a as property_a
