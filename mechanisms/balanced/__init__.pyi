from .actual_externality import ActualExternality as ActualExternality
from .balanced_base import Balanced as Balanced
from .balanced_team import BalancedTeam as BalancedTeam
from .blackwell import LongRun as LongRun, long_run as long_run
from .continuous_trade import ContinuousTrade as ContinuousTrade
from .expected_externality import ExpectedExternality as ExpectedExternality
from .minimum_rent import MinimumRent as MinimumRent
from .self_enforcing import SelfEnforcing as SelfEnforcing
from .with_enforcement import enforced as enforced
