from .auditing import (
    Audit as Audit,
    Search as Search,
    Verdict as Verdict,
    audit as audit,
    audit_data as audit_data,
    least_of as least_of,
    story_text as story_text,
)
from .continuous import (
    Miss as Miss,
    OnGrid as OnGrid,
    epsilon_curve as epsilon_curve,
    measure as measure,
    plot_epsilon as plot_epsilon,
)
from .correlation import plot_correlation as plot_correlation, sweep_correlation as sweep_correlation
from .frozen_weights import FrozenAudit as FrozenAudit, frozen_audit as frozen_audit, too_large as too_large
from .limited import Found as Found, LimitedAudit as LimitedAudit, limited_audit as limited_audit
from .relaxed_economy import Relaxation as Relaxation, relaxation as relaxation
from .revenue_bound import RevenueBound as RevenueBound, bound as bound
