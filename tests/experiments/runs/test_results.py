"""The log read back: four readers, one set of numbers, and they are the numbers that were reported."""

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from dynmech import read_run, run, stress
from dynmech.experiments.runs.run_result import RunResult
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.sim.core.errors import InputError

EPISODES = 700
DATASETS = ("outcomes", "episodes", "gains")


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> StressResult:
    """Two mechanisms against every family."""
    out = tmp_path_factory.mktemp("results") / "run"
    return stress("oil-leases-prior", ["cremer-mclean", "linked"], episodes=EPISODES, out=out)


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """An infinite horizon, cut, with transfers that fall due in a closing period."""
    return run(
        "random:seed=5,discount=0.6,singular_value=0.1",
        "contingent-spanning",
        {"agent 1": "random"},
        episodes=40,
        tail=0.05,
        out=tmp_path_factory.mktemp("results") / "run",
    )


def sql(query: str) -> pd.DataFrame:
    """What DuckDB answers."""
    with duckdb.connect() as connection:
        answer: pd.DataFrame = connection.execute(query).df()
    return answer


def readers(folder: Path, dataset: str) -> dict[str, pd.DataFrame]:
    """The same rows by four ways in, in one order, hive keys included."""
    path = folder / dataset
    frames = {
        "read_run": getattr(read_run(folder), dataset)(),
        "pandas": pd.read_parquet(path),
        "pyarrow": ds.dataset(path, partitioning="hive").to_table().to_pandas(),
        "duckdb": sql(f"SELECT * FROM read_parquet('{path}/**/*.parquet', hive_partitioning = true)"),
    }
    keys = [key for key in ("mechanism", "case", "episode", "period", "agent") if key in frames["pandas"]]
    for name, frame in frames.items():
        text = frame.astype(dict.fromkeys(("mechanism", "case", "agent"), str))
        frames[name] = text.sort_values(keys, ignore_index=True)[sorted(text.columns)]
    return frames


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_reader_sees_the_same_rows(tested: StressResult, dataset: str) -> None:
    frames = readers(tested.folder, dataset)
    expected = frames.pop("pandas")
    cases = 2 * (1 + 10) + 1  # prescribed play, five families for each of two firms; firm 1's best response
    assert len(expected) == cases * EPISODES * 2 * (3 if dataset == "outcomes" else 1)
    for name, frame in frames.items():
        assert list(frame.columns) == list(expected.columns), name
        for column in expected.columns:
            here, there = frame[column], expected[column]
            if here.dtype.kind == "f":
                assert np.array_equal(here, there, equal_nan=True), (name, column)
            else:
                assert here.astype(object).where(here.notna(), None).tolist() == (
                    there.astype(object).where(there.notna(), None).tolist()
                ), (name, column)


def test_the_log_adds_up_to_what_was_reported(tested: StressResult) -> None:
    gains = read_run(tested.folder).gains()
    for known in tested.gains.to_dict("records"):
        mine = gains[
            (gains["mechanism"] == known["mechanism"])
            & (gains["case"] == known["case"])
            & (gains["agent"] == known["agent"])
        ]
        assert len(mine) == EPISODES
        assert mine["deviates"].all()
        assert mine["gain"].mean() == pytest.approx(known["gain"], abs=1e-12)
    truth = read_run(tested.folder).episodes(case="prescribed")
    for known in tested.mechanisms.to_dict("records"):
        mine = truth[truth["mechanism"] == known["mechanism"]]
        assert mine["transfer"].sum() / EPISODES == pytest.approx(known["revenue"], abs=1e-9)
        assert mine["utility"].sum() / EPISODES == pytest.approx(known["welfare"], abs=1e-9)


def test_sql_gives_the_same_worst_lie(tested: StressResult) -> None:
    answer = sql(
        f"""
        SELECT mechanism, "case", agent, avg(gain) AS gain
        FROM read_parquet('{tested.folder}/gains/**/*.parquet', hive_partitioning = true)
        WHERE deviates GROUP BY ALL ORDER BY gain DESC LIMIT 1
        """
    ).iloc[0]
    worst = tested.gains.iloc[0]
    assert answer["mechanism"] == worst["mechanism"] == "cremer-mclean"
    assert answer["gain"] == pytest.approx(worst["gain"], abs=1e-12)


@pytest.mark.parametrize("which", ["tested", "endless"])
def test_outcomes_add_up_to_episodes(which: str, request: pytest.FixtureRequest) -> None:
    result: Any = request.getfixturevalue(which)
    discount = 1.0 if which == "tested" else 0.6
    logged = read_run(result.folder)
    outcomes, episodes = logged.outcomes(), logged.episodes()
    outcomes["flow"] = discount ** outcomes["period"] * (outcomes["utility"] - outcomes["transfer"])
    keys = ["mechanism", "case", "episode", "agent"]
    total = outcomes.groupby(keys, observed=True)["flow"].sum()
    payoff = episodes.set_index(keys)["payoff"]
    assert len(total) == len(payoff)
    assert np.abs(total - payoff.reindex(total.index)).max() < 1e-9
    assert np.abs(episodes["utility"] - episodes["transfer"] - episodes["payoff"]).max() < 1e-12


def test_a_gain_is_the_difference_of_two_payoffs_in_the_log(tested: StressResult) -> None:
    logged = read_run(tested.folder)
    gains = logged.gains(mechanism="cremer-mclean", case="firm-1.belief-manipulation")
    honest = logged.episodes(mechanism="cremer-mclean", case="prescribed")
    lying = logged.episodes(mechanism="cremer-mclean", case="firm-1.belief-manipulation")
    assert (gains["episode"].to_numpy() == honest["episode"].to_numpy()).all()
    assert (gains["gain"].to_numpy() == (lying["payoff"] - honest["payoff"]).to_numpy()).all()
    assert (gains["prescribed"].to_numpy() == honest["payoff"].to_numpy()).all()


def test_labels_are_dictionaries_and_partitions_are_words(tested: StressResult) -> None:
    outcomes = read_run(tested.folder).outcomes(mechanism="linked")
    for column in ("agent", "strategy", "signal", "report", "counted", "decision", "mechanism", "case"):
        assert isinstance(outcomes[column].dtype, pd.CategoricalDtype), column
        assert all(isinstance(label, str) for label in outcomes[column].cat.categories), column
    assert set(outcomes["mechanism"]) == {"linked"}
    schema = pq.read_schema(next((tested.folder / "outcomes").rglob("*.parquet")))
    for column in ("agent", "strategy", "signal", "report", "decision"):
        assert pa.types.is_dictionary(schema.field(column).type), column
    described = sql(
        f"DESCRIBE SELECT * FROM read_parquet('{tested.folder}/gains/**/*.parquet', hive_partitioning = true)"
    )
    types = dict(zip(described["column_name"], described["column_type"], strict=True))
    assert (types["mechanism"], types["case"]) == ("VARCHAR", "VARCHAR")
    assert types["gain"] == "DOUBLE"


def test_labels_mean_what_they_say(tested: StressResult) -> None:
    """Utilities recomputed from labels alone: winning s units is worth 2 s − 1 to firm 1 and 3 s − 6 to firm 2."""
    rows = read_run(tested.folder).outcomes(mechanism="linked", case="firm-1.one-shot")
    rows = rows.astype(dict.fromkeys(("agent", "signal", "decision"), str))
    wide = rows.pivot_table(index=["episode", "period"], columns="agent", values="signal", aggfunc="first")
    rows = rows.join(wide.add_prefix("signal of "), on=["episode", "period"])
    for known in rows.head(600).to_dict("records"):
        expected = 0.0
        if known["period"] > 0:
            oil = float(known["signal of firm 1"] if known["period"] == 1 else known["signal of firm 2"])
            if known["decision"] == known["agent"].removeprefix("firm "):
                expected = 2 * oil - 1 if known["agent"] == "firm 1" else 3 * oil - 6
        assert known["utility"] == expected


def test_only_closing_periods_lack_reports(endless: RunResult) -> None:
    outcomes = read_run(endless.folder).outcomes()
    periods = endless.summary["periods"]
    assert outcomes["period"].max() == periods, "one closing period, in which the last transfers fall due"
    closing = outcomes["period"] >= periods
    for column in ("report", "counted", "decision"):
        assert outcomes[column].isna().equals(closing), column
    assert outcomes["signal"].notna().all()
    assert (outcomes.loc[closing, "utility"] == 0).all()
    assert (outcomes.loc[closing, "transfer"] != 0).any()
    assert outcomes["action"].isna().all(), "nobody has a private action here"
    assert outcomes["reply"].isna().all(), "and nobody is asked for a reply"


def test_no_report_is_missing_in_a_finite_game(tested: StressResult) -> None:
    outcomes = read_run(tested.folder).outcomes()
    assert outcomes[["signal", "report", "counted", "decision"]].notna().all(axis=None)
    assert not outcomes[["late", "defaulted"]].any(axis=None)
    assert (outcomes["latency"] == 0).all()


def test_every_file_carries_schema_hash_and_seed(tested: StressResult) -> None:
    manifest = json.loads((tested.folder / "run.json").read_text(encoding="utf-8"))
    files = sorted(tested.folder.rglob("*.parquet"))
    assert len(files) == 3 * 23
    for path in files:
        metadata = pq.read_metadata(path).metadata
        assert metadata[b"dynmech_schema"] == b"3"
        assert metadata[b"configuration_hash"].decode() == manifest["configuration_hash"]
        assert metadata[b"seed"] == b"0"


def test_partitions_are_picked_by_the_name_that_was_typed(tmp_path: Path) -> None:
    result = run("oil-leases", "linked:low=3,high=15", {"firm 1": "random"}, episodes=30, out=tmp_path / "a")
    logged = read_run(result.folder)
    assert len(logged.gains(mechanism="linked:low=3,high=15", case="deviation")) == 60
    assert len(logged.gains(mechanism="linked:low=3,high=15")) == 120
    with pytest.raises(InputError, match="'agent' is no partition; pick by mechanism or case"):
        logged.gains(agent="firm 1")


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such run folder"):
        read_run(tmp_path / "none")
    with pytest.raises(InputError, match=r"not a run folder, it has no run\.json"):
        read_run(tmp_path)
