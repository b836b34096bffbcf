from .drawn_counts import draw_counts as draw_counts
from .robust_plan import RobustPlan as RobustPlan
from .robust_plots import plot_robust as plot_robust
from .robust_result import RobustResult as RobustResult
from .robusting import robust as robust
