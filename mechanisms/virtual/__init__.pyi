from .first_report_incentives import Immediate as Immediate
from .first_report_incentives import immediate as immediate
from .frozen_plans import Counted as Counted
from .frozen_plans import flow as flow
from .frozen_plans import plans as plans
from .frozen_plans import require_plan as require_plan
from .optimal_contract import OptimalContract as OptimalContract
from .relaxed_bound import Bound as Bound
from .relaxed_bound import continuum_bound as continuum_bound
from .relaxed_bound import grid_bound as grid_bound
from .relaxed_prices import RelaxedPrices as RelaxedPrices
from .rents import Opening as Opening
from .tariffs import (
    Tariff as Tariff,
)
from .tariffs import (
    best_price as best_price,
)
from .tariffs import (
    best_two_part as best_two_part,
)
from .tariffs import (
    frequencies as frequencies,
)
from .tariffs import (
    menu_fee as menu_fee,
)
from .tariffs import (
    menu_profit as menu_profit,
)
from .virtual_index import VirtualIndex as VirtualIndex
from .virtual_myopic import VirtualMyopic as VirtualMyopic
from .virtual_pivot import SeparableMechanism as SeparableMechanism
from .virtual_pivot import VirtualPivot as VirtualPivot
from .virtual_values import NodeValues as NodeValues
