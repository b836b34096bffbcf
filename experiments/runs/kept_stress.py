"""A stress test that is finished: the same call finds its result in the folder, without opening the mechanisms.

`run.json` keeps a hash of what was asked for, which is known before any mechanism is opened, unlike the configuration,
which names those that fit. Where the hash, the versions and every recorded file are those of a complete run, its
`result.json` is the answer. Users' code is always opened anew: it may refuse what it played before.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dynmech.agents.strategies.base import Strategy
from dynmech.experiments.catalog.accepted import MechanismLike
from dynmech.experiments.catalog.names import MECHANISMS, is_shipped, mechanism_classes
from dynmech.experiments.runs.results import read_result
from dynmech.experiments.runs.simulation import Progress, default_folder, versions
from dynmech.experiments.runs.stress_result import StressResult
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.hashing import environment_hash
from dynmech.sim.log.run_folder import RunFolder, configuration_hash, read_manifest


def request_hash(
    environment: Environment,
    typed: str,
    named: Mapping[str, MechanismLike],
    families: Sequence[type[Strategy]],
    settings: Mapping[str, Any],
) -> str:
    """Return a hash of what a stress test was asked for; empty where users' code, or an object, takes part.

    Args:
        environment: the economy.
        typed: what it was typed as.
        named: the mechanisms that were named, by their text.
        families: of strategies.
        settings: sampling as it was given, protocol, tail, log.
    """
    if not typed or not _is_ours(environment, named.values(), families):
        return ""
    asked = {
        "command": "stress",
        "environment": {"name": environment.name, "hash": environment_hash(environment), "typed": typed},
        "named": list(named),
        "mechanisms": MECHANISMS.names(),
        "families": [family.name for family in families],
        "settings": settings,
        "versions": versions(),
    }
    return configuration_hash(asked)


def _is_ours(environment: Environment, mechanisms: Iterable[MechanismLike], families: Iterable[type[Strategy]]) -> bool:
    """Return whether all code that a test may run is dynmech's."""
    texts = [text for text in mechanisms if isinstance(text, str)]
    if len(texts) != len(list(mechanisms)) or MECHANISMS.unavailable():
        return False
    rules = [cls for text in texts for cls in mechanism_classes(text)] or list(MECHANISMS.all().values())
    functions = [value for value in vars(environment).values() if callable(value)]
    return all(map(is_shipped, [*rules, *families, *functions]))


def kept_stress(request: str, name: str, out: Path | None, progress: Progress) -> StressResult | None:
    """Return the result of a finished test for which the same was asked; None where there is none, or not whole.

    Args:
        request: as `request_hash`.
        name: of the economy, after which the folder is called.
        out: the folder, where one is given.
        progress: is told of files that are held against their checksums.
    """
    path = _folder(request, name, out)
    if path is None:
        return None
    manifest = read_manifest(path)
    with RunFolder(path, manifest["configuration"], manifest["versions"]) as folder:
        folder.reopen(progress("checking", len(folder.journal)) if len(folder.journal) else lambda _: None)
        if folder.damaged or not folder.data["complete"]:
            return None
        remarks = folder.remarks()
    try:
        return StressResult.from_data({**read_result(path), "remarks": remarks}, path)
    except InputError:  # damaged, or of another version: it is made anew from the shards
        return None


def _folder(request: str, name: str, out: Path | None) -> Path | None:
    """Return the folder of a complete run for which this was asked."""
    if not request:
        return None
    pattern = default_folder("stress", name, "*")
    folders = [Path(out)] if out is not None else sorted(pattern.parent.glob(pattern.name))
    return next((path for path in folders if _answers(path, request)), None)


def _answers(path: Path, request: str) -> bool:
    """Return whether a folder holds a complete run for which this was asked."""
    try:
        manifest = read_manifest(path)
    except InputError:
        return False
    return bool(manifest["complete"]) and manifest.get("request") == request
