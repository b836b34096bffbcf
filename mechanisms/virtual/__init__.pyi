from .first_report_incentives import FirstReportIncentives as FirstReportIncentives, first_period_ic as first_period_ic
from .frozen_plans import flow as flow, plans as plans, require_plan as require_plan
from .optimal_contract import OptimalContract as OptimalContract
from .relaxed_bound import Bound as Bound, continuum_bound as continuum_bound, grid_bound as grid_bound
from .relaxed_prices import RelaxedPrices as RelaxedPrices
from .tariffs import (
    best_price as best_price,
    best_two_part as best_two_part,
    frequencies as frequencies,
    menu_fee as menu_fee,
    menu_profit as menu_profit,
)
from .virtual_index import VirtualIndex as VirtualIndex
from .virtual_myopic import VirtualMyopic as VirtualMyopic
from .virtual_pivot import VirtualPivot as VirtualPivot
