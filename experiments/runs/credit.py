"""What becomes of bills that are paid voluntarily: who defaults, what is not paid, what the designer loses by it."""

from dataclasses import dataclass
from typing import Any, Self

from dynmech.experiments.runs.moments import Moments
from dynmech.sim.play.record import Record

PARTS = ("defaults", "claims", "loss")


@dataclass(frozen=True, eq=False)
class Credit:
    """Sums of one case over episodes.

    Attributes:
        defaults: by agent, whether it is in default at the end, `(N,)`.
        claims: by agent, what it was billed and never paid, discounted, `(N,)`.
        loss: all claims less forfeited deposits, discounted.
    """

    defaults: Moments
    claims: Moments
    loss: Moments

    @classmethod
    def of(cls, record: Record) -> Self | None:
        """Of one shard; None where payments are enforced."""
        if record.game.protocol.voluntary is None:
            return None
        return cls(
            Moments.of(record.in_default.astype(float)),
            Moments.of(record.claims),
            Moments.of((record.claims - record.forfeits).sum(axis=0)),
        )

    def merge(self, other: "Credit") -> "Credit":
        """Of both together."""
        return Credit(*(getattr(self, name).merge(getattr(other, name)) for name in PARTS))

    def to_data(self) -> dict[str, Any]:
        """Plain data."""
        return {name: getattr(self, name).to_data() for name in PARTS}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """From `to_data`."""
        return cls(*(Moments.from_data(data[name]) for name in PARTS))

    def summary(self) -> dict[str, Any]:
        """Default rate and claims by agent, and the designer's loss, with half-widths."""
        return {
            "default_rate": self.defaults.mean.tolist(),
            "claims_outstanding": self.claims.mean.tolist(),
            "designers_loss": float(self.loss.mean),
            "designers_loss_half_width": float(self.loss.half()),
        }
