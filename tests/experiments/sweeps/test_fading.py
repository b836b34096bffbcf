"""Transfers grow as correlation fades, at the rate of the conditioning; where nothing is told, the reason is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dynmech.experiments.sweeps.sweeping import sweep

FADING = [0.04, 0.02, 0.01]


def fading(values: list[float], mechanism: str, out: Path) -> pd.DataFrame:
    return sweep("random:seed=3,signals=2", {"correlation": values}, mechanism, out=out).figures


@pytest.mark.parametrize("mechanism", ["contingent-spanning", "contingent-convex", "surplus-extraction"])
def test_transfers_grow_as_correlation_fades(mechanism: str, tmp_path: Path) -> None:
    """Beliefs P_0 + c (P_1 − P_0): in the limit σ_min and ε fall like c and transfers rise like 1/c."""
    frame = fading([*FADING, 0.0], mechanism, tmp_path / "a")
    assert list(frame["correlation"]) == [*FADING, 0.0]
    told = frame.iloc[:-1]
    for measure in ("singular_value", "hull_distance"):
        ratios = told[measure].to_numpy()[:-1] / told[measure].to_numpy()[1:]
        assert ratios == pytest.approx(2, rel=0.1)
    growth = told["transfer_bound"].to_numpy()[1:] / told["transfer_bound"].to_numpy()[:-1]
    assert growth == pytest.approx(2, rel=0.1)
    assert (told["largest_transfer"] <= told["transfer_bound"] * (1 + 1e-12)).all()
    assert told["budget"].is_monotonic_decreasing
    assert (told["refused"] == "").all()
    silent = frame.iloc[-1]
    assert np.isnan(silent["largest_transfer"])
    assert "for agent 'agent 1'" in silent["refused"]


def test_revenue_is_that_of_the_theorem_however_large_the_transfers(tmp_path: Path) -> None:
    """−(N − 1) E[W] and +E[W]: bounded, while single payments are not."""
    low, high = (
        fading(FADING, name, tmp_path / name)["revenue"] for name in ("contingent-spanning", "surplus-extraction")
    )
    np.testing.assert_allclose(low, -high, rtol=1e-6)
