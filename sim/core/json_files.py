"""JSON files that users write: read whole, and the first thing that is wrong named in one line."""

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.checks import field_path, on_one_line, shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.core.memory_budget import require_room, size_text

_LARGEST = sys.float_info.max

LARGEST = 512 << 20
"""Bytes of a file that is read."""

LIST, OBJECT, NUMBER = 72, 240, 40
"""Bytes in memory of an empty list, of an object, and of an entry of either."""


def read_json(path: Path, kind: str) -> Any:
    """Return what a JSON file holds.

    Args:
        kind: what it should be, for messages ("an environment").

    Raises:
        InputError: it cannot be read, is not JSON, or has a key twice in one object.
    """
    try:
        text = _text(path)
        _require_room(text, path)
        return json.loads(text, object_pairs_hook=_no_repeats)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON (line {error.lineno}, column {error.colno})") from None
    except _RepeatedKey as error:
        raise InputError(f"not {kind}: key {shown(error.key)} stands twice in one object") from None
    except InputError:
        raise
    except ValueError:  # beyond what Python reads
        raise InputError(f"not {kind}: an integer has too many digits") from None
    except RecursionError:
        raise InputError(f"not {kind}: its lists are nested too deeply") from None


def _require_room(text: str, path: Path) -> None:
    """Refuse what would not fit in memory: three characters may be an empty list, which takes seventy bytes."""
    size = LIST * text.count("[") + OBJECT * text.count("{") + NUMBER * text.count(",")
    require_room(f"the contents of {on_one_line(str(path))}", size / 8)


class _RepeatedKey(Exception):
    """An object has a key twice."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _text(path: Path) -> str:
    """Return a file's text, without a byte order mark."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise InputError(f"cannot be read: it has more than {size_text(LARGEST)}")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError("cannot be read: it is not UTF-8 text") from None
    except ValueError:
        raise InputError("cannot be read: no path has such a character") from None


def numbers(nested: Any, where: str) -> FloatArray:
    """Return nested lists as a float array; name the first element that is no number or is a list of another length."""
    leaves = np.array(nested, dtype=object)
    if leaves.size and set(map(type, leaves.reshape(-1))) <= {int, float}:
        with suppress(OverflowError):
            return leaves.astype(np.float64)
    _find_bad(nested, where, _lengths(nested))
    raise InputError(f"{where}: nested too deeply for an array of numbers")


def _lengths(nested: Any) -> list[int]:
    """Return the lengths of nested lists, along the first element of each."""
    lengths = []
    while isinstance(nested, list):
        lengths.append(len(nested))
        nested = nested[0] if nested else None
    return lengths


def _find_bad(nested: Any, where: str, lengths: list[int]) -> None:
    """Raise InputError at the first element that is no number, or list that has not the length expected."""
    if not lengths:
        if isinstance(nested, bool) or not isinstance(nested, int | float):
            value = nested if isinstance(nested, str | int | float | bool) else type(nested).__name__
            raise InputError(f"{where}: {shown(value)} is not a number")
        if isinstance(nested, int) and abs(nested) > _LARGEST:
            raise InputError(f"{where}: an integer of {len(str(nested))} digits is too large")
        return
    if not isinstance(nested, list):
        raise InputError(f"{where}: {shown(nested)} stands where a list of {lengths[0]} is expected")
    if len(nested) != lengths[0] or not nested:
        raise InputError(f"{where}: a list of {len(nested)}, expected {max(lengths[0], 1)}")
    for k, item in enumerate(nested):
        _find_bad(item, f"{where}[{k}]", lengths[1:])


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object as a dict."""
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise _RepeatedKey(key)
        data[key] = value
    return data


def first_problem(error: ValidationError) -> str:
    """Return the first of the problems, in one line."""
    problem = error.errors()[0]
    path = field_path(problem["loc"]) or "a key"
    match problem["type"]:
        case "extra_forbidden":
            return f"{path}: unknown key"
        case "missing":
            return f"{path}: missing"
        case _:
            return f"{path}: {problem['msg'][0].lower()}{problem['msg'][1:]}, got {problem['input']!r:.60}"
