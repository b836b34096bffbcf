from .coalitions import CoalitionGain as CoalitionGain
from .coalitions import Plot as Plot
from .empirical import Dominance as Dominance
from .empirical import EmpiricalGame as EmpiricalGame
from .empirical import Regret as Regret
from .equilibria import Mixed as Mixed
from .equilibria import MixedSearch as MixedSearch
from .equilibria import mixed as mixed
from .equilibria import pure as pure
from .found import Part as Part
from .found import Tournament as Tournament
from .found import truth_regret as truth_regret
from .loading import load_tournament as load_tournament
from .playing import tournament as tournament
from .population import Population as Population
from .profiles import (
    Move as Move,
)
from .profiles import (
    Profile as Profile,
)
from .profiles import (
    Role as Role,
)
from .profiles import (
    all_profiles as all_profiles,
)
from .profiles import (
    assigned as assigned,
)
from .profiles import (
    count as count,
)
from .profiles import (
    label as label,
)
from .profiles import (
    moves as moves,
)
from .study import (
    EnvironmentEntry as EnvironmentEntry,
)
from .study import (
    RoleEntry as RoleEntry,
)
from .study import (
    StrategyEntry as StrategyEntry,
)
from .study import (
    Study as Study,
)
