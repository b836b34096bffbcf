"""Write `docs/maps.md` again, the possibility map of every finite scenario: `python -m docs.maps [SCENARIO …]`.

Named scenarios are worked out anew, the other rows of the page are kept. Where something is surprising, the map is
drawn (`docs/maps/SCENARIO.png`); page and gallery show it, with what is surprising in a sentence or two.
"""

import sys
from pathlib import Path

import dynmech as dm
from dynmech.experiments.catalog.names import SCENARIOS
from dynmech.experiments.designs.mapping import cell_text, possibility_map
from dynmech.sim.core.errors import DynmechError
from dynmech.sim.economy.environment import TableEnvironment

PAGE = Path(__file__).resolve().parent / "maps.md"
PICTURES = PAGE.with_name("maps")
MOST = 40_000
"""Lies (histories times profiles times false reports) up to which a map is drawn."""

SETS = (
    ("incentive",),
    ("incentive", "participation"),
    ("incentive", "budget"),
    ("incentive", "participation", "budget"),
)

SURPRISES = {
    "oil-leases": (
        "One period of memory is what truth costs: without it nothing does, however large payments are. No "
        "deficit is almost for free (3.25 becomes 3.5); staying costs more, and all three still go together. The "
        "paper's own mechanism, `linked`, pays up to 16 where 3.25 would do."
    ),
    "spectrum": (
        "Truth can be had without memory, and staying or no deficit with it; only all three cannot. Memory of one "
        "period makes them possible, and cuts the largest payment to less than half: 2.13, where "
        "`contingent-spanning` pays up to 7.3 and `contingent-convex` up to 31.7."
    ),
    "bilateral-trade": (
        "Efficient trade between two sides, truth, staying and no deficit go together, without memory."
    ),
    "power-plants": (
        "Truth goes with staying and with no deficit, and not with both, whether last period is remembered or not."
    ),
    "trading-game": (
        "Truth goes with staying and with no deficit, and not with both: memory changes no figure at all."
    ),
    "repeated-trade": (
        "Whether the other side comes is hidden from a mechanism that goes by what was decided; truth cannot be "
        "had then, with memory or without."
    ),
    "durable-good": "Efficient is always to sell, so that nothing need be asked and nothing be paid.",
    "public-good": (
        "The least payment for truth doubles once deficits are ruled out; memory makes the one an eighth cheaper "
        "and the other a fifth."
    ),
}
"""Scenarios whose map is drawn, and what is surprising about it."""

ALIKE = (
    "\nIn `non-separable` and `correlated-first-signal` efficient is always to sell, too, and nothing need be paid.\n"
)

HEAD = """# What can be had together

For the finite scenarios that come with the laboratory, at their usual size: can the efficient rule have truth that is
periodic ex post optimal, leaving that never pays, and no period with a deficit? A number is the least possible largest
payment; *impossible* is certified within 1000 times the scale. `dynmech design SCENARIO --map` shows all sets of goals
of one of them, `python -m docs.maps` writes this page.

| scenario | memory | truth | truth, staying | truth, no deficit | all three |
| --- | --- | --- | --- | --- | --- |
"""


def lies(environment: TableEnvironment) -> int:
    """Return about how many lies a map has to rule out with memory of last period."""
    size = max(stage.size for stage in environment.stages)
    signals = max(sum(len(labels) for labels in stage.signals) for stage in environment.stages)
    periods = environment.horizon or 2
    return size * size * signals * max(periods - 1, 1)


def rows_of(scenario: str, *, draw: bool = False) -> list[list[str]]:
    """Return the rows of a scenario: its map, or its size where that is too large, or why there is none."""
    environment = dm.load(scenario)
    if not isinstance(environment, TableEnvironment):
        return [[scenario, "–", "not finite", "", "", ""]]
    if (count := lies(environment)) > MOST:
        return [[scenario, "–", f"about {count:,} lies: too large for this page", "", "", ""]]
    try:
        found = possibility_map(environment)
    except DynmechError as error:
        return [[scenario, "–", str(error).partition("; ")[0], "", "", ""]]
    if draw and scenario in SURPRISES:
        PICTURES.mkdir(exist_ok=True)
        found.plot(PICTURES / f"{scenario}.png")
    return [[scenario, memory, *(cell_text(found.cell(memory, some)) for some in SETS)] for memory in found.memories]


def shown_map(scenario: str) -> str:
    """Return the picture of a scenario's map, and what is surprising about it, as Markdown."""
    return f"{SURPRISES[scenario]}\n\n![{scenario}: which goals can be had together](maps/{scenario}.png)"


def rows_of_the_page() -> dict[str, list[list[str]]]:
    """Return the rows of the page as it stands, by scenario."""
    out: dict[str, list[list[str]]] = {}
    if PAGE.exists():
        lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][2:]
        for line in lines:
            cells = [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
            out.setdefault(cells[0], []).append(cells)
    return out


def write(rows: dict[str, list[list[str]]]) -> None:
    """Write the page."""
    lines = "".join(f"| {' | '.join(cells)} |\n" for name in sorted(rows) for cells in rows[name])
    surprises = "".join(f"\n### {name}\n\n{shown_map(name)}\n" for name in SURPRISES)
    PAGE.write_text(f"{HEAD}{lines}\n## What is surprising\n{surprises}{ALIKE}", encoding="utf-8")


def main(names: list[str]) -> int:
    """Work out the scenarios named, or all, and write the page after each."""
    rows = rows_of_the_page()
    for scenario in names or SCENARIOS.names():
        rows[scenario] = rows_of(scenario, draw=True)
        sys.stderr.write(f"{scenario}: {rows[scenario]}\n")
        write(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
