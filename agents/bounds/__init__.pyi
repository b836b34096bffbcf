from .bracket import Bracket as Bracket, Candidate as Candidate, Effort as Effort, bracket_gain as bracket_gain
from .confidence import BoundedMean as BoundedMean
from .finite_candidates import tabled_candidates as tabled_candidates, worst_state_bounds as worst_state_bounds
from .inner_problem import TabledCandidate as TabledCandidate
from .path_problem import PathProblem as PathProblem, along_paths as along_paths
from .penalties import (
    Penalty as Penalty,
    improved as improved,
    no_penalty as no_penalty,
    penalty_from_values as penalty_from_values,
    truthful_penalty as truthful_penalty,
)
from .sampled_paths import SampledCandidate as SampledCandidate
from .state_values import StateValue as StateValue
