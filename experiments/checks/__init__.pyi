from .check_result import CheckResult as CheckResult, Finding as Finding
from .checking import (
    check_environment as check_environment,
    check_mechanism as check_mechanism,
    check_plugins as check_plugins,
    check_strategy as check_strategy,
)
