"""The page on base fees: shares printed there are where gains begin, and more than a share gains."""

import re

import pytest

from docs.base_fee import CLOSE, NOTHING, PAGE, gain

CELL = re.compile(r"^\| (clearing|minimal) \| ([\d.]+) \|(.*)\|$", re.MULTILINE)


def printed(part: str) -> dict[tuple[str, float], list[float | None]]:
    """The table after a line, shares as numbers."""
    text = PAGE.read_text(encoding="utf-8").partition(f"<!-- {part} -->")[2].partition("<!-- end -->")[0]
    return {
        (tips, float(delta)): [None if "–" in cell else float(cell.strip(" %")) / 100 for cell in cells.split("|")]
        for tips, delta, cells in CELL.findall(text)
    }


@pytest.mark.parametrize(
    ("tips", "delta", "place", "elasticity"), [("clearing", 0.8, 2, 1.0), ("minimal", 0.8, 4, 4.0)]
)
def test_gains_begin_at_the_share_that_is_printed(tips: str, delta: float, place: int, elasticity: float) -> None:
    share = printed("elasticity")[tips, delta][place]
    assert share is not None
    market, rule = {"elasticity": elasticity, "discount": delta}, {"tips": tips}
    assert gain(share - 1.5 * CLOSE, market, rule) <= NOTHING
    assert gain(share + CLOSE, market, rule) > NOTHING
    assert gain(min(1.5 * share, 1.0), market, rule) > gain(share + CLOSE, market, rule), "more slots gain more"


def test_where_no_share_is_printed_not_even_all_slots_gain() -> None:
    assert printed("elasticity")["minimal", 0.8][0] is None
    assert gain(1.0, {"elasticity": 0.25, "discount": 0.8}, {"tips": "minimal"}) <= NOTHING


def test_a_mean_of_blocks_asks_for_more_slots_where_the_future_counts_for_little() -> None:
    first, _, third = printed("average")["clearing", 0.8]
    assert first is not None
    assert third is not None
    assert first < third - 2 * CLOSE
