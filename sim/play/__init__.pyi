from .episode import Episode as Episode
from .fused import PeriodTables as PeriodTables, play_tables as play_tables
from .game import Game as Game, ProtocolOptions as ProtocolOptions, make_game as make_game, shortened as shortened
from .latency import Latency as Latency
from .loop import play_shard as play_shard
from .output_validation import one_line as one_line
from .record import Keep as Keep, Record as Record, stretches as stretches
from .roles import (
    Acts as Acts,
    GameSpaces as GameSpaces,
    MechanismProtocol as MechanismProtocol,
    Past as Past,
    PeekError as PeekError,
    Promises as Promises,
    Situation as Situation,
    StrategyProtocol as StrategyProtocol,
    View as View,
)
from .rules import Agenda as Agenda, Rules as Rules
