"""How much is played for bounds, by how many processes, and where what was played is kept."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import cloudpickle

from dynmech.agents.bounds.bracket import Candidate
from dynmech.agents.bounds.kept_samples import KeptCandidate
from dynmech.experiments.catalog.fingerprint import code_hashes, file_hash, plugin_hash
from dynmech.experiments.workers.parcels import Parcel
from dynmech.experiments.workers.pool import Call, Workers
from dynmech.sim.core.errors import InputError

Found = TypeVar("Found")

FORMAT = 2
"""Of kept samples: another one makes all of them again."""


@dataclass(frozen=True)
class BoundEffort:
    """How bounds are played.

    Attributes:
        effort: how often the budget of an ordinary audit, of about a minute, may be spent.
        workers: processes, one deviator each at a time.
        folder: where samples are kept; None: nowhere.
        asked: the options that are not as they are by default, as the command line calls them.
    """

    effort: float = 1.0
    workers: int = 1
    folder: Path | None = None
    asked: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.effort > 0:
            raise InputError(f"effort: {self.effort:g} is not above 0")
        Workers(self.workers)  # which checks it
        asked = {"--effort": self.effort != 1, "--workers": self.workers != 1, "--out": self.folder is not None}
        object.__setattr__(self, "asked", tuple(name for name, present in asked.items() if present))


def kept(request: Any, who: str, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates whose batches are kept in the folder, if there is one."""
    folder = request.playing.folder
    if folder is None:
        return list(candidates)
    mark = f"{_mark(request)}\x1f{who}"
    return [KeptCandidate(candidate, folder, mark, place) for place, candidate in enumerate(candidates)]


def prepare_folder(request: Any) -> None:
    """Make the folder, before anything is played.

    Raises:
        InputError: it cannot be made; or economy or mechanism have no name, so that nobody could say what is in it.
    """
    folder = request.playing.folder
    if folder is None:
        return
    if request.typed is None:
        raise InputError("out: samples are kept for economies and mechanisms with a name or a file only; leave it out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"out: {folder}: {error.strerror}") from None


def _mark(request: Any) -> str:
    """Return what says which draws these are."""
    from dynmech import __version__

    names = request.typed or request.names
    files = [Path(name) for name in names if Path(name).is_file()]
    given = (request.penalties, request.features, sorted(request.policies.items()))
    code = [
        *(plugin_hash(file) for file in request.plugin_files),
        *(file_hash(file) for file in [*files, *_sources([*given[0], given[1], *request.policies.values()])]),
        *sorted(code_hashes([request.mechanism]).items()),
    ]
    try:
        written = cloudpickle.dumps(given)
    except Exception as error:  # whatever an object raises that cannot be written
        raise InputError(
            f"out: penalties, features or a policy cannot be written down ({error}), so that nobody could say what was "
            "played; leave it out"
        ) from None
    parts = [FORMAT, __version__, names, request.seed, code, sha256(written).hexdigest()]
    return sha256(repr(parts).encode()).hexdigest()


def _sources(things: Iterable[object]) -> list[Path]:
    """Return the files that functions and classes were written in: of what can be imported a pickle holds the name."""
    files = []
    for thing in things:
        try:
            file = inspect.getsourcefile(thing if inspect.isroutine(thing) or inspect.isclass(thing) else type(thing))
        except TypeError:  # built in, or typed at a prompt
            continue
        files += [Path(file)] if file is not None and Path(file).is_file() else []
    return files


def each_deviator(
    request: Any, function: Callable[..., Found], thing: Any, count: int, advance: Callable[[int], None]
) -> list[Found]:
    """Return `function(thing, k)` for all k < count, on the workers.

    Raises:
        DynmechError: whatever the first of them raises.
    """
    if request.playing.workers == 1:
        out = []
        for k in range(count):
            out.append(function(thing, k))
            advance(1)
        return out
    found: dict[int, Found] = {}
    calls = (Call(k, function, thing, partial(Parcel.of, thing), (k,)) for k in range(count))
    for done in Workers(request.playing.workers).run(calls):
        if done.answer.error is not None:
            raise done.answer.error
        found[done.key] = done.answer.value
        advance(1)
    return [found[k] for k in range(count)]
