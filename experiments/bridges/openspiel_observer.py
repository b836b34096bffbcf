"""What a player of the OpenSpiel game knows, as a text and as a tensor.

A tensor is zeros and ones, one for each thing that may be seen, but for what is announced and for flows, which stand as
they are. With perfect recall a piece has a row per period (an information state); without, one row: what is shown now,
and of the last period that is over (an observation).

| piece | row | shown where |
| --- | --- | --- |
| `player`, `period` | whose view it is; 0 to T | always |
| `public` | the public state | there is one |
| `reports` | of all agents | `everything` is disclosed |
| `announced` | what the mechanism announces of the messages | `announced` |
| `decisions` | what was decided | all but `own` |
| `signals` | own | private |
| `sent` | own message of the open period (one row) | private |
| `asked`, `own reports`, `transfers`, `utilities` | own | private, all but `everything` |
| `outcomes` | the class of decisions that are alike for the agent | private, `own` |

Private pieces of all players (`ALL_PLAYERS`) have the player's number behind their names.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from dynmech.experiments.bridges.openspiel_periods import Settled
from dynmech.sim.core.errors import InputError
from dynmech.sim.play.disclosure import ANNOUNCED

if TYPE_CHECKING:
    from dynmech.experiments.bridges.openspiel_game import GameRules, MechanismState

try:
    import pyspiel
except ImportError as missing:
    raise InputError("OpenSpiel is not installed; it is the optional extra: pip install dynmech[spiel]") from missing


def information_text(state: "MechanismState", player: int) -> str:
    """All that a player has been shown so far."""
    return _text(state, player, (player,), recall=True, public=True)


def observation_text(state: "MechanismState", player: int) -> str:
    """What a player is shown now, and of the last period."""
    return _text(state, player, (player,), recall=False, public=True)


def _text(state: "MechanismState", player: int, seen: tuple[int, ...], *, recall: bool, public: bool) -> str:
    """Return what `player` is shown: of the private parts those of the players in `seen`."""
    disclosure, past = state.rules.disclosure, state.past if recall else state.past[-1:]
    words = [f"player {player} period {state.t}"]
    if public:
        words += [settled.shown_to_all(disclosure, recall=recall) for settled in past]
        words += [f"o{state.public}"] if state.profile is not None and state.rules.publics else []
    for who in seen:
        words += [settled.shown_to(disclosure, who, recall=recall) for settled in past]
        words += _private_now(state, who)
    return " ".join(words)


def _private_now(state: "MechanismState", who: int) -> list[str]:
    """Return what a player alone knows of the open period."""
    if state.profile is None:
        return []
    words = [f"signal {state.signals[who]}"]
    words += [] if state.rules.disclosure == "everything" else [f"asked {state.asked(who)}"]
    return words + ([f"sent {state.reports[who]}"] if who < len(state.reports) else [])


class MechanismObserver:
    """OpenSpiel's observer: `set_from` fills `tensor`, of which the arrays in `dict` are parts."""

    def __init__(self, rules: "GameRules", kind: Any, params: Any = None) -> None:
        if params:
            raise InputError(f"OpenSpiel: an observation of this game takes no parameters, not {params!r}")
        self._rules, self._recall, self._public = rules, bool(kind.perfect_recall), bool(kind.public_info)
        self._private = kind.private_info
        pieces = self._pieces()
        self.tensor = np.zeros(sum(int(np.prod(shape)) for shape in pieces.values()), np.float32)
        self.dict: dict[str, Any] = {}
        start = 0
        for name, shape in pieces.items():
            size = int(np.prod(shape))
            self.dict[name] = self.tensor[start : start + size].reshape(shape)
            start += size

    def _seen(self, player: int) -> tuple[int, ...]:
        """Whose private parts are shown to a player."""
        if self._private == pyspiel.PrivateInfoType.ALL_PLAYERS:
            return tuple(range(self._rules.agents))
        return (player,) if self._private == pyspiel.PrivateInfoType.SINGLE_PLAYER else ()

    def _suffix(self, who: int) -> str:
        """What stands behind the names of a player's private pieces."""
        return f" {who}" if self._private == pyspiel.PrivateInfoType.ALL_PLAYERS else ""

    def _pieces(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of all pieces."""
        rules, disclosure = self._rules, self._rules.disclosure
        rows = rules.periods if self._recall else 1
        pieces: dict[str, tuple[int, ...]] = {"player": (rules.agents,), "period": (rules.periods + 1,)}
        if self._public:
            pieces |= {"public": (rows, rules.publics)} if rules.publics else {}
            pieces |= {"reports": (rows, rules.agents, rules.messages)} if disclosure == "everything" else {}
            pieces |= {"announced": (rows,)} if disclosure == ANNOUNCED else {}
            pieces |= {"decisions": (rows, rules.decisions)} if disclosure != "own" else {}
        own: dict[str, tuple[int, ...]] = {"signals": (rows, rules.signals), "sent": (rules.messages,)}
        if disclosure != "everything":
            own |= {"asked": (rows, rules.messages), "own reports": (rows, rules.messages)}
            own |= {"transfers": (rows,), "utilities": (rows,)}
            own |= {"outcomes": (rows, rules.decisions)} if disclosure == "own" else {}
        for who in self._seen(0):
            pieces |= {name + self._suffix(who): shape for name, shape in own.items()}
        return pieces

    def set_from(self, state: "MechanismState", player: int) -> None:
        """Fill the tensor with what a player is shown in a state."""
        self.tensor.fill(0)
        self.dict["player"][player] = 1
        self.dict["period"][state.t] = 1
        past = list(enumerate(state.past)) if self._recall else [(0, settled) for settled in state.past[-1:]]
        row = min(state.t, self._rules.periods - 1) if self._recall else 0
        for k, settled in past:
            self._put_public(k, settled)
        if self._public and "public" in self.dict and state.profile is not None:
            self.dict["public"][row, state.public] = 1
        for who in self._seen(player):
            for k, settled in past:
                self._put_private(k, settled, who)
            if state.profile is not None:
                self._put_now(row, state, who)

    def _put_public(self, k: int, settled: Settled) -> None:
        """Fill row k with what is public of a period that is over."""
        if self._recall and "public" in self.dict and settled.public is not None:
            self.dict["public"][k, settled.public] = 1
        if "reports" in self.dict:
            self.dict["reports"][k, range(len(settled.reports)), settled.reports] = 1
        if "announced" in self.dict:
            self.dict["announced"][k] = settled.announced
        if "decisions" in self.dict:
            self.dict["decisions"][k, settled.decision] = 1

    def _put_private(self, k: int, settled: Settled, who: int) -> None:
        """Fill row k with what a player alone knows of a period that is over."""
        end = self._suffix(who)
        if self._recall:
            self.dict["signals" + end][k, settled.signals[who]] = 1
        if "asked" + end not in self.dict:
            return
        if self._recall:
            self.dict["asked" + end][k, settled.asked[who]] = 1
        self.dict["own reports" + end][k, settled.reports[who]] = 1
        self.dict["transfers" + end][k] = settled.transfer[who]
        self.dict["utilities" + end][k] = settled.utility[who]
        told = settled.told[who]
        if "outcomes" + end in self.dict and told is not None:
            self.dict["outcomes" + end][k, told] = 1

    def _put_now(self, row: int, state: "MechanismState", who: int) -> None:
        """Fill a row with what a player alone knows of the open period."""
        end = self._suffix(who)
        self.dict["signals" + end][row, state.signals[who]] = 1
        if who < len(state.reports):
            self.dict["sent" + end][state.reports[who]] = 1
        if "asked" + end in self.dict:
            self.dict["asked" + end][row, state.asked(who)] = 1

    def string_from(self, state: "MechanismState", player: int) -> str:
        """Return what a player is shown in a state as a text."""
        return _text(state, player, self._seen(player), recall=self._recall, public=self._public)
