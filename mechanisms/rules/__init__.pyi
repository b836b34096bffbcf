from .actions import Settled as Settled
from .actions import action_of as action_of
from .actions import acts_matter as acts_matter
from .actions import settle as settle
from .base import (
    BaseMechanism as BaseMechanism,
)
from .base import (
    DirectMechanism as DirectMechanism,
)
from .base import (
    FlowMechanism as FlowMechanism,
)
from .base import (
    HistoryMechanism as HistoryMechanism,
)
from .base import (
    LastPeriodMechanism as LastPeriodMechanism,
)
from .cash_flow import CashFlow as CashFlow
from .tabulation import RuleTables as RuleTables
from .tabulation import laws as laws
from .tabulation import silent_about as silent_about
from .tabulation import tabulate as tabulate
from .truthful_utilities import expected_utilities as expected_utilities
from .values_of_truth import Ledger as Ledger
from .values_of_truth import Page as Page
from .values_of_truth import keep_ledger as keep_ledger
