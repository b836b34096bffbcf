"""Study files: TOML that says what `run` is told on the command line."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sim.errors import InputError


class Study(BaseModel):
    """A study file; see `load_study`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    environment: str
    mechanism: str
    strategies: dict[str, str] = {}
    episodes: int = Field(default=10_000, ge=2)
    seed: int = Field(default=0, ge=0)
    out: str | None = None
    plugins: list[str] = []
    deadline: float = 0.0
    latency: dict[str, str] = {}
    disclosure: str = "everything"
    tail: float = 1e-4


def load_study(path: Path) -> Study:
    """A TOML file that says what `run` is told on the command line.

        environment = "oil-leases-prior"
        mechanism = "cremer-mclean"
        episodes = 20000
        [strategies]
        "firm 1" = "belief-manipulation"

    Also `seed`, `out`, `plugins`, `deadline`, `[latency]` by agent, `disclosure`, `tail`.

    Raises:
        InputError: the file cannot be read, is not TOML, or a field is wrong; all wrong fields are named.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path}: not TOML: {error}") from None
    try:
        return Study.model_validate(data)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, p['loc']))}: {p['msg'][0].lower()}{p['msg'][1:]}" for p in error.errors()]
        raise InputError(f"{path}: {'; '.join(problems)}") from None
