from .mechanism_check import check_mechanism as check_mechanism
from .strategy_check import check_strategy as check_strategy
