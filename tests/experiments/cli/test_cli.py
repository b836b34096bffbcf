"""The command line as a person and as a program see it."""

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dynmech.agents.strategies import history_conditions as conditions
from dynmech.agents.strategies.history_conditions import Condition
from dynmech.agents.strategies.maps import WORDS
from dynmech.experiments.catalog.names import SCENARIOS, STRATEGIES
from dynmech.experiments.cli.app import main
from dynmech.experiments.cli.listing import KINDS, meanings
from dynmech.experiments.runs.moments import Moments
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.sim.core.registry import modules_below
from dynmech.sim.economy.environment import TableEnvironment
from tests.builders.exact import tree_payoffs
from tests.builders.runs import ROOT, bytes_below

PACKAGES = {
    "scenarios": "dynmech.experiments.scenarios",
    "mechanisms": "dynmech.mechanisms",
    "strategies": "dynmech.agents",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[str, str]:
    """Standard output and standard error of a call that works."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    output = capsys.readouterr()
    assert stopped.value.code == 0, output.err
    return output.out, output.err


def call_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    def no_such_number(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    return json.loads(call(capsys, *words, "--json")[0], parse_constant=no_such_number)


def names_in_modules(kind: str) -> set[str]:
    """Every `name` of a class in a module of the package, found without the registry."""
    found = set()
    for module_name in modules_below(PACKAGES[kind]):
        module = import_module(module_name)
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__ and "name" in vars(value):
                found |= {value.name} if isinstance(value.name, str) else set()  # type: ignore[attr-defined]
    return found


def test_list_shows_every_module_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "list")[0]
    data = call_json(capsys, "list")
    assert list(data) == ["schema", *KINDS]
    for kind in KINDS:
        rows = data[kind]
        beside = {"best-response", "profile"} if kind == "strategies" else set()  # made for a game, not in the registry
        assert {row["name"] for row in rows} == names_in_modules(kind) | beside
        assert len(rows) >= 4
        for row in rows:
            assert row["source"], row["name"]
            assert row["about"], row["name"]
            assert f"\n{row['name']} " in text


def test_list_shows_options_as_they_are_typed(capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys, "list", "mechanisms")[0]
    assert "options: low=4.0, high=16.0, price=11.0" in text
    assert "oil-leases-prior" not in text
    scenarios = {row["name"]: row["options"] for row in call_json(capsys, "list", "scenarios")["scenarios"]}
    assert {"horizon=none", "independent=false", "seed=0"} <= set(scenarios["random"])
    # Every default can be typed back.
    call(capsys, "run", f"random:{','.join(scenarios['random'])}", "team", "--episodes", "2", "--out", "again")


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_list_keeps_within_the_columns(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = call(capsys, "list")[0]
    assert max(map(len, text.splitlines())) <= int(columns)
    assert "…" not in text


def test_no_words_at_all_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    text = call(capsys)[0]
    assert "Usage: dynmech" in text
    for command in ("list", "run", "stress"):
        assert f"\n  {command} " in text


LIE = ["--strategy", "firm 1=belief-manipulation", "--episodes", "3000", "--seed", "5"]


def flip(t: int, agent: int, signals: tuple[int, ...], _sent: tuple[int, ...]) -> int:
    """Firm 1 lies in periods 0 and 1."""
    return 1 - signals[-1] if agent == 0 and t < 2 else signals[-1]


def test_run_says_who_lies_and_what_it_earns(capsys: pytest.CaptureFixture[str]) -> None:
    # The expected numbers come from enumeration; 2 is the printed one.
    data = call_json(capsys, "run", "oil-leases-prior", "cremer-mclean", *LIE)
    firm_1, firm_2 = data["agents"]
    environment = SCENARIOS.get("oil-leases-prior")().build()
    assert isinstance(environment, TableEnvironment)
    mechanism = CremerMcLean(environment)
    honest, _ = tree_payoffs(environment, mechanism)
    lying, revenue = tree_payoffs(environment, mechanism, flip)
    assert lying[0] - honest[0] == pytest.approx(2, abs=1e-12)
    for row, alone, there in zip((firm_1, firm_2), honest, lying, strict=True):
        assert abs(row["gain"] - (there - alone)) < 1.5 * row["gain_half_width"]
        assert abs(row["payoff"] - there) < 1.5 * row["payoff_half_width"]
        assert 0 < row["gain_half_width"] < 0.4
    assert abs(data["revenue"] - revenue) < 1.5 * data["revenue_half_width"]
    assert data["first_best"] == pytest.approx(19, abs=1e-9)
    assert data["welfare"] == pytest.approx(firm_1["payoff"] + firm_2["payoff"] + data["revenue"], abs=1e-9)
    assert data["welfare"] + data["welfare_half_width"] < 19

    text = call(capsys, "run", "oil-leases-prior", "cremer-mclean", *LIE)[0]
    first, *rest = text.splitlines()
    assert first.startswith(
        "Under cremer-mclean on oil-leases-prior, firm 1 plays belief-manipulation:period=0,lie=flip"
    )
    assert f"{firm_1['gain']:.2f} ± {firm_1['gain_half_width']:.2f}" in " ".join(text.split())
    assert any(line.startswith("firm 2  truthful") for line in rest)


def test_brackets_in_a_strategy_are_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = call(
        capsys, "run", "oil-leases", "linked", "--episodes", "50",
        "--strategy", "firm 1=contingent:when=report[firm 2]==6,map=flip",
    )[0]  # fmt: skip
    assert text.count("contingent:when=report[firm 2]==6,map=flip") == 2, "in the sentence and in the table"


STUDY = """
environment = "oil-leases-prior"
mechanism = "cremer-mclean"
episodes = 300
seed = 7
deadline = 0.5
disclosure = "decisions"
tail = 0.001
out = "from-study"
[strategies]
"firm 1" = "belief-manipulation:period=0,lie=1/0,exploit=6/4"
[latency]
"firm 2" = "exponential:0.2"
"""


def test_a_study_is_the_same_run_as_its_flags(capsys: pytest.CaptureFixture[str]) -> None:
    Path("study.toml").write_text(STUDY, encoding="utf-8")
    studied = call_json(capsys, "run", "study.toml")
    flags = call_json(
        capsys, "run", "oil-leases-prior", "cremer-mclean", "--episodes", "300", "--seed", "7", "--deadline", "0.5",
        "--disclosure", "decisions", "--tail", "0.001", "--out", "from-flags", "--latency", "firm 2=exponential:0.2",
        "--strategy", "firm 1=belief-manipulation:period=0,lie=1/0,exploit=6/4",
    )  # fmt: skip
    assert (studied.pop("folder"), flags.pop("folder")) == ("from-study", "from-flags")
    assert studied == flags
    here, there = bytes_below(Path("from-study")), bytes_below(Path("from-flags"))
    assert len(here) == 3 + 2 * 3
    assert here == there


def test_a_study_from_python_and_the_command_line_share_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    import dynmech

    result = dynmech.run("oil-leases", "linked", {"firm 1": "random"}, episodes=40, seed=3)
    again = call_json(
        capsys, "run", "oil-leases", "linked", "--strategy", "firm-1=random", "--episodes", "40", "--seed", "3"
    )
    assert again["folder"] == str(result.folder)
    assert again["reused"] is True


STRESS = ["stress", "oil-leases-prior", "--mechanism", "cremer-mclean", "--mechanism", "linked", "--episodes", "1500"]


def test_stress_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    data = call_json(capsys, *STRESS, "--out", "s")
    assert {"environment", "sentence", "mechanisms", "gains", "refusals", "comparisons", "folder"} <= set(data)
    assert data["sentence"].startswith(
        "On oil-leases-prior, linked holds; cremer-mclean breaks; the worst lie, under cremer-mclean: firm 1 lies in "
    )
    assert [(row["mechanism"], row["breaks"]) for row in data["mechanisms"]] == [
        ("cremer-mclean", True),
        ("linked", False),
    ]
    assert data["comparisons"] == len(data["gains"])
    families = {row["family"] for row in data["gains"]}
    elsewhere = {"informed-buyer", "eager-seller", "disobedience", "quitting"}  # nothing to try on the oil leases
    elsewhere |= {"default", "late"}  # every bill is paid
    elsewhere |= {"q-learning", "exp3", "fictitious-play", "initial-misreport"}  # tried on request
    assert families == (set(STRATEGIES.all()) | {"best-response"}) - {"truthful", "scripted"} - elsewhere
    text = Path("s/run.json").read_text(encoding="utf-8")
    assert json.loads(text)["complete"] is True


def test_resuming_plays_nothing_and_changes_no_byte(capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = call(capsys, *STRESS, "--out", "s")
    before = bytes_below(Path("s"))
    assert len(before) == 4 + 3 * 23  # two mechanisms, two firms, five families, prescribed play; one best response
    again, _ = call(capsys, *STRESS, "--out", "s")
    assert bytes_below(Path("s")) == before
    told = "This run was there already; nothing was played again.\n"
    assert told not in first
    assert told in again
    assert again.replace(told, "") == first

    victim = sorted(Path("s").rglob("*.parquet"))[-1]
    victim.unlink()
    mended, _ = call(capsys, *STRESS, "--out", "s")
    assert f"made again: {victim.relative_to('s')}: missing\n" in mended
    assert told not in mended, "something was played again, and it must not be denied"
    assert bytes_below(Path("s")) == before


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_stress_table_is_whole_at_any_width(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    text, _ = call(capsys, *STRESS, "--out", "s")
    assert "…" not in text
    pasted = [line for line in text.splitlines() if ": dynmech " in line]  # whole, whatever the width
    assert max(len(line) for line in text.splitlines() if line not in pasted) <= columns
    assert len(pasted) == 1
    headers = [line for line in text.splitlines() if line.startswith("mechanism ")]
    assert len(headers) == {60: 3, 80: 3, 120: 2}[columns]
    words = " ".join(headers)
    for header in ("verdict", "shot", "manip", "misreport", "contingent", "random", "welfare", "unwilling"):
        assert header in words
    rows = [line for line in text.splitlines() if line.startswith("cremer-mclean  ")]
    assert len(rows) == len(headers)
    assert "breaks" in rows[0]
    assert "firm 1" in rows[0], "whose gains they are"
    assert "+" in rows[0]


def test_an_economy_of_functions_is_not_called_exact(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = call(capsys, "stress", "bilateral-trade-continuous", "--episodes", "60", "--why", "--out", "s")
    legend = " ".join(text.partition("Gains ex ante")[2].split())
    assert "exact" not in legend.partition("No exact search: the economy is not finite.")[0]
    assert "first best" not in legend
    reason = "it needs finitely many signals and decisions"
    assert legend.count(reason) == 1, "one line for all mechanisms with the same reason"
    assert "failed" not in text


def test_without_a_terminal_120_columns_are_used(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = call(capsys, *STRESS, "--out", "s")
    assert 80 < max(map(len, text.splitlines())) <= 120


def test_progress_goes_to_standard_error_in_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = call(capsys, *STRESS, "--out", "s")
    assert [line.partition(":")[0] for line in err.splitlines()] == [
        *["searching exactly"] * 3,  # the phase, and what each mechanism's search says: before anything is played
        "looking for deviations",
        "playing",
    ]
    assert "searching exactly: cremer-mclean: the best response gains firm 1 2.00 ex ante\n" in err
    assert "searching exactly: linked: no deviation gains anything\n" in err
    assert "\x1b" not in out + err
    assert "playing" not in out
    _, err = call(capsys, *STRESS, "--out", "s")
    assert [line.partition(":")[0] for line in err.splitlines()] == ["checking"]


def test_what_is_not_a_number_is_null_in_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two episodes are too few for any cell of participation: its worst is no number, and JSON has none to say so.
    data = call_json(capsys, "run", "oil-leases", "linked", "--episodes", "2")
    assert (data["participation_cells"], data["worst_participation"]) == (0, None)
    monkeypatch.setattr(Moments, "half", lambda self, _=1: np.full(np.shape(self.mean), np.inf))
    assert call_json(capsys, "run", "oil-leases", "linked", "--episodes", "2")["agents"][0]["payoff_half_width"] is None


def test_the_command_works_in_a_process_of_its_own(tmp_path: Path) -> None:
    # ASCII only on standard output, as on some machines: nothing crashes, and JSON stays JSON.
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", "from dynmech.experiments.cli.app import main; main()"]
    words = ["run", "oil-leases", "linked", "--strategy", "0=random", "--episodes", "40"]
    shown = subprocess.run([*command, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("Under linked on oil-leases, firm 1 plays random and gains -")
    assert shown.stderr == "playing: 2 pieces\n"
    done = subprocess.run(
        [*command, *words, "--json"], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["agents"][0]["strategy"] == "random"


def test_the_list_says_what_options_of_strategies_may_be(capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = call(capsys, "list", "strategies")
    words = " ".join(text.split())
    for word in WORDS:
        assert word in words.partition("map, lie, exploit, action: ")[2].partition("when: ")[0]
    examples = re.findall(r"(?:period|public|decision|report\[firm 2\])[=>]=\w+", conditions.MEANING)
    assert len([Condition(example) for example in examples]) == 4
    assert "period>=2, public==dry" in words
    rows = call_json(capsys, "list", "strategies")["strategies"]
    listed = {option.partition("=")[0] for row in rows for option in row["options"]}
    assert {name for names in meanings() for name in names.split(", ")} <= listed
    assert "map, lie" not in call(capsys, "list", "mechanisms")[0]


def test_an_economy_is_called_what_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    typed = "repeated-auction:horizon=2"
    arguments = (typed, "--mechanism", "pivot", "--episodes", "60", "--out", "s")
    assert call(capsys, "stress", *arguments)[0].startswith(f"On {typed}, pivot holds")
    assert call_json(capsys, "stress", *arguments)["environment"] == typed
    shown, _ = call(capsys, "run", typed, "pivot:without=all", "--episodes", "60", "--out", "r")
    assert f"pivot:without=all on {typed}" in " ".join(shown.split())
    shown, _ = call(capsys, "audit", typed, "pivot:without=all")
    assert shown.startswith(f"pivot:without=all on {typed} holds")
