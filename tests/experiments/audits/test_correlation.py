"""Transfers grow as correlation fades, at the rate of the conditioning; where nothing is told, the reason is."""

from pathlib import Path

import numpy as np
import pytest

from dynmech.experiments.audits.correlation import plot_correlation, sweep_correlation
from dynmech.sim.core.errors import InputError

FADING = [0.08, 0.04, 0.02, 0.01]


@pytest.mark.parametrize("mechanism", ["contingent-spanning", "contingent-convex", "surplus-extraction"])
def test_transfers_grow_as_correlation_fades(mechanism: str) -> None:
    """Beliefs P_0 + c (P_1 − P_0): in the limit σ_min and ε fall like c and transfers rise like 1/c."""
    frame = sweep_correlation("random:seed=3,signals=2", "correlation", [*FADING, 0.0], mechanism)
    assert list(frame["correlation"]) == [*FADING, 0.0]
    told = frame.iloc[:-1]
    for measure in ("singular_value", "hull_distance"):
        ratios = told[measure].to_numpy()[:-1] / told[measure].to_numpy()[1:]
        assert ratios == pytest.approx(2, rel=0.1)
    growth = told["largest_transfer"].to_numpy()[1:] / told["largest_transfer"].to_numpy()[:-1]
    assert growth == pytest.approx(2, rel=0.1)
    assert told["worst_deficit"].is_monotonic_decreasing
    assert (told["refused"] == "").all()
    silent = frame.iloc[-1]
    assert np.isnan(silent["largest_transfer"])
    assert silent["hull_distance"] < 1e-9
    assert "for agent 'agent 1'" in silent["refused"]


def test_revenue_is_that_of_the_theorem_however_large_the_transfers() -> None:
    """−(N − 1) E[W] and +E[W]: bounded, while single payments are not."""
    low, high = (
        sweep_correlation("random:seed=3,signals=2", "correlation", FADING, name)["revenue"]
        for name in ("contingent-spanning", "surplus-extraction")
    )
    np.testing.assert_allclose(low, -high, rtol=1e-6)


def test_a_picture_of_it(tmp_path: Path) -> None:
    frame = sweep_correlation("random:seed=3,signals=2", "correlation", [*FADING, 0.0])
    first = plot_correlation(frame, tmp_path / "fading.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert plot_correlation(frame, tmp_path / "again.png").read_bytes() == first
    assert plot_correlation(frame.iloc[:2], tmp_path / "less.png").read_bytes() != first
    with pytest.raises(InputError, match="nothing to draw; the mechanism was refused at every value"):
        plot_correlation(frame.iloc[-1:], tmp_path / "none.png")
    with pytest.raises(InputError, match="cannot be written"):
        plot_correlation(frame, tmp_path / "nowhere" / "fading.png")


def test_unknown_options_are_refused() -> None:
    with pytest.raises(InputError, match="unknown option 'weather'"):
        sweep_correlation("random", "weather", [1])
    with pytest.raises(InputError, match="unknown mechanism"):
        sweep_correlation("random", "correlation", [1.0], "magic")
