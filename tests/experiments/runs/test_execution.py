"""One execution for every command: pieces are recorded, failures have their reason, and the folder is whose it is."""

import inspect
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import dynmech
from dynmech.experiments.runs.execution import Desk, Outcome, Planner, RunSpec, Settings, execute
from dynmech.experiments.runs.results import KINDS, read_result
from dynmech.experiments.runs.simulation import Sampling, silent
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pieces import Piece, do_pieces
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.log.run_folder import RunFolder


def squared(number: int) -> list[dict[str, Any]]:
    """A piece of work: 3 raises, 7 ends its process."""
    if number == 3:
        raise ValueError("three")
    if number == 7:
        os._exit(2)
    return [{"key": f"piece-{number}", "files": {}, "summary": number**2}]


@dataclass(frozen=True, eq=False)
class Squares(Planner[list[int], list[int], list[int]]):
    """Squares of numbers."""

    numbers: tuple[int, ...]
    users: tuple[str, ...] = ()
    kind: str = ""

    def plan(self, desk: Desk) -> list[int]:
        return list(self.numbers)

    def play(self, work: list[int], desk: Desk) -> None:
        left = [number for number in work if not desk.folder.has(f"piece-{number}")]
        pieces = (
            Piece((f"piece-{number}",), self.users, squared, number, partial(Parcel.of, number), (), self.kind)
            for number in left
        )
        do_pieces(pieces, desk.folder, desk.workers, desk.progress("squaring", len(left)))

    def keys(self, work: list[int], folder: RunFolder) -> Iterable[str]:
        return (f"piece-{number}" for number in work)

    def sum_up(self, work: list[int], folder: RunFolder) -> list[int]:
        there = [f"piece-{number}" for number in work if folder.has(f"piece-{number}")]
        if not there:
            raise PlayError("nothing could be squared")
        return [int(square) for square in folder.summaries(there)]

    def tell(self, found: list[int], outcome: Outcome) -> list[int]:
        assert outcome.folder.is_dir()
        return [*found, -1] if outcome.reused else [*found, len(outcome.failures)]

    def kept(self, result: list[int]) -> dict[str, Any]:
        return {"squares": result[:-1]}


def spec(folder: Path, *numbers: int, **more: Any) -> RunSpec:
    return RunSpec("run", "squares", {"command": "run", "numbers": numbers, "seed": 0}, folder, **more)


def test_a_run_is_played_once_and_its_result_kept(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []

    def watch(name: str, total: int) -> Any:
        told.append((name, total))
        return lambda _: None

    assert execute(spec(tmp_path / "a", 1, 2), Squares((1, 2)), Workers(), watch) == [1, 4, 0]
    assert read_result(tmp_path / "a")["squares"] == [1, 4]
    assert execute(spec(tmp_path / "a", 1, 2), Squares((1, 2)), Workers(), watch) == [1, 4, -1]
    assert told == [("squaring", 2), ("checking", 2), ("squaring", 0)]
    with pytest.raises(InputError, match=r"holds another run: numbers\[1\] is 2 there, 5 here"):
        execute(spec(tmp_path / "a", 1, 5), Squares((1, 5)), Workers(), silent)


@pytest.mark.parametrize("count", [1, 2])
def test_what_users_code_fails_is_recorded_and_the_rest_is_done(count: int, tmp_path: Path) -> None:
    planner = Squares((1, 3, 7, 4), ("mechanism 'mine'",))
    assert execute(spec(tmp_path / "a", 1, 3, 7, 4), planner, Workers(count), silent) == [1, 16, 2]
    with RunFolder(tmp_path / "a", spec(tmp_path, 1, 3, 7, 4).configuration, {}) as folder:
        failed = {entry["key"]: (entry["failed"], entry["tries"]) for entry in folder.failures()}
    assert failed["piece-3"][0].startswith("mechanism 'mine': ValueError: three")
    assert failed["piece-7"] == ("mechanism 'mine': ended its process (exit code 2)", 2)
    assert failed["piece-3"][1] == 2


def test_what_ended_its_process_is_not_tried_again(tmp_path: Path) -> None:
    planner = Squares((7, 1, 2), ("mechanism 'mine'",), "mine")
    with pytest.raises(PlayError, match="nothing could be squared"):
        execute(spec(tmp_path / "a", 7, 1, 2), planner, Workers(), silent)
    assert not (tmp_path / "a").exists(), "a folder that this call began is taken back"
    assert execute(spec(tmp_path / "b", 1, 7, 2), Squares((1, 7, 2), planner.users, "mine"), Workers(), silent) == [
        1,
        2,
    ]


def test_what_could_not_be_opened_is_recorded_first(tmp_path: Path) -> None:
    broken = spec(tmp_path / "a", 1, broken={"mechanism=mine": "mechanism 'mine': no"})
    assert execute(broken, Squares((1,)), Workers(), silent) == [1, 1]


def test_an_error_of_ours_ends_the_run(tmp_path: Path) -> None:
    @dataclass(frozen=True, eq=False)
    class Wrong(Squares):
        def play(self, work: list[int], desk: Desk) -> None:
            raise PlayError("ours")

    with pytest.raises(PlayError, match="ours"):
        execute(spec(tmp_path / "a", 1), Wrong((1,)), Workers(), silent)
    assert not (tmp_path / "a").exists()


def test_settings_say_what_decides_the_bytes() -> None:
    settings = Settings(Sampling(50, 3, 20, 7), tail=0.01, log="summary")
    assert list(settings.configuration({"pilot": 1})) == [
        *("episodes", "seed", "shard", "log", "pilot", "tail", "protocol", "plugins")
    ]
    assert settings.configuration() == Settings(Sampling(50, 3, 20, 4096), tail=0.01, log="summary").configuration()
    assert settings.command("stress", ["oil-leases"], ("a",)) == (
        "dynmech stress oil-leases --episodes 50 --seed 3 --shard 20 --tail 0.01 --log summary"
    )
    with pytest.raises(InputError, match="log: 'all' is none of full, episodes, summary"):
        Settings(Sampling(50), log="all").configuration()


@pytest.mark.parametrize("name", ["run", "stress", "sweep", "simulate"])
def test_how_much_is_played_is_said_in_one_way(name: str) -> None:
    parameters = inspect.signature(getattr(dynmech, name)).parameters
    assert {"episodes", "seed"} <= set(parameters)
    assert "sampling" not in parameters


def test_every_command_leaves_a_result_of_its_kind() -> None:
    assert KINDS == ("run", "stress", "sweep", "tournament", "robust")
