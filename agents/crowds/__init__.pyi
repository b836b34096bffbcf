from .alike_problem import AlikeRules as AlikeRules
from .crowd_gains import CrowdGains as CrowdGains, search_crowds as search_crowds
from .crowd_problem import Crowd as Crowd, CrowdProblem as CrowdProblem
from .table_problem import crowd_problems as crowd_problems
