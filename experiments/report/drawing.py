"""Where things stand in the page's drawings: plain numbers for the templates, in each drawing's own units.

Every drawing is told apart without colour: by marks, dashes and a number or name beside each point or line.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, isfinite, log10
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 680.0, 300.0
"""Of a chart or scatter."""

LEFT, RIGHT, TOP, BOTTOM = 52.0, 668.0, 22.0, 258.0
"""Edges of the area in which it draws."""

NEAR = 6.0
"""Points closer than this share one label."""

LETTER = 6.2
"""Width of a letter, about."""

LINE = 12.0
"""Least distance of two lines of text."""

STACKED = 4
"""Names of a label at most, one more if that is all; further ones are counted."""

LETTERS = 30
"""Of a name in a label, at most."""

RISES = (0, -13, 13, -26, 26, -39, 39, -52, 52, -65, 65, -91, 91, -117, 117, -156, 156)
"""How far above or below its point a label may stand."""

NAMED = 19
"""Lines that have their name beside them: those that end highest; there is no room for more."""

DASHES = ("none", "7 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2")
"""One per line, so that lines are told apart without colour."""


@dataclass(frozen=True)
class Scale:
    """A straight way from values to places."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, margin: float = 0.08) -> "Scale":
        """Return a scale that holds all values, with some room at both ends."""
        low, high = min(values, default=0.0), max(values, default=0.0)
        room = margin * (high - low) if high - low > 1e-9 * max(1.0, abs(low), abs(high)) else max(0.5 * abs(high), 0.5)
        return cls(low - room, high + room, start, end)

    def at(self, value: float) -> float:
        """Return where a value stands on the scale, rounded to a hundredth."""
        return round(self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low), 2)

    def ticks(self, most: int = 4) -> list[dict[str, Any]]:
        """Return round values within the scale, each with its place and text."""
        return [{"at": self.at(value), "text": text} for value, text in round_values(self.low, self.high, most)]


def round_values(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Return at most so many round numbers between two, with their text.

    >>> [text for _, text in round_values(-0.3, 1.2, 4)]
    ['0.0', '0.5', '1.0']
    """
    rough = (high - low) / most
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * k for k in (1, 2, 5, 10, 20) if unit * k >= rough)
    digits = max(0, -floor(log10(step) + 1e-9))
    first = -floor(-low / step + 1e-9)
    out = []
    while (value := first * step) <= high:
        out.append((value, f"{round(value, digits) + 0.0:.{digits}f}"))
        first += 1
    return out


def known(values: Sequence[float | None]) -> list[float]:
    """Return the values that are numbers."""
    return [float(value) for value in values if value is not None and isfinite(value)]


# Strips: a value with its interval on a line as wide as its column, shared by the rows of a table


def strips(
    values: Sequence[float | None], halves: Sequence[float | None] | None = None, also: Sequence[float | None] = (0.0,)
) -> list[dict[str, Any] | None]:
    """Return per row the positions, 0 to 100, of value, interval ends and the marks of `also` (0, the first best)."""
    spread = [half or 0.0 for half in halves] if halves else [0.0] * len(values)
    ends = [x for v, h in zip(values, spread, strict=True) if v is not None for x in (v - h, v + h)]
    scale = Scale.over(known([*ends, *also]), 2, 98, 0.04)
    marks = [None if mark is None else scale.at(mark) for mark in also]
    return [
        None
        if value is None
        else {"at": scale.at(value), "low": scale.at(value - half), "high": scale.at(value + half), "marks": marks}
        for value, half in zip(values, spread, strict=True)
    ]


def strip_svg(one: Mapping[str, Any] | None, bar: bool = False) -> Markup:
    """Return a strip as a drawing; `bar`: with a bar from 0 to the value."""
    if one is None:
        return Markup()
    zero, *more = one["marks"]
    parts = [('<line class="base" x1="0" x2="100" y1="6" y2="6"/>', ()), (UPRIGHT, ("zero", zero, zero))]
    parts += [(UPRIGHT, ("best", mark, mark)) for mark in more if mark is not None]
    if bar:
        wide = round(abs(one["at"] - zero), 2)
        parts.append(('<rect x="{}" width="{}" y="3" height="6"/>', (min(one["at"], zero), wide)))
    if one["high"] > one["low"]:
        parts.append(('<line class="span" x1="{}" x2="{}" y1="6" y2="6"/>', (one["low"], one["high"])))
    parts.append(('<circle cx="{}" cy="6" r="2.6"/>', (one["at"],)))
    drawn = Markup("").join(Markup(text).format(*places) for text, places in parts)
    return Markup(
        '<svg class="strip" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">{}</svg>'
    ).format(drawn)


UPRIGHT = '<line class="{}" x1="{}" x2="{}" y1="0" y2="12"/>'
"""A mark across a strip."""

# Scatters


def scatter(points: Sequence[dict[str, Any]], across: str, upward: str) -> dict[str, Any]:
    """Return a scatter plot of points with `x`, `y`, `label`, `kind`, `name`; points without a number are left out."""
    there = [point for point in points if len(known([point["x"], point["y"]])) == 2]
    horizontal = Scale.over([point["x"] for point in there], LEFT, RIGHT, 0.1)
    vertical = Scale.over([point["y"] for point in there], BOTTOM, TOP, 0.1)
    placed = [{**point, "px": horizontal.at(point["x"]), "py": vertical.at(point["y"])} for point in there]
    return {
        "points": placed,
        "labels": _labels(placed),
        "across": across,
        "upward": upward,
        "xticks": horizontal.ticks(),
        "yticks": vertical.ticks(),
    }


Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


def _labels(placed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one label for points that coincide, a name a line, placed where it covers nothing if possible."""
    taken: list[Box] = [(p["px"] - 5, p["py"] - 5, p["px"] + 5, p["py"] + 5) for p in placed]
    out = []
    for group in _groups([point for point in placed if point["label"]]):
        told = _told([point["label"] for point in group])
        x, y = group[0]["px"], group[0]["py"]
        places = list(_places(x, y, LETTER * max(map(len, told)), len(told)))
        free = next((one for one in places if not any(_overlap(one["box"], box) for box in taken)), places[0])
        taken.append(free["box"])
        out.append({"x": free["x"], "y": free["y"], "lines": told, "leader": free["leader"]})
    return out


def _told(names: Sequence[str]) -> list[str]:
    """Return the lines of a label: one name each, the last ones counted where there are many.

    >>> _told(["a", "b", "c", "d", "e", "f"])
    ['a', 'b', 'c', 'd', 'and 2 more']
    """
    shown = [name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…" for name in names]
    return shown if len(shown) <= STACKED + 1 else [*shown[:STACKED], f"and {len(shown) - STACKED} more"]


def _groups(points: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Return groups of points that coincide."""
    left = list(points)
    while left:
        x, y = left[0]["px"], left[0]["py"]
        here = [point for point in left if abs(point["px"] - x) < NEAR and abs(point["py"] - y) < NEAR]
        left = [point for point in left if point not in here]
        yield here


def _places(x: float, y: float, wide: float, count: int = 1) -> Iterator[dict[str, Any]]:
    """Yield places for a label around a point, nearest first, inside the drawing; distant ones get a leader line.

    `wide`: of its longest line; `count`: of its lines.
    """
    for rise in RISES:
        for left in (x + 8, x - 8 - wide, x - wide / 2):
            down = LINE * (count - 1) if rise >= 0 else 0.0
            up = LINE * (count - 1) - down
            box = (left, y + rise - up - 6, left + wide, y + rise + down + 6)
            inside = box[0] >= LEFT - 8 and box[2] <= RIGHT + 8 and box[1] >= TOP - 4 and box[3] <= BOTTOM + 4
            if inside and (rise or left != x - wide / 2):
                middle = round(left if left > x else left + wide if left + wide < x else x, 2)
                leader = f"M{x:g} {y:g}L{middle:g} {y + rise:g}" if abs(rise) > 13 else ""
                yield {"x": round(left, 2), "y": round(y + rise - up + 4, 2), "box": box, "leader": leader}


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


# Lines


def chart(series: Sequence[dict[str, Any]], across: str, upward: str, within: tuple[float, ...] = ()) -> dict[str, Any]:
    """Return a line chart of lines with `name`, `xs`, `ys` and perhaps `halves` (a band around them).

    Args:
        within: values that the upward axis holds in any case.
    """
    spans = [(y - h, y + h) for one in series for y, h in zip(one["ys"], _halves(one), strict=True)]
    area_right = RIGHT - 150  # names stand to the right
    horizontal = Scale.over([x for one in series for x in one["xs"]], LEFT, area_right, 0.0)
    vertical = Scale.over(known([*(end for span in spans for end in span), *within]), BOTTOM, TOP, 0.05)
    lines = [_line(one, k, horizontal, vertical) for k, one in enumerate(series)]
    told = sorted(range(len(series)), key=lambda k: -series[k]["ys"][-1])[:NAMED]
    _part([lines[k]["label"] for k in told])
    return {
        "lines": [{**line, "label": line["label"] if k in told else None} for k, line in enumerate(lines)],
        "across": across,
        "upward": upward,
        "right": area_right,
        "xticks": horizontal.ticks(5),
        "yticks": vertical.ticks(),
    }


def _halves(one: dict[str, Any]) -> list[float]:
    return one.get("halves") or [0.0] * len(one["ys"])


def _line(one: dict[str, Any], k: int, horizontal: Scale, vertical: Scale) -> dict[str, Any]:
    xs = [horizontal.at(x) for x in one["xs"]]
    ys = [vertical.at(y) for y in one["ys"]]
    upper = [vertical.at(y + h) for y, h in zip(one["ys"], _halves(one), strict=True)]
    lower = [vertical.at(y - h) for y, h in zip(one["ys"], _halves(one), strict=True)]
    band = [*zip(xs, upper, strict=True), *reversed(list(zip(xs, lower, strict=True)))]
    return {
        "name": one["name"],
        "colour": (k + k // len(DASHES)) % len(DASHES),
        "dash": DASHES[k % len(DASHES)],
        "path": _path(list(zip(xs, ys, strict=True))),
        "band": _path(band) + "Z" if one.get("halves") else "",
        "end": (xs[-1], ys[-1]),
        "label": {"y": ys[-1] + 4, "text": one["label"]},
    }


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)


def _part(labels: Sequence[dict[str, Any]]) -> None:
    """Move labels apart, and up again where that leads below the drawing."""
    ordered = sorted(labels, key=lambda label: label["y"])
    for above, below in pairwise(ordered):
        below["y"] = max(below["y"], above["y"] + LINE)
    limit = BOTTOM + 4
    for label in reversed(ordered):
        label["y"] = round(min(label["y"], limit), 2)
        limit = label["y"] - LINE
