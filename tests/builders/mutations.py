"""Files spoilt in every way that comes to mind: in their structure, and as text."""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from hypothesis import strategies as st

JUNK: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 3, 7, 10**9, -(10**9), 10**30, 10**400, 10**4000),
    *(0.0, -0.0, 0.5, 1.0, -0.25, 1e-320, 1e-9, 1e9, 1e150, 1e308, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        "a",
        "none",
        "1",
        "0.5",
        "nan",
        " ",
        "two words",
        "\n",
        "a\nb",
        "\x00",
        "\x1b[31m",
        "\u2028",
        "\x85",
        "é",
        "名",
    ),
    *("\ud800", "﷽", "a" * 300, "../x", "/", ".", "firm 1", "team", "[bold]", "%s", "{x}", "__proto__"),
    *([], {}, [[]], [1], [0.5, 0.5], [1, [2]], ["a"], ["a", "a"], [None], {"a": 1}, [{}], {"joint": [[1]]}, [[[[1]]]]),
]
"""Values that may stand anywhere."""

SCRAPS: list[bytes] = [
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xc3", b"\xed\xa0\x80", b"\x1b[0m", b"\r", b"\n", b"\t", b" ", b"\x85"),
    *(b"1e400", b"-1e400", b"9" * 5000, b"0x" + b"f" * 5000, b"NaN", b"Infinity", b"-", b".", b"e", b"00", b"0b", b"_"),
    *(b"[", b"]", b"{", b"}", b",", b":", b'"', b"'", b'"""', b"\\", b"\\u", b"\\ud800", b"=", b"#", b"//", b"null"),
    *(
        b"[" * 3000,
        b"{" * 3000,
        b'{"a":' * 3000,
        b"a." * 3000,
        b"[[",
        b"]]",
        b"inf",
        b"true",
        b"1979-05-27",
        b"[strategies]",
    ),
    *(b'"name": "x", ', b"seed = 1\n", b"environment = 1\n", b"[x]\n", b"__class__"),
]
"""Bytes that may stand anywhere."""


class Spot(NamedTuple):
    """Where a value stands: in a list or an object, under an index or a key."""

    holder: Any
    key: Any

    @property
    def value(self) -> Any:
        return self.holder[self.key]


def spots(data: Any) -> Iterator[Spot]:
    """Every place of nested lists and objects."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in list(items):
        yield Spot(data, key)
        yield from spots(value)


@st.composite
def spoilt(draw: st.DrawFn, data: Any, most: int = 3, of: "Sequence[Change] | None" = None) -> Any:
    """Data with one to `most` changes in its structure; `of` which kinds."""
    data = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, most))):
        places = list(spots(data))
        if not places:
            return data
        spot = places[draw(st.integers(0, len(places) - 1))]
        draw(st.sampled_from(of or CHANGES))(draw, data, spot)
    return data


def replace(draw: st.DrawFn, _data: Any, spot: Spot) -> None:
    spot.holder[spot.key] = copy.deepcopy(JUNK[draw(st.integers(0, len(JUNK) - 1))])


def remove(_draw: st.DrawFn, _data: Any, spot: Spot) -> None:
    del spot.holder[spot.key]


def repeat(_draw: st.DrawFn, _data: Any, spot: Spot) -> None:
    if isinstance(spot.holder, list):
        spot.holder.insert(spot.key, copy.deepcopy(spot.value))
    else:
        spot.holder[f"{spot.key}_"] = copy.deepcopy(spot.value)


def rename(draw: st.DrawFn, _data: Any, spot: Spot) -> None:
    if isinstance(spot.holder, dict):
        value = spot.holder.pop(spot.key)
        spot.holder[draw(st.sampled_from(["", "x", spot.key.upper(), spot.key[:-1], "a b", "a\nb", "é", "\x00"]))] = (
            value
        )


def exchange(draw: st.DrawFn, data: Any, spot: Spot) -> None:
    places = list(spots(data))
    other = places[draw(st.integers(0, len(places) - 1))]
    one, two = copy.deepcopy(spot.value), copy.deepcopy(other.value)
    spot.holder[spot.key] = two
    if other.key in range(len(other.holder)) if isinstance(other.holder, list) else other.key in other.holder:
        other.holder[other.key] = one


def reshape(draw: st.DrawFn, _data: Any, spot: Spot) -> None:
    value = spot.value
    shapes: list[Callable[[], Any]] = [lambda: [value], lambda: nested(value, 31), lambda: nested(value, 70)]
    if isinstance(value, list) and value:
        shapes += [
            lambda: value[0],
            lambda: value[:-1],
            lambda: value[::-1],
            lambda: value + value,
            lambda: [*value, 1],
        ]
    if isinstance(value, dict) and value:
        shapes += [lambda: list(value.values()), lambda: next(iter(value.values()))]
    spot.holder[spot.key] = copy.deepcopy(draw(st.sampled_from(shapes))())


def nested(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def perturb(draw: st.DrawFn, _data: Any, spot: Spot) -> None:
    value = spot.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    changes: list[Callable[[], Any]] = [lambda: -value, lambda: value + 1e-6, lambda: value + 1, lambda: value * 2]
    with_digits: list[Callable[[], Any]] = [lambda: value * 1e200, lambda: str(value)[:40], lambda: [value, value]]
    try:
        spot.holder[spot.key] = draw(st.sampled_from(changes + with_digits))()
    except (OverflowError, ValueError):
        spot.holder[spot.key] = -1


def letters(draw: st.DrawFn, _data: Any, spot: Spot) -> None:
    if isinstance(spot.value, str):
        spot.holder[spot.key] = draw(st.text(max_size=4)) + spot.value[draw(st.integers(0, 3)) :]


Change = Callable[[st.DrawFn, Any, Spot], None]

CHANGES: list[Change] = [
    replace,
    replace,
    replace,
    remove,
    repeat,
    rename,
    exchange,
    reshape,
    perturb,
    perturb,
    letters,
]

GENTLE: list[Change] = [perturb, letters]
"""Changes of which many leave a file sound."""


@st.composite
def torn(draw: st.DrawFn, text: bytes, most: int = 3) -> bytes:
    """Text with one to `most` changes in its bytes."""
    for _ in range(draw(st.integers(1, most))):
        at, to = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        kind = draw(st.integers(0, 5))
        scrap = SCRAPS[draw(st.integers(0, len(SCRAPS) - 1))]
        if kind == 0:
            text = text[:at]
        elif kind == 1 and at < len(text):
            text = text[:at] + bytes([text[at] ^ (1 << draw(st.integers(0, 7)))]) + text[at + 1 :]
        elif kind == 2:
            text = text[:at] + text[to:]
        elif kind == 3:
            text = text[:to] + text[at:to] + text[to:]
        else:
            text = text[:at] + scrap + text[at if kind == 4 else min(to, at + 8) :]
    return text


def as_json(data: Any) -> bytes:
    """Data as a file."""
    return json.dumps(data).encode()


def as_toml(data: Any) -> bytes:
    """Data as a file of keys and values; nothing stands for None."""
    lines = [f"{_toml(str(key))} = {_toml(value)}\n" for key, value in data.items() if value is not None]
    return "".join(lines).encode(errors="surrogatepass")


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(str(k))} = {_toml(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value if v is not None) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return hex(value) if isinstance(value, int) and value > 10**30 else repr(value)
