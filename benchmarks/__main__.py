"""`python -m benchmarks [NAME …] [--pairs N]`: a table of everything measured, with machine and versions."""

import argparse
import platform
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.base import Row

PACKAGES = ("dynmech", "numpy", "scipy", "simpy", "pyarrow", "quantecon")


def main() -> int:
    """Run the benchmarks named, or all; exit 1 if an aim is missed."""
    names = sorted(
        p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_") and p.stem != "base"
    )
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; none: all")
    parser.add_argument(
        "--pairs", type=int, default=5, help="alternating pairs of runs of what is compared (default 5)"
    )
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in names]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(names)}")
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_machine(), highlight=False)
    rows: list[Row] = []
    for name in given.names or names:
        console.print(f"measuring: {name} …", style="dim")
        rows += import_module(f"benchmarks.{name}").measure(given.pairs)
    console.print(_table(rows))
    return 0 if all(row.met for row in rows) else 1


def _machine() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{platform.machine()}, {platform.system()}; Python {platform.python_version()}, {packages}, {blas['name']}"


def _table(rows: list[Row]) -> Table:
    table = Table(title="figures per CPU second; medians")
    for column in ("work", "ours", "unit", "beside it", "theirs", "ratio", "aim", "met"):
        table.add_column(column, justify="right" if column in ("ours", "theirs", "ratio") else "left")
    for row in rows:
        table.add_row(
            row.work,
            f"{row.ours:,.3g}" if row.ours < 1000 else f"{row.ours:,.0f}",
            row.unit,
            row.beside or "–",
            "–" if row.theirs is None else f"{row.theirs:,.3g}" if row.theirs < 1000 else f"{row.theirs:,.0f}",
            "–" if row.ratio is None else f"{row.ratio:,.3g}",
            row.aim,
            "yes" if row.met else "NO",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
