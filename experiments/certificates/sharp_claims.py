"""Claims as sharp as the proof allows: the checker's own bounds, computed exactly, rounded outwards to doubles.

What is written first is wider than the figure by some error bounds. Where the vectors of a proof miss nothing (round
amounts and odds over a finite horizon), the exact bounds meet, and a gain of 2 is claimed as exactly 2.
"""

from fractions import Fraction
from math import inf, nextafter
from typing import Any

from dynmech.experiments.certificates.verify import Bounds, Deviator, Game
from dynmech.experiments.certificates.verify_promises import LIES, Promises

MOST = 4000
"""Nodes of all proofs up to which claims are sharpened: it takes as long as the check itself."""


def sharpened(certificate: dict[str, Any]) -> dict[str, Any]:
    """Return a certificate whose claims are the bounds that its own vectors prove; as it is where it is large.

    Args:
        certificate: plain data, as read from a file.
    """
    if sum(len(nodes) for proof in certificate["proofs"] for nodes in proof["nodes"]) > MOST:
        return certificate
    game = Game(certificate["environment"], certificate["mechanism"])
    claims, known = list(certificate["claims"]), dict[int, Bounds]()
    for number, proof in enumerate(certificate["proofs"]):
        members = tuple(game.agents.index(name) for name in proof["agents"])
        bounds = known[number] = Bounds(Deviator(game, members, bool(proof["exit"])), proof, f"proofs[{number}]")
        for k, claim in enumerate(claims):
            if claim["proof"] == number and claim["upper"] > 0:  # exactly 0 is as sharp as can be
                claims[k] = {**claim, **_proved(bounds, claim["information"])}
    sharp = {**certificate, "claims": claims}
    if "promises" in certificate:
        promises = Promises(certificate, known)
        sharp["promises"] = [{**claim, **_kept(promises, claim)} for claim in certificate["promises"]]
    return sharp


def _kept(promises: Promises, claim: dict[str, Any]) -> dict[str, float]:
    """Return what is proved of what is promised beside the best response."""
    gains = claim["what"] in LIES
    if gains and claim["upper"] == 0:
        return {}
    _, states = promises.bounds(claim, "promises")
    pick = max if gains else min
    lower, upper = pick(low for _, low, _ in states), pick(high for *_, high in states)
    if gains:
        lower, upper = max(lower, Fraction(0)), max(upper, Fraction(0))
    return {"lower": rounded(lower, -inf), "upper": rounded(upper, inf)}


def _proved(bounds: Bounds, information: str) -> dict[str, float]:
    """Return what a proof says of the largest gain at an information."""
    sets = [(low, high) for _, low, high in bounds.gains(information)]
    lower, upper = max(low for low, _ in sets), max(high for _, high in sets)
    return {"lower": max(0.0, rounded(lower, -inf)), "upper": max(0.0, rounded(upper, inf))}


def rounded(number: Fraction, towards: float) -> float:
    """Return the double nearest to a number on one side of it.

    >>> rounded(Fraction(1, 3), inf) > Fraction(1, 3) > rounded(Fraction(1, 3), -inf), rounded(Fraction(2), inf)
    (True, 2.0)
    """
    near = float(number)
    beyond = Fraction(near) < number if towards > 0 else Fraction(near) > number
    return nextafter(near, towards) if beyond else near
