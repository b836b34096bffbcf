"""Write `docs/worst_laws.md` again, both bounds of every small pair under worst laws: `python -m docs.worst_laws`."""

import sys
from pathlib import Path
from typing import NamedTuple

import dynmech as dm
from dynmech.agents.robustness.gain_bounds import radius_bounds, robust_gain
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import DynmechError
from dynmech.sim.economy.environment import TableEnvironment

PAGE = Path(__file__).resolve().parent / "worst_laws.md"

RADII = (0.01, 0.1)

PAIRS = {
    "ar1-additive": ("team", "pivot", "contingent-spanning"),
    "bilateral-trade": ("team", "pivot", "contingent-spanning", "balanced", "pay-your-report"),
    "common-state": ("team", "contingent-spanning"),
    "oil-leases": ("linked", "cremer-mclean", "contingent-convex"),
    "oil-leases-prior": ("linked", "cremer-mclean"),
    "random": ("team", "contingent-spanning"),
    "repeated-auction:values=2": ("team", "pivot", "static-vcg", "pay-your-report"),
}
"""Small ones that come with the laboratory."""

HEAD = """# Worst laws

What a best response gains ex post under the worst law of motion whose rows are within 0.01, or 0.1, of the economy's
own (in L1), as a share of the economy's scale: at least that of a law that was found, at most a bound over all laws.
Lie and truth meet the same law; rules and transfers stay. `radius`: up to which truth is proved best, and from which
on it is refuted (0 and 0: a lie gains already; –: nothing was found that refutes it). Radii are tried 8 % apart, from
0.001 on. `python -m docs.worst_laws` writes this page; a slow test works out each row anew. See
[Robustness](robustness.md).

| scenario | mechanism | gain | within 0.01 | within 0.1 | radius |
| --- | --- | --- | --- | --- | --- |
"""


class WorstLaws(NamedTuple):
    """One row; gains as shares of the scale."""

    scenario: str
    mechanism: str
    bounds: list[tuple[float, float]]
    radius: tuple[float, float | None]

    def cells(self) -> list[str]:
        """Return the row's cells."""
        proved, refuted = self.radius
        radius = f"{proved:g} to {'–' if refuted is None else f'{refuted:g}'}"
        return [self.scenario, self.mechanism, share(self.bounds[0][0]), *map(between, self.bounds[1:]), radius]


def share(value: float) -> str:
    """Return a gain as it is printed.

    >>> share(1e-9), share(0.123456)
    ('0', '0.1235')
    """
    return f"{value:.4g}" if value > 1e-6 else "0"


def between(bounds: tuple[float, float]) -> str:
    """Return both bounds, or the one number that they are.

    >>> between((0.1, 0.2)), between((0.1, 0.10000001))
    ('0.1 to 0.2', '0.1')
    """
    low, high = map(share, bounds)
    return low if low == high else f"{low} to {high}"


def pairs() -> list[tuple[str, str]]:
    """Return the pairs of the page."""
    return [(scenario, mechanism) for scenario, names in PAIRS.items() for mechanism in names]


def worst_laws(scenario: str, mechanism: str) -> WorstLaws | None:
    """Return a row; None where the mechanism does not fit."""
    environment = dm.load(scenario)
    assert isinstance(environment, TableEnvironment)
    try:
        game = FiniteGame(environment, dm.make_mechanism(mechanism, environment))
    except DynmechError:
        return None
    scale = environment.scale
    found = [robust_gain(game, radius) for radius in (0.0, *RADII)]
    bounds = [(gain.lower / scale, gain.upper / scale) for gain in found]
    return WorstLaws(scenario, mechanism, bounds, radius_bounds(game, 1e-6 * scale))


def rows_of_the_page() -> list[list[str]]:
    """Return the cells of the page as it stands."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][2:]


def main() -> int:
    """Work out everything and write the page."""
    lines = []
    for scenario, mechanism in pairs():
        row = worst_laws(scenario, mechanism)
        if row is not None:
            lines.append(f"| {' | '.join(row.cells())} |\n")
            sys.stderr.write(lines[-1])
    PAGE.write_text(HEAD + "".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
