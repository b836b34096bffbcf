from .strategy_check import check_strategy as check_strategy
