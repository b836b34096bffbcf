"""The page of worst laws is what its script works out."""

import pytest

from docs.worst_laws import WorstLaws, pairs, rows_of_the_page, worst_laws


def test_the_page_has_a_row_per_pair_and_quick_rows_are_as_worked_out() -> None:
    rows = {tuple(row[:2]): row for row in rows_of_the_page()}
    assert list(rows) == [pair for pair in pairs() if pair in rows]
    assert len(rows) >= 15
    for pair in (("oil-leases-prior", "linked"), ("oil-leases", "linked")):
        row = worst_laws(*pair)
        assert row is not None
        assert row.cells() == rows[pair]


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "mechanism"), pairs())
def test_a_row_is_as_worked_out(scenario: str, mechanism: str) -> None:
    row = worst_laws(scenario, mechanism)
    kept = [cells for cells in rows_of_the_page() if cells[:2] == [scenario, mechanism]]
    assert kept == ([] if row is None else [row.cells()])


def test_cells_say_what_is_proved_and_what_is_refuted() -> None:
    row = WorstLaws("a", "b", [(0.0, 0.0), (0.1, 0.2), (0.5, 0.5)], (0.3, None))
    assert row.cells() == ["a", "b", "0", "0.1 to 0.2", "0.5", "0.3 to –"]
