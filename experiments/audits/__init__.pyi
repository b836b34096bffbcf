from .audit_json import audit_data as audit_data, condition_data as condition_data
from .audit_result import Audit as Audit, Search as Search, least_of as least_of
from .auditing import audit as audit
from .continuous import (
    Miss as Miss,
    OnGrid as OnGrid,
    epsilon_curve as epsilon_curve,
    measure as measure,
    plot_epsilon as plot_epsilon,
)
from .correlation import plot_correlation as plot_correlation, sweep_correlation as sweep_correlation
from .frozen_weights import FrozenAudit as FrozenAudit, frozen_audit as frozen_audit, too_large as too_large
from .limited import BestTried as BestTried, LimitedAudit as LimitedAudit, limited_audit as limited_audit
from .relaxed_economy import Relaxation as Relaxation, relaxation as relaxation
from .revenue_bound import RevenueBound as RevenueBound, bound as bound
from .witness_text import headline as headline, story_text as story_text, witness_data as witness_data
