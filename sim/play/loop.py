"""The event loop: nature, the designer and every agent as SimPy processes that exchange messages.

Every message carries a *block* of episodes (arrays with a leading axis), so one loop is both the faithful process
model (one episode per message) and the fast one (thousands). Time is measured in periods; period t opens at time t.

Order of simultaneous events: what arrives at the deadline arrives before the designer settles (the alarm that ends
a stage has a lower priority than any delivery), and the designer reads its inbox by agent index. The order in which
processes were created plays no part.
"""

from collections.abc import Sequence
from dataclasses import replace

import simpy

from dynmech.sim.core.arrays import Array
from dynmech.sim.core.streams import Streams, Tapes
from dynmech.sim.play.agent import Agent
from dynmech.sim.play.block import Block
from dynmech.sim.play.designer import Designer
from dynmech.sim.play.game import Game
from dynmech.sim.play.messages import Channel, Inbox
from dynmech.sim.play.nature import Nature
from dynmech.sim.play.record import Keep, Record
from dynmech.sim.play.roles import StrategyProtocol
from dynmech.sim.play.rules import Rules


def play_shard(
    game: Game,
    strategies: Sequence[StrategyProtocol],
    streams: Streams,
    *,
    episodes: int | None = None,
    block: int = 4096,
    keep: Keep = "everything",
    order: Sequence[int] | None = None,
    rounds: int | None = None,
) -> Record:
    """Play one shard, block by block; the block size and the order of creation change nothing.

    Where strategies learn, a block's economy is played `rounds` times, each time from its beginning and on draws of its
    own; what learners keep in `view.private` lasts. The last round is on the shard's own draws, those of any other
    play of the shard, and it is the one that is recorded; of the others the record holds mean payoffs (`learning`).

    Args:
        strategies: one per agent.
        streams: the shard's uniform numbers.
        episodes: how many of the shard's episodes exist (the last shard may be short).
        block: episodes per message.
        keep: how much of play the record holds, see `Record`.
        order: in which agent processes are created (for tests).
        rounds: how often the economy is played; None: as often as the most eager strategy wants.

    Raises:
        PlayError: a strategy or the mechanism broke the rules; one line.
    """
    count = streams.episodes if episodes is None else episodes
    rounds = max([1, *(strategy.rounds for strategy in strategies)]) if rounds is None else rounds
    record, practice = Record(game, count, keep, rounds), Record(game, count if rounds > 1 else 0, "payoffs")
    rules, tapes = Rules(game), Tapes(streams, block, count)
    for start in range(0, count, block):
        part = slice(start, min(start + block, count))
        private: list[dict[str, Array]] = [{} for _ in strategies]
        for k in range(rounds - 1):
            fresh = Tapes(replace(streams, scope=f"{streams.scope}/round {k}"), block, part.stop)
            _play_block(Block(rules, fresh, practice, part, k, rounds), strategies, private, order)
            record.learned(k, part, practice.payoffs[:, part])
        _play_block(Block(rules, tapes, record, part, rounds - 1, rounds), strategies, private, order)
    return record


def _play_block(
    block: Block, strategies: Sequence[StrategyProtocol], private: list[dict[str, Array]], order: Sequence[int] | None
) -> None:
    """Create the processes of one block and let the clock run until the designer is done.

    Args:
        private: the arrays that each strategy keeps; those of a strategy that learns last from round to round.
    """
    clock = simpy.Environment()
    states, decisions, inbox = Channel(clock), Channel(clock), Inbox(len(strategies))
    agents = [
        Agent(i, strategy, block, clock, inbox, private[i] if strategy.rounds > 1 else {})
        for i, strategy in enumerate(strategies)
    ]
    designer = Designer(block, clock, agents, inbox, states, decisions)
    processes = [Nature(block, clock, states, decisions).run()]
    processes += [agents[i].run() for i in (range(len(agents)) if order is None else order)]
    processes.append(designer.run())
    try:
        clock.run(until=[clock.process(process) for process in processes][-1])
    finally:
        # A process that still waits refers to all that it works on: closed, it lets go of it at once.
        for process in processes:
            process.close()
