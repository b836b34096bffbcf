from .action_choices import ActTables as ActTables
from .budget_and_participation import (
    Largest as Largest,
)
from .budget_and_participation import (
    Least as Least,
)
from .budget_and_participation import (
    budget as budget,
)
from .budget_and_participation import (
    largest_transfer as largest_transfer,
)
from .budget_and_participation import (
    participation as participation,
)
from .frozen_search import FrozenSearch as FrozenSearch
from .frozen_search import search_frozen as search_frozen
from .gains import (
    Figure as Figure,
)
from .gains import (
    Place as Place,
)
from .gains import (
    ex_ante_gain as ex_ante_gain,
)
from .gains import (
    ties as ties,
)
from .gains import (
    worst_gain as worst_gain,
)
from .gains import (
    worst_stay as worst_stay,
)
from .merging import Unmerged as Unmerged
from .patience_thresholds import (
    Exit as Exit,
)
from .patience_thresholds import (
    Level as Level,
)
from .patience_thresholds import (
    Sufficient as Sufficient,
)
from .patience_thresholds import (
    least_patience as least_patience,
)
from .patience_thresholds import (
    patience as patience,
)
from .patience_thresholds import (
    sufficient as sufficient,
)
from .post_decision_states import Outlook as Outlook
from .post_decision_states import Places as Places
from .problem import Period as Period
from .problem import Problem as Problem
from .problem import build_problem as build_problem
from .restricted import obedient as obedient
from .restricted import truthful as truthful
from .search import (
    Family as Family,
)
from .search import (
    Information as Information,
)
from .search import (
    Value as Value,
)
from .search import (
    best_of_actions as best_of_actions,
)
from .search import (
    solve as solve,
)
from .state_labels import (
    message_text as message_text,
)
from .state_labels import (
    own_text as own_text,
)
from .state_labels import (
    place_text as place_text,
)
from .state_labels import (
    profile_text as profile_text,
)
from .story import Step as Step
from .story import Story as Story
from .story import past_lies as past_lies
from .story import tell as tell
from .witness import Witness as Witness
