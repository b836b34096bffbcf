"""Write the table of `docs/bounds.md` again: `python -m docs.bounds`; how close bounds come to the exact gain.

Every `STRIDE`-th pair that an audit decides exactly, first agent, interim and as a spy. Bounds are the same on every
platform to the digits that are printed; seconds are those of one processor.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from docs.certified import pairs
from dynmech.agents.bounds.bracket import Effort, bracket_gain
from dynmech.agents.bounds.finite_candidates import tabled_candidates
from dynmech.agents.oracle.problem import Problem, build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import figure
from dynmech.sim.economy.environment import TableEnvironment

PAGE = Path(__file__).resolve().parent / "bounds.md"
START, END = "<!-- table -->\n", "<!-- end of table -->\n"
STRIDE = 7
STEPS = 3e7
"""Elementary steps of work: some five CPU seconds where there are many periods."""

HEAD = """| scenario | mechanism | knows | exact | from | to | close enough | paths | seconds |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def row(scenario: str, mechanism: str, problem: Problem, *, spying: bool) -> str | None:
    """Return the row of one deviator; None where the exact search or the bounds are refused."""
    information = Information.EX_POST if spying else Information.INTERIM
    try:
        best, truth = (solve(problem, family, information) for family in (Family.BEST_RESPONSE, Family.PRESCRIBED))
        begin, scale = process_time(), problem.environment.scale
        found = bracket_gain(tabled_candidates(problem, 0, spying=spying), scale, Effort(steps=STEPS))
    except Refusal:
        return None
    taken = process_time() - begin
    exact = best.ex_ante - truth.ex_ante
    cells = [figure(max(value, 0.0), 4, scale=1e3 * scale) for value in (exact, found.lower, found.upper)]
    close = found.upper - found.lower <= max(0.1 * exact, 0.01 * scale)
    knows = "all signals" if spying else "its own"
    words = [scenario, mechanism, knows, *cells, "yes" if close else "no", f"{found.paths:,}", f"{taken:.1f}"]
    return f"| {' | '.join(words)} |\n"


def rows() -> Iterator[str]:
    """Yield the table, row by row."""
    for k, (scenario, mechanism, rules) in enumerate(pairs()):
        if k % STRIDE:
            continue
        assert isinstance(rules.environment, TableEnvironment)
        try:
            problem = build_problem(FiniteGame(rules.environment, rules), (0,))
        except Refusal:
            continue
        for spying in (False, True):
            text = row(scenario, mechanism, problem, spying=spying)
            if text is not None:
                yield text


def main() -> int:
    """Write the table into the page."""
    lines = []
    for line in rows():
        lines.append(line)
        sys.stderr.write(line)
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
    PAGE.write_text(before + START + HEAD + "".join(lines) + END + rest.partition(END)[2], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
