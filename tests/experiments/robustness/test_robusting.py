"""What estimation costs: the known contrasts, paired draws, figures done by hand, resuming."""

from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dynmech as dm
from dynmech.experiments.robustness.drawn_counts import draw_counts
from dynmech.experiments.robustness.estimation_cost import cost_of
from dynmech.experiments.robustness.robust_figures import needed, row, slope
from dynmech.experiments.robustness.robust_plots import draw_robust
from dynmech.mechanisms.groves.pivot import Pivot
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.estimated import estimated_environment
from dynmech.sim.economy.kernels import IndependentKernel
from dynmech.sim.economy.stage import Stage
from tests.builders.cli_calls import exit_code

AUCTION = "repeated-auction:values=2"


def fresh_values(discount: float = 0.8) -> TableEnvironment:
    """An object each period for two bidders whose values are drawn afresh, whatever was and was decided.

    Values are so far apart that what is estimated of the future never changes a decision.
    """
    values = np.array([[1.0, 5.0], [2.0, 9.0]])
    utility = np.zeros((2, 3, 2, 2))
    utility[0, 1], utility[1, 2] = values[0][:, None], values[1][None, :]
    factors = tuple(np.broadcast_to(np.array(law), (3, 2, 2)).copy() for law in ([0.3, 0.7], [0.6, 0.4]))
    stage = Stage((("1", "5"), ("2", "9")), ("none", "1", "2"), utility, IndependentKernel(factors))
    return TableEnvironment("fresh", ("one", "two"), np.outer([0.3, 0.7], [0.6, 0.4]), (stage,), discount, None)


def gains(environment: TableEnvironment, draws: int, *, joint: bool) -> list[tuple[bool, float]]:
    """Of pivot on ten estimates: whether a decision flips, and the gain."""
    true, out = plan(environment), []
    for k in range(10):
        counts = draw_counts(environment, draws, 0, k, joint=joint)
        economy = estimated_environment(environment, counts)
        flips = not np.array_equal(plan(economy).policy[0], true.policy[0])
        out.append((flips, cost_of(environment, Pivot(economy), 0.0)["gain"] or 0.0))
    return out


@pytest.mark.parametrize("draws", [30, 300, 3000])
def test_values_drawn_afresh_estimated_agent_by_agent_cost_the_pivot_mechanism_nothing(draws: int) -> None:
    kept = [gain for flips, gain in gains(fresh_values(0.3), draws, joint=False) if not flips]
    assert len(kept) > 5
    assert max(kept) < 1e-9


def test_estimated_jointly_the_same_economy_tempts_to_lie() -> None:
    medians = [
        float(np.median([gain for _, gain in gains(fresh_values(0.8), draws, joint=True)])) for draws in (30, 300, 3000)
    ]
    assert medians[0] > medians[1] > medians[2] > 0.003
    assert medians[0] / medians[2] == pytest.approx(10, rel=0.6), "one over the root of the draws"


def test_all_mechanisms_get_the_same_draws_and_others_when_seed_or_number_differ() -> None:
    environment = fresh_values()

    def tables(draws: int, seed: int, replication: int) -> list[Any]:
        return [t.tolist() for t in draw_counts(environment, draws, seed, replication, joint=False).tables(0)]

    assert tables(30, 1, 0) == tables(30, 1, 0)
    assert tables(30, 1, 0) not in (tables(30, 2, 0), tables(30, 1, 1))
    assert (draw_counts(environment, 31, 1, 0, joint=True).tables(0)[0].sum(axis=-1) == 31).all()


def test_a_mechanism_on_its_own_truth_costs_what_an_audit_says() -> None:
    audit = dm.audit("oil-leases-prior", "cremer-mclean")
    assert audit.truth.first_best is not None
    assert audit.truth.revenue is not None
    economy = dm.load("oil-leases-prior")
    assert isinstance(economy, TableEnvironment)
    cost = cost_of(economy, dm.make_mechanism("cremer-mclean", economy), audit.truth.first_best)
    worst = audit.gains.query("family == 'best_response'").groupby("information")["gain"].max()
    assert cost["gain"] == pytest.approx(worst["ex_post"])
    assert cost["gain_ex_ante"] == pytest.approx(worst["ex_ante"])
    assert cost["deficit"] == pytest.approx(max(0.0, -audit.truth.revenue))
    assert audit.largest_transfer is not None
    assert cost["largest_transfer"] == pytest.approx(abs(audit.largest_transfer.value))


def entry(gain: float | None, refused: str = "") -> dict[str, Any]:
    """What is measured of one replication."""
    figures = dict.fromkeys(("gain_ex_ante", "welfare_lost", "deficit", "largest_transfer"), gain)
    return {"refused": refused} if refused else {"refused": "", "gain": gain, **figures}


def test_figures_by_hand() -> None:
    measured = [entry(0.0), entry(1.0), entry(2.0), entry(None, "no")]
    told = row("m", 10, measured, 1e-6)
    assert (told["gain_median"], told["truthful"], told["refused"]) == (1.0, pytest.approx(1 / 3), 1)
    assert row("m", 10, [entry(None, "no")], 1e-6)["gain_median"] is None


def test_the_slope_of_gains_that_fall_with_the_root_is_a_half() -> None:
    noise = np.random.default_rng(0).uniform(0.5, 1.5, (3, 40))
    measured = {n: [entry(float(x) * n**-0.5) for x in xs] for n, xs in zip((30, 300, 3000), noise, strict=True)}
    told = slope("m", measured, 1e-9, 0)
    assert told["low"] < -0.5 < told["high"]
    assert told["high"] - told["low"] < 0.3
    medians = {n: np.median([e["gain"] for e in entries]) for n, entries in measured.items()}
    by_hand = np.polyfit([log(n) for n in medians], np.log(list(medians.values())), 1)[0]
    assert told["slope"] == pytest.approx(by_hand)
    assert slope("m", {30: [entry(0.0)], 300: [entry(0.0)]}, 1e-9, 0)["slope"] is None


def test_what_is_needed_is_met_by_95_of_100_from_there_on() -> None:
    well, badly = [entry(0.1)] * 19 + [entry(9.0)], [entry(0.1)] * 18 + [entry(9.0)] * 2
    assert needed("m", {10: well, 30: badly, 100: well, 300: well}, 0.1, 0.0)["draws"] == 100
    assert needed("m", {10: well, 30: badly}, 0.1, 0.0)["draws"] is None
    refused = [entry(0.1)] * 18 + [entry(None, "no")] * 2
    assert needed("m", {10: refused}, 0.1, 0.0)["draws"] is None, "a mechanism that is refused meets nothing"


def test_it_resumes(tmp_path: Path) -> None:
    how: dict[str, Any] = {"draws": [30, 60], "replications": 3, "target": 0.5}
    first = dm.robust(AUCTION, ["pivot", "team"], out=tmp_path / "a", **how)
    again = dm.robust(AUCTION, ["pivot", "team"], out=tmp_path / "a", **how)
    assert again.reused
    assert not first.reused
    assert first.figures == again.figures
    assert first.rows["mechanism"].tolist() == ["pivot"] * 2 + ["team"] * 2
    assert "no lie gains anything" in repr(first)
    assert first.plot(tmp_path / "x.svg") == tmp_path / "x.svg"
    with pytest.raises(InputError, match="holds another run"):
        dm.robust(AUCTION, ["pivot"], out=tmp_path / "a", **how)


def test_the_screen_keeps_tables_apart_and_says_what_the_target_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["robust", AUCTION, "pivot", "pay-your-report", "--draws", "30", "--replications", "2", "--ball", "0.1"]
    assert exit_code([*words, "--target", "0.1", "--out", str(tmp_path / "r")]) == 0
    screen = capsys.readouterr().out
    flat = " ".join(screen.split())
    assert "pay-your-report: from 30 draws per law on, 95 % of estimates keep the gain at 0.1 or less." in flat
    assert "pivot: with no number of draws that was tried do 95 % of estimates keep" in flat
    assert exit_code([*words, "--target", "0.1", "--out", str(tmp_path / "r"), "--quiet"]) == 0
    assert "from 30 draws per law on" in capsys.readouterr().out, "the answer that was asked for"
    lines = screen.splitlines()
    (first,) = [i for i, line in enumerate(lines) if line.split() == ["gain,"]]
    assert lines[first - 1] == "", "an empty line before the second table"
    monkeypatch.setenv("COLUMNS", "80")
    assert exit_code([*words, "--target", "0.1", "--out", str(tmp_path / "r")]) == 0
    narrow = capsys.readouterr().out
    assert "…" not in narrow, "nothing is cut at 80 columns"
    assert {"truth-", "lost", "transfer", "deficit"} <= set(narrow.split())


def test_a_confidence_set_that_no_mechanism_fits_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dm.load("common-state")
    assert isinstance(environment, TableEnvironment)
    counts = draw_counts(environment, 1, 0, 0, joint=True, smoothing=1)
    monkeypatch.chdir(tmp_path)
    dm.save_environment(estimated_environment(environment, counts), "few.json")
    law_is_flat = ["robust", "few.json", "linked", "--ball", "data", "--out", "r"]
    assert exit_code(law_is_flat) == 1
    screen = capsys.readouterr().out
    assert "no bounds: " in screen
    assert "some estimates" not in screen
    assert " data " in screen


def test_titles_of_the_picture_are_whole(tmp_path: Path) -> None:
    found = dm.robust(AUCTION, ["pivot"], draws=[30], replications=1, ball=[0.1], out=tmp_path / "r")
    figure = draw_robust(found)
    figure.draw_without_rendering()
    assert len(figure.axes) == 6
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert box is not None
        assert box.x1 <= figure.bbox.x1, axes.get_title(loc="left")


@pytest.mark.slow
def test_it_says_the_same_on_several_processes(tmp_path: Path) -> None:
    how: dict[str, Any] = {"draws": [30, 60], "replications": 12}
    one = dm.robust(AUCTION, ["pivot", "team"], out=tmp_path / "a", **how)
    two = dm.robust(AUCTION, ["pivot", "team"], out=tmp_path / "b", workers=2, **how)
    assert one.figures == two.figures


def test_what_no_estimate_carries_is_said_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["robust", AUCTION, "balanced", "--by", "joint", "--draws", "30", "--replications", "2", "--quiet"]
    assert exit_code([*words, "--out", str(tmp_path / "r")]) == 1
    assert exit_code(["export", str(tmp_path / "r"), "--to", "csv", "-o", str(tmp_path / "r.csv")]) == 0
    for command in ("report", "replay"):
        assert exit_code([command, str(tmp_path / "r")]) == 2
        assert "sweep" not in capsys.readouterr().err, "it is none"


def test_one_number_needs_no_brackets(tmp_path: Path) -> None:
    one = dm.robust(AUCTION, "pivot", draws=30, replications=1, ball=0.1, out=tmp_path / "a")
    several = dm.robust(AUCTION, ["pivot"], draws=[30], replications=1, ball=[0.1], out=tmp_path / "a")
    assert several.reused
    assert one.figures == several.figures


def test_what_cannot_be_asked() -> None:
    for how, said in (
        ({"draws": [0]}, "draws: 0"),
        ({"replications": 0}, "replications"),
        ({"smoothing": -1.0}, "smoothing"),
        ({"target": -1.0}, "target"),
        ({"ball": [0.1], "target": 1.0}, "target: belongs to --draws"),
        ({"ball": [0.1], "utility_error": -1.0}, "utility error"),
        ({"discount_error": 0.01}, "belongs to --ball"),
        ({"ball": [0.1], "discount_error": 0.1}, "not all discount factors"),
        ({"by": "firm"}, "neither 'joint' nor 'agent'"),
        ({"draws": [30] * 1 + [40], "replications": 10**6}, "more than 1,000,000"),
    ):
        with pytest.raises(InputError, match=said):
            dm.robust(AUCTION, ["pivot"], **how)
    with pytest.raises(InputError, match="no product"):
        dm.robust("common-state", ["pivot"], by="agent")
    with pytest.raises(InputError, match="made already"):
        dm.robust(fresh_values(), [Pivot(fresh_values())])
    with pytest.raises(Refusal, match="not finite"):
        dm.robust("bilateral-trade-continuous", ["pivot"])
    for words in (["--draws", "thirty"], ["--draws", "-3"], ["--replications", "x"]):
        assert exit_code(["robust", AUCTION, "pivot", *words]) == 2


def test_worst_laws_in_balls_and_the_radius(tmp_path: Path) -> None:
    found = dm.robust("oil-leases-prior", ["linked", "cremer-mclean"], ball=[0.0, 0.1], out=tmp_path / "r")
    bounds = found.ball.set_index(["mechanism", "radius"])
    assert bounds.loc[("linked", 0.0), "upper"] == pytest.approx(0.0, abs=1e-9)
    assert bounds.loc[("cremer-mclean", 0.0), "lower"] == pytest.approx(6.0)
    assert bounds.loc[("linked", 0.1), "lower"] == pytest.approx(0.6)
    assert bounds.loc[("linked", 0.1), "upper"] == pytest.approx(0.6)
    assert found.rows.empty, "no draws unless they are asked for"
    radius = found.robustness_radius.set_index("mechanism")
    assert radius.loc["cremer-mclean", "upper"] == 0
    assert "gains under the nominal law already" in repr(found)
    assert found.plot(tmp_path / "x.pdf") == tmp_path / "x.pdf"


def test_the_confidence_set_of_an_estimate_is_a_ball(tmp_path: Path) -> None:
    environment = fresh_values(0.3)
    counts = draw_counts(environment, 100_000, 0, 0, joint=False)
    economy = estimated_environment(environment, counts)
    found = dm.robust(economy, [Pivot(economy)], ball=["data"], out=tmp_path / "r")
    (row,) = found.figures["ball"]
    assert row["radius"] == pytest.approx(economy.radii(0).max())
    assert row["upper"] < 0.2
    few = [
        estimated_environment(environment, draw_counts(environment, 2, 0, 0, joint=True, smoothing=a)) for a in (0, 1)
    ]
    with pytest.raises(InputError, match="never followed what was seen"):
        dm.robust(few[0], [Pivot(few[0])], ball=["data"])
    assert dm.robust(few[1], [Pivot(few[1])], ball=["data"], out=tmp_path / "s").figures["ball"][0]["radius"] == 2
    with pytest.raises(InputError, match="was not estimated"):
        dm.robust(AUCTION, ["pivot"], ball=["data"])
    for word in ("x", "3", "-1", "nan"):
        assert exit_code(["robust", AUCTION, "pivot", "--ball", word]) == 2


@pytest.mark.slow
def test_gains_of_exact_solutions_fall_with_the_root_of_the_draws_in_the_end(tmp_path: Path) -> None:
    """At first they fall faster: few draws get decisions wrong, too."""
    how: dict[str, Any] = {"replications": 40, "out": tmp_path / "r"}
    found = dm.robust("common-state", ["contingent-spanning"], draws=[20_000, 100_000, 500_000], **how)
    (line,) = found.figures["slopes"]
    assert line["low"] < -0.5 < line["high"]
    assert line["high"] - line["low"] < 0.4
    assert found.rows["truthful"].max() < 0.1
