"""Public functions hold their arguments to what they are declared to take: one line instead of a TypeError from inside.

Looked at are kinds of values (a number, a text, a path, a sequence …). What may be an object of a class of ours
(an economy, a mechanism, a study) is taken as it is: the function says itself what it accepts there.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, wraps
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ParamSpec, TypeVar, Union, get_args, get_origin

from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError

Given = ParamSpec("Given")
Returned = TypeVar("Returned")

WORDS: dict[object, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
    PathLike: "a path",
    NoneType: "None",
    Sequence: "a sequence",
    list: "a list",
    tuple: "a tuple",
    Iterable: "a sequence",
    Mapping: "a mapping",
    dict: "a dict",
    Callable: "a function",
    type: "a class",
}
"""What is said of a kind of value."""


def checked_arguments(function: Callable[Given, Returned]) -> Callable[Given, Returned]:
    """Return the function; called with a value of another kind than it declares, it raises an InputError that says so.

    >>> @checked_arguments
    ... def double(number: float, times: int = 1) -> float:
    ...     return 2 * number * times
    >>> double(1.5)
    3.0
    >>> double("two")
    Traceback (most recent call last):
    dynmech.sim.core.errors.InputError: double: number: 'two' is a str, expected a number
    """
    signature = inspect.signature(function)

    @wraps(function)
    def checked(*args: Given.args, **kwargs: Given.kwargs) -> Returned:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InputError(f"{function.__name__}: {error}") from None
        for name, key, value in _values(bound):
            hint = _hint(function, name)
            if value is not signature.parameters[name].default and not _accepts(value, hint):
                what = f"{shown(value, 60)} is {_an(type(value).__name__)}"
                raise InputError(f"{function.__name__}: {key}: {what}, expected {_words(hint)}")
        return function(*args, **kwargs)

    return checked


def _values(bound: inspect.BoundArguments) -> Iterator[tuple[str, str, object]]:
    """Yield parameters, what their values are called, and the values; one by one where there may be any number."""
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            yield from ((name, key, one) for key, one in value.items())
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            yield from ((name, name, one) for one in value)
        else:
            yield name, name, value


@cache
def _hint(function: Callable[..., Any], name: str) -> Any:
    """Return what a parameter is declared as; Any where that is not known at run time."""
    hint = function.__annotations__.get(name, Any)
    if not isinstance(hint, str):
        return hint
    try:
        return eval(hint, function.__globals__)
    except Exception:
        return Any


def _accepts(value: object, hint: Any, *, beside: bool = False) -> bool:
    """Return whether a value is of the kind that is declared.

    Args:
        beside: whether it is one of several kinds; a class that stands alone is not asked for here.
    """
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        open_to_more = str in parts and not all(map(_plain, parts))
        return open_to_more or any(_accepts(value, part, beside=True) for part in parts)
    if origin is Annotated:
        return _accepts(value, parts[0])
    if hint is None or hint is NoneType:
        return value is None
    kind = origin or hint
    if not _plain(hint) and not (beside and _is_class(kind)):
        return True
    truth = isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")  # NumPy's too, which is not imported
    if kind is bool:
        return truth
    if kind in (int, float):
        return isinstance(value, Integral if kind is int else Real) and not truth
    if kind is Path:
        return isinstance(value, str | PathLike)
    if issubclass(kind, Sequence | Iterable) and not issubclass(kind, str | Mapping):
        return _is_sequence(value, kind)
    return isinstance(value, kind)


def _is_class(kind: object) -> bool:
    """Return whether objects can be held to a class: `object` says nothing, and a protocol is no class."""
    return isinstance(kind, type) and kind is not object and not getattr(kind, "_is_protocol", False)


def _plain(hint: Any) -> bool:
    """Return whether values of a kind are told apart here."""
    return hint is None or (get_origin(hint) or hint) in WORDS


def _is_sequence(value: object, kind: type) -> bool:
    """Return whether a value is a sequence, whatever it holds; a text is no sequence of texts."""
    if isinstance(value, str | bytes | Mapping):
        return False
    return hasattr(value, "__array__") or isinstance(value, Iterable if kind is Sequence else kind)


def _words(hint: Any) -> str:
    """Return what is declared, in words."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        said = dict.fromkeys(_words(part) for part in parts)
        return " or ".join(said)
    if origin is Annotated:
        return _words(parts[0])
    if hint is None:
        return WORDS[NoneType]
    kind = origin or hint
    return WORDS[kind] if kind in WORDS else _an(kind.__name__)


def _an(name: str) -> str:
    """Return a name with its article."""
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
