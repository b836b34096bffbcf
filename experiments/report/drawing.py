"""Where things stand in the page's drawings: plain numbers for the templates, in each drawing's own units.

Every drawing is told apart without colour: by marks, dashes and a number or name beside each point or line.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, isfinite, log10
from typing import Any

WIDTH, HEIGHT = 360.0, 230.0
"""Of a chart or scatter."""

LEFT, RIGHT, TOP, BOTTOM = 52.0, 348.0, 22.0, 188.0
"""Edges of the area in which it draws."""

NEAR = 6.0
"""Points closer than this share one label."""

LETTER = 6.2
"""Width of a letter, about."""

LINE = 12.0
"""Least distance of two lines of text."""

NAMED = 13
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
    """Return one label for points that coincide (`1, 3, 4`), placed where it covers nothing if possible."""
    taken: list[Box] = [(p["px"] - 5, p["py"] - 5, p["px"] + 5, p["py"] + 5) for p in placed]
    out = []
    for group in _groups([point for point in placed if point["label"]]):
        text = ", ".join(point["label"] for point in group)
        x, y = group[0]["px"], group[0]["py"]
        places = list(_places(x, y, LETTER * len(text)))
        free = next((one for one in places if not any(_overlap(one["box"], box) for box in taken)), places[0])
        taken.append(free["box"])
        out.append({"x": free["x"], "y": free["y"], "text": text, "leader": free["leader"]})
    return out


def _groups(points: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Return groups of points that coincide."""
    left = list(points)
    while left:
        x, y = left[0]["px"], left[0]["py"]
        here = [point for point in left if abs(point["px"] - x) < NEAR and abs(point["py"] - y) < NEAR]
        left = [point for point in left if point not in here]
        yield here


def _places(x: float, y: float, wide: float) -> Iterator[dict[str, Any]]:
    """Yield places for a label around a point, nearest first, inside the drawing; distant ones get a leader line."""
    for rise in (0, -13, 13, -26, 26, -39, 39, -52, 52, -65, 65):
        for left in (x + 8, x - 8 - wide, x - wide / 2):
            box = (left, y + rise - 6, left + wide, y + rise + 6)
            inside = box[0] >= LEFT - 8 and box[2] <= RIGHT + 8 and box[1] >= TOP - 4 and box[3] <= BOTTOM + 4
            if inside and (rise or left != x - wide / 2):
                middle = round(left if left > x else left + wide if left + wide < x else x, 2)
                leader = f"M{x:g} {y:g}L{middle:g} {y + rise:g}" if abs(rise) > 13 else ""
                yield {"x": round(left, 2), "y": round(y + rise + 4, 2), "box": box, "leader": leader}


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


# Lines


def chart(series: Sequence[dict[str, Any]], across: str, upward: str, within: tuple[float, ...] = ()) -> dict[str, Any]:
    """Return a line chart of lines with `name`, `xs`, `ys` and perhaps `halves` (a band around them).

    Args:
        within: values that the upward axis holds in any case.
    """
    spans = [(y - h, y + h) for one in series for y, h in zip(one["ys"], _halves(one), strict=True)]
    area_right = RIGHT - 96  # names stand to the right
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
