"""Who gains what under which mechanism, as screens and pages show it: a row per agent that gains, equal rows once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from dynmech.experiments.figures.amounts import amount
from dynmech.experiments.runs.stress_result import (
    EXACT,
    StressResult,
    families_shown,
    gain_cells,
    gainers_of_all,
)
from dynmech.experiments.runs.verdicts import BREAKS, WORDS

PROMISE_BROKEN, NOT_COVERED, NO_GAIN = "Broken promises", "Gains outside what is promised", "No gain found"
"""What mechanisms are grouped by: first those that break what they promise."""


@dataclass(frozen=True)
class GainCell:
    """What one agent gains by a family of lies.

    Attributes:
        exact: exactly; None where the family has no exact figure of its own, or nothing is gained.
        simulated: by the best member that was found; None where none was.
        half: half of the interval of the simulated figure.
        agrees: whether the two are as close as chance allows.
    """

    exact: float | None
    simulated: float | None
    half: float
    agrees: bool

    @property
    def size(self) -> float:
        """The figure that is told first."""
        return self.exact if self.exact is not None else self.simulated or 0.0

    def shown(self, scale: float) -> tuple[str, ...]:
        """Return the figures as text."""
        known = [x for x in (self.exact, self.simulated) if x is not None]
        return ("" if self.exact is None else "exact", *(amount(x, scale=scale) for x in (*known, self.half)))


@dataclass(frozen=True)
class GainRow:
    """An agent that gains, with a cell per family (None: nothing); of a mechanism under which nobody does: no name."""

    agent: str
    cells: Sequence[GainCell | None]


@dataclass(frozen=True)
class GainBlock:
    """Mechanisms of one verdict under which the same agents gain the same.

    Attributes:
        mechanisms: their rows in the result, in its order.
        rows: one per agent that gains, at least one.
    """

    mechanisms: Sequence[dict[str, Any]]
    rows: Sequence[GainRow]

    @property
    def names(self) -> list[str]:
        """Return the names of the mechanisms."""
        return [row["mechanism"] for row in self.mechanisms]

    @property
    def verdict(self) -> str:
        """Their verdict."""
        return str(self.mechanisms[0]["verdict"])

    @property
    def group(self) -> str:
        """What they are grouped by."""
        return group_of(self.mechanisms[0])


def group_of(row: dict[str, Any]) -> str:
    """Return where a mechanism stands: a broken promise, a gain that no promise rules out, or no gain."""
    return PROMISE_BROKEN if row["verdict"] == BREAKS else NOT_COVERED if row["breaks"] else NO_GAIN


def gain_blocks(result: StressResult) -> list[GainBlock]:
    """Return what is gained, broken promises first; mechanisms whose rows would read the same are told together."""
    families, gainers, cells = families_shown(result), gainers_of_all(result), _cells(result)
    blocks: dict[Any, GainBlock] = {}
    for row in result.mechanisms.to_dict("records"):
        name = row["mechanism"]
        rows = [GainRow(who, [cells.get((name, who, one)) for one in families]) for who in gainers[name] or [""]]
        key = (
            row["verdict"],
            tuple((one.agent, tuple(cell and cell.shown(result.scale) for cell in one.cells)) for one in rows),
        )
        known = blocks.get(key, GainBlock([], rows))
        blocks[key] = GainBlock([*known.mechanisms, row], rows)  # type: ignore[list-item]
    order, words = (PROMISE_BROKEN, NOT_COVERED, NO_GAIN), list(WORDS)
    return sorted(blocks.values(), key=lambda block: (order.index(block.group), words.index(block.verdict)))


def grouped_blocks(result: StressResult) -> list[tuple[tuple[str, str], list[GainBlock]]]:
    """Return the same by group and verdict."""
    blocks = gain_blocks(result)
    return [(key, list(found)) for key, found in groupby(blocks, lambda block: (block.group, block.verdict))]


def _cells(result: StressResult) -> dict[tuple[str, str, str], GainCell]:
    """Return what is gained by mechanism, agent and family."""
    simulated, exact = gain_cells(result, "gain"), gain_cells(result, "exact")
    exact = {key: figure for key, figure in exact.items() if key[2] in EXACT}
    gains = result.gains
    halves: dict[tuple[str, str, str], tuple[float, bool]] = {}
    columns = zip(
        *(gains[key] for key in ("mechanism", "agent", "family", "gain", "half_width", "agrees")), strict=True
    )
    for mechanism, agent, family, gain, half, agrees in columns:
        key = mechanism, agent, family
        if key not in halves or gain == simulated.get(key, np.nan):
            halves[key] = float(half), bool(agrees)
    return {
        key: GainCell(_known(exact.get(key)), _known(simulated.get(key)), *halves[key])
        for key in dict.fromkeys([*exact, *simulated])
    }


def _known(figure: float | None) -> float | None:
    return None if figure is None or np.isnan(figure) else float(figure)
