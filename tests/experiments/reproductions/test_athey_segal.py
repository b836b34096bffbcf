"""Every claim of the paper comes out, or is a slip that is named; and a wrong figure would not."""

from dataclasses import replace

from dynmech.experiments.reproductions import athey_segal
from dynmech.experiments.reproductions.base import Claim


def test_every_claim_agrees_or_is_a_named_slip() -> None:
    found: list[Claim] = list(athey_segal.claims())
    wrong = [claim for claim in found if claim.verdict == "fails"]
    assert not wrong, [(claim.claim, claim.exact, claim.right, claim.simulated) for claim in wrong]
    slips = [claim.claim for claim in found if claim.verdict == "slip"]
    assert len(slips) == 4
    assert not any("γ_1" in text for text in slips)  # the example's constant is nowhere said to be (5.2)'s
    assert len({claim.claim for claim in found}) == len(found) > 65
    assert all(claim.paper == athey_segal.PAPER for claim in found)
    simulated = [claim for claim in found if claim.simulated is not None]
    assert len(simulated) == 13
    moving = [claim for claim in simulated if claim.exact > 0]
    assert all(claim.error > 0 for claim in moving)
    for claim in simulated:  # every printed interval covers the exact figure
        assert claim.interval is not None
        assert claim.interval[0] - 1e-9 <= claim.exact <= claim.interval[1] + 1e-9, claim.claim
    for claim in moving:  # the sample is large enough to tell a gain from none
        assert replace(claim, exact=0.0, derived=0.0, effect=claim.exact).verdict == "fails"
