"""A tournament's study: what is to be played, as a TOML file, checked whole before anything is played.

    mechanisms = ["pivot", "cremer-mclean"]
    episodes = 2000

    [environment]
    use = "spectrum"
    sweep = { discount = [0.8, 0.9] }

    [strategies]
    truth = "truthful"
    low = { use = "misreport:map=down", noise = 0.1 }
    either = { mix = { truth = 0.5, low = 0.5 } }

    [roles.bidder]
    agents = ["bidder 1", "bidder 2", "bidder 3"]
    strategies = ["truth", "low", "either"]

Without roles all agents are one symmetric role with every strategy.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from agents.base import BaseStrategy
from agents.delayed import Delayed
from agents.mixture import Mixture
from agents.noisy import Noisy
from agents.shaded import Shaded
from experiments.catalog import make_strategy
from experiments.shards import LEVELS
from sim.errors import DynmechError, InputError

WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
"""Names of strategies and roles: they stand in paths and in profiles."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class EnvironmentEntry(_Strict):
    """An economy, or one for each combination of some options."""

    use: str
    sweep: dict[str, list[str | int | float | bool]] = {}

    def texts(self) -> list[str]:
        """Each economy as it is typed on the command line."""
        name, colon, rest = self.use.partition(":")
        given = [rest] if colon else []
        return [
            ":".join([name, ",".join(given + [f"{k}={_typed(v)}" for k, v in zip(self.sweep, values, strict=True)])])
            if given or values
            else name
            for values in product(*self.sweep.values())
        ]


class StrategyEntry(_Strict):
    """A strategy with wrappers, or a mixture of others of the study."""

    use: str | None = None
    mix: dict[str, float] | None = None
    shade: float | None = None
    delay: int | None = None
    noise: float | None = None


class RoleEntry(_Strict):
    """Agents that choose among the same strategies; symmetric unless it says otherwise."""

    agents: list[str] = Field(min_length=1)
    strategies: list[str] = Field(default=[], description="none: all")
    symmetric: bool = True


def _entry(key: str) -> BeforeValidator:
    """A bare text stands for `{key: text}`."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


class Study(_Strict):
    """A study; see the module."""

    title: str = ""
    environment: Annotated[EnvironmentEntry, _entry("use")]
    mechanisms: list[str] = Field(min_length=1)
    strategies: dict[str, Annotated[StrategyEntry, _entry("use")]] = Field(min_length=1)
    roles: dict[str, RoleEntry] = {}
    truth: str = "truth"
    coalitions: list[list[str]] = []
    episodes: int = Field(default=2000, ge=2)
    width: float | None = Field(default=None, gt=0)
    most: int = Field(default=100_000, ge=2)
    profiles: int = Field(default=5000, ge=1)
    seed: int = Field(default=0, ge=0)
    tail: float = Field(default=1e-4, gt=0)
    log: str = "summary"
    out: str | None = None
    plugins: list[str] = []

    def build_strategies(self) -> dict[str, BaseStrategy]:
        """The strategies by name.

        Raises:
            InputError: one cannot be made.
        """
        built: dict[str, BaseStrategy] = {}
        for name in self.strategies:
            self._build(name, built, ())
        return {name: built[name] for name in self.strategies}

    def _build(self, name: str, built: dict[str, BaseStrategy], above: tuple[str, ...]) -> BaseStrategy:
        if name in above:
            raise InputError(f"strategies.{name}.mix: it is a part of itself ({' > '.join((*above, name))})")
        if name not in built:
            entry = self.strategies[name]
            if entry.mix is not None:
                parts = [self._build(part, built, (*above, name)) for part in entry.mix]
                built[name] = Mixture(name, parts, list(entry.mix.values()))
            else:
                assert entry.use is not None
                built[name] = _wrapped(make_strategy(entry.use), entry)
        return built[name]


def _wrapped(strategy: BaseStrategy, entry: StrategyEntry) -> BaseStrategy:
    """Shading first, then delay, then noise."""
    if entry.shade is not None:
        strategy = Shaded(strategy, entry.shade)
    if entry.delay is not None:
        strategy = Delayed(strategy, entry.delay)
    if entry.noise is not None:
        strategy = Noisy(strategy, entry.noise)
    return strategy


def load_tournament(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Read a study.

    Args:
        overrides: `a.b=3`, the value in TOML (or a bare word).

    Raises:
        InputError: the file cannot be read or is not TOML; or all that is wrong with it, each with its place.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not TOML: {' '.join(str(error).split())}") from None
    for text in overrides:
        _override(data, text)
    return check_tournament(data, str(path))


def _override(data: dict[str, Any], text: str) -> None:
    """Put one value in its place."""
    place, equals, value = text.partition("=")
    keys = place.strip().split(".")
    if not equals or not all(keys):
        raise InputError(f"--set {text!r}: not of the form a.b=value")
    at = data
    for key in keys[:-1]:
        at = at.setdefault(key, {})
        if not isinstance(at, dict):
            raise InputError(f"--set {text!r}: {key!r} holds a value, nothing can be put below it")
    try:
        at[keys[-1]] = tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        at[keys[-1]] = value.strip()


def check_tournament(data: Mapping[str, Any], where: str) -> Study:
    """A study from plain data.

    Raises:
        InputError: all that is wrong, each with its place.
    """
    try:
        study = Study.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{where}: {'; '.join(_in_words(error))}") from None
    if problems := list(_problems(study)):
        raise InputError(f"{where}: {'; '.join(problems)}")
    return study


def _in_words(error: ValidationError) -> Iterable[str]:
    for problem in error.errors():
        place = ".".join(str(part) for part in problem["loc"])
        match problem["type"]:
            case "extra_forbidden":
                yield f"{place}: no such field"
            case "missing":
                yield f"{place}: is missing"
            case _:
                yield f"{place}: {problem['msg'][0].lower()}{problem['msg'][1:]}"


def _problems(study: Study) -> Iterable[str]:
    """What is wrong beyond types."""
    for name, entry in study.strategies.items():
        if not WORD.fullmatch(name):
            yield f"strategies.{name}: a name is letters and digits with - or _ between"
        yield from _entry_problems(study, name, entry)
    for name, role in study.roles.items():
        for unknown in [s for s in role.strategies if s not in study.strategies]:
            yield f"roles.{name}.strategies: no strategy {unknown!r}; strategies: {', '.join(study.strategies)}"
    if study.log not in LEVELS:
        yield f"log: {study.log!r} is none of {', '.join(LEVELS)}"
    if study.truth not in study.strategies:
        yield f'truth: no strategy {study.truth!r}; say which one is truthful, or add truth = "truthful"'
    if len(set(study.mechanisms)) < len(study.mechanisms):
        yield "mechanisms: one is given twice"
    if study.width is not None and study.most < study.episodes:
        yield f"most: {study.most} is below episodes, {study.episodes}"


def _entry_problems(study: Study, name: str, entry: StrategyEntry) -> Iterable[str]:
    place = f"strategies.{name}"
    if (entry.use is None) == (entry.mix is None):
        yield f"{place}: give either use or mix"
        return
    if entry.mix is not None:
        for unknown in [part for part in entry.mix if part not in study.strategies]:
            yield f"{place}.mix: no strategy {unknown!r}; strategies: {', '.join(study.strategies)}"
            return
        if any(value is not None for value in (entry.shade, entry.delay, entry.noise)):
            yield f"{place}: wrappers go on the strategies that are mixed"
            return
    try:
        study._build(name, {}, ())
    except DynmechError as error:
        yield f"{place}: {error}"
    except KeyError:
        return  # a part that is not there; said where it is wrong


def _typed(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
