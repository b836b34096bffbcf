"""`python -m benchmarks [NAME …] [--pairs N] [--out FILE]`: a table of everything measured, machine and versions."""

import argparse
import os
import platform
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.base import Row

PACKAGES = ("dynmech", "numpy", "scipy", "simpy", "pyarrow", "quantecon", "open_spiel", "numba")


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
    parser.add_argument("--out", type=Path, metavar="FILE", help="draw how cost grows (PNG, SVG or PDF); needs growth")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in names]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(names)}")
    if given.out and given.names and "growth" not in given.names:
        parser.error("--out draws what growth measures: name it too, or none")
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_machine(), highlight=False)
    rows: list[Row] = []
    for name in given.names or names:
        console.print(f"measuring: {name} …", style="dim")
        try:
            module = import_module(f"benchmarks.{name}")
        except ModuleNotFoundError as error:
            console.print(f"{name}: {error.name} is not installed; left out")
            continue
        rows += module.measure(given.pairs)
        if given.out and name == "growth":
            module.draw(given.pairs, given.out)
            console.print(f"drawn: {given.out}", style="dim")
    console.print(_table(rows))
    return 0 if all(row.met for row in rows) else 1


def _machine() -> str:
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    threads = os.environ["OPENBLAS_NUM_THREADS"]
    return (
        f"{_processor()}, {os.cpu_count()} processors, {platform.system()}; Python {platform.python_version()}, "
        f"{packages}, {blas['name']} with {threads} thread(s)"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """Return the processor's name (on Linux), else the architecture."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({platform.machine()})" if names else platform.machine()


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
