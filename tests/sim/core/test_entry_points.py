"""Installed packages offer strategies, mechanisms and scenarios by name; what is broken in them stays theirs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dynmech import agents, load, make_mechanism, make_strategy, run, stress, use_plugins
from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES, is_shipped
from dynmech.experiments.catalog.options import construct
from dynmech.experiments.cli.app import main
from dynmech.experiments.cli.listing import KINDS
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.registry import format_exception, place
from tests.builders.installed_packages import MECHANISM, REGISTRIES, STRATEGY, install, install_shady, offering
from tests.builders.runs import ROOT

pytestmark = pytest.mark.usefixtures("site")

# Sound packages


def test_a_package_is_imported_when_one_of_its_names_is_asked_for_and_not_before(site: Path) -> None:
    install_shady(site)
    install(site, "loud", offering("loud:Loud", "loud"), {"__init__": "raise RuntimeError('imported')"})
    assert {"shade", "loud", "truthful"} <= set(STRATEGIES.names())
    assert STRATEGIES.get("truthful").__module__ == "dynmech.agents.strategies.truthful"
    imported = site / "shady" / "strategies.imported"
    assert not imported.exists()
    assert "loud" not in sys.modules
    assert make_strategy("shade:step=2").key() == "shade:step=2"
    assert imported.exists()
    assert "loud" not in sys.modules
    assert "shady.rules" not in sys.modules


def test_things_of_packages_are_made_run_and_stressed_by_name(site: Path) -> None:
    install_shady(site)
    environment = load("bazaar")
    assert type(make_mechanism("lump:fee=0.25", environment)).__module__ == "shady.rules"
    result = run("bazaar", "lump", {"bidder 1": "shade"}, episodes=4000, out="run")
    # Values are 0 or 1, evenly and independently, in both periods (weights 1 and 0.9); ties go to bidder 1, and the
    # good stays where nobody wants it. Shading, bidder 1 never wins and pays 0.5, and 1 more when bidder 2 has 0;
    # bidder 2 pays 1.5 always and wins when it has 1. Truthful, bidder 1 wins when it has 1, and pays 0.5 + 3/4.
    assert result.agents["payoff"].tolist() == pytest.approx([-1.9, -1.9], abs=0.05)
    assert result.agents["gain"][0] == pytest.approx(1.9 * (-1 + 0.75), abs=0.05)
    found = stress("bazaar", ["lump", "team"], episodes=300, out="stress")
    assert "lump" in set(found.mechanisms["mechanism"])
    assert set(found.gains[found.gains["family"] == "shade"]["mechanism"]) == set(found.mechanisms["mechanism"])


def test_they_are_users_code(site: Path) -> None:
    install_shady(site)
    for registry, name in ((STRATEGIES, "shade"), (MECHANISMS, "lump"), (SCENARIOS, "bazaar")):
        cls = registry.get(name)
        assert not is_shipped(cls)
        assert registry.package_of(cls) == "shady 1.0"
    assert STRATEGIES.package_of(STRATEGIES.get("truthful")) == ""


def test_a_package_that_puts_its_module_among_ours_is_not_ours(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "sneak", offering("dynmech.agents.sneaked:Shade", "shade"), {"sneaked": STRATEGY})
    monkeypatch.setattr(agents, "__path__", [*agents.__path__, str(site / "sneak")])
    try:
        assert not is_shipped(STRATEGIES.get("shade"))
    finally:
        sys.modules.pop("dynmech.agents.sneaked", None)


def test_a_class_cannot_pass_for_ours_by_what_it_says_of_itself(tmp_path: Path) -> None:
    plugin = tmp_path / "p.py"
    plugin.write_text(
        f"{STRATEGY}        type(self).__module__ = 'dynmech.agents.strategies.truthful'\n", encoding="utf-8"
    )
    use_plugins([plugin])
    cls = STRATEGIES.get("shade")
    cls.__module__ = "dynmech.agents.strategies.truthful"
    assert not is_shipped(cls)
    cls.__qualname__ = "Truthful"
    assert not is_shipped(cls)
    assert is_shipped(STRATEGIES.get("truthful"))


def test_they_are_held_to_what_they_declare_and_the_line_is_named(site: Path) -> None:
    dice = STRATEGY.replace(
        "np.maximum(view.prescribed - self.step, 0)", "np.random.randint(0, view.space.size, view.size)"
    )
    install(site, "dicey", offering("dicey.strategies:Shade", "shade"), {"strategies": dice})
    with pytest.raises(PlayError, match="it draws outside its stream"):
        run("oil-leases", "linked", {"firm 1": "shade"}, episodes=10, out="a")
    charge = MECHANISM.replace("return self.fee + np", "return helper() + np") + "def helper():\n    return {}['fee']\n"
    install(site, "wrong", {"dynmech.mechanisms": {"lump": "wrong.deep.rules:Lump"}}, {})
    (site / "wrong" / "deep").mkdir()
    (site / "wrong" / "deep" / "__init__.py").touch()
    (site / "wrong" / "deep" / "rules.py").write_text(charge, encoding="utf-8")
    line = 1 + charge[: charge.index("return {}")].count("\n")
    for registry in REGISTRIES:
        registry._offers = None
    with pytest.raises(PlayError) as caught:
        run("repeated-auction:horizon=2", "lump", episodes=10, out="b")
    assert str(caught.value) == (
        f"mechanism 'lump' in period 0: charge raised KeyError: 'fee' (wrong/deep/rules.py, line {line})"
    )


def test_the_place_is_that_of_the_users_innermost_line(site: Path) -> None:
    init = "def f():\n    import numpy\n    return numpy.ones(2).reshape(3)\n"
    install(site, "inner", {"dynmech.strategies": {"x": "inner:f"}}, {"__init__": init})
    assert "odd" not in STRATEGIES.unavailable()
    with pytest.raises(ValueError, match="reshape") as caught:
        sys.modules["inner"].f()
    assert place(caught.value) == " (inner/__init__.py, line 3)"
    assert format_exception(caught.value).endswith("(inner/__init__.py, line 3)")


def test_a_package_that_stands_twice_on_the_path_offers_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_shady(site)
    older = site / "older"
    older.mkdir()
    install(older, "shady", offering("shady.strategies:Shade", "gone"), {}, version="0.9")
    monkeypatch.setattr(sys, "path", [*sys.path, str(older)])
    assert "gone" not in STRATEGIES.names(), "what is hidden on the path is not offered"
    assert STRATEGIES.get("shade").__module__ == "shady.strategies"


def test_two_packages_cannot_have_one_name(site: Path) -> None:
    install_shady(site)
    install(site, "dark", offering("dark:Shade", "shade"), {"__init__": STRATEGY}, version="2.0")
    with pytest.raises(InputError) as caught:
        STRATEGIES.get("shade")
    sides = sorted(["package 'dark 2.0' (dark:Shade)", "package 'shady 1.0' (shady.strategies:Shade)"])
    assert str(caught.value) in (
        f"strategy 'shade': both {sides[0]} and {sides[1]} offer it; one of them must go",
        f"strategy 'shade': both {sides[1]} and {sides[0]} offer it; one of them must go",
    )
    assert "shade" not in STRATEGIES.all()
    assert "lump" in MECHANISMS.all(), "other names of the packages are not touched"


def test_a_plugin_file_cannot_have_a_packages_name(site: Path, tmp_path: Path) -> None:
    install_shady(site)
    (tmp_path / "mine.py").write_text(STRATEGY, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        use_plugins([Path("mine.py")])
    assert str(caught.value) == (
        "plug-in mine.py: strategy 'shade' is there already, from package 'shady 1.0' (shady.strategies:Shade); "
        "choose another name"
    )


def test_a_misspelt_name_is_compared_with_those_of_packages(site: Path) -> None:
    install_shady(site)
    with pytest.raises(InputError, match="unknown strategy 'shad'; did you mean 'shade'"):
        STRATEGIES.get("shad")
    assert not (site / "shady" / "strategies.imported").exists()


def test_options_come_from_the_class(site: Path) -> None:
    install_shady(site)
    with pytest.raises(InputError, match="strategy 'shade': unknown option 'stp'; did you mean 'step'"):
        construct(STRATEGIES.get("shade"), "strategy", "shade", {"stp": "2"})


# The command line, in a process of its own


def command(site: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    path = os.pathsep.join([str(ROOT), str(site)])
    return subprocess.run(
        [sys.executable, "-c", "from dynmech.experiments.cli.app import main; main()", *words],
        cwd=site.parent,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": path, "PATH": "", "HOME": str(site.parent)},
    )


def test_the_command_line_knows_what_is_installed(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install_shady(site)
    install(site, "broken", offering("broken:X"), {"__init__": "print('noise')\nraise OSError('no disk')"})
    listed = command(site, "list", "--json")
    assert listed.returncode == 0, listed.stderr
    rows = {row["name"]: row for kind in KINDS for row in json.loads(listed.stdout)[kind]}
    assert {"shade", "lump", "bazaar", "truthful"} <= set(rows)
    assert rows["shade"]["options"] == ["step=1"]
    words = ["run", "bazaar", "lump:fee=0", "--strategy", "0=shade", "--episodes", "50", "--out", "out", "--json"]
    with pytest.raises(SystemExit) as stopped:
        main(words)
    played = capsys.readouterr()
    assert stopped.value.code == 0, played.err
    assert json.loads(played.out)["agents"][0]["strategy"] == "shade:step=1"
    refused = command(site, "run", "bazaar", "lump", "--strategy", "0=odd")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.splitlines()[-1] == (
        "dynmech: strategy 'odd' of package 'broken 1.0' (broken:X): OSError: no disk (broken/__init__.py, line 2)"
    )
    assert "Traceback" not in refused.stderr


def test_a_stress_test_takes_them_in(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install_shady(site)
    install(site, "broken", offering("broken:X"), {"__init__": "raise OSError('no disk')"})
    with pytest.raises(SystemExit) as stopped:
        main(["stress", "bazaar", "--mechanism=lump", "--episodes=60", "--out=out", "--json"])
    output = capsys.readouterr()
    assert stopped.value.code == 0, output.err
    data = json.loads(output.out)
    assert "lump" in {row["mechanism"] for row in data["mechanisms"]}
    assert "shade" in {row["family"] for row in data["gains"]}
