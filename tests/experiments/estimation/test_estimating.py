"""Economies from data: round trips, panels under any names, and hostile logs."""

import lzma
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dynmech as dm
from dynmech.experiments.catalog.names import load
from dynmech.experiments.estimation.estimate_result import ASSUMED
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel
from tests.builders.cli_calls import exit_code

AUCTION = "repeated-auction:values=2"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of truthful play."""
    folder = tmp_path_factory.mktemp("played") / "run"
    return dm.run(f"{AUCTION},horizon=12", "pivot", episodes=600, out=folder).folder


@pytest.fixture(scope="module")
def rows(played: Path) -> pd.DataFrame:
    """Its outcomes."""
    return dm.read_run(played).outcomes()


def wide_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The same as a panel with a column per agent, and other names."""
    wide = rows.pivot_table("report", ["episode", "period"], "agent", aggfunc="first", observed=True).reset_index()
    decisions = rows.drop_duplicates(["episode", "period"])["decision"].to_numpy()
    wide = wide.rename(columns={"episode": "market", "period": "year", "bidder 1": "x", "bidder 2": "y"})
    return wide.assign(year=wide["year"] + 2001, winner=decisions)


def close(found: dm.TableEnvironment, true: object) -> float:
    """The largest distance of a law that was seen from the truth, in its own radius."""
    assert isinstance(true, TableEnvironment)
    assert isinstance(found, type(found))
    one, other = found.kernel(0), true.kernel(0)
    assert isinstance(one, IndependentKernel)
    assert isinstance(other, IndependentKernel)
    return max(
        float(np.abs(a - b)[: len(b)].sum(axis=-1)[1:].max()) for a, b in zip(one.factors, other.factors, strict=True)
    )


def test_a_known_economy_comes_back(played: Path) -> None:
    true = load(AUCTION)
    found = dm.estimate(played, AUCTION)
    assert found.transitions == 600 * 11
    assert close(found.environment, true) < found.rows["radius"].max()
    assert isinstance(true, TableEnvironment)
    kernel, law = found.environment.kernel(0), true.kernel(0)
    assert isinstance(kernel, IndependentKernel)
    assert isinstance(law, IndependentKernel)
    seen = found.rows[found.rows["observed"] > 0]
    for row in seen.to_dict("records"):
        j, d = true.agents.index(row["whose"]), true.stages[0].decisions.index(row["decision"])
        k = true.stages[0].signals[j].index(row["profile"])
        assert np.abs(kernel.factors[j][d, k] - law.factors[j][d, k]).sum() <= row["radius"]
    assert seen["observed"].sum() == 2 * found.transitions


def test_what_was_never_decided_is_listed_and_uniform(played: Path, rows: pd.DataFrame) -> None:
    found = dm.estimate(played, AUCTION, by="joint")
    never = found.unseen
    early = rows[rows["period"] < 11].astype(str)
    profiles = early.groupby(["episode", "period", "decision"])["report"].agg(", ".join).reset_index()
    seen = set(zip(profiles["decision"], profiles["report"], strict=True))
    everything = {(d, f"{x}, {y}") for d in ("none", "1", "2") for x in "01" for y in "01"}
    assert set(zip(never["decision"], never["profile"], strict=True)) == everything - seen
    assert 0 < len(never) < 12
    assert (never["radius"] == 2).all()
    assert found.environment.kernel(0).rows()[0, 3].tolist() == [0.25] * 4
    assert "Never seen" in repr(found)
    assert ASSUMED in repr(found)


@pytest.mark.parametrize("form", ["outcomes.parquet", "outcomes.csv", "panel.csv", "panel.parquet"])
def test_any_panel_gives_the_same(form: str, rows: pd.DataFrame, played: Path, tmp_path: Path) -> None:
    table = wide_of(rows) if form.startswith("panel") else rows
    path = tmp_path / form
    table.to_csv(path, index=False) if form.endswith("csv") else table.to_parquet(path)
    names = {"episode": "market", "period": "year", "decision": "winner", "bidder 1": "x", "bidder 2": "y"}
    found = dm.estimate(path, AUCTION, columns=names if form.startswith("panel") else None)
    same = dm.estimate(played, AUCTION)
    assert [t.tolist() for t in found.environment.counts.tables(0)] == [
        t.tolist() for t in same.environment.counts.tables(0)
    ]


def test_it_is_said_what_the_labels_of_a_profile_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dm.run("common-state:horizon=3", "team", episodes=2, out=tmp_path / "log")
    found = dm.estimate(tmp_path / "log", "common-state:horizon=3")
    assert found.order == "public, crew 1, crew 2"
    stage = found.environment.stages[-1]
    assert stage.public
    assert [len(axis) for axis in stage.labelled_axes] == [len(stage.public), *map(len, stage.signals)], "public first"
    assert "taken to be uniform (public, crew 1, crew 2): " in found.unseen_line
    words = [
        "estimate",
        str(tmp_path / "log"),
        "--environment",
        "common-state:horizon=3",
        "-o",
        str(tmp_path / "e.json"),
    ]
    assert exit_code(words) == 0
    assert "decision  public, crew 1, crew 2" in capsys.readouterr().out


def test_numbers_mean_the_labels_that_are_numbers(rows: pd.DataFrame, tmp_path: Path) -> None:
    wide = wide_of(rows).astype({"x": str}).astype({"x": float})
    wide.to_parquet(tmp_path / "panel.parquet")
    names = {"episode": "market", "period": "year", "decision": "winner", "bidder 1": "x", "bidder 2": "y"}
    assert dm.estimate(tmp_path / "panel.parquet", AUCTION, columns=names).transitions == 600 * 11


def test_gaps_are_no_transitions_and_the_order_of_rows_says_nothing(rows: pd.DataFrame, tmp_path: Path) -> None:
    some = rows[rows["episode"] < 50]
    without = some[some["period"] != 5].sample(frac=1, random_state=1)
    without.to_parquet(tmp_path / "gaps.parquet")
    assert dm.estimate(tmp_path / "gaps.parquet", AUCTION).transitions == 50 * 9


def test_what_is_missing_is_left_out_and_said(rows: pd.DataFrame, tmp_path: Path) -> None:
    some = rows[rows["episode"] < 50].astype({"report": object}).reset_index(drop=True)
    some.loc[some.index[2], "report"] = None  # of period 1: into it, and out of it
    some.to_parquet(tmp_path / "missing.parquet")
    found = dm.estimate(tmp_path / "missing.parquet", AUCTION)
    assert (found.transitions, found.dropped) == (50 * 11 - 2, 2)
    assert "2 left out" in found.headline


def test_stages_are_estimated_each_by_itself(tmp_path: Path) -> None:
    run = dm.run("oil-leases-prior", "cremer-mclean", episodes=300, out=tmp_path / "oil")
    found = dm.estimate(run.folder, "oil-leases-prior")
    economy = load("oil-leases-prior")
    assert isinstance(economy, TableEnvironment)
    assert found.transitions == 300 * (economy.horizon or 0) - 300
    for s, stage in enumerate(economy.stages):
        if stage.kernel is None:
            assert found.environment.counts.stages[s] is None
            continue
        seen = found.environment.counts.tables(s)[0].sum(axis=-1) > 0
        apart = np.abs(found.environment.kernel(s).rows() - stage.kernel.rows()).sum(axis=-1)
        assert (apart <= found.environment.radii(s))[seen].all()


def broken(rows: pd.DataFrame, what: str, path: Path) -> str:
    """Write a hostile log, and return what should be said of it."""
    some = rows[rows["episode"] < 3].astype(object).reset_index(drop=True)
    match what:
        case "label":
            some.loc[4, "report"] = "seven\x1b[2J"
            said = "row 5, column 'report': .* is no report"
        case "agent":
            some.loc[4, "agent"] = "nobody"
            said = "row 5, column 'agent'"
        case "twice":
            some = pd.concat([some, some.iloc[[7]]])
            said = "row [0-9]+: .*is there already"
        case "decision":
            some.loc[1, "decision"] = "1" if some.loc[0, "decision"] == "none" else "none"
            said = "row [12]: its decision is not that"
        case "period":
            some.loc[3, "period"] = "soon"
            said = "row 4, column 'period': 'soon' is no whole number"
        case "column":
            some = some.drop(columns="report")
            said = "no column 'report' for the report"
        case "empty":
            some = some.iloc[:0]
            said = "holds no rows"
        case "alone":
            some = some[some["period"] == 0]
            said = "no two consecutive periods"
        case "market":
            some.loc[2, "episode"] = None
            said = "row 3, column 'episode'"
        case _:
            path.write_bytes(b"\xff\xfe\x00PAR1\x00")
            return "cannot be read|is not CSV"
    some.to_csv(path, index=False)
    return said


HOSTILE = ["label", "agent", "twice", "decision", "period", "column", "empty", "alone", "market", "bytes"]


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_log_is_one_line(what: str, rows: pd.DataFrame, tmp_path: Path) -> None:
    said = broken(rows, what, tmp_path / "log.csv")
    with pytest.raises(InputError, match=said) as error:
        dm.estimate(tmp_path / "log.csv", AUCTION)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)


def test_what_is_no_log_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "log.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "log.txt").write_text("a")
    for name, said in (("log.parquet", "is not Parquet"), ("log.txt", "neither"), ("no.csv", "no such"), (".", "run")):
        with pytest.raises(InputError, match=said):
            dm.estimate(tmp_path / name, AUCTION)


@pytest.mark.parametrize("column", ["report", "period", "episode", "decision", "agent"])
def test_lists_and_times_within_a_column_are_one_line(column: str, rows: pd.DataFrame, tmp_path: Path) -> None:
    some = rows[rows["episode"] < 2].astype(object)
    lists = some.copy()
    lists[column] = pd.Series([[1, 2]] * len(some), index=some.index)
    lists.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(InputError, match=f"column '{column}': lists or tables"):
        dm.estimate(tmp_path / "log.parquet", AUCTION)
    some.assign(period=pd.Timestamp("2026-01-01")).to_parquet(tmp_path / "log.parquet")
    with pytest.raises(InputError, match="no whole number"):
        dm.estimate(tmp_path / "log.parquet", AUCTION)


def test_what_cannot_be_asked(played: Path) -> None:
    for how, said in (
        ({"by": "firm"}, "neither 'joint' nor 'agent'"),
        ({"confidence": 1.0}, "confidence"),
        ({"smoothing": -1.0}, "smoothing"),
        ({"columns": {"bidder 1": "x"}}, "needs one for 'bidder 2'"),
        ({"columns": {"colour": "x"}}, "stands for nothing"),
        ({"only": {"case": "x"}}, "no row has 'x'"),
        ({"only": {"colour": "x"}}, "no column 'colour'"),
    ):
        with pytest.raises(InputError, match=said):
            dm.estimate(played, AUCTION, **how)
    with pytest.raises(Refusal, match="not finite"):
        dm.estimate(played, "bilateral-trade-continuous")


def test_the_file_of_the_command_line_can_be_audited(played: Path, tmp_path: Path) -> None:
    out = tmp_path / "env.json"
    words = ["estimate", str(played), "--environment", AUCTION, "-o", str(out), "--smoothing", "1", "--quiet"]
    assert exit_code(words) == 0
    assert dm.audit(str(out), "pivot").verdict == "holds"
    assert exit_code(["estimate", str(played), "-q"]) == 2
    assert exit_code([*words, "--column", "episode"]) == 2


@pytest.mark.parametrize("packed", ["csv", "csv.gz", "csv.bz2", "csv.xz"])
def test_a_table_may_be_packed_and_no_more_is_unpacked_than_is_read(
    packed: str, played: Path, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"log.{packed}"
    rows.to_csv(path, index=False)
    pd.testing.assert_frame_equal(dm.estimate(path, AUCTION).rows, dm.estimate(played, AUCTION).rows)
    whole = path.read_bytes()
    if packed != "csv":
        path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match="is not CSV that can be read"):
            dm.estimate(path, AUCTION)
        path.write_bytes(whole)
    monkeypatch.setattr("dynmech.experiments.estimation.panel_files.LARGEST", 1 << 18)
    monkeypatch.setattr("dynmech.experiments.estimation.panel_files.PIECE", 1 << 16)
    with pytest.raises(InputError, match="has more than 262 kB; write it as Parquet"):
        dm.estimate(path, AUCTION)


def test_xz_that_asks_for_memory_before_it_says_anything_is_one_line(tmp_path: Path) -> None:
    """Its head asks for a gigabyte and a half."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(b"agent,period\n" * 10, filters=filters))
    place = data.index(b"\x21\x01\x10")  # the filter, the size of its properties, and 1 MB as a power
    data[place + 2] = 39
    data[20:24] = zlib.crc32(data[12:20]).to_bytes(4, "little")
    (tmp_path / "log.csv.xz").write_bytes(data)
    with pytest.raises(InputError, match="is not CSV that can be read: Memory usage limit exceeded"):
        dm.estimate(tmp_path / "log.csv.xz", AUCTION)


def test_a_csv_that_is_wide_or_says_a_name_twice_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for text, said in ((",".join("a" * 1001), "has more than 1,000 columns"), ("agent,agent\n1,2\n", "period")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            dm.estimate(path, AUCTION)
