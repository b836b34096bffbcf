"""What a mechanism claims, as data."""

from dataclasses import dataclass

from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError

KNOWN_PROMISES = {
    "incentive": ("none", "bayesian", "periodic ex post"),
    "budget": ("none", "no deficit", "ex ante", "expected period", "ex post"),
    "participation": ("none", "ex ante", "at the start", "interim", "ex post"),
}
"""What a mechanism may promise, by kind."""


@dataclass(frozen=True)
class Promises:
    """What a mechanism claims, as data that an audit can confirm or refute.

    Parameters
    ----------
    incentive : {"none", "bayesian", "periodic ex post"}
        Whether no agent gains from deviating: given what it knows when it reports ("bayesian"), or whatever the
        others' current signals are ("periodic ex post").
    budget : {"none", "no deficit", "ex ante", "expected period", "ex post"}
        In which sense transfers cover the designer's cost, or sum to zero.
    participation : {"none", "ex ante", "at the start", "interim", "ex post"}
        When agents are at least as well off inside as outside; "at the start" is interim, in period 0 only.
    efficient : bool
        Whether prescribed play maximises welfare.
    assumptions : tuple of str
        Conditions on the environment under which the claims are made.

    Raises
    ------
    InputError
        A claim is none of those listed.

    Examples
    --------
    >>> Promises(incentive="bayesian", efficient=True).budget
    'none'
    """

    incentive: str = "none"
    budget: str = "none"
    participation: str = "none"
    efficient: bool = False
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that every word is a known one."""
        for name, known in KNOWN_PROMISES.items():
            if getattr(self, name) not in known:
                raise InputError(f"promises: {name} {shown(getattr(self, name))} is none of {', '.join(known)}")
