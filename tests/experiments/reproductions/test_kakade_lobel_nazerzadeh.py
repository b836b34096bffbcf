"""The paper's claims, every one of them."""

import pytest

from dynmech.experiments.reproductions import kakade_lobel_nazerzadeh as paper
from dynmech.experiments.reproductions.base import Claim


@pytest.fixture(scope="module")
def found() -> list[Claim]:
    return list(paper.claims())


def test_no_claim_fails(found: list[Claim]) -> None:
    """Each agrees, is derived twice, or is a slip of the print in the stated way; some are simulated as well."""
    assert [claim.claim for claim in found if claim.verdict == "fails"] == []
    assert {claim.paper for claim in found} == {paper.PAPER}
    assert sum(claim.verdict == "slip" for claim in found) == 4
    assert sum(claim.simulated is not None for claim in found) >= 8
    assert len({claim.claim for claim in found}) == len(found)


def test_that_a_lie_gains_for_large_values_is_no_slip(found: list[Claim]) -> None:
    """§7 claims that large c_× suffice, and no threshold."""
    (threshold,) = [claim for claim in found if "the largest c_×" in claim.claim]
    assert (threshold.printed, threshold.exact, threshold.verdict) == (None, 3.0, "derived")


def test_the_infimum_bounds_what_selling_for_sure_earns_and_not_more(found: list[Claim]) -> None:
    """E[s_1 | s_0] at its least is the best revenue at the defaults, and not of every economy that was tried."""
    beyond = {claim.claim.partition(": ")[2]: claim for claim in found if "§7, correlated" in claim.claim}
    assert beyond["what selling for sure earns at most is off inf E[s_1 | s_0] by, on 5 economies"].verdict == "agrees"
    more = beyond["economies, of 5, whose best dynamic revenue is more than inf E[s_1 | s_0]"]
    assert (more.exact, more.derived, more.printed) == (1.0, 1.0, None)


def test_profit_near_the_bound_is_nearer_than_the_effect(found: list[Claim]) -> None:
    """The continuum's bound, told apart from the grid's."""
    (near,) = [claim for claim in found if "cells read at their middle" in claim.claim]
    assert near.effect is not None
    assert near.exact is not None
    assert near.printed is not None
    assert abs(near.exact - near.printed) <= near.tolerance < near.effect / 4
