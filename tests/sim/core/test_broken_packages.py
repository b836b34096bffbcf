"""What is broken in an installed package is said in one line and takes nothing down."""

from pathlib import Path

import pytest

from dynmech import make_strategy
from dynmech.experiments.catalog.names import STRATEGIES
from dynmech.sim.core.errors import InputError
from tests.builders.installed_packages import STRATEGY, install, install_shady, offering

pytestmark = pytest.mark.usefixtures("site")

# Broken packages

REASONS: dict[str, tuple[str, str | dict[str, str], str]] = {
    "raises": ("broken:X", "raise OSError('no\\ndisk')", "OSError: no disk (broken/__init__.py, line 1)"),
    "raises below": (
        "broken.deep:X",
        {"deep": "import broken.deeper", "deeper": "x = 1\n1 / 0"},
        "ZeroDivisionError: division by zero (broken/deeper.py, line 2)",
    ),
    "exits": ("broken:X", "raise SystemExit(3)", "SystemExit: 3 (broken/__init__.py, line 1)"),
    "raises what is no Exception": ("broken:X", "raise GeneratorExit('x')", "GeneratorExit: x (broken/__init__.py"),
    "raises what cannot be shown": (
        "broken:X",
        "class E(Exception):\n    def __str__(self):\n        raise SystemExit\nraise E",
        "E: (no text: its __str__ raised SystemExit) (broken/__init__.py, line 4)",
    ),
    "raises at length": ("broken:X", "raise OSError('x' * 10**6)", "x… (broken/__init__.py, line 1)"),
    "is no Python": ("broken:X", "x = = 1", "SyntaxError: invalid syntax"),
    "no such module": ("nowhere:X", "", "ModuleNotFoundError: No module named 'nowhere'"),
    "no such class": ("broken:X", "", "AttributeError: module 'broken' has no attribute 'X'"),
    "a function": (
        "broken:X",
        "def X(): pass",
        "it is of type function, expected a class derived from dynmech.agents.strategies.base.Strategy",
    ),
    "another kind": (
        "dynmech.mechanisms.groves.team:Team",
        "",
        "class Team does not derive from dynmech.agents.strategies.base.Strategy",
    ),
    "unfinished": (
        "broken:X",
        "from dynmech.agents.strategies.base import Strategy\nclass X(Strategy):\n    name = 'odd'",
        "class X lacks message",
    ),
    "misnamed": (
        "broken:X",
        "from dynmech.agents.strategies.truthful import Truthful\nclass X(Truthful):\n    name = 'even'",
        "class X is called 'even'; its name must be the entry point's",
    ),
    "inherits its name": (
        "broken:X",
        "from dynmech.agents.strategies.truthful import Truthful\nclass X(Truthful):\n    pass",
        "class X is called 'truthful'; its name must be the entry point's",
    ),
    "a module": ("broken", "", "the entry point is not of the form module:Class"),
    "not understood": ("broken:X:Y", "", "the entry point is not of the form module:Class"),
    "prints": ("broken:X", "print('hello')\nX = 1", "it is of type int"),
}


@pytest.mark.parametrize("case", REASONS)
def test_what_is_broken_is_said_in_one_line_and_takes_nothing_down(
    case: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value, source, reason = REASONS[case]
    install(site, "broken", offering(value), source if isinstance(source, dict) else {"__init__": source})
    install_shady(site)
    assert {"shade", "truthful"} <= set(STRATEGIES.all())
    assert "odd" not in STRATEGIES.all()
    (said,) = STRATEGIES.unavailable().values()
    assert said.startswith(f"strategy 'odd' of package 'broken 1.0' ({value}): ")
    assert reason in said
    assert len(said.splitlines()) == 1
    assert len(said) < 600
    with pytest.raises(InputError) as caught:
        make_strategy("odd:x=1")
    assert str(caught.value) == said
    assert capsys.readouterr().out == "", "what a package prints at import is not mixed with results"


def test_a_name_that_cannot_be_typed_is_refused(site: Path) -> None:
    install(site, "shady", offering("shady.strategies:Shade", "two words"), {"strategies": STRATEGY})
    assert STRATEGIES.unavailable() == {
        "two words": "strategy 'two words' of package 'shady 1.0' (shady.strategies:Shade): "
        "a name is letters and digits with - . _ between"
    }


def test_metadata_that_cannot_be_understood_are_named_by_package(site: Path) -> None:
    install(site, "torn", {}, {})
    (site / "torn-1.0.dist-info" / "entry_points.txt").write_text("[dynmech.strategies]\nno sign here\n")
    install(site, "bytes", {}, {})
    (site / "bytes-1.0.dist-info" / "entry_points.txt").write_bytes(b"[dynmech.strategies]\n\xff = a:b\n")
    install_shady(site)
    (said,) = STRATEGIES.unavailable().values()
    assert said.startswith("strategy 'torn 1.0' of package 'torn 1.0': its entry_points.txt cannot be understood")
    assert "shade" in STRATEGIES.all()


def test_a_package_without_a_name_still_says_what_is_wrong(site: Path) -> None:
    install(site, "nameless", offering("nameless:X"), {})
    (site / "nameless-1.0.dist-info" / "METADATA").unlink()
    (said,) = STRATEGIES.unavailable().values()
    assert said.startswith("strategy 'odd' of package 'without a name' (nameless:X): AttributeError: ")


def test_an_interrupt_while_a_package_is_imported_interrupts(site: Path) -> None:
    install(site, "broken", offering("broken:X"), {"__init__": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        STRATEGIES.all()


def test_a_broken_package_is_imported_once(site: Path) -> None:
    count = "from pathlib import Path\nwith Path('count').open('a') as f:\n    f.write('x')\nraise OSError\n"
    install(site, "broken", offering("broken:X"), {"__init__": count})
    for _ in range(3):
        assert set(STRATEGIES.unavailable()) == {"odd"}
    assert Path("count").read_text() == "x"


# Names that are taken


def test_a_shipped_name_stays_ours(site: Path) -> None:
    install(site, "shady", offering("shady.strategies:Shade", "truthful"), {"strategies": STRATEGY})
    assert STRATEGIES.get("truthful").__module__ == "dynmech.agents.strategies.truthful"
    assert STRATEGIES.unavailable() == {
        "truthful": "strategy 'truthful': package 'shady 1.0' (shady.strategies:Shade) offers it, "
        "but dynmech.agents.strategies.truthful has that name; it needs another"
    }
    assert not (site / "shady" / "strategies.imported").exists()
