"""Exact and simulated figures beside each other: standard errors apart, out of how many comparisons."""

from math import isnan

import numpy as np
import pytest

from dynmech.experiments.figures.comparisons import (
    NO_SPREAD,
    Farthest,
    chance_alone,
    farthest,
    standard_errors_apart,
)
from dynmech.experiments.report.page import render_report
from dynmech.experiments.runs.results import read_result
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.experiments.runs.stressing import stress


@pytest.fixture(scope="module")
def leases(tmp_path_factory: pytest.TempPathFactory) -> StressResult:
    out = tmp_path_factory.mktemp("apart") / "run"
    return stress("oil-leases-prior", ["cremer-mclean", "linked"], episodes=400, log="summary", out=out)


def row(apart: float, one_sided: bool = False, name: str = "a") -> dict[str, object]:
    return {"apart": apart, "one_sided": one_sided, "gain": 1.0, "exact": 2.0, "name": name}


def test_the_distance_is_counted_beyond_what_is_allowed() -> None:
    assert standard_errors_apart(1.64, 2.0, 0.25 / 1.96, 0.0) == pytest.approx(-2.8224, abs=1e-4)
    assert standard_errors_apart(2.5, 2.0, 0.1, 0.2) == pytest.approx(3.0)
    assert standard_errors_apart(2.1, 2.0, 0.1, 0.2) == 0.0


def test_without_spread_only_a_difference_is_a_comparison() -> None:
    assert isnan(standard_errors_apart(2.0, 2.0, 0.0, 0.0))
    assert standard_errors_apart(1.0, 2.0, 0.0, 0.0) == -NO_SPREAD


def test_a_figure_that_bounds_is_passed_only_upwards() -> None:
    found = farthest([row(-30.0, one_sided=True), row(1.5, name="b")], ("name",))
    assert found is not None
    assert (found.apart, found.where, found.comparisons) == (1.5, {"name": "b"}, 2)
    alone = farthest([row(-30.0, one_sided=True)], ("name",))
    assert alone is not None
    assert alone.apart == 0.0
    assert farthest([row(float("nan"))], ("name",)) is None


def test_chance_alone_leaves_the_farthest_of_many_within_its_bound() -> None:
    """A second way: draws of as many standard normal figures; 95 % of their largest stay within."""
    draws = np.abs(np.random.default_rng(0).standard_normal((40_000, 21))).max(axis=1)
    assert (draws <= chance_alone(21)).mean() == pytest.approx(0.95, abs=0.004)
    assert chance_alone(1) == pytest.approx(1.96, abs=1e-3)


@pytest.mark.parametrize(("apart", "likely"), [(-2.8, True), (3.5, False)])
def test_more_than_chance_is_said(apart: float, likely: bool) -> None:
    found = Farthest(21, apart, {"family": "best-response"}, 1.64, 2.0)
    assert found.likely is likely
    assert ("MORE THAN CHANCE" in found.sentence) is not likely
    assert f"Of 21 comparisons of a simulated with an exact figure the farthest is {abs(apart)}" in found.sentence
    assert "within 3.0 in 95 % of tests" in found.sentence


def test_a_stress_test_says_how_far_apart(leases: StressResult) -> None:
    best = leases.gains[leases.gains["family"] == "best-response"].iloc[0]
    error = best["half_width"] / 1.959964
    assert best["apart"] == pytest.approx((best["gain"] - best["exact"]) / error, abs=1e-4)
    assert (
        f"; simulated {best['gain']:.2f} ± {best['half_width']:.2f}, {abs(best['apart']):.1f} standard"
        in leases.sentence
    )
    compared = leases.gains["apart"].notna()
    assert leases.farthest is not None
    assert leases.farthest.comparisons == compared.sum() > 1
    kept = read_result(leases.folder)["farthest"]
    assert kept["comparisons"] == compared.sum()
    assert kept["where"] == leases.farthest.where


def test_the_page_says_so_too(leases: StressResult) -> None:
    page = render_report(leases.folder)
    assert leases.farthest is not None
    assert "of a simulated with an exact figure the farthest is" in page
    assert "standard errors apart</th>" in page


def test_a_shifted_exact_figure_is_farther_than_chance(leases: StressResult) -> None:
    """Planted: the exact figures are off by 5 standard errors of the simulated one."""
    gains = leases.gains.assign(apart=leases.gains["apart"].where(leases.gains["family"] != "best-response", 5.0))
    found = farthest(gains.to_dict("records"), ("family",))  # type: ignore[arg-type]
    assert found is not None
    assert found.where == {"family": "best-response"}
    assert not found.likely
