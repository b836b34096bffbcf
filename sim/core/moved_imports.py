"""What to write where a plug-in still imports `sim`, `mechanisms`, `agents` or `experiments`, which now stand in
`dynmech`."""

import ast
import importlib
import pkgutil

FLOORS = ("sim", "mechanisms", "agents", "experiments")
RENAMED = {
    "BaseMechanism": "Mechanism",
    "BaseStrategy": "Strategy",
    "Conduct": "ProtocolOptions",
    "Lexicon": "GameSpaces",
    "Setting": "AgentContext",
    "keep_ledger": "truthful_values",
    "load_environment": "load",
    "make_environment": "load",
    "write_report": "report",
    "yardstick": "bound",
}
"""Public names of old, and what they are called now."""


def moved_import(source: str) -> str:
    """Return in words how the first import from the old packages is written now.

    Parameters
    ----------
    source : str
        A plug-in's text.

    Returns
    -------
    str
        Empty where nothing is imported from these packages.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and _is_old(node.module or ""):
            names = [RENAMED.get(alias.name, alias.name) for alias in node.names]
            home = _home(names, str(node.module))
            return f"line {node.lineno}: write 'from {home} import {', '.join(names)}', not from {node.module}"
        if isinstance(node, ast.Import) and (old := [a.name for a in node.names if _is_old(a.name)]):
            return f"line {node.lineno}: write 'import dynmech', not 'import {old[0]}'"
    return ""


def _is_old(module: str) -> bool:
    return module.partition(".")[0] in FLOORS


def _home(names: list[str], module: str) -> str:
    """Return the package that exports all names: the face, else a room of the floor that they came from."""
    floor = f"dynmech.{module.partition('.')[0]}"
    path = importlib.import_module(floor).__path__
    for package in ("dynmech", *(f"{floor}.{info.name}" for info in pkgutil.iter_modules(path) if info.ispkg)):
        if set(names) <= set(getattr(importlib.import_module(package), "__all__", ())):
            return package
    return floor
