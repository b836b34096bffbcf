"""The audit first report by first report, on the screen and as data; strategies that misreport at the start."""

import json

import numpy as np
import pytest

from dynmech.agents.strategies.base import AgentContext
from dynmech.agents.strategies.initial_misreport import InitialMisreport
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.cli.app import main
from dynmech.sim.core.errors import InputError
from dynmech.sim.play.game import make_game
from dynmech.sim.play.roles import Situation

LARGE = "single-buyer:buyers=2,nodes=12"


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Exit code and standard output."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, capsys.readouterr().out


def test_what_holds_is_said_and_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    """A table of gains, the promises, the revenue."""
    code, shown = call(capsys, "audit", LARGE, "virtual-pivot")
    assert code == 0
    assert f"virtual-pivot on {LARGE} holds: No deviation of anybody gains anything." in " ".join(shown.split())
    assert "holds incentive: periodic ex post" in " ".join(shown.split())
    assert "Searched first report by first report" in shown
    assert "yes interval dominance of first reports (Lemma 3.5)" in shown
    assert "yes monotone hazard rate" not in shown, "no promise rests on it"
    _, shown = call(capsys, "audit", LARGE, "virtual-pivot", "--verbose")
    assert "yes monotone hazard rate" in shown


def test_what_fails_is_named_and_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    """Left sums: who lies, when, with which first signal; the same in JSON."""
    code, shown = call(capsys, "audit", LARGE, "virtual-pivot:reading=left-sums")
    assert code == 1
    assert "in period 0, with first signal" in " ".join(shown.split())
    code, shown = call(capsys, "audit", LARGE, "virtual-pivot:reading=left-sums", "--json")
    data = json.loads(shown)
    assert code == 1
    best = {(row["agent"], row["information"]): row for row in data["gains"] if row["family"] == "best_response"}
    agents = data["agents"]
    assert all(best[agent, "ex_post"]["kind"] == best[agent, "ex_ante"]["kind"] == "exact" for agent in agents)
    assert max(best[agent, "ex_post"]["gain"] for agent in agents) == pytest.approx(data["promises"][0]["worst"])
    for agent in agents:  # what is known between these two lies between them
        assert best[agent, "interim"]["kind"] == "bounds"
        assert best[agent, "interim"]["lower"] == best[agent, "ex_ante"]["lower"]
        assert best[agent, "interim"]["upper"] == best[agent, "ex_post"]["upper"]
    parts = data["first_reports"]
    assert max(part["later"] for part in parts) <= 1e-10 < 1e-3 < max(part["first_report"] for part in parts)
    assert [p["status"] for p in data["promises"]] == ["breaks", "holds"]
    assert data["options"]["mechanism"] == {"reading": "left-sums"}
    assert data["conditions"]["envelope of first reports (Lemma 3.5)"]["holds"] is False
    code, shown = call(capsys, "audit", LARGE, "virtual-pivot:reading=grid")
    assert code == 0
    assert "truth is not promised to be best, and buyer 2 gains" in " ".join(shown.split())
    code, shown = call(capsys, "audit", "single-buyer:nodes=4", "virtual-pivot:reading=left-sums")
    assert code == 1
    assert "no  envelope of first reports (Lemma 3.5)" in shown


def test_initial_misreports_are_told() -> None:
    """In words; and nothing is changed where messages are no types."""
    environment = load("single-buyer:nodes=3")
    game = make_game(environment, make_mechanism("virtual-pivot", environment), tail=1.0)
    context = AgentContext.of(game, 0)
    assert InitialMisreport(2).options() == {"node": "2", "later": "truth"}
    assert InitialMisreport(2).describe(context) == "first reports 0.833333, then tells the truth"
    other = make_game(environment, make_mechanism("optimal-contract", environment), tail=1.0)
    assert InitialMisreport(2).describe(AgentContext.of(other, 0)) == "first reports nothing else, then tells the truth"
    with pytest.raises(InputError, match="later: 'soon' is neither truth nor swap"):
        InitialMisreport(0, "soon")


def test_the_default_of_a_late_report_is_the_first_signal_reported() -> None:
    """Late at t = 0: the lowest node; later: one's own node, in the first state."""
    environment = load("single-buyer:buyers=2,nodes=3")
    mechanism = make_mechanism("virtual-pivot", environment)
    memory = np.array([5, 7])  # nodes (1, 2) and (2, 1)
    later = Situation(1, memory, np.zeros(2, np.intp))
    assert mechanism.default(later, 0).tolist() == [1 * 4 + 1, 2 * 4 + 1]
    assert mechanism.default(later, 1).tolist() == [2 * 4 + 1, 1 * 4 + 1]
    assert mechanism.default(Situation(0, memory, memory), 0).tolist() == [0, 0]
