from .evolution import alpha_rank as alpha_rank, fixation as fixation
from .openspiel import (
    MechanismGame as MechanismGame,
    MechanismState as MechanismState,
    Prescribed as Prescribed,
    best_response_value as best_response_value,
    export_game as export_game,
)
from .rl import (
    DeviatorEnv as DeviatorEnv,
    MechanismEnv as MechanismEnv,
    Stepper as Stepper,
    deviator_env as deviator_env,
    parallel_env as parallel_env,
)
