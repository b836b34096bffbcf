from .estimate_result import Estimate as Estimate
from .estimating import estimate as estimate
from .panel import Panel as Panel, read_panel as read_panel
from .transition_counts import count_transitions as count_transitions
