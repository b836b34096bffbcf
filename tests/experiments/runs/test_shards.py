"""Shards: the same bytes whoever plays them; what fails is tried again, recorded, and leaves the rest alone."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dynmech import read_run, replay, run, stress, use_plugins
from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.runs.shards import LEVELS
from dynmech.experiments.runs.simulation import Sampling
from dynmech.experiments.workers import pool
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.log.journal import Journal
from dynmech.sim.log.run_folder import read_manifest
from tests.builders.runs import ROOT, bytes_below, planted, strategy

SAMPLING = Sampling(episodes=90, seed=3, shard=20)
"""Five shards, the last a half."""

FEW = Sampling(episodes=50, seed=3, shard=20)
"""Three of them."""

ONE = Sampling(episodes=20, seed=3, shard=20)
"""One of them."""

CHATTY = strategy("chatty", "print('I', view.t, flush=True)\nreturn view.prescribed")

MOODY = """
if view.size in (10, 20) and not GONE.exists() and (view.uniforms > 0.98).any():
    raise ValueError('bad luck')
return view.prescribed
"""


def moody(folder: Path) -> Path:
    """A strategy that raises on some draws (not while it is examined, nor in the pilot), until a file is there."""
    top = f"from pathlib import Path\nGONE = Path({str(folder / 'gone')!r})"
    return planted(folder / "moody.py", strategy("moody", MOODY.strip(), head="width = 1", top=top))


def play_run(out: Path, count: int, **options: Any) -> Any:
    strategies = options.pop("strategies", {"firm 1": "belief-manipulation"})
    options = {**vars(SAMPLING), **options}
    return run("oil-leases-prior", "linked", strategies, out=out, workers=Workers(count), **options)


def play_stress(out: Path, count: int, **options: Any) -> Any:
    names = options.pop("mechanisms", ["linked", "team"])
    return stress("oil-leases", names, out=out, workers=Workers(count), **{**vars(FEW), **options})


def entries(folder: Path, field: str) -> dict[str, Any]:
    """Lines of the journal that have a field."""
    journal = Journal(folder / "shards.jsonl")
    return {key: entry[field] for key in journal if field in (entry := journal.read(key))}


# Whoever plays


@pytest.mark.parametrize("many", [2, pytest.param(7, marks=pytest.mark.slow)])
def test_one_worker_and_many_leave_the_same_bytes(tmp_path: Path, many: int) -> None:
    """The whole folder, `run.json` and the journal included; ours, users', failures and remarks."""
    use_plugins([planted(tmp_path / "chatty.py", CHATTY), moody(tmp_path)])
    profile: dict[str, str | Strategy] = {"0": "chatty", "1": "random"}
    for count in (1, many):
        play_run(tmp_path / f"run {count}", count, strategies=profile, **vars(FEW))
        play_stress(tmp_path / f"stress {count}", count, mechanisms=["linked"])
    pool.Loky(1).end()
    for kind in ("run", "stress"):
        one, other = (bytes_below(tmp_path / f"{kind} {count}") for count in (1, many))
        assert one == other
        assert set(one) >= {"run.json", "shards.jsonl"}
        assert len(entries(tmp_path / f"{kind} {many}", "remark")) >= 3
    assert len(entries(tmp_path / f"stress {many}", "failed")) > 1
    assert read_manifest(tmp_path / f"run {many}")["complete"]


def test_another_number_of_workers_resumes_and_finishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = play_stress(tmp_path / "whole", 1)
    for name in ("gains/mechanism=team", "outcomes/mechanism=linked/case=prescribed"):
        for path in (tmp_path / "whole" / name).rglob("*.parquet"):
            path.unlink()
    mended = play_stress(tmp_path / "whole", 2)
    assert len(mended.damaged) == 3 * (1 + 8) + 3
    assert mended.gains.equals(whole.gains)
    assert bytes_below(tmp_path / "whole") == bytes_below(play_stress(tmp_path / "other", 1).folder)

    def nobody(*_: Any, **__: Any) -> Any:
        raise AssertionError("a finished run needs no workers")

    monkeypatch.setattr(pool, "get_reusable_executor", nobody)
    assert play_stress(tmp_path / "whole", 2).reused


MEMORY = """
import resource, sys
from dynmech import run
from dynmech.experiments.workers.pool import Workers
def peak(shards, out):
    run("oil-leases", "linked", {"0": "random"}, episodes=100 * shards, shard=100, out=out, log=sys.argv[1],
        workers=Workers(int(sys.argv[2])))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
few, many = peak(20, "few"), peak(300, "many")
print(many - few)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("log", "count"), [("summary", 2), ("full", 1)])
def test_memory_does_not_grow_with_the_number_of_shards(log: str, count: int, tmp_path: Path) -> None:
    """Peak of the parent after 20 and after 300 shards; a shard's record alone is about 30 kB, so 18 MB if kept."""
    words = [sys.executable, "-c", MEMORY, log, str(count)]
    done = subprocess.run(
        words, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 6_000, "in kB"


# What fails


@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_shard_that_fails_is_tried_once_more_and_the_rest_is_played(count: int, tmp_path: Path) -> None:
    """Then recorded with its reason; the same call tries it again; once the cause is gone, nothing tells of it."""
    use_plugins([moody(tmp_path)])
    with pytest.raises(PlayError) as raised:
        play_run(tmp_path / "a", count, strategies={"0": "moody"})
    failed = entries(tmp_path / "a", "failed")
    reason = "strategy 'moody' of agent 'firm 1' in period"
    assert 1 < len(failed) < 5
    assert all(text.startswith(reason) and "message raised ValueError: bad luck" in text for text in failed.values())
    assert set(entries(tmp_path / "a", "tries").values()) == {2}
    assert set(failed) == {key for key in failed if "/case=deviation/" in key}
    played = entries(tmp_path / "a", "files")
    assert len(played) == 10 - len(failed)
    assert str(raised.value).startswith(reason)
    assert str(raised.value).endswith(f" ({len(failed)} shards failed); recorded in {tmp_path / 'a'}")
    manifest = read_manifest(tmp_path / "a")
    assert (manifest["complete"], manifest["failures"]) == (False, len(failed))
    assert len(list((tmp_path / "a").rglob("*.parquet"))) == 3 * len(played)

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.parquet")}
    with pytest.raises(PlayError):
        play_run(tmp_path / "a", count, strategies={"0": "moody"})
    assert entries(tmp_path / "a", "failed") == failed
    assert {path: path.stat().st_mtime_ns for path in before} == before, "what is there is not played again"

    (tmp_path / "gone").touch()
    healed = play_run(tmp_path / "a", count, strategies={"0": "moody"})
    undisturbed = play_run(tmp_path / "b", 1, strategies={"0": "moody"})
    assert healed.agents.equals(undisturbed.agents)
    assert bytes_below(tmp_path / "a") == bytes_below(tmp_path / "b")


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_in_a_stress_test_what_fails_is_left_out(count: int, tmp_path: Path) -> None:
    use_plugins([moody(tmp_path)])
    result = play_stress(tmp_path / "a", count)
    failed = entries(tmp_path / "a", "failed")
    assert [{key: entry[key] for key in ("key", "failed")} for entry in result.failures] == [
        {"key": key, "failed": failed[key]} for key in sorted(failed)
    ]
    cases = {key.rpartition("/")[0] for key in failed}
    assert cases == {f"mechanism={m}/case=firm-{i}.moody" for m in ("linked", "team") for i in (1, 2)}
    assert "moody" not in set(result.gains["family"])
    assert {"one-shot", "random"} <= set(result.gains["family"])
    (tmp_path / "gone").touch()
    healed = play_stress(tmp_path / "a", count)
    assert (healed.failures, healed.reused) == ([], False)
    assert "moody" in set(healed.gains["family"])
    assert bytes_below(tmp_path / "a") == bytes_below(play_stress(tmp_path / "b", 1).folder)
    assert play_stress(tmp_path / "a", count).reused


LEAVES = "import os\nif view.size > 24 and view.size < 100:\n    os._exit(3)\nreturn view.prescribed"


def test_a_case_that_ends_its_process_is_not_tried_on_every_shard(tmp_path: Path) -> None:
    use_plugins([planted(tmp_path / "p.py", strategy("leaves", LEAVES))])
    result = stress("oil-leases", ["linked"], episodes=10 * 30, shard=30, out=tmp_path / "a")
    failed, tries = entries(tmp_path / "a", "failed"), entries(tmp_path / "a", "tries")
    assert len(failed) == 2 * 10
    for firm in ("firm-1", "firm-2"):
        mine = [key for key in sorted(failed) if firm in key]
        assert failed[mine[0]] == "strategy 'leaves': ended its process (exit code 3)"
        assert tries[mine[0]] == 2
        assert {failed[key] for key in mine[1:]} == {f"not tried, as another of its shards failed: {failed[mine[0]]}"}
        assert {tries[key] for key in mine[1:]} == {0}
    assert "leaves" not in set(result.gains["family"])


PILOT = "if view.size > 100 and not GONE.exists():\n    raise ValueError('not in a pilot')\nreturn view.prescribed"


def test_a_family_that_fails_in_the_pilot_is_looked_at_again(tmp_path: Path) -> None:
    top = f"from pathlib import Path\nGONE = Path({str(tmp_path / 'gone')!r})"
    use_plugins([planted(tmp_path / "p.py", strategy("pilotless", PILOT, top=top))])
    result = play_stress(tmp_path / "a", 1, **vars(ONE))
    assert {entry["key"] for entry in result.failures} == {
        f"mechanism={m}/case=firm-{i}.pilotless" for m in ("linked", "team") for i in (1, 2)
    }
    assert "chosen" not in read_manifest(tmp_path / "a"), "nothing was chosen for good"
    (tmp_path / "gone").touch()
    healed = play_stress(tmp_path / "a", 1, **vars(ONE))
    assert healed.failures == []
    assert bytes_below(tmp_path / "a") == bytes_below(play_stress(tmp_path / "b", 1, **vars(ONE)).folder)


BREAKS = """
from dynmech.mechanisms.groves.team import Team
class {name}(Team):
    name = "{lower}"
    def charge(self, now, messages, decision, acts):
        {body}
        return super().charge(now, messages, decision, acts)
"""


@pytest.mark.slow
def test_a_mechanism_that_is_mended_joins_the_others(tmp_path: Path) -> None:
    """Mended without a change of its file; it stands between two others that were played already."""
    top = f"from pathlib import Path\nGONE = Path({str(tmp_path / 'gone')!r})\n"
    body = "if not GONE.exists(): raise KeyError('no table')"
    use_plugins([planted(tmp_path / "p.py", top + BREAKS.format(name="Mended", lower="mended", body=body))])
    names = ["linked", "mended", "team"]
    first = play_stress(tmp_path / "a", 1, mechanisms=names, **vars(ONE))
    assert [entry["key"] for entry in first.failures] == ["mechanism=mended"]
    (tmp_path / "gone").touch()
    healed = play_stress(tmp_path / "a", 1, mechanisms=names, **vars(ONE))
    assert (healed.failures, set(healed.mechanisms["mechanism"])) == ([], set(names))
    undisturbed = play_stress(tmp_path / "b", 1, mechanisms=names, **vars(ONE))
    assert bytes_below(tmp_path / "a") == bytes_below(undisturbed.folder)


def test_a_mechanism_that_breaks_the_rules_leaves_the_others_alone(tmp_path: Path) -> None:
    text = BREAKS.format(name="Broken", lower="broken", body="raise KeyError('no table')")
    use_plugins([planted(tmp_path / "p.py", text)])
    result = play_stress(tmp_path / "a", 1, mechanisms=["linked", "broken"])
    (entry,) = result.failures
    assert entry["key"] == "mechanism=broken"
    assert "mechanism 'broken' in period 0: charge raised KeyError: 'no table'" in entry["failed"]
    assert list(result.mechanisms["mechanism"]) == ["linked"]
    with pytest.raises(PlayError, match="charge raised KeyError"):
        play_stress(tmp_path / "b", 1, mechanisms=["broken"])
    assert not (tmp_path / "b").exists()


# How much is written


@pytest.mark.parametrize("play", [play_run, play_stress])
def test_every_level_of_the_log_gives_the_same_results(play: Callable[..., Any], tmp_path: Path) -> None:
    results = {level: play(tmp_path / level, 1, log=level) for level in LEVELS}
    table = "agents" if play is play_run else "gains"
    for level, result in results.items():
        assert getattr(result, table).equals(getattr(results["full"], table)), level
        there = {path.parent.parent.parent.name for path in (tmp_path / level).rglob("*.parquet")}
        assert there == set(LEVELS[level]) - {"rounds"}  # nobody learns
    full, some = bytes_below(tmp_path / "full"), bytes_below(tmp_path / "episodes")
    assert {name for name in full if not name.startswith("outcomes/")} == set(some)
    assert set(bytes_below(tmp_path / "summary")) == {"run.json", "shards.jsonl", "result.json"}
    with pytest.raises(InputError, match='log is "full" there, "summary" here'):
        play(tmp_path / "full", 1, log="summary")


@pytest.mark.parametrize("level", ["episodes", "summary"])
def test_where_there_are_no_rows_that_is_said_in_one_line(level: str, tmp_path: Path) -> None:
    play_run(tmp_path / "a", 1, log=level)
    said = f"was run with log {level!r}"
    with pytest.raises(InputError, match=said):
        replay(tmp_path / "a", "deviation")
    with pytest.raises(InputError, match=said):
        read_run(tmp_path / "a").outcomes()
    if level == "summary":
        with pytest.raises(InputError, match=said):
            read_run(tmp_path / "a").gains()
    else:
        assert len(read_run(tmp_path / "a").gains()) == 2 * 2 * 90


# Names


def test_two_mechanisms_that_would_share_their_files_are_refused(tmp_path: Path) -> None:
    """`1e+1` and `1e-1` look alike as parts of paths."""
    with pytest.raises(InputError, match=r"linked:price=1e-1.*linked:price=1e\+1.*would have the same files"):
        play_stress(tmp_path / "a", 1, mechanisms=["linked:price=1e+1", "linked:price=1e-1"])


def test_a_family_that_would_share_the_files_of_a_best_response_is_refused(tmp_path: Path) -> None:
    use_plugins([planted(tmp_path / "p.py", strategy("best-response", "return view.prescribed"))])
    with pytest.raises(InputError, match=r"case 'firm-1\.best-response' and case 'firm-1\.best-response' would"):
        play_stress(tmp_path / "a", 1, mechanisms=["team"])
