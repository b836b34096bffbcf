from .checked_environment import Asked as Asked
from .environment_check import check_environment as check_environment
from .goodness_of_fit import Cell as Cell
from .side_effects import undisturbed as undisturbed
