from .balls import Ball as Ball, highest as highest, highest_law as highest_law
from .derivatives import Derivatives as Derivatives, Policy as Policy, derivatives_of as derivatives_of
from .deviations import Hinges as Hinges, ex_ante_hinges as ex_ante_hinges, ex_post_hinges as ex_post_hinges
from .found_laws import largest_found as largest_found
from .gain_bounds import RobustGain as RobustGain, radius_bounds as radius_bounds, robust_gain as robust_gain
from .pair_bound import upper_bound as upper_bound
