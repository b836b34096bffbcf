"""A block of episodes in one round: what nature, the designer and the agents that play it share."""

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.streams import Tapes
from dynmech.sim.play.record import Record
from dynmech.sim.play.rules import Rules


class Block:
    """A block of n episodes in one round.

    Args:
        rules: the rules of the game's mechanism, which check what it returns.
        tapes: the shard's uniform numbers.
        record: where play is recorded.
        episodes: the block's place among the shard's episodes.
        round: which play of the economy this is, from 0.
        rounds: how many there are; the last one counts.

    Attributes:
        game: the game that is played.
        size: n.
    """

    def __init__(self, rules: Rules, tapes: Tapes, record: Record, episodes: slice, round: int, rounds: int) -> None:
        self.rules, self.game, self.record = rules, rules.game, record
        self.episodes, self.round, self.rounds = episodes, round, rounds
        self.size: int = episodes.stop - episodes.start
        self._tapes = tapes

    def uniforms(self, names: tuple[str, ...], width: int, t: int) -> FloatArray:
        """Period t's numbers of the streams named, `(n, streams × width)`."""
        return self._tapes.at(names, width, t, self.episodes.start, self.episodes.stop)
