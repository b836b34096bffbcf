from .anderson import Anderson as Anderson
from .batch_plan import (
    Plans as Plans,
    expect as expect,
    follow as follow,
    lowest_best as lowest_best,
    solve_plans as solve_plans,
)
from .feasibility import decisions_without as decisions_without, restricted as restricted
from .gittins import gittins_index as gittins_index, printed_index as printed_index, restart_index as restart_index
from .planner import Plan as Plan, continuation as continuation, flow_welfare as flow_welfare, plan as plan
