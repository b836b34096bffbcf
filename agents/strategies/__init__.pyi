from .base import AgentContext as AgentContext, Strategy as Strategy
from .belief_manipulation import BeliefManipulation as BeliefManipulation
from .block_partition import SideBySide as SideBySide, side_by_side as side_by_side, traits as traits
from .contingent import Contingent as Contingent
from .delayed import Delayed as Delayed
from .disobedience import Disobedience as Disobedience
from .eager_seller import EagerSeller as EagerSeller
from .history_conditions import Condition as Condition
from .informed_buyer import InformedBuyer as InformedBuyer
from .initial_misreport import InitialMisreport as InitialMisreport
from .maps import MessageMap as MessageMap
from .misreport import Misreport as Misreport
from .mixture import Mixture as Mixture
from .noisy import Noisy as Noisy
from .one_shot import OneShot as OneShot
from .per_episode import EpisodeStrategy as EpisodeStrategy, EpisodeView as EpisodeView
from .quitting import Quitting as Quitting
from .random_report import RandomReport as RandomReport
from .scripted import Scripted as Scripted
from .shaded import Shaded as Shaded
from .trade_formulas import (
    best_buyer_report as best_buyer_report,
    best_seller_report as best_seller_report,
    buyer_worth as buyer_worth,
    seller_worth as seller_worth,
)
from .truthful import Truthful as Truthful
from .wrapping import Wrapping as Wrapping
