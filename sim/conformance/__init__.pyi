from .checked_environment import CheckedEnvironment as CheckedEnvironment
from .environment_check import check_environment as check_environment
from .goodness_of_fit import check_frequencies as check_frequencies
from .side_effects import no_side_effects as no_side_effects
