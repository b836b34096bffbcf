"""Study files: the arguments of `run` in TOML."""

import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.checks import field_path, on_one_line, shown, unprintable
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import size_text
from dynmech.sim.play.disclosure import POLICIES
from dynmech.sim.play.payment_terms import PAYMENTS, RULES

MOST_EPISODES = 1_000_000_000
"""Episodes that a study may ask for."""

LONGEST = 4_000
"""Characters that a text may have."""

LARGEST = 4 << 20
"""Bytes of a study that are read."""

LARGEST_SEED = 2**63 - 1
"""The largest whole number that TOML promises to keep."""


def _text(text: str) -> str:
    if unprintable(text):
        raise ValueError("has a character that cannot be printed")
    if len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST:,} characters")
    return text


Text = Annotated[str, AfterValidator(_text)]


class OneOf:
    """Words that a published schema offers; what refuses others, with its own words, is whoever reads the field."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """Return the schema of the field, with the words."""
        return {**handler(core), "enum": list(self.words)}


# What editors show of fields, here and in the study of a tournament.
ENVIRONMENT = "A scenario's name, with options (repeated-auction:bidders=3), or the path of an environment file."
MECHANISM = "A mechanism's name, with options (balanced:base=pivot), or the path of a mechanism file."
SEED = "Seed of nature's draws and the strategies'."
OUT = "Run folder; else one in runs/, named after what is played."
PLUGINS = "Files of your own, seen from the working directory."
TAIL = "What the end of an endless economy, cut off, may be worth, as a share of its scale."
PAID = "Whether bills are collected (billed: by events of their own), or agents pay them or not."
DEFAULT = "With voluntary payments: what becomes of who does not pay."
GRACE = "With voluntary payments: how many unpaid bills are forgiven."
DEPOSIT = 'With voluntary payments: what is paid in advance and lost by default; "auto" is the least that deters it.'


class Study(BaseModel):
    """A study file; see `load_study`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    environment: Text = Field(description=ENVIRONMENT)
    mechanism: Text = Field(description=MECHANISM)
    strategies: dict[Text, Text] = Field(
        {}, description="A strategy for each agent; those without one play as prescribed."
    )
    episodes: int = Field(10_000, ge=2, le=MOST_EPISODES, description="How many episodes are played.")
    seed: int = Field(0, ge=0, le=LARGEST_SEED, description=SEED)
    out: Text | None = Field(None, description=OUT)
    plugins: list[Text] = Field([], description=PLUGINS)
    deadline: float = Field(0.0, description="How long after the start of a period a message may arrive, in periods.")
    latency: dict[Text, Text] = Field({}, description="How long messages take, by agent or for all: exponential:0.1.")
    disclosure: Annotated[Text, OneOf(*POLICIES)] = Field("everything", description="What becomes public.")
    tail: float = Field(1e-4, description=TAIL)
    payments: Annotated[Text, OneOf(*PAYMENTS)] = Field("enforced", description=PAID)
    default: Annotated[Text, OneOf(*RULES)] | None = Field(None, description=DEFAULT)
    grace: int | None = Field(None, description=GRACE)
    deposit: float | Text | None = Field(None, description=DEPOSIT)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a study of one run; `docs/study.schema.json` holds it."""
    return {**Study.model_json_schema(), "description": "One run: the arguments of dynmech run."}


@checked_arguments
def load_study(path: Path | str) -> Study:
    r"""Read a study file: the arguments of `run` in TOML.

    The fields are `environment`, `mechanism`, `[strategies]` by agent, `episodes`, `seed`, `out`, `plugins`,
    `deadline` (in periods), `[latency]` by agent, `disclosure`, `tail`, `payments` (`enforced`, `billed`, `voluntary`),
    `default`, `grace` and `deposit`; the first two must be there.

    Parameters
    ----------
    path : Path or str
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
    path = Path(path)
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
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise InputError(f"{where}: not a study: it has more than {size_text(LARGEST)}")
        return tomllib.loads(text.decode("utf-8-sig").replace("\r\n", "\n"))
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
