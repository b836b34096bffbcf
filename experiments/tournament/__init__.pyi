from .coalitions import CoalitionGain as CoalitionGain, Plot as Plot
from .empirical import Dominance as Dominance, EmpiricalGame as EmpiricalGame, Regret as Regret
from .equilibria import Mixed as Mixed, MixedSearch as MixedSearch, mixed as mixed, pure as pure
from .found import Part as Part, Tournament as Tournament, truth_regret as truth_regret
from .from_result import (
    empirical_game as empirical_game,
    make_roles as make_roles,
    played_game as played_game,
    sampled_game as sampled_game,
)
from .loading import load_tournament as load_tournament
from .playing import tournament as tournament
from .population import Population as Population
from .profiles import (
    Move as Move,
    Profile as Profile,
    Role as Role,
    all_profiles as all_profiles,
    assigned as assigned,
    count as count,
    label as label,
    moves as moves,
)
from .study import (
    EnvironmentEntry as EnvironmentEntry,
    RoleEntry as RoleEntry,
    StrategyEntry as StrategyEntry,
    Study as Study,
)
from .truth import TruthSearch as TruthSearch, search_truth as search_truth
