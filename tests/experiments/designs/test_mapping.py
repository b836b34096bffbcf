"""The possibility map: statuses agree with nesting, it is drawn, and it goes on where it was interrupted."""

import json
from pathlib import Path

import numpy as np
import pytest

from dynmech.experiments.designs import mapping as module
from dynmech.experiments.designs.designing import design
from dynmech.experiments.designs.mapping import possibility_map, subsets
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.economy.builders import random_environment
from tests.builders.cli_calls import exit_code


@pytest.mark.parametrize("seed", [1, 6])
def test_more_goals_and_less_memory_are_never_easier(seed: int) -> None:
    env = random_environment(np.random.default_rng(seed), signals=2, decisions=2, discount=0.8, horizon=2)
    result = possibility_map(env)
    assert all(cell["status"] in ("possible", "impossible") for cell in result.cells)
    value = {
        (cell["memory"], frozenset(cell["goals"])): cell["largest_transfer"] if cell["status"] == "possible" else np.inf
        for cell in result.cells
    }
    for some in map(frozenset, subsets()):
        assert value["last", some] <= value["none", some] + 1e-7 * env.scale
        for other in map(frozenset, subsets()):
            if some < other:
                for memory in result.memories:
                    assert value[memory, some] <= value[memory, other] + 1e-7 * env.scale
    assert len(result.table) == len(subsets())


def test_a_map_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "map.json"
    asked = [0]
    cell = module._cell

    def counted(*words: object) -> dict[str, object]:
        asked[0] += 1
        if asked[0] == 4:
            raise KeyboardInterrupt
        return cell(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_cell", counted)
    with pytest.raises(KeyboardInterrupt):
        possibility_map("oil-leases", out=file)
    assert len(json.loads(file.read_text(encoding="utf-8"))["cells"]) == 3
    whole = possibility_map("oil-leases", out=file)
    assert asked[0] == 4 + 11
    assert whole.to_dict() == possibility_map("oil-leases").to_dict()
    with pytest.raises(InputError, match="another question"):
        possibility_map("oil-leases", participation="interim", out=file)
    file.write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="no possibility map"):
        possibility_map("oil-leases", out=file)
    assert exit_code(["design", "oil-leases", "--map", "--incentive", "none"]) == 2
    with pytest.raises(InputError, match="nothing to ask for"):
        possibility_map("oil-leases", budget="none")


def test_the_command_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "map.svg"
    assert exit_code(["design", "oil-leases", "--map", "--plot", str(picture)]) == 0
    said = capsys.readouterr().out
    assert "impossible" in said
    assert "oil-leases: incentive (ex-post), participation (exit), budget (no-deficit, ex-post) can be had" in said
    assert picture.read_text(encoding="utf-8").count("truth") >= 4
    assert exit_code(["design", "oil-leases", "--map", "--margin", "1"]) == 2
    assert "--margin" in capsys.readouterr().err
    assert exit_code(["design", "oil-leases", "--plot", str(picture)]) == 2


def test_two_workers_draw_the_same_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Cells come as they are done; the map, and what a file keeps of it, are the same."""
    alone, together = tmp_path / "1.json", tmp_path / "2.json"
    one = possibility_map("oil-leases", out=alone)
    two = possibility_map("oil-leases", out=together, workers=2)
    assert one.to_dict() == two.to_dict()
    kept = [json.loads(file.read_text(encoding="utf-8"))["cells"] for file in (alone, together)]
    assert kept[0] == kept[1]
    words = ["design", "oil-leases", "--map", "--workers", "2", "-o", str(together), "--json"]
    assert exit_code(words) == 0
    assert json.loads(capsys.readouterr().out)["cells"] == one.data()["cells"]
    with pytest.raises(Refusal):
        possibility_map("repeated-auction:values=2", memories=["history"], workers=2)


@pytest.mark.parametrize("words", [["--map", "--confidence", "0.9"], ["--workers", "2"], ["--map", "--workers", "-1"]])
def test_what_would_be_ignored_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["design", "oil-leases", *words]) == 2
    assert words[-2].removeprefix("--") in capsys.readouterr().err


def test_what_no_memory_makes_possible_is_named() -> None:
    """Either side of `repeated-trade` may withhold what it owes: incentives alone are out of reach."""
    result = possibility_map("repeated-trade")
    assert result.sentence.endswith(
        "cannot be had together with any memory of the map (certified); nor can incentive alone."
    )
    assert result.status("last", ["incentive"]) == "impossible"
    assert "if seller could gain 3 by a lie or an action." in design("repeated-trade").sentence
    assert result.status("last", ["participation", "budget"]) == "possible"


def test_a_cell_that_is_not_there_is_one_line() -> None:
    found = possibility_map("oil-leases", memories=("none",))
    assert found.status("none", ["budget", "incentive"]) == found.cell("none", ("incentive", "budget"))["status"]
    for memory, goals in (("last", ["budget"]), ("none", ["peace"])):
        with pytest.raises(InputError, match=r"no cell of memory .*; memories: none; goals: some of incentive, "):
            found.cell(memory, goals)
