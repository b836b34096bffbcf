"""What others have made is read: whatever is not as dynmech writes it ends in one line, never in a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import DynmechError, InputError
from dynmech.sim.play.output_validation import one_line


@contextmanager
def reading(folder: object) -> Iterator[None]:
    """Inside the block a folder is read that may be anybody's; seals and checksums can be forged, so anything may fail.

    Raises:
        InputError: what is there is not what dynmech writes; the cause says where that was noticed.
    """
    try:
        yield
    except (DynmechError, ImportError, MemoryError):
        raise
    except Exception as error:
        name = folder if isinstance(folder, str | Path) else "run"
        raise InputError(
            f"{name}: holds something that dynmech does not write ({shown(one_line(error), 160)[1:-1]}); "
            "repeat the command that began the run, with another --out"
        ) from error
