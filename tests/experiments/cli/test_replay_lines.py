"""What breaks is followed by the line that plays it; the line is run as it is printed, and plays just that case."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from dynmech import audit, load, replay, use_plugins
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.cli.screens.replay_line import logged_line, rerun_line
from dynmech.experiments.runs.case_choice import worst_case
from dynmech.experiments.runs.rerun_command import checked_command
from dynmech.sim.core.errors import InputError, Refusal
from tests.builders.cli_calls import exit_code

LINE = re.compile(r"^.*: (dynmech (?:run|replay|tournament) .*)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for registry in (SCENARIOS, MECHANISMS, STRATEGIES):
        monkeypatch.setattr(registry, "_added", {})


def screen(capsys: pytest.CaptureFixture[str], *words: str, code: int | None = 0) -> str:
    """Standard output of a call; `code` None: whatever it ends with."""
    ended = exit_code(words)
    output = capsys.readouterr()
    assert code is None or ended == code, output.err
    return output.out


def lines(text: str) -> list[list[str]]:
    """The words of every command that a screen tells, as a shell reads them."""
    return [shlex.split(line)[1:] for line in LINE.findall(text)]


def shown(capsys: pytest.CaptureFixture[str], words: list[str]) -> Any:
    """What a line that was printed gives, as data."""
    return json.loads(screen(capsys, *words, "--json"))


STRESS = ("stress", "oil-leases-prior", "--mechanism", "linked", "--mechanism", "cremer-mclean", "--episodes", "400")


def test_a_stress_test_says_how_to_see_each_break(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(screen(capsys, *STRESS, "--out", "my runs/s", code=None))
    assert line == ["replay", "my runs/s", "--mechanism", "cremer-mclean"]
    data = json.loads(screen(capsys, *STRESS, "--out", "my runs/s", "--json", code=None))
    found = shown(capsys, line)
    assert (found["mechanism"], found["case"]) == ("cremer-mclean", data["stories"]["cremer-mclean"]["case"])
    assert found["gains"]["firm 1"]["mean"] == pytest.approx(data["stories"]["cremer-mclean"]["mean"], abs=1e-9)
    assert found["chosen"].startswith("the worst lie under cremer-mclean, by the gain: 2.00 (exact)")
    text = screen(capsys, *line)
    assert f"Case {found['case']}: the worst lie" in text
    # Without the mechanism it is that of the worst mechanism: the same, as `linked` holds.
    assert shown(capsys, line[:2])["case"] == found["case"]
    nothing = shown(capsys, [*line[:2], "--mechanism", "linked"])
    assert nothing["chosen"].startswith("nothing gains under linked; of what was tried this comes nearest: ")
    with pytest.raises(InputError, match="'team' was not played; mechanisms: cremer-mclean, linked"):
        worst_case("my runs/s", "team")


def test_without_a_full_log_the_line_plays_the_case_again(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(screen(capsys, *STRESS, "--out", "s", "--log", "summary", code=None))
    data = json.loads(screen(capsys, *STRESS, "--out", "s", "--log", "summary", "--json", code=None))
    assert line[:3] == ["run", "oil-leases-prior", "cremer-mclean"]
    told = data["stories"]["cremer-mclean"]
    assert [f"{who}={what}" for who, what in told["strategies"].items()] == [line[line.index("--strategy") + 1]]
    (liar, _) = shown(capsys, [*line, "--out", "again"])["agents"]
    assert liar["gain"] == pytest.approx(2, abs=1.5 * liar["gain_half_width"])
    assert shown(capsys, ["replay", "again"])["deviators"] == told["strategies"]


def test_a_run_says_how_to_see_its_lie(capsys: pytest.CaptureFixture[str]) -> None:
    run = ("run", "oil-leases-prior", "cremer-mclean", "--episodes", "400", "--strategy", "firm 1=belief-manipulation")
    (line,) = lines(screen(capsys, *run, "--out", "r"))
    assert line == ["replay", "r"]
    found = shown(capsys, line)
    assert (found["case"], found["chosen"], list(found["deviators"])) == ("deviation", "", ["firm 1"])
    assert found["gains"]["firm 1"]["mean"] > 1
    (line,) = lines(screen(capsys, *run, "--out", "short", "--log", "summary"))
    screen(capsys, *line, "--out", "long", "--quiet")
    assert shown(capsys, ["replay", "long"])["played"] == found["played"]
    honest = ("run", "oil-leases-prior", "cremer-mclean", "--episodes", "40", "--out", "h")
    assert lines(screen(capsys, *honest)) == []
    assert shown(capsys, ["replay", "h"])["case"] == "prescribed"


def test_an_audit_says_how_to_play_what_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = lines(screen(capsys, "audit", "oil-leases-prior", "cremer-mclean", code=1))
    assert line == ["run", "oil-leases-prior", "cremer-mclean", "--strategy", "firm 1=best-response"]
    (liar, _) = shown(capsys, [*line, "--episodes", "3000", "--out", "worst"])["agents"]
    assert liar["gain"] == pytest.approx(2, abs=1.5 * liar["gain_half_width"])
    assert lines(screen(capsys, "audit", "oil-leases-prior", "linked")) == []


def test_an_audit_of_a_coalition_says_how_all_members_play(capsys: pytest.CaptureFixture[str]) -> None:
    economy = "repeated-auction:horizon=2"
    words = ("audit", economy, "pay-your-report", "--coalition", "bidder 1+bidder 2")
    (line,) = lines(screen(capsys, *words))
    assert line[:3] == ["run", economy, "pay-your-report"]
    assert line[4::2] == ["bidder 1=best-response:partners=bidder 2", "bidder 2=best-response:partners=bidder 1"]
    gain = json.loads(screen(capsys, *words, "--json"))["gains"][-4]
    assert (gain["family"], gain["information"]) == ("best_response", "ex_ante")
    agents = shown(capsys, [*line, "--episodes", "2000", "--out", "pair"])["agents"]
    assert sum(row["gain"] for row in agents) == pytest.approx(
        gain["lower"], abs=1.5 * sum(row["gain_half_width"] for row in agents)
    )


def test_who_may_leave_leaves_in_play(capsys: pytest.CaptureFixture[str]) -> None:
    """The line of the screen plays the best response that may leave; it earns the exact gain, and the log says so."""
    words = ("audit", "random:seed=1,agents=2,signals=3,horizon=3", "contingent-spanning", "--exit")
    (line,) = lines(screen(capsys, *words, code=1))
    assert line == ["run", *words[1:3], "--strategy", "agent 2=best-response:exit=true"]
    gains = json.loads(screen(capsys, *words, "--json", code=1))["gains"]
    (exact,) = [
        gain["lower"]
        for gain in gains
        if (gain["family"], gain["information"], gain["agent"]) == ("best_response", "ex_ante", "agent 2")
    ]
    (_, liar) = shown(capsys, [*line, "--episodes", "2000", "--out", "left"])["agents"]
    assert exact > 1
    assert liar["gain"] == pytest.approx(exact, abs=2 * liar["gain_half_width"])
    assert "leave" in screen(capsys, "replay", "left")
    staying = audit(*words[1:3])
    assert staying.gains["upper"].max() < 1e-4
    leaving = audit(*words[1:3], exit=True)
    assert leaving.witness.key() == "best-response:exit=true"
    assert leaving.deviation("agent 2", "ex_post").key() == "best-response:information=ex_post,exit=true"
    with pytest.raises(Refusal, match="only the best response is played"):
        leaving.deviation("agent 2", family="one_shot")


def test_an_audit_from_python_names_what_the_command_line_needs() -> None:
    Path("my own.py").write_text(MINE, encoding="utf-8")
    use_plugins([Path("my own.py")])
    economy = "repeated-auction:values=2,horizon=2"
    expected = [f"dynmech run {economy} generous --plugin 'my own.py'"]
    assert audit(economy, "generous").commands == expected
    assert audit(economy, MECHANISMS.get("generous")).commands == expected
    assert f"<code>{expected[0].replace(chr(39), '&#39;')}</code>" in audit(economy, "generous")._repr_html_()
    environment = load(economy)
    assert audit(environment, "generous").commands == [], "an object has no name on the command line"
    assert audit(economy, type("Typed", (MECHANISMS.get("generous"),), {"name": "typed"})).commands == []
    assert audit(economy, "pivot").commands == []


MINE = """
from dynmech.mechanisms.groves.team import Team
from dynmech.sim.play.roles import Promises
class Generous(Team):
    "Pays everybody the surplus, and promises to lose nothing by it."
    name = "generous"
    promises = Promises(incentive="periodic ex post", budget="no deficit")
"""


def test_a_broken_budget_is_seen_in_prescribed_play_with_the_users_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my own.py").write_text(MINE, encoding="utf-8")
    economy = "repeated-auction:values=2,horizon=2"
    (line,) = lines(screen(capsys, "audit", economy, "generous", "--plugin", "my own.py", code=1))
    assert line == ["run", economy, "generous", "--plugin", "my own.py"]
    assert shown(capsys, [*line, "--episodes", "40", "--out", "g"])["worst_deficit"] < 0


STUDY = """
mechanisms = ["linked", "cremer-mclean"]
episodes = 400
[environment]
use = "oil-leases-prior"
[strategies]
truth = "truthful"
lie = "belief-manipulation"
"""


def test_a_tournament_says_how_to_see_a_break(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my study.toml").write_text(STUDY, encoding="utf-8")
    tournament = ("tournament", "my study.toml", "--set", "log=full", "--out", "t")
    (line,) = lines(screen(capsys, *tournament, code=None))
    assert line == ["replay", "t", "--mechanism", "cremer-mclean"]
    data = json.loads(screen(capsys, *tournament, "--json", code=None))
    truth = {game["mechanism"]: game["truth"] for game in data["games"]}
    assert [name for name, regret in truth.items() if regret["verdict"] == "breaks"] == ["cremer-mclean"]
    found = shown(capsys, line)
    assert found["case"] == truth["cremer-mclean"]["deviation"]["to"]
    assert found["chosen"].startswith("the deviation from truth by all that earns most under cremer-mclean: ")
    (gain,) = [gain["mean"] for gain in found["gains"].values()]
    assert gain == pytest.approx(truth["cremer-mclean"]["value"], abs=1e-9)
    assert found["played"], "prescribed play of the same episode stands beside it"


@pytest.mark.parametrize("lie", ['"belief-manipulation"', '{ use = "belief-manipulation", noise = 0.1 }'])
def test_a_tournament_without_a_log_says_how_to_play_it(lie: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("my study.toml").write_text(STUDY.replace('"belief-manipulation"', lie), encoding="utf-8")
    (line,) = lines(screen(capsys, "tournament", "my study.toml", "--set", "seed=2", "--out", "t", code=None))
    if "noise" not in lie:
        lying = "firm 1=belief-manipulation"
        assert line == ["run", "oil-leases-prior", "cremer-mclean", "--strategy", lying, "--seed", "2"]
        (liar, _) = shown(capsys, [*line, "--out", "again"])["agents"]
        assert liar["gain"] == pytest.approx(2, abs=1.5 * liar["gain_half_width"])
    else:
        sets = ["--set", "seed=2", "--set", "log=full"]
        assert line == ["tournament", "my study.toml", *sets, "--out", "t-full"]
        screen(capsys, *line, "--quiet", code=None)
        assert shown(capsys, ["replay", "t-full", "--mechanism", "cremer-mclean"])["case"] == "lie_truth"


def test_what_only_the_exact_search_finds_is_played_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    study = STUDY.replace('"belief-manipulation"', '"one-shot:period=1,map=flip"').replace('"linked", ', "")
    Path("my study.toml").write_text(study, encoding="utf-8")
    (line,) = lines(screen(capsys, "tournament", "my study.toml", "--out", "t", code=None))
    assert line == ["run", "oil-leases-prior", "cremer-mclean", "--strategy", "firm 1=best-response", "--seed", "0"]
    (liar, _) = shown(capsys, [*line, "--episodes", "3000", "--out", "again"])["agents"]
    assert liar["gain"] == pytest.approx(2, abs=1.5 * liar["gain_half_width"])


def test_a_run_that_is_not_finished_has_no_worst_lie(capsys: pytest.CaptureFixture[str]) -> None:
    screen(capsys, "run", "oil-leases", "linked", "--episodes", "20", "--out", "r", "--quiet")
    Path("r/result.json").unlink()
    assert exit_code(["replay", "r"]) == 2
    assert capsys.readouterr().err == ("dynmech: r: the run has not been finished; repeat the command that began it\n")
    assert replay("r", "prescribed").chosen == ""


def test_a_users_file_stays_in_the_line() -> None:
    command = "dynmech stress 'a b' --mechanism=pivot --mechanism=team --log episodes --seed 1 --plugin 'c d.py'"
    assert rerun_line(command, "pivot", "firm 1", "mine:k=2") == (
        "dynmech run 'a b' pivot --strategy 'firm 1=mine:k=2' --seed 1 --plugin 'c d.py'"
    )
    assert logged_line("dynmech run a b --log summary --seed 1") == "dynmech run a b --seed 1"


def test_a_case_or_a_mechanism_that_was_misspelt(capsys: pytest.CaptureFixture[str]) -> None:
    screen(capsys, "run", "oil-leases", "linked", "--episodes", "20", "--out", "r", "--quiet")
    with pytest.raises(InputError, match=r"no case 'prescribd'; cases: prescribed; did you mean 'prescribed'\?"):
        replay("r", "prescribd")
    with pytest.raises(InputError, match=r"'likned' was not played; mechanisms: linked; did you mean 'linked'\?"):
        replay("r", mechanism="likned")


LEAVING = """
environment = "random:seed=1,agents=2,signals=3,horizon=3"
mechanisms = ["contingent-spanning"]
strategies = { truth = "truthful", hit-and-run = "best-response:exit=true" }
episodes = 600
"""


def test_a_stress_test_and_a_tournament_let_deviators_leave(capsys: pytest.CaptureFixture[str]) -> None:
    """Under both the exact gain is the audit's, and play agrees with it."""
    economy, mechanism = "random:seed=1,agents=2,signals=3,horizon=3", "contingent-spanning"
    exact = audit(economy, mechanism, exit=True).gains.query("family == 'best_response' and information == 'ex_ante'")
    by_agent = dict(zip(exact["agent"], exact["lower"], strict=True))
    words = ("stress", economy, "--mechanism", mechanism, "--exit", "--episodes", "600", "--out", "s")
    data = json.loads(screen(capsys, *words, "--json", code=None))
    rows = [row for row in data["gains"] if row["family"] == "best-response"]
    assert {row["agent"]: row["exact"] for row in rows} == pytest.approx(by_agent, abs=1e-6)
    assert all(abs(row["gain"] - row["exact"]) <= 2 * row["half_width"] for row in rows)
    assert data["command"].endswith("--exit")
    assert shlex.split(data["command"])[1] == "stress"
    assert "--exit" in (checked_command("stress", data["command"]) or "")
    assert json.loads(screen(capsys, *words, "--json", code=None))["gains"] == data["gains"], "the same line resumes"
    assert "leave" in screen(capsys, "replay", "s")
    Path("leaving.toml").write_text(LEAVING, encoding="utf-8")
    text = " ".join(screen(capsys, "tournament", "leaving.toml", "--out", "t", code=None).split())
    assert "Truth by all breaks: agent 2 gains 1.18 ex ante by a best response (exact)" in text
    assert "MORE THAN CHANCE" not in text
