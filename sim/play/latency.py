"""The way from an agent to the designer: how long a message takes."""

from dataclasses import dataclass
from math import isfinite, log1p

import numpy as np

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.near_names import near_name

KINDS = ("constant", "uniform", "exponential")


@dataclass(frozen=True)
class Latency:
    """How long messages take, in periods.

    Attributes:
        kind: `constant` (always `value`), `uniform` (from 0 to `value`) or `exponential` (mean `value`).
    """

    kind: str = "constant"
    value: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            hint = near_name(self.kind, KINDS)
            raise InputError(f"latency: {self.kind!r} is none of {', '.join(KINDS)}{hint}")
        if not (isfinite(self.value) and self.value >= 0):
            raise InputError(f"latency: {self.value:g} is not a number of at least 0")

    def hopeless(self, deadline: float) -> bool:
        """Whether no message can be on time."""
        return self.value > deadline if self.kind == "constant" else self.value > 0 and deadline == 0

    @classmethod
    def parse(cls, text: str) -> "Latency":
        """From `0.2` or `exponential:0.2`.

        >>> Latency.parse("uniform:0.5")
        Latency(kind='uniform', value=0.5)
        """
        kind, _, value = text.rpartition(":")
        try:
            return cls(kind or "constant", float(value))
        except ValueError:
            raise InputError(f"latency: {value!r} is not a number") from None

    def draw(self, uniforms: FloatArray) -> FloatArray:
        """Latencies `(n,)` from uniform numbers `(n,)`."""
        if self.kind == "constant":
            return np.full(len(uniforms), self.value)
        if self.kind == "uniform":
            return uniforms * self.value
        # libm's log1p one by one: NumPy's vector version may round by position in the array, and a
        # block's size must not change a bit.
        return np.array([-self.value * log1p(-u) for u in uniforms.tolist()])
