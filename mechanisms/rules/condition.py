"""The answer of a check of a condition."""

from dataclasses import dataclass

TOLERANCE = 1e-9
"""How far a condition may be missed and still hold; where it is money, relative to the economy's scale."""


@dataclass(frozen=True)
class Condition:
    """The answer of a check of one condition.

    Attributes:
        holds: whether it holds; None where it does not apply (no next period, say).
        value: how well, or how badly; the module's table says what.
        where: agent, period, decision and profile at which it is worst.
        note: anything else worth knowing, in words.
    """

    name: str
    holds: bool | None
    value: float
    where: dict[str, str | int]
    note: str = ""
