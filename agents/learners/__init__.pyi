from .exp3 import Exp3 as Exp3
from .fictitious_play import FictitiousPlay as FictitiousPlay
from .learning import Learner as Learner, LearnerState as LearnerState, Step as Step
from .q_learning import QLearning as QLearning
