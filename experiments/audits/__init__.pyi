from .audit_result import Audit as Audit, AuditedGain as AuditedGain, Truth as Truth
from .audit_text import headline as headline
from .auditing import audit as audit
from .continuous import Miss as Miss, OnGrid as OnGrid, measure as measure
from .found_equilibrium import Equilibrium as Equilibrium, equilibrium as equilibrium
from .relaxed_economy import Relaxation as Relaxation, relaxation as relaxation
from .revenue_bound import RevenueBound as RevenueBound, bound as bound
from .transfer_sizes import epsilon_curve as epsilon_curve, plot_epsilon as plot_epsilon
