"""The benchmarks at sizes so small that only their workings are tested; nothing here is timed."""

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import benchmarks
from benchmarks import audit, base, commands, factored, growth, oracle, planner, runs, start, tables
from benchmarks.__main__ import _machine, _table, main
from dynmech.agents.oracle.search import Information
from dynmech.experiments.runs.shards import LEVELS
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.economy.kernels import IndependentKernel

TINY = (2, 3, 2)
NAMES = sorted(p.stem for p in Path(benchmarks.__file__).parent.glob("[!_]*.py") if p.stem != "base")


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_run_by_its_name(name: str) -> None:
    assert callable(import_module(f"benchmarks.{name}").measure)


# How things are measured.


def test_a_pair_is_run_in_turns_after_a_first_run_that_is_not_counted() -> None:
    calls: list[str] = []
    base.paired(lambda: calls.append("ours"), lambda: calls.append("theirs"), 3)
    assert calls == ["ours", "theirs"] * 4
    base.median_seconds(lambda: calls.append("alone"), 2)
    assert calls[8:] == ["alone"] * 3


def test_memory_is_that_of_the_call_and_not_of_what_was_there() -> None:
    there = np.ones(5_000_000)  # 40 MB
    filled, extra = base.memory_of(lambda: np.ones(10_000_000).sum())
    assert filled == 1e7
    assert 75 < extra < 100
    assert base.memory_of(lambda: 1)[1] < 5
    assert base.peak_memory() > there.nbytes / 1e6


def test_what_runs_apart_leaves_nothing_behind() -> None:
    assert base.apart(planner.sticky_economy, *TINY).stage(0).size == 9


# Planner.


def test_quantecon_gets_the_same_kernel() -> None:
    economy = planner.sticky_economy(3, 2, 2)
    dense = planner.dense_problem(economy)
    np.testing.assert_allclose(dense.Q.transpose(1, 0, 2), economy.kernel(0).rows(), rtol=0, atol=1e-15)
    np.testing.assert_array_equal(dense.R.T, economy.stage(0).welfare.reshape(2, -1))


def test_a_plan_is_made_anew_each_time() -> None:
    economy = planner.sticky_economy(*TINY)
    assert planner.planned(economy) is not planner.planned(economy)
    np.testing.assert_array_equal(planner.planned(economy).value[0], plan(economy).value[0])


def test_planner_rows() -> None:
    small = planner._small(TINY, 1)
    middle = planner._middle(TINY, planner.beside_quantecon(TINY, 1))
    large = planner._large(TINY, planner.beside_dgemm(TINY, 1, width=20))
    assert [row.ratio is None for row in (*small, *middle, *large)] == [False] * 5 + [True, False, False, True]
    for row in (*small, *middle):
        assert row.ratio == pytest.approx((row.theirs or 0) / row.ours, rel=0.5) or row.unit == "MB"
    assert large[2].beside == "the kernel alone would be 1.3 kB"  # 8 × 2 × 9²


def test_values_that_disagree_stop_the_benchmark() -> None:
    economy = planner.sticky_economy(*TINY)
    ours = plan(economy)
    planner.check_agreement(ours, ours.value[0].reshape(-1) + 1e-9, 2e-9)
    with pytest.raises(AssertionError, match=r"^QuantEcon's values and ours differ by 1e-06$"):
        planner.check_agreement(ours, ours.value[0].reshape(-1) + 1e-6, 1e-9)


def test_operations_are_counted_by_contraction() -> None:
    kernel = planner.sticky_economy(2, 3, 4).kernel(0)
    assert isinstance(kernel, IndependentKernel)
    counting = planner.CountingKernel(kernel.factors)
    value = np.ones((3, 3))
    counting.expect(value)
    list(counting.ahead(value))
    follow = counting.under(np.zeros((3, 3), np.intp))
    follow(value)
    follow(value)
    assert counting.calls == ["expect", "ahead", "under", "under"]
    assert counting.operations == 4 * 4 * 9 * 2 * (
        2 * 3
    )  # calls × decisions × profiles × axes × (a product and a sum each)


# Oracle and audit.


def test_stage_rates() -> None:
    rates, shape, memory = oracle.stage_rates(TINY, 1)
    assert set(rates) == set(Information)
    assert all(rate > 0 for rate in rates.values())
    assert shape == (1 + 2 * 9, 9, 3)  # nothing merges
    assert memory >= 0


def test_openspiel_finds_the_same_best_response() -> None:
    (row,) = oracle.beside_openspiel(1, periods=2)
    # Period 0: 4 profiles × 2 reports; period 1: 4 × 4 × 4 × 2.
    assert "2 periods (136 histories × reports)" in row.work


def test_the_tree_holds_every_history_once() -> None:
    economy = oracle.economy(2, 2, 2, 2)
    tree = oracle.Tree(economy, oracle.Priced(economy))
    kinds = [line[0] for line in tree.lines[1:]]
    assert [kinds.count(kind) for kind in "cpt"] == [1 + 16, (4 + 64) * 3, 256]
    assert [len(known) for known in tree._known] == [2 + 2 * 2 * 4] * 2


def test_audit_costs() -> None:
    cost = audit.cost_of("random:agents=2,signals=2", audit.MECHANISM)
    assert cost.seconds > 0
    assert cost.peak > cost.extra >= 0
    with pytest.raises(AssertionError, match="pivot must hold"):
        audit.cost_of("random:agents=2,signals=2", "pivot")


# Growth.

SMALLEST = growth.Sizes((2, 3), (2, 3), (2, 3), (2, 3), (10, 20), (2, 3), (2, 3), 10, workers=(1, 2), run_episodes=20)


def test_growth_is_fitted_beside_the_operations_and_drawn(tmp_path: Path) -> None:
    rows = growth.measure(1, SMALLEST)
    assert [row.work for row in rows][:5] == [
        "planner, by agents",
        "planner, by signals",
        "audit, by agents",
        "audit, by signals",
        "event loop, by episodes",
    ]
    # Planner by signals: N K S with N = 4 and S = K⁴, hence S^(5/4).
    assert [row.theirs for row in rows][1] == pytest.approx(1.25)
    assert [row.theirs for row in rows][4:7] == pytest.approx([1, 1, 0], abs=1e-12)
    assert (rows[7].work, rows[7].met) == ("run, by workers", True)
    growth.draw(1, tmp_path / "growth.png", SMALLEST)
    assert (tmp_path / "growth.png").read_bytes()[:4] == b"\x89PNG"


def test_an_exponent_is_fitted_to_the_larger_half() -> None:
    assert growth.slope([1, 10, 100, 1000, 10_000, 100_000], [7, 7, 7, 1e3, 1e4, 1e5]) == pytest.approx(1)
    assert growth.slope([1, 2, 4], [1, 8, 64]) == pytest.approx(3)


# The command.


def test_the_table_says_what_is_missed_and_the_exit_code_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = base.Row("work", 0.5, "s", "theirs", 5.0, 10.0, "10 times", True)
    monkeypatch.setattr(audit, "measure", lambda pairs: [row] * pairs)
    monkeypatch.setattr("sys.argv", ["benchmarks", "audit", "--pairs", "2"])
    assert main() == 0
    shown = capsys.readouterr().out
    assert "numpy" in shown
    assert shown.count("10 times") == 2
    monkeypatch.setattr(audit, "measure", lambda _: [base.Row("work", 0.5, "s", "", None, None, "0.1 s", False)])
    assert main() == 1
    assert "NO" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "text"), [(["nothing"], "no benchmark 'nothing'"), (["audit", "--out", "x"], "--out")]
)
def test_wrong_arguments_are_refused(
    given: list[str], text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", *given])
    with pytest.raises(SystemExit):
        main()
    assert text in capsys.readouterr().err


def test_machine_and_versions_are_named() -> None:
    assert "numpy 2" in _machine()
    assert _table([]).row_count == 0


# Runs.


def test_a_benchmarked_run_plays_what_play_alone_does(tmp_path: Path) -> None:
    for level in LEVELS:
        runs.whole(tmp_path, level, episodes=40)
    found = [json.loads(path.read_text()) for path in tmp_path.glob("*/result.json")]
    assert len({result["agents"][0]["gain"] for result in found}) == 1
    assert found[0]["agents"][0]["strategy"] == "random"
    assert runs.bare(episodes=runs.SHARD) == 2 * runs.SHARD * found[0]["periods"] * 3


# The start.


def test_starts_alternate_and_the_first_pair_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, ...]] = []

    def count(words: Sequence[str]) -> float:
        calls.append(tuple(words))
        return float(len(calls))

    monkeypatch.setattr(start, "cpu_of_process", count)
    assert start.started_beside_numpy(("ours",), 2) == [(3.0, 4.0), (5.0, 6.0)]
    assert calls == [("ours",), start.NUMPY] * 3


def test_a_start_meets_its_aim_by_the_median_of_its_ratios() -> None:
    row = start.row_of("work", 4.0, [(4.0, 1.0), (9.0, 3.0), (100.0, 10.0)])
    assert (row.ours, row.theirs, row.ratio, row.aim, row.met) == (9.0, 3.0, 0.25, "at most 4 times", True)
    assert not start.row_of("work", 4.0, [(4.1, 1.0)]).met


def test_what_is_started_ends_well_or_stops_the_benchmark() -> None:
    (words, _), *_ = start.STARTS.values()
    assert start.cpu_of_process(words) > 0
    with pytest.raises(RuntimeError, match=r"^python -c raise SystemExit\(3\) ended with 3: "):
        start.cpu_of_process(["-c", "raise SystemExit(3)"])


def test_the_starts_that_are_measured() -> None:
    assert {work: most for work, (_, most) in start.STARTS.items()} == {
        "dynmech --help": 4,
        "dynmech audit oil-leases-prior linked": 10,
    }


# Whole commands.


def test_a_stress_test_is_played_and_then_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, ...]] = []

    def cost(words: Sequence[str]) -> float:
        calls.append(tuple(words))
        return float(len(calls))

    monkeypatch.setattr(commands, "cpu_of_process", cost)
    assert commands._played(Path("x")) == (1.0, 2.0)
    assert calls == [(*commands.STRESS, "--out", "x")] * 2
    row = commands.row_of("work", [4.0, 9.0], [1.0, 3.0], 3.5)
    assert (row.ours, row.theirs, row.met) == (6.5, 2.0, True)
    assert not commands.row_of("work", [4.0, 9.0], [1.0, 3.0], 3.4).met


# Play from tables, and factored laws.


def test_the_plain_model_plays_the_same_economy() -> None:
    """On draws of its own: mean payoffs agree within what chance allows."""
    game = tables.game_played()
    ours, theirs = tables.by_tables(game, tables.BLOCK).payoffs, tables.LockStep(game).play(tables.BLOCK)
    error = np.sqrt((ours.var(axis=1) + theirs.var(axis=1)) / tables.BLOCK)
    assert (np.abs(ours.mean(axis=1) - theirs.mean(axis=1)) < 5 * error).all()
    assert (error < 0.1 * np.abs(ours).mean(axis=1)).all()


def test_both_engines_are_measured_on_the_same_play() -> None:
    game = tables.game_played()
    assert tables.by_loop(game, 50).payoffs.tobytes() == tables.by_tables(game, 50).payoffs.tobytes()


def test_factored_audits_are_held_against_time_and_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert factored.cost_of(2, 2, "team").seconds > 0
    monkeypatch.setattr(factored, "apart", lambda *_: factored.Cost(11.0, 900.0))
    rows = factored.measure(1)
    assert [row.met for row in rows] == [False, True, False, True, True, True, True, True]
    assert rows[4].work == "audit of team, independent, 5 × 8"
