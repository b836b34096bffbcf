"""Write the table of `docs/markovian_contract.md` again: `python -m docs.markovian_contract`.

The page's words are kept; the table between `<!-- persistence -->` and `<!-- end -->` is written anew.
"""

import re
import sys
from pathlib import Path

import dynmech as dm
from dynmech.mechanisms.revenue.markovian_contract import MarkovianContract

PAGE = Path(__file__).resolve().parent / "markovian_contract.md"

STAYS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Probabilities that a taste stays, low or high."""


def row(stay: float) -> list[float]:
    """Return the quantities after 1, …, 4 lows, the profit, the consumer's payoff and the welfare that is lost."""
    environment = dm.load(f"markov-consumer:stay_low={stay!r},stay_high={stay!r}")
    truth = dm.audit(environment, "markovian-contract").to_dict()["truth"]
    lost = truth["first_best"] - truth["welfare"]
    return [*MarkovianContract(environment).quantities, truth["net_revenue"], *truth["payoff"], lost]


def table() -> str:
    """Return the table by persistence."""
    names = ["stays", *(f"q after {t} low{'s' * (t > 1)}" for t in range(1, 5)), "profit", "consumer", "welfare lost"]
    lines = ["| " + " | ".join(names) + " |", "| --- |" + " --: |" * (len(names) - 1)]
    for stay in STAYS:
        lines.append(f"| {stay:g} | " + " | ".join(f"{figure:.3f}" for figure in row(stay)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Work everything out and write the page."""
    text = table()
    page = PAGE.read_text(encoding="utf-8")
    page = re.sub(r"(?<=<!-- persistence -->\n).*?(?=<!-- end -->)", text + "\n", page, count=1, flags=re.DOTALL)
    PAGE.write_text(page, encoding="utf-8")
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()
