from .evolution import alpha_rank as alpha_rank, fixation as fixation
from .openspiel import (
    Prescribed as Prescribed,
    best_response_value as best_response_value,
    export_game as export_game,
    nash_conv as nash_conv,
    prescribed_table as prescribed_table,
)
from .openspiel_game import MechanismGame as MechanismGame, MechanismState as MechanismState
from .openspiel_observer import MechanismObserver as MechanismObserver
from .rl import (
    DeviatorEnv as DeviatorEnv,
    MechanismEnv as MechanismEnv,
    Stepper as Stepper,
    deviator_env as deviator_env,
    parallel_env as parallel_env,
    playable as playable,
)
from .rl_flat import FlatDeviatorEnv as FlatDeviatorEnv, Layout as Layout, flat_deviator_env as flat_deviator_env
from .rl_tables import DeviatorPeriod as DeviatorPeriod, DeviatorTables as DeviatorTables
from .rl_vector import DeviatorVectorEnv as DeviatorVectorEnv, vector_deviator_env as vector_deviator_env
