"""The page of possibility maps holds every scenario, and what it says is found again."""

import pytest

from docs.gallery import PAGE as GALLERY
from docs.maps import HEAD, MOST, PAGE, PICTURES, SURPRISES, lies, rows_of, rows_of_the_page, shown_map
from dynmech import load
from dynmech.experiments.catalog.names import SCENARIOS
from dynmech.sim.economy.environment import TableEnvironment


def test_every_scenario_stands_on_the_page() -> None:
    assert PAGE.read_text(encoding="utf-8").startswith(HEAD)
    assert set(rows_of_the_page()) == set(SCENARIOS.names())


@pytest.mark.parametrize("scenario", ["oil-leases", "repeated-trade", "ar1-additive"])
def test_a_map_is_found_again(scenario: str) -> None:
    assert rows_of(scenario) == rows_of_the_page()[scenario]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS.names())
def test_every_map_is_found_again(scenario: str) -> None:
    assert rows_of(scenario) == rows_of_the_page()[scenario]


@pytest.mark.parametrize("scenario", sorted(rows_of_the_page()))
def test_more_goals_are_never_easier_and_memory_never_harder(scenario: str) -> None:
    """Least largest payments rise along a row, and do not from no memory to one period of it; too large ones aside."""
    environment = load(scenario)
    rows = rows_of_the_page()[scenario]
    if not isinstance(environment, TableEnvironment) or lies(environment) > MOST:
        assert len(rows) == 1
        return
    values = [[float("inf") if cell == "impossible" else float(cell) for cell in row[2:]] for row in rows]
    for truth, staying, covered, everything in values:
        assert truth <= min(staying, covered) + 1e-6
        assert max(staying, covered) <= everything + 1e-6
    assert all(more <= less + 1e-6 for less, more in zip(*values, strict=True))


@pytest.mark.parametrize("scenario", SURPRISES)
def test_what_is_surprising_is_shown_with_its_picture_on_the_page_and_in_the_gallery(scenario: str) -> None:
    assert (PICTURES / f"{scenario}.png").is_file()
    assert len(rows_of_the_page()[scenario]) == 2, "a map of two memories"
    for page in (PAGE, GALLERY):
        assert shown_map(scenario) in page.read_text(encoding="utf-8")
