"""Draws of an economy are held to its prior and its kernels."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from dynmech.experiments.scenarios.random_economy import RandomEconomy
from dynmech.sim.conformance.environment_check import check_environment
from dynmech.sim.core.arrays import Array, FloatArray
from dynmech.sim.core.errors import PlayError
from dynmech.sim.core.plugin_files import load_plugin
from dynmech.sim.economy.environment import State, TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.checked_economies import caught, persist, town
from tests.builders.small_economies import AGENTS, town_table

# The law


class Drifting(TableEnvironment):
    """Draws from another kernel than it says."""

    drawn: TableEnvironment

    def draw(self, t: int, previous: State | None, decision: Array | None, uniforms: FloatArray) -> State:
        return self.drawn.draw(t, previous, decision, uniforms)


def drifting(declared: TableEnvironment, drawn: TableEnvironment) -> TableEnvironment:
    made = Drifting(**{name: getattr(declared, name) for name in declared.__dataclass_fields__})
    object.__setattr__(made, "drawn", drawn)
    return made


def test_draws_must_follow_the_kernel() -> None:
    check_environment(drifting(town_table(), town_table()))
    error = caught(drifting(town_table(0.75), town_table(0.70)))
    assert isinstance(error, PlayError)
    assert str(error).startswith("environment 'town' in period 1: the profile is '")
    assert "of 8000 draws after decision 'no' at 'low, low'; the law says " in str(error)


def test_draws_must_follow_the_prior() -> None:
    other = replace(town_table(), prior=np.array([[0.25, 0.25], [0.3, 0.2]]))
    assert "in period 0: the profile is 'high, " in str(caught(drifting(town_table(), other)))


def test_what_cannot_happen_must_not() -> None:
    error = caught(drifting(town_table(1.0), town_table(1 - 1e-3)))
    assert "of 8000 draws after decision 'no' at 'low, low'; the law says 0" in str(error)


def test_one_agents_signal_is_named_where_the_profile_has_too_many_outcomes_to_tell() -> None:
    """400 outcomes of 20 draws each tell little; Bob's 20 tell that every second of two of them comes too often."""
    size = 20
    bent = np.full((1, size, size), 1 / size)
    bent[..., ::2] *= 1.1
    bent[..., 1::2] *= 0.9
    even = np.full((1, size, size), 1 / size)
    labels = tuple(str(k) for k in range(size))

    def large(second: FloatArray) -> TableEnvironment:
        stage = Stage((labels, labels), ("-",), np.zeros((2, 1, size, size)), IndependentKernel((even, second)))
        return TableEnvironment("large", AGENTS, np.full((size, size), 1 / size**2), (stage,), 0.9, None)

    check_environment(large(bent))
    assert "in period 1: the signal of agent 'Bob' is '" in str(caught(drifting(large(even), large(bent))))


@given(st.integers(0, 10**6), st.booleans())
def test_the_kernels_of_random_economies_tell_themselves_apart(seed: int, independent: bool) -> None:
    def environment(seed: int) -> TableEnvironment:
        return RandomEconomy(
            seed, signals=2, horizon=2, independent=independent, correlation=0.0 if independent else 1.0
        ).build()

    one, other = environment(seed), environment(seed + 1)
    check_environment(one)
    error = caught(drifting(one, replace(other, prior=one.prior)))
    assert "in period 1: the " in str(error)
    assert "the law says" in str(error)


def test_an_economy_by_functions_is_held_to_a_table() -> None:
    assert "in period 1: the profile is " in str(caught(town(), town_table(0.7)))
    assert "utility of agent 'Ann' from decision 'no' at signals [0, 0] is 1, of 'town' it is 2" in str(
        caught(town(), town_table(scale=2.0))
    )
    assert "discount: 0.9, of 'town' it is 0.8" in str(caught(town(), replace(town_table(), discount=0.8)))
    assert "horizon: 3, of 'town' it is None" in str(caught(town(horizon=3), town_table()))
    assert "public states, signals or decisions are not as many as those of 'random'" in str(
        caught(town(), RandomEconomy(signals=3).build())
    )
    assert "agents: 2, of 'random' there are 3" in str(caught(town(), RandomEconomy(agents=3).build()))


def test_a_state_must_not_bring_another_profile_along() -> None:
    if "profile" not in State._fields:
        pytest.skip("states do not carry their profile")

    class Stale(TableEnvironment):
        def draw(self, t: int, previous: State | None, decision: Array | None, uniforms: FloatArray) -> State:
            state = super().draw(t, previous, decision, uniforms)
            return state._replace(signals=1 - state.signals)

    sound = town_table()
    stale = Stale(**{name: getattr(sound, name) for name in sound.__dataclass_fields__})
    assert "draw returned a State whose profile is not that of its signals; leave it None" in str(caught(stale))


def test_nature_changes_nothing_else() -> None:
    def lenient(t: int, last: Array | None, decision: Array | None, uniforms: FloatArray) -> Array:
        np.seterr(all="ignore")
        return persist(t, last, decision, uniforms)

    before = np.geterr()
    assert str(caught(town(law=lenient))) == (
        "environment 'town': it changes NumPy's handling of errors; it may only answer what it is asked"
    )
    assert np.geterr() == before


def test_the_place_in_a_users_file_is_named(tmp_path: Path) -> None:
    plugin = tmp_path / "nature.py"
    plugin.write_text("def law(t, last, decision, uniforms):\n    return uniforms / 0\n", encoding="utf-8")
    law = vars(load_plugin(plugin))["law"]
    with np.errstate(divide="raise", invalid="raise"):
        assert "draw raised FloatingPointError: " in str(error := caught(town(law=law)))
    assert str(error).endswith("(nature.py, line 2)")
