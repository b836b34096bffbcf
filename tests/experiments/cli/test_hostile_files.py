"""Files of every format, damaged and hostile: one line, in bounded time and memory, whatever they say."""

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType

import pytest

from dynmech.experiments.workers.sandbox import Limits, confined
from dynmech.sim.core.errors import DynmechError
from tests.builders.hostile_files import FORMATS, Format, bombs, formats, hostile

GROUPS = {name: group for group, names in FORMATS.items() for name in names}

SAMPLE = ("economy", "counts", "study", "tournament")
"""What the quick suite looks at: others take long to be made."""

SECONDS, MEMORY = 60, 1 << 30
"""What one file may take: it is small, and so is what is made of it."""


@cache
def _formats(group: str) -> dict[str, Format]:
    found = formats(group, Path(mkdtemp(prefix="formats-")))
    assert tuple(found) == FORMATS[group]
    return found


def sound(name: str) -> Format:
    """A sound file of a format."""
    return _formats(GROUPS[name])[name]


@contextmanager
def bounded() -> Iterator[None]:
    """Raise where the block takes too long."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"still at work after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def use_many(name: str, count: int, folder: Path) -> int:
    """Use so many hostile files of a format; how many of them were told to be wrong."""
    form, luck, told = sound(name), random.Random(f"{name} {count}"), 0
    for k in range(count):
        path = folder / f"{k}{form.ending}"
        path.write_bytes(hostile(form.sound, luck))
        try:
            with bounded():
                form.use(path)
        except DynmechError as error:
            told += 1
            if "\n" in str(error) or len(str(error)) > 900 or not str(error).isprintable():
                raise AssertionError(f"{path}: {error!r}") from error
        except BaseException as error:
            raise AssertionError(f"{path}: {type(error).__name__}") from error
        path.unlink()
    return told


@pytest.mark.parametrize(
    ("name", "count"),
    [*((name, 4) for name in SAMPLE), *(pytest.param(name, 400, marks=pytest.mark.slow) for name in GROUPS)],
)
def test_what_is_wrong_in_a_file_is_one_line(name: str, count: int, tmp_path: Path) -> None:
    sound(name).use(planted(tmp_path, sound(name)))
    answer = confined(partial(use_many, name, count, tmp_path), Limits(seconds=20.0 * count, memory=MEMORY)).opened()
    assert answer.error is None, answer.error
    assert answer.value > count / 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in GROUPS if name not in (".csv", ".csv.gz", ".csv.xz", ".parquet", "study", "tournament")]
)
def test_a_small_file_that_asks_for_much_is_one_line(name: str, tmp_path: Path) -> None:
    form = sound(name)
    for what, data in bombs(form.sound).items():
        path = tmp_path / f"{what}{form.ending}"
        path.write_bytes(data)
        answer = confined(partial(_used, form, path), Limits(seconds=SECONDS, memory=MEMORY)).opened()
        assert answer.error is None, (what, answer.error)


def _used(form: Format, path: Path) -> None:
    """Use a file; an error of ours is what is wanted, or none."""
    with suppress(DynmechError):
        form.use(path)


def planted(folder: Path, form: Format) -> Path:
    path = folder / f"sound{form.ending}"
    path.write_bytes(form.sound)
    return path
