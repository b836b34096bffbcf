from .best_response import BestResponse as BestResponse
from .budget_and_participation import (
    Largest as Largest,
    Least as Least,
    budget as budget,
    largest_transfer as largest_transfer,
    participation as participation,
)
from .frozen_search import FrozenSearch as FrozenSearch, search_frozen as search_frozen
from .gains import (
    Gain as Gain,
    InformationState as InformationState,
    ex_ante_gain as ex_ante_gain,
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
from .state_labels import (
    message_text as message_text,
    own_text as own_text,
    profile_text as profile_text,
    state_text as state_text,
)
from .story import Step as Step, Story as Story, find_story as find_story, past_lies as past_lies
from .witness import Witness as Witness
