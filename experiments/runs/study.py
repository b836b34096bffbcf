"""Study files: the arguments of `run` in TOML."""

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dynmech.sim.core.checks import field_path, on_one_line, shown, unprintable
from dynmech.sim.core.errors import InputError

MOST_EPISODES = 1_000_000_000
"""Episodes that a study may ask for."""

LONGEST = 4_000
"""Characters that a text may have."""

LARGEST_SEED = 2**63 - 1
"""The largest whole number that TOML promises to keep."""


def _text(text: str) -> str:
    if unprintable(text):
        raise ValueError("has a character that cannot be printed")
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST:,} characters")
    return text


Text = Annotated[str, AfterValidator(_text)]


class Study(BaseModel):
    """A study file; see `load_study`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    environment: Text
    mechanism: Text
    strategies: dict[Text, Text] = {}
    episodes: int = Field(default=10_000, ge=2, le=MOST_EPISODES)
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    out: Text | None = None
    plugins: list[Text] = []
    deadline: float = 0.0
    latency: dict[Text, Text] = {}
    disclosure: Text = "everything"
    tail: float = 1e-4
    payments: Text = "enforced"
    default: Text | None = None
    grace: int | None = None
    deposit: float | Text | None = None


def load_study(path: Path) -> Study:
    r"""Read a study file: the arguments of `run` in TOML.

    The fields are `environment`, `mechanism`, `[strategies]` by agent, `episodes`, `seed`, `out`, `plugins`,
    `deadline` (in periods), `[latency]` by agent, `disclosure`, `tail`, `payments` (`enforced` or `voluntary`),
    `default`, `grace` and `deposit`; the first two must be there.

    Parameters
    ----------
    path : Path
        A file.

    Returns
    -------
    Study
        The fields, with their defaults.

    Raises
    ------
    InputError
        The file cannot be read, is not TOML, or a field is wrong; all wrong fields are named.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> lines = ['environment = "oil-leases"', 'mechanism = "linked"', "episodes = 500"]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "study.toml"
    ...     _ = path.write_text("\n".join(lines))
    ...     study = load_study(path)
    >>> study.mechanism, study.strategies, study.episodes
    ('linked', {}, 500)
    """
    data = read_toml(path)
    try:
        return Study.model_validate(data)
    except ValidationError as error:
        words = "; ".join(in_words(problem, Study.model_fields) for problem in error.errors())
        raise InputError(f"{on_one_line(str(path))}: {words}") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises
    ------
    InputError
        It cannot be read, or is not TOML.
    """
    where = on_one_line(str(path))
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{where}: cannot be read: it is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not TOML: {on_one_line(str(error))}") from None
    except RecursionError:
        raise InputError(f"{where}: not a study: its tables or lists are nested too deeply") from None
    except ValueError:  # beyond what Python reads
        raise InputError(f"{where}: not a study: a number has too many digits") from None


WRONG = {
    "missing": 'missing; write {field} = "…"',
    "string_type": "{} is not a text; write it in quotes",
    "int_type": "{} is not a whole number",
    "float_type": "{} is not a number",
    "list_type": "{} is not a list; write it in brackets",
    "dict_type": "{} is not a table; give it a line for each agent",
    "greater_than": "{} is not above {gt:g}",
    "finite_number": "{} is not finite",
    "bool_type": "{} is neither true nor false",
    "too_short": "is empty; one is needed at least",
    "model_type": "{} is not what is expected there; give a text or a table",
    "greater_than_equal": "{} is below {ge}",
    "less_than_equal": "{} is above {le:,}",
    "value_error": "{} {error}",
}
"""Words for what is wrong with a field, by pydantic's name of the error."""


def in_words(problem: Any, fields: Iterable[str]) -> str:
    """Say which field is wrong, why, and what would be right; `fields` are the known ones beside it."""
    place = [part for part in problem["loc"] if part != "[key]"]
    if problem["type"] == "extra_forbidden":
        known = list(fields)
        close = get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
        return f"{field_path(place)}: unknown key; {hint}"
    words = WRONG.get(problem["type"], "{} is not what is expected there")
    field = field_path(place)
    return f"{field}: {words.format(shown(problem['input']), field=field, **problem.get('ctx', {}))}"
