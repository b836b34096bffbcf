from .anderson import Anderson as Anderson
from .batch_plan import (
    Plans as Plans,
)
from .batch_plan import (
    expect as expect,
)
from .batch_plan import (
    follow as follow,
)
from .batch_plan import (
    lowest_best as lowest_best,
)
from .batch_plan import (
    solve_plans as solve_plans,
)
from .feasibility import decisions_without as decisions_without
from .feasibility import restricted as restricted
from .gittins import gittins_index as gittins_index
from .gittins import printed_index as printed_index
from .gittins import restart_index as restart_index
from .planner import Plan as Plan
from .planner import continuation as continuation
from .planner import flow_welfare as flow_welfare
from .planner import plan as plan
