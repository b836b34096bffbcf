"""What checks found: one finding each, and all of them as a result that one can hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from dynmech.experiments.runs.shown_result import ShownResult

if TYPE_CHECKING:
    import pandas as pd


class Finding(NamedTuple):
    """The result of one check: `holds`, `fails` or `not checked`, why, and the economies that it was tried on."""

    what: str
    status: str
    why: str = ""
    where: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The result in words.

        >>> Finding("mechanism 'mine'", "holds", where=("oil-leases", "spectrum")).text
        'holds on oil-leases and spectrum'
        """
        on = f" on {' and '.join(self.where)}" if self.where else ""
        return f"{self.status}{on}{f', {self.why}' if self.why else ''}"


@dataclass(frozen=True, eq=False, repr=False)
class CheckResult(ShownResult):
    """What was checked and what became of it.

    Attributes
    ----------
    findings : sequence of Finding
        One per class that was checked; iterating over the result gives them.

    Examples
    --------
    >>> result = CheckResult([Finding("strategy 'mine'", "holds", where=("oil-leases (team)",))])
    >>> result
    strategy 'mine': holds on oil-leases (team)
    >>> result.holds, len(result), result.to_dict()["rows"][0]["status"]
    (True, 1, 'holds')
    """

    findings: Sequence[Finding]

    @property
    def holds(self) -> bool:
        """Whether nothing that was checked fails."""
        return all(finding.status != "fails" for finding in self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    @property
    def table(self) -> "pd.DataFrame":
        """A row per finding: `what`, `status`, `why`, `where` (the economies, `;` between them)."""
        import pandas as pd

        rows = [{**finding._asdict(), "where": "; ".join(finding.where)} for finding in self.findings]
        return pd.DataFrame(rows, columns=list(Finding._fields))

    def data(self) -> list[dict[str, Any]]:
        """Return a row per finding."""
        return [finding._asdict() for finding in self.findings]

    def lines(self) -> list[str]:
        """Return a line per finding."""
        return [f"{finding.what}: {finding.text}" for finding in self.findings] or ["nothing was checked"]

    def frames(self) -> "dict[str, pd.DataFrame]":
        """Return the findings as a table."""
        return {"findings": self.table}
