"""Write `docs/gallery.md` again: every scenario with a sentence, and its stress table. `python -m docs.gallery`.

Everything is played from one seed with few episodes, so the page is the same every time on one platform.
"""

import inspect
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from docs.maps import SURPRISES, shown_map
from dynmech.experiments.audits.found_equilibrium import equilibrium
from dynmech.experiments.catalog.names import SCENARIOS
from dynmech.experiments.runs.moments import amount
from dynmech.experiments.runs.stress_frames import exactly
from dynmech.experiments.runs.stress_result import EXACT, StressResult, gain_table
from dynmech.experiments.runs.stressing import stress
from dynmech.experiments.runs.tally import has_costs
from dynmech.experiments.runs.verdicts import WORDS
from dynmech.experiments.scenarios.base import Scenario

APART = re.compile(r", [\d.]+ standard errors (?:above|below|apart)")
"""How far a simulated gain lies from its exact one: of few episodes nothing that the page should keep."""

PAGE = Path(__file__).resolve().parent / "gallery.md"
EPISODES = 200
SHOWN = {
    "ad-exchange": ("ratchet", "static-vcg"),
    "ar1-additive": ("virtual-pivot", "virtual-myopic", "pay-your-report"),
    "base-fee": ("base-fee", "static-vcg"),
    "bilateral-trade": ("pivot-with-fees", "pivot", "balanced-team", "expected-externality", "pay-your-report"),
    "common-state": ("contingent-spanning", "cremer-mclean", "team", "pivot"),
    "correlated-first-signal": ("relaxed-prices", "pay-your-report"),
    "lowest-bid-auction": ("lowest-bid", "second-price"),
    "non-separable": ("relaxed-prices", "pay-your-report"),
    "power-plants": ("balanced-team", "pivot", "static-vcg", "expected-externality"),
    "public-good": ("generalized-vcg", "pivot", "static-vcg"),
    "random": ("contingent-spanning", "cremer-mclean", "team", "pivot"),
    "renewable-resource": ("balanced-team", "pivot", "static-vcg", "expected-externality"),
    "repeated-auction": ("pivot", "team", "balanced-team", "expected-externality", "pay-your-report"),
    "repeated-trade": ("self-enforcing",),
    "single-buyer": ("optimal-contract", "virtual-pivot"),
    "spectrum": ("contingent-spanning", "cremer-mclean", "static-vcg"),
    "sponsored-search": ("virtual-pivot", "virtual-index"),
    "supply-chain": ("virtual-pivot", "virtual-myopic"),
    "with-designer": ("commitment", "pivot", "linked"),
}
"""Where all mechanisms that fit would take long: those that are shown."""

EQUILIBRIA = {"repeated-auction": "pay-your-report", "oil-leases-prior": "cremer-mclean"}
"""Mechanisms of which it is said what is played where truth breaks."""

HEAD = """# Gallery

Every scenario that comes with the laboratory, what it is, and what a stress test of it says. `dynmech list scenarios`
shows their options. This page is written by `python -m docs.gallery`, with {episodes} episodes per case and seed 0; so
intervals are wide, and `dynmech stress NAME` says more.

How to read it: first what holds, what breaks, and which lie is the worst; then who gains what. A row is a mechanism,
the worst first, and a column a family of lies:

| family | lies |
| --- | --- |
| one-shot | in one period, told truly in all others |
| belief-manipulation | in one period and again in the next, which the first lie has prepared |
| misreport | the same in every period |
| contingent | wherever something public says that it is time |
| best-response | any deviation at all, exactly the best one |
| random | whatever comes to mind |

A figure is what the best lie of the family gains, before anything is known: exactly, or in brackets as played by the
best member that a search on other draws found. – is no gain. *holds*: the exact best response of everybody gains
nothing; *not refuted*: nothing that was tried does; *breaks*: some deviation gains; *outside its assumptions*: the same
where the mechanism assumes what does not hold here; *not promised*: it does not promise that truth is best.

The second table is about prescribed play: welfare and the designer's revenue (exactly, or in brackets as played), the
largest deficit of any period that was played (below 0), and how many of the (agent, date, own signal) that were seen
often enough would rather leave.
"""


def main(names: list[str]) -> int:
    """All scenarios into the page; with names, only their sections on standard output."""
    sections = []
    for name in names or sorted(SCENARIOS.names()):
        print(name, file=sys.stderr, flush=True)  # noqa: T201 - this is a command
        sections.append(section(name))
    if names:
        print("\n".join(sections))  # noqa: T201
    else:
        PAGE.write_text("\n".join([HEAD.format(episodes=EPISODES), *sections]), encoding="utf-8")
    return 0


def section(name: str) -> str:
    """One scenario: what it is, who would care, and the stress table."""
    cls = SCENARIOS.get(name)
    with tempfile.TemporaryDirectory() as folder:
        shown = SHOWN.get(name, ())
        result = stress(name, shown, episodes=EPISODES, out=Path(folder) / "run", log="summary")
    said = about(cls)
    source = f"Source: {cls.source}. " if cls.source else ""
    some = "Some of the mechanisms that fit; all would take long. " if shown else ""
    note = f"{source}Module: {{py:mod}}`{cls.__module__}`. {some}Command: `{command(name)}`"
    then = [equilibrium_text(name, EQUILIBRIA[name])] if name in EQUILIBRIA else []
    drawn = [f"**What can be had together** ([all maps](maps.md)). {shown_map(name)}"] if name in SURPRISES else []
    parts = [f"## {name}", said, APART.sub("", result.sentence), *tables(result), *then, *drawn, note]
    return "\n\n".join(parts) + "\n"


def equilibrium_text(name: str, mechanism: str) -> str:
    """What is played where truth breaks, and who earns what then, beside the truth."""
    result = equilibrium(name, mechanism)
    rows = [["", "profile", "truth"], *([what, amount(one), amount(other)] for what, one, other in result.rows())]
    lies = [row for row in result.data()["situations"] if row["sends"] != {row["prescribed"]: 1.0}]
    endless = result.environment.horizon is None
    said = list(dict.fromkeys(lie_text(row, endless) for row in lies))
    sent = f" Who does not tell the truth: {'; '.join(said)}." if said else ""
    line = f"What happens then (`dynmech equilibrium {name} {mechanism}`): {result.sentence}{sent}"
    return f"{line}\n\n{markdown(rows)}"


def lie_text(row: Mapping[str, Any], endless: bool) -> str:
    """A lie of an equilibrium in words."""
    sent = " or ".join(row["sends"])
    when = "later periods" if endless and row["period"] else f"period {row['period']}"
    return f"{row['agent']} in {when} says {sent} where its signal is {row['signal']}"


def command(name: str) -> str:
    """What shows the same table on the terminal."""
    chosen = "".join(f" --mechanism {mechanism}" for mechanism in SHOWN.get(name, ()))
    return f"dynmech stress {name}{chosen} --episodes {EPISODES}"


def about(cls: type[Scenario]) -> str:
    """The first line of a scenario's module, and the sentence on who would care, if there is one."""
    text = inspect.getdoc(sys.modules[cls.__module__]) or ""
    paragraphs = [" ".join(part.split()) for part in text.split("\n\n")]
    cares = [part for part in paragraphs if part.startswith("Who would care: ")]
    return "\n\n".join([paragraphs[0], *(f"{first_sentence(part)}" for part in cares)])


def first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence."""
    return text.partition(". ")[0].rstrip(".") + "."


def tables(result: StressResult) -> list[str]:
    """Gains by family, and what prescribed play is worth."""
    simulated, exact = gain_table(result), gain_table(result, "exact")
    families = [
        family for family in simulated.columns if simulated[family].notna().any() or exact[family].notna().any()
    ]
    gains = [["mechanism", "verdict", *families]]
    rows = result.mechanisms.to_dict("records")
    money = {"welfare": "welfare", "revenue": "revenue"}
    money |= ({"net revenue": "net_revenue"} if has_costs(rows) else {}) | {"worst budget": "worst_deficit"}
    worth = [["mechanism", *money, "unwilling"]]
    for row in rows:
        name = row["mechanism"]
        gains.append(
            [f"`{name}`", verdict(row), *(cell(simulated.loc[name, f], exact.loc[name, f], f) for f in families)]
        )
        seen = row["participation_cells"]
        unwilling = f"{row['participation_violations']} of {seen}" if seen else "–"
        worth.append([f"`{name}`", *(worth_cell(row, key) for key in money.values()), unwilling])
    return [markdown(gains), markdown(worth)]


WORDED = ("mechanism", "verdict")
"""Columns of words, set to the left."""


def verdict(row: Mapping[Any, Any]) -> str:
    """As on the terminal."""
    word = WORDS[row["verdict"]]
    return f"**{word}**" if word == "breaks" else word


def worth_cell(row: Mapping[Any, Any], key: str) -> str:
    """What prescribed play is worth: exactly, or in brackets as it was played; a budget as it was played."""
    if key == "worst_deficit":
        return amount(row[key])
    known = exactly(row, key)
    return f"({amount(row[key])})" if known is None else amount(known)


def cell(simulated: float, exact: float, family: str) -> str:
    """The exact gain where there is one, the simulated one in brackets; or the simulated one alone."""
    played = f"({amount(simulated)})" if pd.notna(simulated) else ""
    if family in EXACT and pd.notna(exact):
        return f"{amount(exact)} {played}".strip()
    return played or "–"


def markdown(rows: list[list[str]]) -> str:
    """A table; figures to the right."""
    rule = ["---" if name in WORDED else "--:" for name in rows[0]]
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
