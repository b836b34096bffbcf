from .actions import Settled as Settled, action_of as action_of, acts_matter as acts_matter, settle as settle
from .base import (
    BaseMechanism as BaseMechanism,
    DirectMechanism as DirectMechanism,
    FlowMechanism as FlowMechanism,
    HistoryMechanism as HistoryMechanism,
    LastPeriodMechanism as LastPeriodMechanism,
)
from .cash_flow import CashFlow as CashFlow
from .tabulation import RuleTables as RuleTables, laws as laws, silent_about as silent_about, tabulate as tabulate
from .truthful_utilities import expected_utilities as expected_utilities
from .values_of_truth import Ledger as Ledger, Page as Page, keep_ledger as keep_ledger
