from .accumulator import Booking as Booking
from .channel import Latency as Latency
from .episode import Episode as Episode
from .game import Conduct as Conduct
from .game import Game as Game
from .game import make_game as make_game
from .game import shortened as shortened
from .loop import Turn as Turn
from .loop import play_shard as play_shard
from .output_validation import one_line as one_line
from .record import Keep as Keep
from .record import Record as Record
from .record import stretches as stretches
from .roles import (
    Acts as Acts,
)
from .roles import (
    Lexicon as Lexicon,
)
from .roles import (
    Mechanism as Mechanism,
)
from .roles import (
    Past as Past,
)
from .roles import (
    PeekError as PeekError,
)
from .roles import (
    Promises as Promises,
)
from .roles import (
    Situation as Situation,
)
from .roles import (
    Strategy as Strategy,
)
from .roles import (
    View as View,
)
from .rules import Agenda as Agenda
from .rules import Rules as Rules
