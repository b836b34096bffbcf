"""What is installed: the same from a clone, an archive and an sdist; one package, which leaves its neighbours alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.experiments.cli.listing import KINDS
from dynmech.sim.core.registry import Registry
from tests.builders.runs import ROOT
from tests.builders.wheels import PIP, build_wheels, held, install, python, stub_wheel, top_level

pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout: wheels are built from git's tree")

FLOORS = ("sim", "mechanisms", "agents", "experiments")
NEIGHBOUR = "import agents, sim, mechanisms, experiments; print(agents.Agent.owner)"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheels by the way in which they were built."""
    return build_wheels(tmp_path_factory.mktemp("built"))


@pytest.fixture(scope="module")
def site(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clone's wheel in it, and nothing else."""
    return install(tmp_path_factory.mktemp("site"), wheels["clone"])


def listed(site: Path) -> dict[str, list[str]]:
    """Return the names that `python -m dynmech list` shows."""
    rows = json.loads(python(site, "-m", "dynmech", "list", "--json").stdout)
    return {kind: [row["name"] for row in rows[kind]] for kind in KINDS}


def ours() -> dict[str, list[str]]:
    """Return the names that this checkout knows."""
    registries: dict[str, Registry[Any]] = {"scenarios": SCENARIOS, "mechanisms": MECHANISMS, "strategies": STRATEGIES}
    names = {kind: registry.names() for kind, registry in registries.items()}
    made = ["best-response", "profile"]  # for a game, so that they stand in no registry
    return {**names, "strategies": sorted([*names["strategies"], *made])}


def test_wheels_hold_the_same_files_whichever_way_they_were_built(wheels: dict[str, Path]) -> None:
    clone, archive, sdist = (held(wheels[way]) for way in ("clone", "archive", "sdist"))
    assert clone == archive == sdist
    floors = (
        path
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*")
        if "__pycache__" not in path.parts and path.is_file()
    )
    expected = {f"dynmech/{path.relative_to(ROOT)}" for path in floors}
    expected |= {f"dynmech/{path.name}" for path in (ROOT / "dynmech").iterdir() if path.is_file()}
    assert {name for name in clone if ".dist-info/" not in name} == expected
    assert clone["dynmech/sim/core/streams.py"] == (ROOT / "sim/core/streams.py").read_bytes()


def test_a_wheel_puts_one_package_beside_others(wheels: dict[str, Path], tmp_path: Path) -> None:
    assert top_level(wheels["clone"]) == {"dynmech"}
    assert top_level(stub_wheel(tmp_path, FLOORS)) == set(FLOORS)


def test_what_is_installed_knows_every_name(site: Path) -> None:
    where = python(site, "-c", "import dynmech.sim.core; print(dynmech.sim.core.__file__)").stdout
    assert Path(where.strip()).is_relative_to(site)
    assert listed(site) == ours()


def test_what_is_installed_carries_the_templates_of_new_modules(site: Path, tmp_path: Path) -> None:
    python(site, "-m", "dynmech", "new", "strategy", "my-own", "-o", str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"my_own.py", "test_my_own.py"}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["archive", "sdist"])
def test_the_other_wheels_know_every_name(way: str, wheels: dict[str, Path], tmp_path: Path) -> None:
    assert listed(install(tmp_path / "site", wheels[way])) == ours()


@pytest.mark.parametrize("first", ["ours", pytest.param("theirs", marks=pytest.mark.slow)])
def test_packages_of_the_same_names_stay_whole(first: str, wheels: dict[str, Path], tmp_path: Path) -> None:
    both = [wheels["clone"], stub_wheel(tmp_path, FLOORS)]
    site = install(tmp_path / "site", *(both if first == "ours" else reversed(both)))
    assert python(site, "-c", NEIGHBOUR).stdout == "agents\n"
    assert python(site, "-c", "import dynmech; print(dynmech.load('oil-leases').name)").stdout == "oil-leases\n"


@pytest.mark.slow
@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_the_package_that_is_called_agents_stays_whole(first: str, wheels: dict[str, Path], tmp_path: Path) -> None:
    site, words = tmp_path / "site", [word for word in PIP if word not in ("--no-deps", "--no-build-isolation")]
    if first == "ours":
        install(site, wheels["clone"])
    theirs = subprocess.run([*words, str(site), "openai-agents"], capture_output=True, text=True, check=False)
    if theirs.returncode:
        pytest.skip(f"openai-agents cannot be had: {theirs.stderr.strip().splitlines()[-1]}")
    if first == "theirs":
        install(site, wheels["clone"])
    assert "Agent" in python(site, "-c", "from agents import Agent; print(Agent)").stdout
    assert python(site, "-c", "import dynmech; print(dynmech.load('oil-leases').name)").stdout == "oil-leases\n"


def test_a_plug_in_with_an_import_of_old_is_told_the_new_one(site: Path, tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("from agents.base import BaseStrategy\n", encoding="utf-8")
    words = ("-m", "dynmech", "list", "--plugin", str(tmp_path / "old.py"))
    expected = "line 1: write 'from dynmech import Strategy', not from agents.base\n"
    for place in (site, ROOT):
        told = python(place, *words, check=False)
        assert told.returncode == 2
        assert told.stderr == f"dynmech: plug-in {tmp_path / 'old.py'}: {expected}"


def test_the_editable_install_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dynmech", "list", "scenarios"], capture_output=True, text=True, check=True
    )
    assert "oil-leases" in done.stdout
