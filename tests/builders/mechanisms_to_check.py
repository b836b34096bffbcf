"""Mechanisms with planted violations, and the games that they are caught in."""

from typing import Any

import numpy as np
import pytest

from dynmech.agents.conformance.strategy_check import check_mechanism
from dynmech.experiments.scenarios.repeated_auction import RepeatedAuction
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import PlayError
from dynmech.sim.play.game import Game, make_game
from dynmech.sim.play.roles import Acts, Situation

# Planted violations: the team mechanism on an auction of four periods, with one rule spoilt


class Planted(Team):
    """Team, which charges less in later periods by what `extra` says."""

    name = "planted"
    source = "a planted violation"

    def extra(self, now: Situation, messages: Array) -> Any:
        raise NotImplementedError

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Acts) -> FloatArray:
        flows = super().charge(now, messages, decision, acts)
        return flows if now.t == 0 else flows + np.broadcast_to(self.extra(now, messages), flows.shape)

    def transfer_bound(self) -> float:
        return super().transfer_bound() + 1


def game(rule: type[Mechanism], **changes: Any) -> Game:
    env = RepeatedAuction(bidders=2, values=3, **{"horizon": 4, **changes}).build()
    return make_game(env, rule(env), tail=0.5)


def caught(rule: type[Mechanism], **changes: Any) -> str:
    with pytest.raises(PlayError) as raised:
        check_mechanism(game(rule, **changes))
    said = str(raised.value)
    assert said.startswith("mechanism 'planted'")
    assert len(said.splitlines()) == 1
    return said
