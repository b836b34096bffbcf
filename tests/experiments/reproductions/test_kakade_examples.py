"""Kakade, Lobel and Nazerzadeh on the supply chain, autoregressions and dominance, row by row."""

import pytest

from dynmech.experiments.reproductions import kakade_lobel_nazerzadeh_examples as module
from dynmech.experiments.reproductions.base import Claim


@pytest.fixture(scope="module")
def rows() -> list[Claim]:
    return list(module.examples())


def test_every_row_comes_out(rows: list[Claim]) -> None:
    assert [(row.claim, row.right, row.exact) for row in rows if row.verdict == "fails"] == []
    assert {row.verdict for row in rows} == {"agrees", "derived", "slip"}


def test_dominance_fails_by_what_the_reaction_is_worth(rows: list[Claim]) -> None:
    (slip,) = [row for row in rows if row.verdict == "slip"]
    assert slip.printed == 0
    assert slip.exact == pytest.approx(8.1 * 1.0125 - 9 * 0.3375)
    (alone,) = [row for row in rows if "does not react" in row.claim]
    assert alone.exact == pytest.approx(-0.9 * 0.3375)


def test_a_wrong_virtual_value_is_caught(rows: list[Claim], monkeypatch: pytest.MonkeyPatch) -> None:
    """With the density's 2x − 1 on a grid of types, the bound by hand is another number."""
    monkeypatch.setattr(module, "_virtual", lambda nodes: [2 * (k + 0.5) / nodes - 1 for k in range(nodes)])
    profits = [row for row in rows if "Theorem 5.1" in row.claim]
    again = list(module._profits())
    assert len(again) == len(profits) == 4
    assert {row.verdict for row in again} == {"fails"}


def test_a_process_with_other_lags_is_another_number() -> None:
    assert abs(module._first_best_of_paths((0.4, 0.3)) - module._first_best_of_paths((0.3, 0.4))) > 1e-4
