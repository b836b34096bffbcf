"""A comparison of estimates is exported like any run folder: the figures are those of the result."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dynmech import export, robust
from dynmech.experiments.robustness.robust_result import RobustResult
from dynmech.sim.core.errors import InputError
from tests.builders.tex import read_tables


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> RobustResult:
    out = tmp_path_factory.mktemp("robust") / "near"
    mechanisms = ["linked", "cremer-mclean"]
    return robust("oil-leases-prior", mechanisms, draws=[30, 60], replications=2, target=0.5, ball=[0.05], out=out)


def test_csv_holds_every_table(compared: RobustResult, tmp_path: Path) -> None:
    table = pd.read_csv(export(compared, "csv", tmp_path / "near.csv"))
    texts = pd.read_csv(tmp_path / "near.csv", dtype=str)
    assert set(texts["draws"].dropna()) == {"30", "60"}, "whole numbers stay such"
    assert set(table["environment"]) == {"oil-leases-prior"}
    for name, frame in compared.frames().items():
        part = table[table["table"] == name].reset_index(drop=True)
        assert len(part) == len(frame) > 0
        for column in frame:
            if frame[column].notna().any():
                expected = frame[column].astype(part[column].dtype)
                pd.testing.assert_series_equal(part[column], expected, check_names=False, rtol=1e-12)


def test_npz_holds_every_column(compared: RobustResult, tmp_path: Path) -> None:
    arrays = np.load(export(compared.folder, "npz", tmp_path / "near.npz"))
    assert arrays["rows.mechanism"].tolist() == compared.rows["mechanism"].tolist()
    assert np.array_equal(arrays["rows.gain_median"], compared.rows["gain_median"].to_numpy(float), equal_nan=True)
    assert np.array_equal(arrays["ball.upper"], compared.ball["upper"].to_numpy(float), equal_nan=True)
    assert (str(arrays["kind"]), int(arrays["seed"])) == ("robust", 0)
    assert str(arrays["command"]) == compared.command


def test_latex_has_a_table_each(compared: RobustResult, tmp_path: Path) -> None:
    tables = read_tables(export(compared.folder, "latex", tmp_path / "near.tex").read_text(encoding="utf-8"))
    assert len(tables) == len(compared.frames())


def test_it_is_no_game(compared: RobustResult, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a comparison of estimates is no game"):
        export(compared.folder, "gambit", tmp_path / "near.nfg")
