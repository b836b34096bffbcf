"""Names follow from modules; a file of the user's is as good as ours, and cannot pass for ours."""

import importlib
import inspect
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from py_compile import compile as compile_file
from types import ModuleType

import pytest

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES, is_shipped, take_in_plugins
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.plugin_files import load_plugin
from dynmech.sim.core.registry import Registry, modules_below
from dynmech.sim.core.source_index import modules_by_name


class Fruit(ABC):
    """A base of its own."""

    name: str

    @abstractmethod
    def taste(self) -> str:
        """How it tastes."""


class Apple(Fruit):
    """Sweet."""

    name = "apple"

    def taste(self) -> str:
        """Sweet."""
        return "sweet"


class Unnamed(Apple):
    """It inherits its name, so it has none of its own."""


class Unripe(Fruit):
    """A name, but no taste."""

    name = "unripe"


def module(name: str, *classes: type) -> ModuleType:
    """A module that defines copies of classes."""
    made = ModuleType(name)
    for k, cls in enumerate(classes):
        copy = type(cls)(cls.__name__, cls.__bases__, {**vars(cls), "__module__": name})
        setattr(made, f"{cls.__name__}{k}", copy)
    return made


@pytest.fixture
def fruits() -> Registry[Fruit]:
    registry: Registry[Fruit] = Registry("fruit", Fruit, "dynmech.experiments.scenarios")  # type: ignore[type-abstract]
    assert registry.all() == {}, "no scenario is a fruit"
    return registry


def test_only_concrete_classes_with_a_name_of_their_own_count(fruits: Registry[Fruit]) -> None:
    imported = module("m")
    imported.Apple = Apple  # type: ignore[attr-defined] # imported, not defined there
    assert list(fruits.classes(imported)) == []
    assert [name for name, _ in fruits.classes(module("m", Fruit, Apple, Unripe))] == ["apple"]
    defined = module("m", Apple)
    child = type("Child", (vars(defined)["Apple0"],), {"__module__": "m"})
    defined.Child = child  # type: ignore[attr-defined]
    assert [name for name, _ in fruits.classes(defined)] == ["apple"]


def test_a_name_is_found_or_the_closest_is_offered(fruits: Registry[Fruit]) -> None:
    assert fruits.add(module("m", Apple), "here") == 1
    assert fruits.get("apple").__name__ == "Apple"
    for name, said in (
        ("aple", "unknown fruit 'aple'; did you mean 'apple'?"),
        ("zzz", "unknown fruit 'zzz'; known: apple"),
    ):
        with pytest.raises(InputError) as raised:
            fruits.get(name)
        assert str(raised.value) == said


def test_a_taken_name_is_refused_and_nothing_of_the_module_is_taken_in(fruits: Registry[Fruit]) -> None:
    fruits.add(module("m", Apple), "here")
    pear = type("Pear", (Apple,), {"name": "pear", "__module__": "n"})
    second = module("n", Apple)
    second.Pear = pear  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"there: fruit 'apple' is there already; choose another name"):
        fruits.add(second, "there")
    assert list(fruits.all()) == ["apple"]


def test_the_same_module_again_replaces_what_it_offered(fruits: Registry[Fruit]) -> None:
    fruits.add(module("m", Apple), "here")
    old = fruits.get("apple")
    fruits.add(module("m", Apple), "here")
    assert fruits.get("apple") is not old
    assert fruits.add(module("m"), "here") == 0
    assert fruits.all() == {}


def test_an_unfinished_class_says_what_it_lacks(fruits: Registry[Fruit]) -> None:
    assert fruits.unfinished(module("m", Apple, Unripe)) == ["fruit 'unripe' lacks taste"]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a,b", "a=b", "a/b", "12", "ä"])
def test_a_name_that_cannot_be_typed_is_refused(name: str, fruits: Registry[Fruit]) -> None:
    odd = type("Odd", (Apple,), {"name": name, "__module__": "m"})
    offered = ModuleType("m")
    offered.Odd = odd  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="a name is letters and digits with"):
        fruits.add(offered, "here")
    assert fruits.all() == {}


@pytest.mark.parametrize("registry", [SCENARIOS, MECHANISMS, STRATEGIES], ids=lambda r: r.kind)
def test_every_class_that_can_be_used_has_a_name_and_a_file(registry: Registry[object]) -> None:
    modules = [importlib.import_module(name) for name in modules_below(registry.package)]
    usable = {
        cls
        for module in modules
        for cls in vars(module).values()
        if inspect.isclass(cls) and issubclass(cls, registry.base) and cls.__module__ == module.__name__
        if not inspect.isabstract(cls) and not cls.__name__.startswith("_")
    }
    named = set(registry.all().values())
    made = {
        "Witness",
        "PayingWitness",
        "Delayed",
        "Mixture",
        "Noisy",
        "Shaded",
        "SideBySide",
    }  # of other things, not by name
    made |= {"BestResponse", "TabulatedMechanism"}  # by name, but made for a game; from a file
    made |= {"ObservedPolicy"}  # of a function, not by name
    made |= {"ProfilePart", "BeliefWitness"}  # what `profile:file=FILE` comes to in a game
    assert {cls.__name__ for cls in usable - named} <= made, "a class without a name cannot be asked for"
    assert named <= usable
    assert len({cls.__module__ for cls in named}) == len(named), "one file per name"
    assert all(is_shipped(cls) for cls in named)
    assert registry.unavailable() == {}


def test_a_plugin_is_loaded_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("made = []\nvalue = 1\n", encoding="utf-8")
    first = load_plugin(plugin)
    assert load_plugin(plugin) is first
    plugin.write_text("made = []\nvalue = 2\n", encoding="utf-8")  # same length, same second
    assert vars(load_plugin(plugin))["value"] == 2
    other = tmp_path / "other.py"
    other.write_text("value = 2\n", encoding="utf-8")
    assert load_plugin(other).__name__ != load_plugin(plugin).__name__


def test_a_plugin_that_failed_can_be_corrected(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text("def f():\n    return {}['x']\nf()\n", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        load_plugin(plugin)
    assert str(raised.value) == f"plug-in {plugin}: KeyError: 'x' (mine.py, line 2)"
    plugin.write_text("x = 1\n", encoding="utf-8")
    assert vars(load_plugin(plugin))["x"] == 1


def test_plugins_of_one_name_clash_in_either_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STRATEGIES, "_added", {})
    text = (
        "from dynmech.agents.strategies.base import Strategy\n"
        "class Mine(Strategy):\n"
        "    name = 'mine'\n"
        "    def message(self, view):\n"
        "        return view.prescribed\n"
    )
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"b\.py: strategy 'mine' is there already"):
        take_in_plugins([tmp_path / "a.py", tmp_path / "b.py"])
    take_in_plugins([tmp_path / "a.py", tmp_path / "a.py"])
    assert not is_shipped(STRATEGIES.get("mine"))


# The index of names


@pytest.mark.parametrize("registry", [SCENARIOS, MECHANISMS, STRATEGIES], ids=lambda r: r.kind)
def test_the_text_of_modules_names_the_classes_that_they_define(registry: Registry[object]) -> None:
    modules = [importlib.import_module(name) for name in modules_below(registry.package)]
    defined = {name: (module.__name__,) for module in modules for name, _ in registry.classes(module)}
    assert modules_by_name(registry.package) == defined
    unloaded: Registry[object] = Registry(registry.kind, registry.base, registry.package)
    assert unloaded.names() == sorted(defined)
    assert {name: unloaded.get(name) for name in defined} == unloaded.all()


@pytest.fixture
def orchard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of fruits: `apple` and `pear` in their modules, `plum` with a name that no text has."""
    (tmp_path / "orchard" / "trees").mkdir(parents=True)
    head = f"from {__name__} import Apple\nclass Fruit(Apple):\n    name"
    for path, text in {
        "__init__": "",
        "trees/__init__": "",
        "apple": f"{head} = 'apple'\n",
        "trees/pear": f'{head}: str = "pear"  # ripe\n',
        "trees/plum": f"{head} = 'pl' + 'um'\n",
        "weed": "class Weed:\n    name = 'weed'\n",
    }.items():
        (tmp_path / "orchard" / f"{path}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    modules_by_name.cache_clear()
    yield tmp_path / "orchard"
    modules_by_name.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "orchard"]:
        del sys.modules[name]


def loaded_fruits() -> set[str]:
    """Modules of the orchard that are loaded, packages left out."""
    return {name for name in sys.modules if name.startswith("orchard.")} - {"orchard.trees"}


@pytest.mark.usefixtures("orchard")
def test_only_the_module_that_has_a_name_is_imported() -> None:
    registry: Registry[Fruit] = Registry("fruit", Fruit, "orchard")  # type: ignore[type-abstract]
    assert {"apple", "pear"} <= set(registry.names())
    assert loaded_fruits() == set()
    assert registry.get("pear").__module__ == "orchard.trees.pear"
    assert loaded_fruits() == {"orchard.trees.pear"}


@pytest.mark.usefixtures("orchard")
def test_a_name_that_no_text_has_is_found_by_importing_all() -> None:
    registry: Registry[Fruit] = Registry("fruit", Fruit, "orchard")  # type: ignore[type-abstract]
    assert registry.get("plum").__module__ == "orchard.trees.plum"
    assert list(registry.all()) == registry.names() == ["apple", "pear", "plum"]


@pytest.mark.usefixtures("orchard")
def test_a_name_of_something_else_is_unknown() -> None:
    registry: Registry[Fruit] = Registry("fruit", Fruit, "orchard")  # type: ignore[type-abstract]
    with pytest.raises(InputError, match=r"^unknown fruit 'weed'; known: apple, pear, plum$"):
        registry.get("weed")


def test_a_package_without_text_is_imported(orchard: Path) -> None:
    for source in [*orchard.glob("*.py"), *orchard.glob("trees/*.py")]:
        compile_file(str(source), cfile=str(source.with_suffix(".pyc")), doraise=True)
        source.unlink()
    importlib.invalidate_caches()
    assert modules_by_name("orchard") is None
    registry: Registry[Fruit] = Registry("fruit", Fruit, "orchard")  # type: ignore[type-abstract]
    assert registry.get("pear").__module__ == "orchard.trees.pear"
    assert registry.names() == ["apple", "pear", "plum"]


def test_a_package_in_an_archive_is_read_too(orchard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = shutil.make_archive(str(orchard.parent / "packed"), "zip", orchard.parent, "orchard")
    shutil.rmtree(orchard)
    monkeypatch.syspath_prepend(archive)
    registry: Registry[Fruit] = Registry("fruit", Fruit, "orchard")  # type: ignore[type-abstract]
    assert registry.get("apple").__module__ == "orchard.apple"
    assert loaded_fruits() == {"orchard.apple"}
    assert list(registry.all()) == ["apple", "pear", "plum"]
