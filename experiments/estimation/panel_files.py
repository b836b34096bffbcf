"""Read a log as a table: a run folder of ours, a Parquet file, or CSV."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from dynmech.experiments.runs.results import read_run
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError

CSV = (".csv", ".csv.gz", ".csv.xz", ".csv.bz2")

PARQUET = (".parquet", ".pq")


def read_log(path: Path, only: Mapping[str, str]) -> pd.DataFrame:
    """Return a log's rows; of `only` columns with those values.

    Raises:
        InputError: it cannot be read, is no such file, or has no such column or no such row.
    """
    table = _table(path)
    for column, value in only.items():
        if column not in table.columns:
            raise InputError(f"{path}: no column {shown(column)}; there are {columns_text(table)}")
        table = table[table[column].astype(str) == value]
        if table.empty:
            raise InputError(f"{path}: no row has {shown(value)} in column {shown(column)}")
    if table.empty:
        raise InputError(f"{path}: holds no rows")
    return table.reset_index(drop=True)


def columns_text(table: pd.DataFrame) -> str:
    """Return the names of a table's columns, the first of many."""
    names = [shown(str(name)) for name in table.columns]
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _table(path: Path) -> pd.DataFrame:
    if path.is_dir():
        return read_run(path).outcomes()
    name = path.name.lower()
    if not path.exists():
        raise InputError(f"{path}: no such file or run folder")
    if not path.is_file() or not name.endswith((*CSV, *PARQUET)):
        raise InputError(f"{path}: neither a run folder, nor a file that ends in .parquet or .csv")
    try:
        if name.endswith(PARQUET):
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except MemoryError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {_first_line(error)}") from None
    except Exception as error:  # whatever a hostile file leads to
        kind = "Parquet" if name.endswith(PARQUET) else "CSV"
        raise InputError(f"{path}: is not {kind} that can be read: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    text = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return text[:200]
