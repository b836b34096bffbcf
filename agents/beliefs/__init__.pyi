from .belief_gains import (
    BeliefSearch as BeliefSearch,
    BoundedGain as BoundedGain,
    search_beliefs as search_beliefs,
)
from .belief_values import BeliefValues as BeliefValues, Bounds as Bounds
from .belief_witness import BeliefWitness as BeliefWitness
from .equilibrium_search import Judged as Judged, find_equilibrium as find_equilibrium, judge as judge
from .graph_of_beliefs import BeliefGraph as BeliefGraph, belief_graph as belief_graph
from .period_outcomes import Outcomes as Outcomes, Shown as Shown, outcomes as outcomes
from .played_profile import PlayedProfile as PlayedProfile
from .profile_files import (
    load_profile as load_profile,
    profile_from_data as profile_from_data,
    profile_to_data as profile_to_data,
    save_profile as save_profile,
)
from .profile_part import ProfilePart as ProfilePart
from .profiles import Profile as Profile, prescribed_profile as prescribed_profile
from .recall import RECALLS as RECALLS, Recalled as Recalled, recalled as recalled
