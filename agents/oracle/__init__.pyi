from .best_response import BestResponse as BestResponse
from .frozen_search import FrozenSearch as FrozenSearch, search_frozen as search_frozen
from .gains import (
    Gain as Gain,
    InformationState as InformationState,
    Search as Search,
    ex_ante_gain as ex_ante_gain,
    participation as participation,
    search_deviator as search_deviator,
    ties as ties,
    worst_gain as worst_gain,
    worst_stay as worst_stay,
)
from .patience_thresholds import (
    Exit as Exit,
    Level as Level,
    Sufficient as Sufficient,
    least_patience as least_patience,
    patience as patience,
    sufficient as sufficient,
)
from .post_decision_states import Expectations as Expectations, PostDecisionStates as PostDecisionStates
from .problem import Period as Period, Problem as Problem, build_problem as build_problem
from .restricted import obedient as obedient, truthful as truthful
from .search import (
    Family as Family,
    Information as Information,
    Value as Value,
    best_of_actions as best_of_actions,
    solve as solve,
)
from .story import Step as Step, Story as Story, find_story as find_story, past_lies as past_lies, story_of as story_of
from .witness import Witness as Witness
