"""Where the simplex method goes in circles, the interior point method answers."""

import pytest

from dynmech.experiments.designs.designing import design
from dynmech.mechanisms.design import solving
from tests.builders.designs import check, economy


@pytest.mark.parametrize("goals", [{"participation": "exit"}, {"budget": "balanced", "incentive": "bayesian"}])
def test_out_of_steps_the_other_method_says_the_same(goals: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    env = economy(0)
    before = design(env, **goals)  # type: ignore[arg-type]
    monkeypatch.setattr(solving, "STEPS", 0)
    after = design(env, **goals)  # type: ignore[arg-type]
    check(after)
    assert after.objective == pytest.approx(before.objective, abs=1e-8 * env.scale)
