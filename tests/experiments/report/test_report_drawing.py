"""What the page draws: everything inside, nothing over anything else, round numbers on the axes."""

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, strategies as st

from dynmech.experiments.report.drawing import (
    BOTTOM,
    LEFT,
    NAMED,
    RIGHT,
    TOP,
    Scale,
    chart,
    round_values,
    scatter,
    strips,
)

numbers = st.floats(-1e6, 1e6).map(lambda x: round(x, 6))


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=25))
def test_points_of_a_scatter_lie_inside_and_every_point_has_its_label(pairs: list[tuple[float, float]]) -> None:
    points = [{"x": x, "y": y, "label": str(k), "kind": "holds", "name": ""} for k, (x, y) in enumerate(pairs)]
    drawn = scatter(points, "x", "y")
    for point in drawn["points"]:
        assert LEFT <= point["px"] <= RIGHT
        assert TOP <= point["py"] <= BOTTOM
    told = [name for label in drawn["labels"] for name in label["lines"]]
    counted = [int(name.split()[1]) for name in told if name.startswith("and ")]
    assert len(told) - len(counted) + sum(counted) == len(pairs)
    assert {name for name in told if name.isdecimal()} <= {str(k) for k in range(len(pairs))}


def box(label: dict[str, Any]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a label, a little less than what it takes."""
    x, y, lines = label["x"], label["y"], label["lines"]
    return x, y - 10, x + 6 * max(map(len, lines)), y + 12 * (len(lines) - 1)


def covering(labels: list[dict[str, Any]]) -> list[Any]:
    """Pairs of labels one of which covers the other."""
    pairs = combinations(map(box, labels), 2)
    return [(a, b) for a, b in pairs if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]]


def test_labels_of_a_crowd_do_not_cover_each_other() -> None:
    points = [{"x": k % 4, "y": k // 4 / 10, "label": f"{k}", "kind": "holds", "name": ""} for k in range(16)]
    points += [{"x": 0.05 * k, "y": 5.0, "label": f"{k}", "kind": "holds", "name": ""} for k in range(16, 24)]
    labels = scatter(points, "x", "y")["labels"]
    assert covering(labels) == []


@given(st.lists(st.tuples(numbers, st.floats(0, 1e3)), min_size=1, max_size=8), st.none() | numbers)
def test_strips_share_a_scale_and_hold_value_interval_and_marks(
    rows: list[tuple[float, float]], best: float | None
) -> None:
    drawn = strips([value for value, _ in rows], [half for _, half in rows], (0.0, best))
    for one in drawn:
        assert one is not None
        assert 0 <= one["low"] <= one["at"] <= one["high"] <= 100
        assert one["marks"] == drawn[0]["marks"]  # type: ignore[index]
    order = sorted(range(len(rows)), key=lambda k: rows[k][0])
    places = [drawn[k]["at"] for k in order]  # type: ignore[index]
    assert places == sorted(places)


@given(numbers, st.floats(1e-6, 1e6), st.integers(2, 6))
def test_ticks_are_few_round_and_inside(low: float, wide: float, most: int) -> None:
    found = round_values(low, low + wide, most)
    assert len(found) <= most + 1
    for value, text in found:
        assert low - 1e-6 * wide <= value <= low + wide * (1 + 1e-6)
        assert "e" not in text
        assert not text.startswith("-0") or float(text) < 0
    assert len({text for _, text in found}) == len(found)


@given(st.lists(st.lists(st.floats(0, 1), min_size=2, max_size=5), min_size=1, max_size=20))
def test_names_beside_lines_do_not_cover_each_other(shares: list[list[float]]) -> None:
    series = [{"name": "s", "label": "s", "xs": list(range(len(ys))), "ys": ys} for ys in shares]
    drawn = chart(series, "step", "share", (0.0, 1.0))
    heights = sorted(line["label"]["y"] for line in drawn["lines"] if line["label"])
    assert len(heights) == min(NAMED, len(shares))
    assert heights[0] > 0
    assert all(b - a >= 11.9 for a, b in pairwise(heights))
    assert heights[-1] <= BOTTOM + 5
    assert all(line["end"][0] <= drawn["right"] for line in drawn["lines"])


def test_a_scale_of_one_value_has_room() -> None:
    scale = Scale.over([3.0, 3.0], 0, 100)
    assert scale.at(3.0) == 50
    assert scale.low < 3 < scale.high


@pytest.mark.parametrize("k", range(4))
def test_names_of_mechanisms_do_not_cover_each_other(k: int) -> None:
    """Long names, some at one place: told once, a name a line."""
    names = [f"a-mechanism-of-number-{n}" for n in range(12)]
    corners = [(0, 0), (1, 0), (0, 1), (1, 1)]
    points = [
        {"x": (n * 5 + k) % 7, "y": n % 5, "label": name, "kind": "holds", "name": name} for n, name in enumerate(names)
    ]
    points += [{"x": corners[k][0] * 6, "y": corners[k][1] * 4, "label": "b", "kind": "holds", "name": ""}] * 2
    labels = scatter(points, "x", "y")["labels"]
    assert all(left >= LEFT - 10 and right <= RIGHT + 10 for left, _, right, _ in map(box, labels))
    assert covering(labels) == []
