"""What the checker of certificates says of a file, as a result that one can hold."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynmech.experiments.runs.shown_result import ShownResult
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.plain_text import escaped, harmless

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 2000
"""Characters of a line that are kept."""

KINDS = ("certificate", "infeasibility", "robustness")
"""What a certificate's file says it is."""

WRITERS = "`dynmech audit` or `dynmech design`"


@dataclass(frozen=True, eq=False, repr=False)
class Verified(ShownResult):
    """Whether a certificate proves what it claims.

    Attributes
    ----------
    file : Path
        The certificate.
    proved : bool
        Whether every claim is proved.
    said : sequence of str
        The checker's lines, in the numbers of the file: one per claim and what is not proved, or the first claim that
        does not follow.
    labelled : sequence of str
        The same with the labels of the economy.
    """

    file: Path
    proved: bool
    said: Sequence[str]
    labelled: Sequence[str]

    @property
    def table(self) -> "pd.DataFrame":
        """A row per line: `said`, with labels."""
        import pandas as pd

        return pd.DataFrame({"said": list(self.labelled)})

    def data(self) -> dict[str, Any]:
        """Return what `dynmech verify --json` prints."""
        return {"file": self.file, "proved": self.proved, "lines": list(self.said)}

    def lines(self) -> list[str]:
        """Return the verdict and the first claim."""
        claims = sum(line.startswith("proved") for line in self.said)
        told = f"{claims} claim{'s' * (claims != 1)} proved" if self.proved else "not proved"
        return [f"{self.file}: {told}", self.labelled[0]]

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return the lines as a table."""
        return {"lines": self.table}


@checked_arguments
def verify(path: str | Path) -> Verified:
    """Check a certificate in exact arithmetic, by the program that can do it alone.

    Parameters
    ----------
    path : str or Path
        A file that `certify`, or `design` with a certificate, wrote.

    Returns
    -------
    Verified
        `proved`: whether every claim is; and what is said of each.

    Raises
    ------
    InputError
        It is no certificate.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import dynmech as dm
    >>> proof = Path(mkdtemp()) / "proof.json"
    >>> audit = dm.certify(dm.audit("oil-leases-prior", "linked"), proof)
    >>> dm.verify(proof).proved
    True
    """
    from dynmech.experiments.certificates import verify as checker, verify_infeasible, verify_promises, verify_robust
    from dynmech.experiments.certificates.labelled_lines import labelled

    data: Any = None
    try:
        data = checker.read(str(path))
        kind = data.get("kind") if isinstance(data, dict) else None
        if isinstance(kind, str) and kind not in KINDS:
            raise InputError(
                f"{path}: no certificate, but of kind {kind[:40]!r}; --certificate of {WRITERS} writes one"
            )
        by: Any = {"infeasibility": verify_infeasible, "robustness": verify_robust}.get(str(kind), verify_promises)
        lines = [*by.check(data), *by.SAID]
    except checker.Unproved as error:
        lines = [f"not proved: {error}"]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: no certificate: not JSON (line {error.lineno}, column {error.colno})") from None
    except InputError:
        raise
    except Exception as error:  # whatever a hostile file leads to
        raise InputError(
            f"{path}: no certificate: {type(error).__name__}: {escaped(harmless(str(error)))[:300]}"
        ) from None
    lines = [escaped(harmless(line))[:LONGEST] for line in lines]
    proved = lines[0].startswith("proved")
    return Verified(Path(path), proved, lines, [labelled(line, data) for line in lines])
