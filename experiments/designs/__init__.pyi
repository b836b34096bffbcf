from .design_result import Design as Design
from .designing import design as design
from .possibility_map import PossibilityMap as PossibilityMap, possibility_map as possibility_map
