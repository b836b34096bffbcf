"""What a design for every law that data leaves open comes to: proved, or too few data."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dynmech.experiments.certificates import verify, verify_robust
from dynmech.experiments.certificates.robust_truth import robust_truth, with_bounds
from dynmech.experiments.designs.design_result import Design
from dynmech.experiments.designs.from_data import AUTO, MOST, Safety, least_observations
from dynmech.mechanisms.design.seeking import Found, Task
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.ties import figure

GAIN = 1e-9
"""Gains above this share of the economy's scale are an error of the program's."""


USUAL_CONFIDENCE = 0.95
"""That the true laws are among those that a margin from data guards against, unless another is asked for."""


def read_margin(
    margin: float | str, data: str | Path | None, observations: Sequence[int], confidence: float = USUAL_CONFIDENCE
) -> bool:
    """Return whether the margin comes from data.

    Raises
    ------
    InputError
        It is neither a number nor `auto`, or what belongs to `auto` is given with a number.
    """
    if margin == AUTO:
        if wrong := [count for count in observations if count < 1]:
            raise InputError(f"observations: {wrong[0]} is no number of times that a law can be seen; give 1 or more")
        return True
    if isinstance(margin, str):
        raise InputError(f"margin {margin!r}: it is neither a number nor {AUTO!r}")
    asked = {"data": data is not None, "observations": observations, "confidence": confidence != USUAL_CONFIDENCE}
    if given := [name for name, there in asked.items() if there]:
        raise InputError(f"{given[0]}: belongs to --margin {AUTO}")
    return False


def too_few(asked: Task, found: Found, known: Safety) -> Design:
    """Return that the data does not do, and how much would."""
    least = least_observations(asked, known)
    known = replace(known, least=least)
    more = (
        f"were every law seen {least:,} times, there would be one (the law that was seen least was seen {known.seen:,} "
        "times)"
        if least is not None
        else f"not even {MOST:,} observations of every law would do in this way"
    )
    reason = (
        f"Too few data: no transfers are found under which truth is proved best for every law in the confidence set "
        f"({100 * known.confidence:g} %, up to {figure(known.radius)} away in L1); {more}."
    )
    return Design(asked, "open", found, reason=reason, safety=known)


def proved_safe(result: Design, known: Safety) -> Design:
    """Return a design with the proof that it holds under every law, or open where the checker does not accept it."""
    assert result.mechanism is not None
    proof = with_bounds(robust_truth(result.mechanism, known.radii))
    if max(proof["gains"]) <= GAIN * result.task.unit and accepted(verify_robust, proof):
        return replace(result, safety=known, certified=True, proof=proof)
    reason = "Transfers were found, but no proof that truth is best under every law in the confidence set."
    return replace(result, status="open", safety=known, reason=reason)


def accepted(checker: Any, proof: dict[str, Any]) -> bool:
    """Return whether a checker accepts a proof, as it will be read."""
    try:
        checker.check(json.loads(json.dumps(proof)))
    except (verify.Unproved, verify.Malformed):
        return False
    return True
