from .openspiel import MechanismGame as MechanismGame
from .openspiel import MechanismState as MechanismState
from .openspiel import Prescribed as Prescribed
from .rl import DeviatorEnv as DeviatorEnv
from .rl import MechanismEnv as MechanismEnv
from .rl import Stepper as Stepper
