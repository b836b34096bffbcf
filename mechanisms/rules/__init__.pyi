from .actions import action_of as action_of, acts_matter as acts_matter, settle as settle
from .base import DirectMechanism as DirectMechanism, FlowMechanism as FlowMechanism, Mechanism as Mechanism
from .condition import Condition as Condition
from .remembering import HistoryMechanism as HistoryMechanism, LastPeriodMechanism as LastPeriodMechanism
from .tabulation import RuleTables as RuleTables, laws as laws, silent_about as silent_about, tabulate as tabulate
from .truthful_utilities import expected_utilities as expected_utilities
from .values_of_truth import (
    PeriodValues as PeriodValues,
    TruthfulValues as TruthfulValues,
    truthful_values as truthful_values,
)
