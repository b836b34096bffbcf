"""Read a tournament's study: the file, what overrides it, and all that is wrong with it, each with its place."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from dynmech.experiments.catalog.names import mechanism_class
from dynmech.experiments.runs.loading import as_workers, open_environment, open_strategy
from dynmech.experiments.runs.shards import LEVELS
from dynmech.experiments.runs.simulation import PRESCRIBED, slug
from dynmech.experiments.runs.study import in_words, read_toml
from dynmech.experiments.tournament.roles import role_problems
from dynmech.experiments.tournament.study import EnvironmentEntry, RoleEntry, StrategyEntry, Study, build_strategy
from dynmech.experiments.workers.plugin_opening import open_plugins
from dynmech.experiments.workers.pool import Workers
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.checks import field_path, on_one_line, shown
from dynmech.sim.core.errors import DynmechError, InputError
from dynmech.sim.core.near_names import near_name

WORD = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}")
"""Names of strategies: they stand in paths and in the names of profiles."""


@checked_arguments
def load_tournament(path: Path | str, overrides: Sequence[str] = (), workers: Workers | None = None) -> Study:
    """Read the study of a tournament from a TOML file; its plug-ins are taken in.

    Parameters
    ----------
    path : Path or str
        The file; `docs/tournaments.md` describes every key.
    overrides : sequence of str
        Values in place of those of the file: `a.b=3`, the value in TOML (or a bare word).
    workers : Workers, optional
        Who tries users' code.

    Returns
    -------
    Study
        The study, all of whose names exist and fit each other.

    Raises
    ------
    InputError
        The file cannot be read or is not TOML; or all that is wrong with it, each with its place.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> text = '''
    ... environment = "repeated-auction:bidders=2,horizon=2"
    ... mechanisms = ["pivot"]
    ... [strategies]
    ... truth = "truthful"
    ... low = "misreport:map=low"
    ... '''
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "study.toml"
    ...     _ = path.write_text(text)
    ...     study = load_tournament(path, ["episodes=50"])
    >>> study.episodes, sorted(study.strategies)
    (50, ['low', 'truth'])
    """
    path = Path(path)
    data = read_toml(path)
    for text in overrides:
        _override(data, text)
    return check_tournament(data, on_one_line(str(path)), workers)


StudyLike = Study | Path | str
"""A study, or the TOML file of one."""


def opened(study: StudyLike, workers: Workers | int | None) -> tuple[Study, Workers]:
    """Return a study that is given as such or by its file, and the workers."""
    staff = as_workers(workers)
    if not isinstance(study, Study | str | Path):
        raise InputError(f"tournament: an object of type {type(study).__name__} is neither a study nor its file")
    return study if isinstance(study, Study) else load_tournament(Path(study), workers=staff), staff


def _override(data: dict[str, Any], text: str) -> None:
    """Put one value in its place."""
    place, equals, value = text.partition("=")
    keys = [key.strip() for key in place.split(".")]
    if not equals or not all(keys):
        raise InputError(f"--set {shown(text)}: not of the form a.b=value")
    at = data
    for key in keys[:-1]:
        at = at.setdefault(key, {})
        if not isinstance(at, dict):
            raise InputError(f"--set {shown(text)}: {key!r} holds a value, nothing can be put below it")
    at[keys[-1]] = _value(value)


def _value(text: str) -> Any:
    """Return the value that a text is in TOML, or else the text, a bare word."""
    try:
        read = tomllib.loads(f"x = {text}")
    except (ValueError, RecursionError):
        return text.strip()
    return read["x"] if len(read) == 1 else text.strip()


def check_tournament(data: Mapping[str, Any], where: str, workers: Workers | None = None) -> Study:
    """Return a study from plain data; its plug-ins are taken in.

    Raises
    ------
    InputError
        All that is wrong, each with its place.
    """
    workers = workers or Workers()
    study, wrong, places = _validated(data)
    problems = [*wrong, *_plugin_problems(study, workers)]
    problems += [f"{field_path(p)}: {text}" for p, text in _problems(study, data, workers) if not _said(p, places)]
    if problems:
        raise InputError(f"{where}: {'; '.join(dict.fromkeys(problems))}")
    return study


Place = tuple[int | str, ...]


def _said(place: Place, places: Sequence[Place]) -> bool:
    """Return whether an error was already found at a place or above it."""
    return any(place[: len(known)] == known for known in places)


# Types


def _validated(data: Mapping[str, Any]) -> tuple[Study, list[str], list[Place]]:
    """Return a study of all that has the right type, what has not, in words, and the places that were left out."""
    try:
        return Study.model_validate(data), [], []
    except ValidationError as error:
        problems = error.errors()
    words = [in_words(problem, _fields(problem["loc"])) for problem in problems]
    rest: dict[str, Any] = deepcopy(dict(data))
    places = [_drop(rest, problem["loc"]) for problem in problems]
    for name, stand_in in (("environment", "-"), ("mechanisms", ["-"]), ("strategies", {"-": "truthful"})):
        if not rest.get(name):
            rest[name] = stand_in
            places.append((name,))
    return Study.model_validate(rest), words, places


def _fields(place: Place) -> list[str]:
    """Return the fields that could stand at a place."""
    models: dict[str, type[BaseModel]] = {
        "environment": EnvironmentEntry,
        "strategies": StrategyEntry,
        "roles": RoleEntry,
    }
    model = models.get(str(place[0]), Study) if len(place) > 1 else Study
    return list(model.model_fields)


def _drop(data: dict[str, Any], place: Place) -> Place:
    """Leave out a strategy or a role, else a whole field."""
    head = place[:2] if place[0] in ("strategies", "roles") and isinstance(data.get(str(place[0])), dict) else place[:1]
    at = data
    for key in head[:-1]:
        at = at.get(str(key), {})
    at.pop(str(head[-1]), None)
    return tuple(head)


# Meaning


def _plugin_problems(study: Study, workers: Workers) -> Iterator[str]:
    for path in study.plugins:
        try:
            open_plugins([Path(path)], workers)
        except DynmechError as error:
            yield str(error)


def _problems(study: Study, data: Mapping[str, Any], workers: Workers) -> Iterator[tuple[Place, str]]:
    """Yield what is wrong beyond types: place, words."""
    named = data.get("strategies")
    names = list(named) if isinstance(named, Mapping) else list(study.strategies)
    yield from _strategy_problems(study, names, workers)
    for name, role in study.roles.items():
        for unknown in [s for s in role.strategies if s not in names]:
            yield ("roles", name, "strategies"), _no_strategy(unknown, names)
        if len(set(role.strategies)) < len(role.strategies):
            yield ("roles", name, "strategies"), "one is given twice"
    if study.log not in LEVELS:
        yield ("log",), f"{shown(study.log)} is none of {', '.join(LEVELS)}{near_name(study.log, LEVELS)}"
    if study.truth not in names:
        yield ("truth",), f'{_no_strategy(study.truth, names)}; say which one is truthful, or add truth = "truthful"'
    if study.width is not None and study.most < study.episodes:
        yield ("most",), f"{study.most} is below episodes, {study.episodes}"
    yield from _mechanism_problems(study)
    yield from _name_problems(study.coalitions, "coalitions")
    for text in study.environment.texts():
        try:
            environment = open_environment(text, workers)
        except DynmechError as error:
            yield ("environment",), str(error)
            continue
        yield from ((place, words) for place, words in role_problems(study, environment))


def _no_strategy(name: str, names: Sequence[str]) -> str:
    return f"no strategy {shown(name)}; strategies: {', '.join(names)}"


def _mechanism_problems(study: Study) -> Iterator[tuple[Place, str]]:
    """Yield unknown mechanisms, and those whose paths would coincide."""
    paths: dict[str, str] = {}
    for k, text in enumerate(study.mechanisms):
        if (other := paths.get(slug(text).casefold())) is not None:
            same = "is given twice" if other == text else f"and {shown(other)} would lie in one folder; leave one out"
            yield ("mechanisms", k), f"{shown(text)} {same}"
        paths.setdefault(slug(text).casefold(), text)
        try:
            mechanism_class(text)
        except DynmechError as error:
            yield ("mechanisms", k), str(error)


def _strategy_problems(study: Study, names: Sequence[str], workers: Workers) -> Iterator[tuple[Place, str]]:
    yield from _name_problems(study.strategies, "strategies")
    for name, entry in study.strategies.items():
        place = ("strategies", name)
        if name == PRESCRIBED:
            yield place, "that is what the mechanism asks for; choose another name"
        yield from (((*place, *field), text) for field, text in _entry_problems(study, name, entry, names, workers))


def _name_problems(given: Iterable[str], field: str) -> Iterator[tuple[Place, str]]:
    """Yield names that cannot stand in paths, or whose paths would coincide."""
    seen: dict[str, str] = {}
    for name in given:
        if not WORD.fullmatch(name):
            yield (field, name), "a name is up to 40 letters, digits and hyphens, a letter first"
        elif (other := seen.setdefault(name.casefold(), name)) != name:
            yield (field, name), f"differs from {other!r} in capitals only"


def _entry_problems(
    study: Study, name: str, entry: StrategyEntry, names: Sequence[str], workers: Workers
) -> Iterator[tuple[Place, str]]:
    if (entry.use is None) == (entry.mix is None):
        yield (), "give either use or mix"
        return
    if entry.mix is not None:
        unknown = [part for part in entry.mix if part not in names]
        yield from ((("mix",), _no_strategy(part, names)) for part in unknown)
        if any(value is not None for value in (entry.shade, entry.delay, entry.noise)):
            yield (), "wrappers go on the strategies that are mixed"
        if unknown or not _sound(study, name):
            return
    try:
        if entry.use is not None:
            open_strategy(entry.use, workers)
        build_strategy(name, study.strategies, {})
    except DynmechError as error:
        yield (), str(error)


def _sound(study: Study, name: str, above: tuple[str, ...] = ()) -> bool:
    """Return whether all parts of a mixture can be made."""
    if name in above:
        return name == above[0]  # else the circle is elsewhere
    entry = study.strategies.get(name)
    if entry is None or (entry.use is None) == (entry.mix is None):
        return False
    if entry.use is not None:
        try:
            build_strategy(name, study.strategies, {})
        except DynmechError:
            return not above
        return True
    return all(_sound(study, part, (*above, name)) for part in entry.mix or {})
