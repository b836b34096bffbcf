from .design_result import Design as Design
from .designing import design as design
from .mapping import PossibilityMap as PossibilityMap, possibility_map as possibility_map
