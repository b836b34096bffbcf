from .drawing import Scale as Scale
from .page import write_report as write_report
from .stress_page import largest_gain as largest_gain
from .tournament_page import (
    Path as Path,
)
from .tournament_page import (
    coalition_gains as coalition_gains,
)
from .tournament_page import (
    deviations as deviations,
)
from .tournament_page import (
    empirical_game as empirical_game,
)
from .tournament_page import (
    make_roles as make_roles,
)
from .tournament_page import (
    replicator_paths as replicator_paths,
)
from .tournament_page import (
    swept as swept,
)
