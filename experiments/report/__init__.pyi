from .drawing import Scale as Scale
from .page import report as report
from .stress_page import largest_gain as largest_gain
from .tournament_page import (
    coalition_gains as coalition_gains,
    deviations as deviations,
    replicator_paths as replicator_paths,
    swept as swept,
)
