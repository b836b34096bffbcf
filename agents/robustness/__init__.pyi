from .balls import Ball as Ball, highest as highest, highest_law as highest_law
from .found_laws import largest_found as largest_found
from .gain_bounds import RobustGain as RobustGain, radius_bounds as radius_bounds, robust_gain as robust_gain
from .pair_bound import upper_bound as upper_bound
