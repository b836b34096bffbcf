"""Write `docs/certified.md`, a certificate of every pair that an audit decides: `python -m docs.certified`.

Rows that stand there already stay, so that what was interrupted goes on; `python -m docs.certified anew` makes all.

Figures are the same on every platform to the digits that are printed; seconds are those of one processor.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import NamedTuple

import dynmech as dm
from dynmech.experiments.certificates import verify
from dynmech.experiments.certificates.certifying import certificate, save_certificate
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.tabulation import tabulate
from dynmech.sim.core.errors import DynmechError

PAGE = Path(__file__).resolve().parent / "certified.md"
GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden" / "figures.jsonl"
INFORMATION = ("ex_ante", "on_path", "interim", "ex_post")

HEAD = """# Certified pairs

What each certificate proves of every scenario and mechanism that comes with the laboratory, at the sizes of the test
suite: upper bounds of what anybody gains by a best response (0: at most 1e-6).
An interim claim is missing where the others' messages do not tell their signals. Seconds are CPU seconds of one
processor, to certify and to check. `python -m docs.certified` writes this page; a slow test proves each row anew.

| scenario | mechanism | ex ante | on path | interim | ex post | kB | certify | check |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


class Certified(NamedTuple):
    """One row: upper bounds by information, the size of the file, and CPU seconds."""

    scenario: str
    mechanism: str
    upper: dict[str, float]
    bytes: int
    certifying: float
    checking: float

    def cells(self) -> list[str]:
        """Return the row's cells; figures first, seconds last."""
        gains = [bound(self.upper[one]) if one in self.upper else "–" for one in INFORMATION]
        return [self.scenario, self.mechanism, *gains, f"{self.bytes / 1000:.0f}", *map(seconds, self[-2:])]


def bound(value: float) -> str:
    """Return an upper bound as it is printed.

    >>> bound(2.0000000001), bound(3e-9)
    ('2', '0')
    """
    return f"{value:.6g}" if value > 1e-6 else "0"


def seconds(value: object) -> str:
    """Return CPU seconds as they are printed."""
    return f"{value:.2f}"


def pairs() -> Iterator[tuple[str, str, Mechanism]]:
    """Yield the pairs of the golden file whose rules can be written out."""
    lines = [json.loads(line)["name"].split() for line in GOLDEN.read_text(encoding="utf-8").splitlines()]
    for scenario, mechanism in [tuple(words[1:3]) for words in lines if words[0] == "audit" and len(words) == 3]:
        try:
            rules = dm.make_mechanism(mechanism, dm.load(scenario))
            tabulate(rules, 0)
        except DynmechError:
            continue
        yield scenario, mechanism, rules


def certified(scenario: str, mechanism: str, rules: Mechanism) -> Certified | None:
    """Certify a pair and check the certificate; None where it is too large."""
    begin = process_time()
    with tempfile.TemporaryDirectory() as folder:
        try:
            data = certificate(rules, [(i,) for i in range(len(rules.environment.agents))], promises=False)
            made = process_time()
            save_certificate(data, Path(folder) / "proof.json")
        except DynmechError:
            return None
        size, again = (Path(folder) / "proof.json").stat().st_size, process_time()
        verify.check(verify.read(str(Path(folder) / "proof.json")))
    upper: dict[str, float] = {}
    for claim in data["claims"]:
        upper[claim["information"]] = max(claim["upper"], upper.get(claim["information"], 0.0))
    return Certified(scenario, mechanism, upper, size, made - begin, process_time() - again)


def rows_of_the_page() -> list[list[str]]:
    """Return the cells of the page as it stands."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][2:]


def main(words: list[str]) -> int:
    """Certify what has no row yet, or everything, and write the page after each."""
    kept = {} if words == ["anew"] else {(row[0], row[1]): row for row in rows_of_the_page()}
    rows: list[list[str]] = []
    for scenario, mechanism, rules in pairs():
        old = kept.pop((scenario, mechanism), None)
        new = None if old else certified(scenario, mechanism, rules)
        if row := old or (new and new.cells()):
            rows.append(row)
        if new is not None:
            sys.stderr.write(f"{' '.join(new.cells())}\n")
            left = kept.values()
            PAGE.write_text(HEAD + "".join(f"| {' | '.join(row)} |\n" for row in [*rows, *left]), encoding="utf-8")
    PAGE.write_text(HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
