"""Screens: equal rows once, broken promises first, the end of a long game counted, names however narrow it is."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from dynmech import audit, replay, run, stress
from dynmech.experiments.cli.screens.audit_screen import show_audit
from dynmech.experiments.cli.screens.replay_screen import show_replay
from dynmech.experiments.cli.screens.stress_screen import show_stress
from dynmech.experiments.report.gain_blocks import NO_GAIN, NOT_COVERED, PROMISE_BROKEN, gain_blocks
from dynmech.experiments.runs.stress_result import StressResult

ALIKE = ("pivot", "pivot-with-fees", "static-vcg", "static-vcg-efficient")


@pytest.fixture(scope="module")
def leases(tmp_path_factory: pytest.TempPathFactory) -> StressResult:
    out = tmp_path_factory.mktemp("screens") / "run"
    names = [*ALIKE, "linked", "average-externality", "cremer-mclean"]
    return stress("oil-leases-prior", names, episodes=200, log="summary", out=out)


def test_mechanisms_with_the_same_row_are_one_row(leases: StressResult) -> None:
    blocks = gain_blocks(leases)
    assert [sorted(block.names) for block in blocks] == [
        ["cremer-mclean"], sorted(ALIKE), ["average-externality", "linked"],
    ]  # fmt: skip
    assert [block.group for block in blocks] == [PROMISE_BROKEN, NOT_COVERED, NO_GAIN]
    target = io.StringIO()
    show_stress(leases, Console(file=target, width=110))
    said = target.getvalue()
    _, rest = said.split("mechanism", 1)
    assert rest.index("cremer-mclean") < rest.index("pivot, pivot-with-fees")
    assert "average-externality, linked" in rest or "linked, average-externality" in rest


def test_another_figure_is_another_row(leases: StressResult) -> None:
    gains = leases.gains.copy()
    mine = (gains["mechanism"] == "static-vcg") & gains["found"]
    gains.loc[mine, "gain"] += 0.5
    changed = StressResult(**{**vars(leases), "gains": gains})
    assert sorted(len(block.names) for block in gain_blocks(changed)) == [1, 1, 2, 3]


def test_a_long_replay_shows_its_first_periods_and_counts_the_rest(tmp_path: Path) -> None:
    found = replay(run("repeated-auction:values=2", "pay-your-report", {"bidder 1": "misreport:map=flip"}, episodes=20,
                       out=tmp_path / "r").folder)  # fmt: skip
    dates = found.played["period"].nunique()
    assert dates > 30
    for periods, shown in ((3, 3), (0, dates)):
        target = io.StringIO()
        show_replay(found, Console(file=target, width=120), periods)
        lines = target.getvalue().splitlines()
        told = [re.match(r"(\d+)(?: to (\d+))? ", line) for line in lines]
        spans = [(int(when[1]), int(when[2] or when[1])) for when in told if when]
        covered = sum(last - first + 1 for first, last in spans)
        assert covered == shown * found.played["agent"].nunique()
        assert any(last > first for first, last in spans), "what is alike in a row of periods stands there once"
        assert any(f"The first 3 of {dates} periods; --periods {dates} shows all." in line for line in lines) is (
            periods == 3
        )


def test_a_narrow_replay_keeps_words_whole_and_shows_prescribed_play_where_it_differs(tmp_path: Path) -> None:
    found = replay(run("repeated-auction:horizon=4", "pay-your-report", {"bidder 1": "misreport:map=down"}, episodes=20,
                       out=tmp_path / "r").folder)  # fmt: skip
    texts = {}
    for width in (60, 140):
        target = io.StringIO()
        show_replay(found, Console(file=target, width=width))
        texts[width] = target.getvalue()
        assert max(map(len, texts[width].splitlines())) <= width
        assert "bidder 1" in texts[width]
    assert "1 (2)" in texts[60]
    assert "In brackets: what prescribed play gives" in texts[60]
    assert "In brackets" not in texts[140]
    assert "truth:" in texts[140]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_who_gains_is_named_however_narrow_the_screen_is(width: int) -> None:
    """Bounds are wide: where they do not fit beside names, there are two tables."""
    found = audit("repeated-auction:values=3", "pay-your-report", bounds=True)
    target = io.StringIO()
    show_audit(found, Console(file=target, width=width))
    lines = target.getvalue().splitlines()
    for name in ("bidder 1", "bidder 2"):
        rows = [line for line in lines if line.startswith("best response") and name in line]
        assert len(rows) == (2 if width == 80 else 1), lines
    assert all(len(line) <= width for line in lines)
    assert sum("greedy in the value of" in line for line in lines) == 1
