"""Tolerances go by the economy's money also where it is not finite: there its bound on utilities is the scale."""

from typing import Any

import numpy as np
import pytest

import dynmech as dm
from dynmech.sim.core.spaces import Finite, Interval


def shop(unit: float) -> dm.FunctionEnvironment:
    """A buyer whose value is uniform on [0, `unit`], twice."""
    return dm.FunctionEnvironment(
        "shop",
        ("buyer",),
        1.0,
        2,
        (Interval(0, 1),),
        Finite(("keep", "sell")),
        law=lambda _t, _last, _decision, uniforms: uniforms,
        payoff=lambda _t, signals, decision: unit * signals * decision[:, None],
        bound=unit,
    )


class Asks(dm.Mechanism):
    """Sells, and asks for a share of what is reported; it promises that truth is best."""

    name = "asks"
    promises = dm.Promises(incentive="bayesian")

    def __init__(self, environment: Any, unit: float, share: float) -> None:
        super().__init__(environment)
        self.unit, self.share = unit, share

    def messages(self, _t: int, _agent: int) -> Interval:
        return Interval(0, 1)

    def prescribed(self, _now: Any, _agent: int, signal: Any) -> Any:
        return signal

    def decide(self, _now: Any, messages: Any) -> Any:
        return np.ones(len(messages), np.intp)

    def charge(self, _now: Any, messages: Any, _decision: Any, _acts: Any) -> Any:
        return self.unit * self.share * messages

    def transfer_bound(self) -> float:
        return self.unit


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_verdicts_where_signals_are_continuous_know_no_unit_of_money(unit: float) -> None:
    economy = shop(unit)
    found = {share: dm.audit(economy, Asks(economy, unit, share)) for share in (0.0, 0.5)}
    assert {share: audit.verdicts[0].status for share, audit in found.items()} == {0.0: "not_refuted", 0.5: "breaks"}
    assert found[0.5].to_dict()["scale"] == unit
    gain = max(row.lower for row in found[0.5].figures if row.lower == row.lower)
    # Reporting 0 twice saves half of the mean value ½, twice.
    assert gain / unit == pytest.approx(0.5, abs=0.05)
