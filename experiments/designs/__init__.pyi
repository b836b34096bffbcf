from .design_result import Design as Design
from .designing import design as design
