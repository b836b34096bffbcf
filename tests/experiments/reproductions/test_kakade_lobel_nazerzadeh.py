"""The paper's claims, every one of them."""

from dynmech.experiments.reproductions import kakade_lobel_nazerzadeh as paper


def test_no_claim_fails() -> None:
    """Each agrees, or is a slip of the print in the stated way; some are simulated as well."""
    found = list(paper.claims())
    assert [claim.claim for claim in found if claim.verdict == "fails"] == []
    assert {claim.paper for claim in found} == {paper.PAPER}
    assert sum(claim.verdict.startswith("slip") for claim in found) == 4
    assert sum(claim.simulated is not None for claim in found) >= 8
    assert len({claim.claim for claim in found}) == len(found)
