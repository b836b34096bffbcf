"""A period of the OpenSpiel game that is over, and what of it is shown to whom."""

from dataclasses import dataclass
from typing import Any

from dynmech.sim.play.disclosure import ANNOUNCED


@dataclass(frozen=True)
class Settled:
    """What happened in a period, all of it.

    Attributes:
        public: the public state; None where there is none.
        signals, asked, reports: by agent: what it saw, what was prescribed, and what it sent.
        decision: what was decided.
        announced: what the mechanism makes public of the messages where that is disclosed in place of them; else 0.
        told: by agent: the decision as it is told it, None where it is not.
        transfer, utility: by agent.
    """

    public: int | None
    signals: tuple[int, ...]
    asked: tuple[int, ...]
    reports: tuple[int, ...]
    decision: int
    announced: float
    told: tuple[int | None, ...]
    transfer: tuple[float, ...]
    utility: tuple[float, ...]

    def __deepcopy__(self, memo: dict[int, Any]) -> "Settled":
        """Return itself: nothing in it changes."""
        return self

    def shown_to_all(self, disclosure: str, *, recall: bool) -> str:
        """What is public of it; without perfect recall only what became public at its end."""
        state = "" if self.public is None or not recall else f"o{self.public};"
        if disclosure == "everything":
            return f"[{state}{','.join(map(str, self.reports))}>{self.decision}]"
        if disclosure == "own":
            return f"[{state}]"
        return f"[{state}{f'{self.announced:.17g}' if disclosure == ANNOUNCED else ''}>{self.decision}]"

    def shown_to(self, disclosure: str, agent: int, *, recall: bool) -> str:
        """What an agent alone knows of it; where reports are public, its flows follow from them."""
        opening = f"{self.signals[agent]}" if recall else ""
        if disclosure == "everything":
            return f"({opening})"
        flows = f"{self.transfer[agent]:.9f},{self.utility[agent]:.9f}"
        own = f"{opening},{self.asked[agent] if recall else ''},{self.reports[agent]}"
        return f"({own}>{self.told[agent] if disclosure == 'own' else ''},{flows})"
