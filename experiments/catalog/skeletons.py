"""A scenario, a mechanism or a strategy to begin with: a module that works, and its test."""

import ast
import keyword
import re
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dynmech.experiments.catalog.names import MECHANISMS, SCENARIOS, STRATEGIES
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError, StorageError
from dynmech.sim.core.near_names import near_name
from dynmech.sim.core.registry import Registry

REGISTRIES: dict[str, Registry[Any]] = {"scenario": SCENARIOS, "mechanism": MECHANISMS, "strategy": STRATEGIES}
"""What there are skeletons of, and where their names must be new."""

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""A name from which those of a class and of a module can be made."""

LONGEST = 40
"""Letters of a name: with more, lines of the module would be too long."""


def write_skeleton(kind: str, name: str, folder: Path | str = ".", *, memory: bool = False) -> tuple[Path, Path]:
    """Write a module that defines a scenario, a mechanism or a strategy, and a test of it that passes.

    Args:
        kind: `scenario`, `mechanism` or `strategy`.
        name: what it is called on the command line; words of letters and digits with `-` between.
        folder: where to; made if absent.
        memory: whether the mechanism remembers something.

    Returns:
        The module, which `--plugin` takes, and the test.

    Raises:
        InputError: no such kind, a name that cannot be used, or a file that is there already.
        StorageError: a file cannot be written.
    """
    where = Path(folder)
    module = name.replace("-", "_")
    paths = where / f"{module}.py", where / f"test_{module}.py"
    texts = render_skeleton(kind, name, memory=memory)
    for path in paths:
        if path.exists() or path.is_symlink():
            raise InputError(f"{path}: is there already; choose another name, or another folder with -o")
    _write_all(where, dict(zip(paths, texts, strict=True)))
    return paths


def render_skeleton(kind: str, name: str, *, memory: bool = False) -> tuple[str, str]:
    """Return the text of the module and that of its test.

    >>> render_skeleton("strategy", "lie-low")[0].splitlines()[0]
    '\"\"\"The strategy lie-low: change what is said, and when.\"\"\"'

    Raises:
        InputError: no such kind, a name that cannot be used, or a memory of what has none.
    """
    if kind not in REGISTRIES:
        raise InputError(f"new: {shown(kind)} is none of {', '.join(REGISTRIES)}{near_name(kind, REGISTRIES)}")
    if memory and kind != "mechanism":
        raise InputError(f"new: --memory is for a mechanism, not for a {kind}")
    _require_name(kind, name)
    templates = Environment(
        loader=PackageLoader("dynmech.experiments.catalog"), undefined=StrictUndefined, keep_trailing_newline=True
    )
    words = {"name": name, "module": name.replace("-", "_"), "cls": name.title().replace("-", "")}
    what = f"{kind}_memory" if memory else kind
    module, test = (templates.get_template(f"{part}{what}.py.jinja").render(words) for part in ("", "test_"))
    if words["cls"] in _imported(module):
        raise InputError(f"{kind} {name!r}: a class {words['cls']} is what it would be built on; choose another name")
    return module, test


def _require_name(kind: str, name: str) -> None:
    """Raise if a name cannot be typed, is taken, or would hide a module that others import."""
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise InputError(f"{kind} {shown(name)}: a name is at most {LONGEST} small letters and digits, - between words")
    if name in REGISTRIES[kind].names():
        raise InputError(f"{kind} {name!r} is there already; choose another name")
    module = name.replace("-", "_")
    if keyword.iskeyword(module) or module in sys.stdlib_module_names or _is_installed(module):
        raise InputError(f"{kind} {name!r}: Python has a module or a word {module!r}; choose another name")


def _is_installed(module: str) -> bool:
    """Whether an installed package is called so; a file of the user's own is not meant."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return False
    places = [*([spec.origin] if spec and spec.origin else []), *((spec and spec.submodule_search_locations) or [])]
    return any("site-packages" in Path(place).parts or module == "dynmech" for place in places)


def _imported(text: str) -> set[str]:
    """Names that a module imports."""
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def _write_all(folder: Path, texts: Mapping[Path, str]) -> None:
    """Write new files, all or none; one that has come to be there in the meantime is left as it is."""
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise StorageError(f"{folder}: cannot be written: {error.strerror or error}") from None
