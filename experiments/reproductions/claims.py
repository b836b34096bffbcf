"""Everything that the papers print as a number or as a statement about numbers, computed again.

The modules of `dynmech.experiments.reproductions` that have a `PAPER` are the papers; each yields its claims.
"""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

import pandas as pd

from dynmech.experiments import reproductions
from dynmech.experiments.reproductions.base import Claim, Reproduction
from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.near_names import near_name

SHOWN = 3
"""Claims that fail and are shown in a few lines."""


def papers() -> dict[str, Reproduction]:
    """Return the papers by name, in the order of names."""
    found = {}
    for info in pkgutil.iter_modules(reproductions.__path__):
        module = importlib.import_module(f"{reproductions.__name__}.{info.name}")
        if hasattr(module, "PAPER"):
            found[module.PAPER] = cast(Reproduction, module)
    return dict(sorted(found.items()))


class Claims(ShownResult, list[Claim]):
    """Claims of papers held against what is computed; a list of them with its sentence and its table."""

    def data(self) -> list[dict[str, Any]]:
        """Return a row per claim."""
        return [claim.data() for claim in self]

    def lines(self) -> list[str]:
        """Return how many agree, and what fails."""
        failing = [f"{claim.paper}: {claim.claim}: {claim.verdict}" for claim in self if claim.verdict == "fails"]
        return [sentence(self), *failing[:SHOWN]]

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return the table of claims."""
        return {"claims": self.table}

    @property
    def table(self) -> pd.DataFrame:
        """A row per claim: what is printed, what is right, exact and simulated figures, the verdict."""
        return pd.DataFrame(self.data())


@checked_arguments
def reproduce(paper: str | None = None, *, progress: Progress = silent) -> Claims:
    """Work out the claims of a paper, or of all papers.

    Parameters
    ----------
    paper : str, optional
        Its name, as `dynmech reproduce` lists it; all of them unless given.
    progress : Progress
        Is told of phases and of finished work.

    Returns
    -------
    Claims
        A list of what the paper prints, what is derived another way, what comes out, and a verdict, in the order of the
        paper; `table` is a DataFrame of it.

    Raises
    ------
    InputError
        There is no such paper.
    """
    known = papers()
    if paper is not None and paper not in known:
        raise InputError(f"reproduce: {paper!r} is none of {', '.join(known)}{near_name(paper, known)}")
    chosen = [paper] if paper is not None else list(known)
    advance = progress("reproducing papers", len(chosen))
    claims = Claims()
    for name in chosen:
        claims.extend(known[name].claims())
        advance(1)
    return claims


def sentence(claims: Sequence[Claim]) -> str:
    """How many claims agree, are derived, are slips of the print, or fail.

    >>> sentence([Claim("p", "one", 1.0, 1.0), Claim("p", "two", 1.0, 2.0)])
    'Of 2 claims 1 agrees and 1 fails.'
    """
    return f"Of {len(claims)} claims {counted(claims)}." if claims else "There are no claims."


def counted(claims: Sequence[Claim]) -> str:
    """Count the verdicts, in words; those that there are none of are left out.

    >>> counted([Claim("p", "one", None, 1.0, 1.0, "hand")] * 2)
    '2 are derived in two ways'
    """
    counts = Counter(claim.verdict for claim in claims)
    parts = {
        "agrees": ("agrees", "agree"),
        "derived": ("is derived in two ways", "are derived in two ways"),
        "slip": ("is a slip of the print", "are slips of the print"),
        "fails": ("fails", "fail"),
    }
    shown = [f"{counts[verdict]} {words[counts[verdict] > 1]}" for verdict, words in parts.items() if counts[verdict]]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
