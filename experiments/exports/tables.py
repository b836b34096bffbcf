"""The table of a run in long form: a row per figure, for pandas, R or a spreadsheet."""

from io import StringIO

import pandas as pd

from dynmech.experiments.exports.sources import Source

LEFT_OUT = ("complexity", "words")
"""Columns of a stress test that say something in words, or that nobody reads."""


def run_table(source: Source) -> pd.DataFrame:
    """Return a row per agent: strategy, payoff and gain with the half-widths of their 95 % intervals."""
    result = source.result
    named = {"environment": result["environment"], "mechanism": result["mechanism"]}
    return pd.DataFrame([{**named, **row} for row in result["agents"]])


def stress_table(source: Source) -> pd.DataFrame:
    """Return a row per mechanism, family and agent: the gain in play with its half-width, and the exact one."""
    rows = [{"environment": source.result["environment"], **row} for row in source.result["gains"]]
    return pd.DataFrame(rows).drop(columns=list(LEFT_OUT))


def sweep_table(source: Source) -> pd.DataFrame:
    """Return a row per economy and mechanism: what varied, largest gains, and what prescribed play is worth."""
    swept = source.swept
    table = swept.table(swept.information)
    table.insert(0, "environment", swept.environment)
    table.insert(1, "information", swept.information)
    return table


def tournament_table(source: Source, mechanism: str | None = None) -> pd.DataFrame:
    """Return a row per game, profile, role and strategy: players, payoff and its standard error."""
    return pd.DataFrame([row for game in source.games(mechanism) for row in game["payoffs"]])


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV; numbers in as many digits as they have, nothing where a figure is not known."""
    file = StringIO()
    table.to_csv(file, index=False, lineterminator="\n")
    return file.getvalue()
