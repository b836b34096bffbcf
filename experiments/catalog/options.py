"""`name:key=value,…`: names with options, read from the constructors they belong to."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from typing import Any, TypeVar, get_type_hints

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import DynmechError, InputError
from dynmech.sim.core.registry import format_exception

T = TypeVar("T")


def split(text: str, kind: str) -> tuple[str, dict[str, str]]:
    """Split `name:key=value,…` into the name and the options, all as text.

    >>> split("one-shot:period=1,map=flip", "strategy")
    ('one-shot', {'period': '1', 'map': 'flip'})
    """
    name, colon, rest = text.partition(":")
    options: dict[str, str] = {}
    if colon and not rest:
        raise InputError(f"{kind} {text!r}: nothing follows the colon; write {name}:key=value,…")
    for part in rest.split(",") if rest else []:
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise InputError(f"{kind} {text!r}: {part!r} is not of the form key=value")
        if key in options:
            raise InputError(f"{kind} {text!r}: option {key!r} is given twice")
        options[key] = value
    return name, options


def options_of(cls: type) -> dict[str, inspect.Parameter]:
    """Return the parameters of a constructor without `self` and, of a mechanism, without the environment."""
    if cls.__init__ is object.__init__:  # type: ignore[misc] # a class without options
        return {}
    parameters = list(inspect.signature(cls).parameters.items())[1 if issubclass(cls, Mechanism) else 0 :]
    return {name: p for name, p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def shown(value: Any) -> str:
    """A default as it is typed on the command line.

    >>> shown(None), shown(True), shown(0.5)
    ('none', 'true', '0.5')
    """
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def construct(cls: type[T], kind: str, name: str, options: dict[str, str], *args: Any) -> T:
    """Build an object from options as text; `args` are what its constructor takes before them.

    Raises:
        InputError: an unknown option, a value of the wrong type, or one that the constructor refuses.
        Refusal: a mechanism does not fit.
    """
    known = options_of(cls)
    with explained(f"{kind} {name!r}"):
        hints = get_type_hints(cls.__init__)
    values: dict[str, Any] = {}
    for key, text in options.items():
        if key not in known:
            close = get_close_matches(key, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"options: {', '.join(known) or 'none'}"
            raise InputError(f"{kind} {name!r}: unknown option {key!r}; {hint}")
        with explained(f"{kind} {name!r}: option {key}={text!r}"):
            values[key] = _value(text, hints.get(key, _type_of(known[key].default)))
    missing = [key for key, p in known.items() if p.default is p.empty and key not in values]
    if missing:
        raise InputError(f"{kind} {name!r}: option {missing[0]!r} is required")
    with explained(f"{kind} {name!r}"):
        return cls(*args, **values)


def _value(text: str, wanted: Any) -> Any:
    """Convert text to the type that an option's annotation names.

    Raises:
        InputError: the text is not of that type, or the type is none that text can give.
    """
    from pydantic import PydanticUserError, TypeAdapter, ValidationError  # a third of what a worker imports

    value = None if text == "none" and type(None) in getattr(wanted, "__args__", ()) else text
    try:
        return TypeAdapter(wanted).validate_python(value)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise InputError(f"{problem[0].lower()}{problem[1:]}") from None
    except PydanticUserError:
        raise InputError(
            f"{wanted!r} cannot be given as text; annotate it as a number, a text or a truth value"
        ) from None


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn whatever a user's class raises into one line that begins with `where`; its output goes to standard error."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except (DynmechError, KeyboardInterrupt):
        raise
    except BaseException as error:  # users' code may raise anything
        raise InputError(f"{where}: {format_exception(error)}") from error


def _type_of(default: object) -> type:
    """Return the type of an option without annotation, judged by its default."""
    return type(default) if isinstance(default, bool | int | float) else str
