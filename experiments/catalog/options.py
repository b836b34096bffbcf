"""`name:key=value,…`: names with options, read from the constructors they belong to."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from typing import Any, TypeVar, get_type_hints

from pydantic import PydanticUserError, TypeAdapter, ValidationError

from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import DynmechError, InputError
from dynmech.sim.core.registry import format_exception

T = TypeVar("T")


def split(text: str, kind: str) -> tuple[str, dict[str, str]]:
    """Name and options as text.

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
    """The options of a class: the parameters of its constructor but `self` and, of a mechanism, the environment."""
    if cls.__init__ is object.__init__:  # type: ignore[misc] # a class without options
        return {}
    found = list(inspect.signature(cls).parameters.items())[1 if issubclass(cls, Mechanism) else 0 :]
    return {name: p for name, p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}


def shown(value: Any) -> str:
    """A default as it is typed on the command line.

    >>> shown(None), shown(True), shown(0.5)
    ('none', 'true', '0.5')
    """
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def construct(cls: type[T], kind: str, name: str, given: dict[str, str], *args: Any) -> T:
    """Build an object from text options.

    Raises:
        InputError: an unknown option, a value of the wrong type, or one that the constructor refuses.
        Refusal: a mechanism does not fit.
    """
    known = options_of(cls)
    with explained(f"{kind} {name!r}"):
        hints = get_type_hints(cls.__init__)
    values: dict[str, Any] = {}
    for key, text in given.items():
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
    """Text as what an option's annotation asks for.

    Raises:
        InputError: it is none, or nothing that can be typed is asked for.
    """
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
    """Whatever a user's class raises becomes one line that opens with `where`; what it prints are no results."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except (DynmechError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever it is, it ends here
        raise InputError(f"{where}: {format_exception(error)}") from error


def _type_of(default: object) -> type:
    """The type of an option that is not annotated, from its default."""
    return type(default) if isinstance(default, bool | int | float) else str
