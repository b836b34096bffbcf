from .openspiel import MechanismGame as MechanismGame, MechanismState as MechanismState, Prescribed as Prescribed
from .rl import DeviatorEnv as DeviatorEnv, MechanismEnv as MechanismEnv, Stepper as Stepper
