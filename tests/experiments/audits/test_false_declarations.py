"""What a mechanism declares falsely, or what cannot be searched, is refused by an audit."""

from typing import Any

import numpy as np
import pytest

from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.remembering import LastPeriodMechanism
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.roles import Promises, Situation
from tests.builders.audit_figures import gains
from tests.builders.audit_words import call, verdicts
from tests.builders.random_economies import interdependent


class SecretMemory(Team):
    """Declares no memory and keeps notes on the side."""

    name = "secret-memory"

    def __init__(self, environment: TableEnvironment) -> None:
        super().__init__(environment)
        self.calls = 0

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Any) -> FloatArray:
        self.calls += 1
        return super().charge(now, messages, decision, acts) + self.calls

    def transfer_bound(self) -> float:
        return 1e9


class TooMuchMemory(LastPeriodMechanism):
    """Remembers more values than it declares."""

    name = "too-much-memory"

    def memory_size(self, t: int) -> int:
        return 1 if t == 0 else 3

    def transfer_bound(self) -> float:
        return 0.0


class LateSurprise(Team):
    """Changes its rules in period 2."""

    name = "late-surprise"

    def charge(self, now: Situation, messages: Array, decision: Array, acts: Any) -> FloatArray:
        return super().charge(now, messages, decision, acts) + (0.1 if now.t > 1 else 0.0)


class Understated(Team):
    """States a bound that its transfers exceed."""

    name = "understated"

    def transfer_bound(self) -> float:
        return 0.01


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (SecretMemory, "charge answers otherwise in another order"),
        (TooMuchMemory, "remember returns .* declared are 0 to 2"),
        (LateSurprise, "charge answers otherwise in period 2, not in period 1"),
        (Understated, r"exceeds the declared bound 0\.01"),
    ],
)
def test_false_declarations_are_refused(rule: type[Mechanism], why: str) -> None:
    environment = interdependent(1)
    with pytest.raises(Refusal, match=why):
        audit(environment, rule(environment))


def test_too_large_is_refused_with_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dynmech.mechanisms.rules.tabulation.LARGEST", 20)
    with pytest.raises(
        Refusal,
        match=r"rules have 27 cases in period 0, more than 20; a lower bound by a limited search does not know --exit",
    ):
        audit(load("random:agents=3,signals=3,correlation=0,independent=true,interdependence=0"), "team", exit=True)


class Mute(Team):
    """Asks agent 1 for nothing: its prescribed message does not reveal its signal."""

    name = "mute"
    promises = Promises(incentive="bayesian")

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return np.zeros_like(signal) if agent == 0 else signal


def test_what_cannot_be_searched_is_not_said_to_hold() -> None:
    environment = interdependent(1)
    found = audit(environment, Mute(environment))
    assert found.searches[1].refused
    assert np.isnan(gains(found, Family.BEST_RESPONSE, "interim")[1])
    assert verdicts(found)["incentive: bayesian"] in ("breaks", "undecided")
    assert not found.holds
    assert found.to_dict()["participation"]["interim"][1] is None


class Growing(LastPeriodMechanism):
    """Declares a memory that grows after period 1."""

    name = "growing"

    def memory_size(self, t: int) -> int:
        return 1 + 2 * t

    def remember(self, now: Situation, messages: Array, decision: Array, acts: Any) -> Array:
        return 1 + messages[:, 0]

    def transfer_bound(self) -> float:
        return 0.0


class Forgetful(ContingentSpanning):
    """Lets transfers fall due later, and declares that none do."""

    name = "forgetful"

    @property
    def lags(self) -> int:
        return 0


class Fickle(Team):
    """Prescribes the opposite from period 2 on."""

    name = "fickle"

    def prescribed(self, now: Situation, agent: int, signal: Array) -> Array:
        return 1 - signal if now.t > 1 else signal


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (Growing, "memory grows after period 1"),
        (Forgetful, "declares lags = 0"),
        (Fickle, "prescribed answers agent 0 otherwise in another order or in period 2"),
    ],
)
def test_more_false_declarations(rule: type[Mechanism], why: str) -> None:
    environment = interdependent(1)
    with pytest.raises(Refusal, match=why):
        audit(environment, rule(environment))


def test_a_coalition_of_strangers_is_refused() -> None:
    environment = interdependent(1)
    for members in ([5], [-1, 1], []):
        with pytest.raises(InputError):
            audit(environment, Team(environment), coalitions=[members])


def test_a_state_that_no_play_leads_to_has_no_story_but_is_not_denied(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "audit", "random:agents=3,signals=4,horizon=3", "cremer-mclean", "--all-states")
    assert code == 1
    assert "No deviation" not in out.splitlines()[0]
    assert "over all states" in out


@pytest.mark.parametrize("wrong", [{"budget": "no-deficit"}, {"participation": "intrim"}, {"incentive": "bayes"}])
def test_promises_are_words_that_an_audit_knows(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError, match="is none of"):
        Promises(**wrong)  # type: ignore[arg-type] # planted
