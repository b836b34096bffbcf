from .actions import action_of as action_of, settle as settle
from .base import DirectMechanism as DirectMechanism, FlowMechanism as FlowMechanism, Mechanism as Mechanism
from .condition import Condition as Condition
from .finite_game import FiniteGame as FiniteGame
from .remembering import HistoryMechanism as HistoryMechanism, LastPeriodMechanism as LastPeriodMechanism
from .tabulation import RuleTables as RuleTables, acts_matter as acts_matter, tabulate as tabulate
from .truthful_utilities import expected_utilities as expected_utilities
from .values_of_truth import (
    Largest as Largest,
    Least as Least,
    PeriodValues as PeriodValues,
    TruthfulValues as TruthfulValues,
    budget as budget,
    largest_transfer as largest_transfer,
    truthful_values as truthful_values,
)
