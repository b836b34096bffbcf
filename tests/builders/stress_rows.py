"""Rows of the stress test that several files look at."""

from typing import Any

import pandas as pd

from dynmech.experiments.runs.stress_result import StressResult

NAIVE = ("team", "pivot", "pay-your-report", "cremer-mclean")


def row(result: StressResult, mechanism: str, family: str, agent: str = "firm 1") -> "pd.Series[Any]":
    """One gain."""
    gains = result.gains
    mine = gains[(gains["mechanism"] == mechanism) & (gains["family"] == family) & (gains["agent"] == agent)]
    assert len(mine) == 1
    return mine.iloc[0]
