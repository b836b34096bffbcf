"""Nature: the process that draws the state of every period."""

from simpy import Environment

from dynmech.sim.core.arrays import Array
from dynmech.sim.economy.environment import State
from dynmech.sim.play.block import Block
from dynmech.sim.play.messages import Channel, Process


class Nature:
    """Draws a block's states, period by period.

    Args:
        states: carries each state to the designer when its period opens.
        decisions: carries back what was realised, `(n,)`, when the period is over.
    """

    def __init__(self, block: Block, clock: Environment, states: Channel, decisions: Channel) -> None:
        self._block, self._clock = block, clock
        self._states, self._decisions = states, decisions

    def run(self) -> Process:
        """Open period t at time t, closing periods included."""
        block, game = self._block, self._block.game
        environment = game.environment
        state: State | None = None
        realised: Array | None = None
        for t in range(game.periods + game.closing):
            uniforms = block.uniforms(environment.streams(t), 1, t)
            state = environment.draw(t, state, realised, uniforms)
            self._states.send(state)
            realised = yield self._decisions.receive()
            yield self._clock.timeout(t + 1 - self._clock.now)
