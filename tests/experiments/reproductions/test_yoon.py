"""What Yoon prints, as the reproduction holds it against the laboratory; and the pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dynmech.experiments.plots.trade_plots import balance_region, main, plot_allocation, plot_balance_region, two_values
from dynmech.experiments.reproductions import yoon
from dynmech.experiments.reproductions.base import Claim
from dynmech.mechanisms.revenue.cutoff_rule import optimal_rule
from dynmech.mechanisms.revenue.two_period_types import family
from dynmech.sim.core.errors import InputError
from tests.builders.pictures import colour_count


@pytest.fixture(scope="module")
def found() -> list[Claim]:
    return list(yoon.claims())


def test_every_claim_agrees_or_is_a_stated_slip(found: list[Claim]) -> None:
    assert [claim.claim for claim in found if claim.verdict == "fails"] == []
    assert len(found) > 40
    assert {claim.paper for claim in found} == {yoon.PAPER}
    assert len({claim.claim for claim in found}) == len(found)


def test_the_slip_is_the_one_that_changes_a_number(found: list[Claim]) -> None:
    """That the others' welfare is always zero is none: §3.3 says why, nobody trades alone."""
    slips = {round(claim.exact, 3) for claim in found if claim.verdict == "slip"}
    assert slips == {-0.132}
    alone = [(claim.verdict, round(claim.exact, 9)) for claim in found if claim.claim.startswith("W_{−s}")]
    assert alone == [("derived", 5.0), ("agrees", 0.0)]


def test_what_is_simulated_has_an_error_that_says_something(found: list[Claim]) -> None:
    simulated = [claim for claim in found if claim.simulated is not None]
    assert len(simulated) >= 14
    assert all(0 < claim.error < 0.02 for claim in simulated)


def test_the_region_follows_the_closed_form() -> None:
    alphas, discounts = np.linspace(0.02, 0.98, 25), np.linspace(0.01, 0.99, 25)
    holds = balance_region(alphas, discounts) >= -1e-12
    np.testing.assert_array_equal(holds, discounts[:, None] >= 1 / (3 - 2 * alphas) - 1e-12)


def test_pictures_are_drawn(tmp_path: Path) -> None:
    main(str(tmp_path))
    for name in ("trade-fees", "trade-region", "optimal-allocation"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width > 800
        assert colour_count(tmp_path / f"{name}.png") > 50
    assert two_values(0.75).threshold() == pytest.approx(2 / 3)


def test_the_region_is_coloured_where_trade_pays(tmp_path: Path) -> None:
    with Image.open(plot_balance_region(tmp_path / "region.png", points=41)) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    blue = (np.abs(pixels - np.array([158, 202, 225])).sum(axis=2) < 12).mean()
    # ∫_0^1 [1 − 1/(3 − 2α)] dα = 1 − ½ ln 3 = 0.451 of the axes, which take about 0.8 of the picture.
    assert 0.28 < blue < 0.42


def test_other_kernels_are_drawn_and_bad_paths_get_one_line(tmp_path: Path) -> None:
    rule = optimal_rule(family("power", 2.0), 1.0)
    assert plot_allocation(tmp_path / "power.png", rule).stat().st_size > 10_000
    with pytest.raises(InputError, match="cannot be written"):
        plot_allocation(tmp_path / "none" / "power.png", rule)
