"""One episode of a game, a period at a time, for callers outside the event loop that choose the messages.

The rules are asked, the draws made and the order of a period kept as on the loop (`loop`): under the same uniform
numbers and the same messages every flow is the same to the last digit. All messages are on time, and nobody acts or
replies after the decision.
"""

from functools import partial

import numpy as np

from dynmech.sim.core.arrays import Array, FloatArray, frozen
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.streams import Streams, Tapes
from dynmech.sim.economy.environment import State
from dynmech.sim.play.game import Game
from dynmech.sim.play.output_validation import checked_answer
from dynmech.sim.play.roles import Acts, Situation
from dynmech.sim.play.rules import Rules


class Episode:
    """An episode that waits for the messages of period `t`.

    Attributes:
        t: the period that is open; `game.periods` when all have been played.
        now: its situation; `signals` and `prescribed` `(N,)`, every agent's signal and what is asked of it.
        decision, messages: those of the last period played (None at first; `(N,)`).
        utility, transfer: flows of the last period played `(N,)`.
        settlement: `(N,)`, what falls due in closing periods, discounted to the last period played; 0 until then.

    Raises:
        Refusal: agents act, reply or pay after the decision.
    """

    now: Situation
    signals: Array
    prescribed: Array

    def __init__(self, game: Game, streams: Streams) -> None:
        for t in range(game.periods):
            if game.environment.actions(t) or any(
                game.mechanism.asks(t, i) for i in range(len(game.game_spaces.agents))
            ):
                raise Refusal(f"period {t} has private actions or replies: play it on the event loop")
        if game.protocol.payments is not None:
            raise Refusal("bills that are sent and answered: play it on the event loop")
        self.game, self.rules, self.t = game, Rules(game), 0
        self._tapes = Tapes(streams, 1, 1)
        self._agents = range(len(game.game_spaces.agents))
        nothing = np.zeros((1, len(self._agents)))
        self._nobody = Acts(frozen(nothing.astype(np.intp)), frozen(nothing))
        self._memory: Array = frozen(np.zeros(1, np.intp))
        self._state: State | None = None
        self._decision: Array | None = None
        self.decision: int | float | None = None
        self.messages: Array | None = None
        self.utility, self.transfer, self.settlement = np.zeros((3, len(self._agents)))
        self._open()

    @property
    def over(self) -> bool:
        """Whether all periods have been played."""
        return self.t >= self.game.periods

    def send(self, messages: Array) -> None:
        """Play the open period with these messages `(N,)`, and open the next one.

        Raises:
            PlayError: a message is outside its set, or the mechanism breaks the rules.
        """
        assert self._state is not None
        self.messages = np.asarray(messages)
        sent = self._filled(self.messages)
        decision = self.rules.decide(self.now, sent, self._uniforms)
        utility = self.game.environment.utility(self.t, self._state, decision)
        transfers = self.rules.transfers(self.now, sent, decision, self._nobody)
        self._memory = self.rules.remember(self.now, sent, decision, self._nobody)
        self.utility, self.transfer = utility[0].copy(), transfers[0].copy()
        self._decision, self.decision = decision, decision[0].item()
        self.t += 1
        if not self.over:
            self._open()
        else:
            self._close()

    def _open(self) -> None:
        """Draw the state of period t, and ask what is prescribed."""
        environment, t = self.game.environment, self.t
        uniforms = self._tapes.at(environment.streams(t), 1, t, 0, 1)
        self._state = environment.draw(t, self._state, self._decision, uniforms)
        self.now = Situation(t, self._memory, frozen(self._state.public))
        self.signals = self._state.signals[0].copy()
        spaces = self.rules.agenda(t).messages
        columns = [frozen(self._state.signals[:, i]) for i in self._agents]
        self.prescribed = np.array([self.rules.prescribed(self.now, i, columns[i], spaces[i])[0] for i in self._agents])

    def _close(self) -> None:
        """Settle what still falls due: prescribed messages, nothing new but decisions to move the state by."""
        weight, last = 1.0, self.t
        for t in range(last, last + self.game.closing):
            self.t, weight = t, weight * self.game.environment.discount
            self._open()
            sent = self._filled(self.prescribed)
            self.settlement = self.settlement + weight * self.rules.due(self.now, sent)[0]
            self._decision = self.rules.decide(self.now, sent, self._uniforms)
            self._memory = self.rules.remember(self.now, sent, self._decision, self._nobody)
        self.t = last

    def _filled(self, messages: Array) -> Array:
        """Messages as the rules are given them, `(1, N)`."""
        room, agenda = self.rules.room(self.t, 1), self.rules.agenda(self.t)
        for i in self._agents:
            room[i] = checked_answer(messages[i : i + 1], agenda.messages[i], 1, partial(self._whose, i))
        room.flags.writeable = False
        return room.T

    def _uniforms(self, t: int) -> FloatArray:
        """The designer's own uniform numbers, `(1, 1)`."""
        return self._tapes.at(("designer",), 1, t, 0, 1)

    def _whose(self, agent: int) -> str:
        return f"agent {self.game.game_spaces.agents[agent]!r} in period {self.t}: its message"
