from .auditing import (
    Audit as Audit,
)
from .auditing import (
    Search as Search,
)
from .auditing import (
    Verdict as Verdict,
)
from .auditing import (
    audit as audit,
)
from .auditing import (
    audit_data as audit_data,
)
from .auditing import (
    least_of as least_of,
)
from .auditing import (
    story_text as story_text,
)
from .continuous import (
    Miss as Miss,
)
from .continuous import (
    OnGrid as OnGrid,
)
from .continuous import (
    epsilon_curve as epsilon_curve,
)
from .continuous import (
    measure as measure,
)
from .continuous import (
    plot_epsilon as plot_epsilon,
)
from .correlation import plot_correlation as plot_correlation
from .correlation import sweep_correlation as sweep_correlation
from .frozen_weights import FrozenAudit as FrozenAudit
from .frozen_weights import frozen_audit as frozen_audit
from .frozen_weights import too_large as too_large
from .limited import Found as Found
from .limited import LimitedAudit as LimitedAudit
from .limited import limited_audit as limited_audit
from .relaxed_economy import Relaxation as Relaxation
from .relaxed_economy import relaxation as relaxation
from .revenue_bound import Yardstick as Yardstick
from .revenue_bound import yardstick as yardstick
