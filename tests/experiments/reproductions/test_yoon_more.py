"""Types that never change, and fees of three traders: every row, and that another rule would be seen."""

import numpy as np
import pytest

from dynmech.experiments.reproductions import yoon_more as module
from dynmech.experiments.reproductions.base import Claim


@pytest.fixture(scope="module")
def rows() -> list[Claim]:
    return list(module.further())


def test_every_row_comes_out(rows: list[Claim]) -> None:
    assert [(row.claim, row.right, row.exact) for row in rows if row.verdict == "fails"] == []
    assert len(rows) == 7


def test_lasting_types_are_of_both_kinds(rows: list[Claim]) -> None:
    (some,) = [row for row in rows if "fees pay for the deficit" in row.claim]
    assert 0 < some.exact < 12


def test_trade_without_the_seller_would_be_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def free(costs: np.ndarray, values: np.ndarray, buyers: int) -> np.ndarray:
        return right(0 * costs, values, buyers)

    right = module._surplus
    monkeypatch.setattr(module, "_surplus", free)
    assert {row.verdict for row in module._three_traders()} == {"fails"}
