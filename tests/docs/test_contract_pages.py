"""The pages on a lasting customer and on reserves that look back: their tables are what their commands write."""

from pathlib import Path

import numpy as np
import pytest

from docs import markovian_contract, ratchet


def printed(page: Path, part: str) -> list[list[str]]:
    """The rows of the table after a line, without its heads."""
    text = page.read_text(encoding="utf-8").partition(f"<!-- {part} -->\n")[2].partition("<!-- end -->")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_the_contract_s_table_is_what_the_formulas_give() -> None:
    """Tastes 2 and 3, even at first, δ = 0.9, T = 4: quantities, and the rent of a high first taste, by hand."""
    rows = printed(markovian_contract.PAGE, "persistence")
    assert [float(row[0]) for row in rows] == list(markovian_contract.STAYS)
    for row in rows:
        stay, figures = float(row[0]), [float(cell) for cell in row[1:]]
        lows = [2 - ((2 * stay - 1) / stay) ** t for t in range(4)]
        np.testing.assert_allclose(figures[:4], lows, atol=5.1e-4)
        rent = 0.5 * sum((0.9 * (2 * stay - 1)) ** t * lows[t] for t in range(4))
        lost = sum(0.9**t * 0.5 * stay**t * (2 - lows[t]) ** 2 / 2 for t in range(4))
        np.testing.assert_allclose(figures[5:], [rent, lost], atol=5.1e-4)
        first_best = 3.25 * sum(0.9**t for t in range(4))  # both tastes stay as likely: (2² + 3²)/4
        assert figures[4] == pytest.approx(first_best - lost - rent, abs=1e-3)
    np.testing.assert_allclose(markovian_contract.row(0.7), [float(cell) for cell in rows[2][1:]], atol=5.1e-4)


def test_gains_from_reserves_that_look_back_are_those_that_are_printed() -> None:
    """Three cells and two of the finer grids again; and gains grow with share and persistence."""
    rows = printed(ratchet.PAGE, "shares")
    table = {(float(row[0]), float(row[1])): row[2:] for row in rows}
    assert set(table) == {(delta, stay) for delta in ratchet.DISCOUNTS for stay in ratchet.PERSISTENCES}
    for (delta, stay), place in (((0.5, 0.6), 1), ((0.9, 0.95), 4), ((0.9, 0.4), 0)):
        assert table[delta, stay][place] == ratchet.percent(ratchet.gain(ratchet.SHARES[place], stay, delta))
    for cells in table.values():
        gains = [float(cell.strip(" %")) for cell in cells]
        assert gains == sorted(gains), "it grows with the share"
    for delta in ratchet.DISCOUNTS:
        last = [float(table[delta, stay][-1].strip(" %")) for stay in ratchet.PERSISTENCES]
        assert last == sorted(last), "and with persistence"
    (grid,) = printed(ratchet.PAGE, "grids")
    assert grid[1:3] == [ratchet.percent(ratchet.gain(0.9, 0.8, 0.9, values)) for values in (3, 5)]
