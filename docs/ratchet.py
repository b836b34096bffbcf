"""Write the tables of reserves that look back in `docs/commitment.md` again: `python -m docs.ratchet`.

The page's words are kept; the tables between lines like `<!-- shares -->` and `<!-- end -->` are written anew.
"""

import re
import sys
from pathlib import Path

import dynmech as dm
from dynmech.agents.oracle.gains import ex_ante_gain
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family, Information, solve
from dynmech.mechanisms.commitment.ratchet import Ratchet
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.economy.environment import TableEnvironment

PAGE = Path(__file__).resolve().parent / "commitment.md"

SHARES = (0.25, 0.5, 0.75, 0.9, 1.0)
PERSISTENCES = (0.4, 0.6, 0.8, 0.95)
DISCOUNTS = (0.5, 0.9)
GRIDS = (3, 5, 9, 17)

NOTHING = 1e-8
"""Gains up to so much are rounding."""


def gain(share: float, persistence: float, discount: float, values: int = 3) -> float:
    """Return what one of two bidders gains by its best response, ex ante, a period and as a share of the highest value.

    Values are 1, …, `values`; what is discounted is times 1 − δ.
    """
    environment = dm.load(f"ad-exchange:values={values},persistence={persistence!r},discount={discount!r}")
    assert isinstance(environment, TableEnvironment)
    problem = build_problem(FiniteGame(environment, Ratchet(environment, share)), (0,))
    truth, best = (solve(problem, one, Information.INTERIM) for one in (Family.PRESCRIBED, Family.BEST_RESPONSE))
    return (1 - discount) * ex_ante_gain(best, truth).gain / values


def percent(gained: float) -> str:
    """Return a gain as it is printed.

    >>> percent(0.0847), percent(-1e-12)
    ('8.5 %', '0')
    """
    return "0" if abs(gained) < NOTHING else f"{100 * gained:.1f} %"


def by_share() -> str:
    """Return the table of gains by δ, persistence and share."""
    head = ["| δ | persistence | " + " | ".join(f"share {share:g}" for share in SHARES) + " |"]
    head.append("| --- | --- |" + " --: |" * len(SHARES))
    lines = [
        f"| {delta:g} | {stay:g} | " + " | ".join(f"{percent(gain(share, stay, delta))}" for share in SHARES) + " |"
        for delta in DISCOUNTS
        for stay in PERSISTENCES
    ]
    return "\n".join([*head, *lines])


def by_grid() -> str:
    """Return the table of gains by the number of values."""
    head = ["| values | " + " | ".join(str(values) for values in GRIDS) + " |", "| --- |" + " --: |" * len(GRIDS)]
    gains = (gain(0.9, 0.8, 0.9, values) for values in GRIDS)
    return "\n".join([*head, "| gain | " + " | ".join(percent(one) for one in gains) + " |"])


def main() -> None:
    """Work everything out and write the page."""
    page = PAGE.read_text(encoding="utf-8")
    for name, text in {"shares": by_share(), "grids": by_grid()}.items():
        page = re.sub(rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)", text + "\n", page, count=1, flags=re.DOTALL)
        sys.stdout.write(f"{text}\n\n")
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
