"""A comparison of estimates, and worst laws in balls, in a line per mechanism."""

from collections.abc import Mapping, Sequence
from typing import Any

from dynmech.sim.core.ties import figure

Figures = Mapping[str, Sequence[Mapping[str, Any]]]


def told_lines(figures: Figures, refusals: Mapping[str, str], tolerance: float) -> list[str]:
    """Return a line per mechanism on estimates, on the target, and on balls."""
    drawn = dict.fromkeys(row["mechanism"] for row in figures["rows"])
    balls = dict.fromkeys(row["mechanism"] for row in figures["ball"])
    lines = [f"{name}: {_of_draws(name, figures, refusals)}" for name in drawn]
    lines += [f"{entry['mechanism']}: {_of_target(entry)}" for entry in figures["needed"]]
    return lines + [f"{name}: {_of_balls(name, figures, refusals, tolerance)}" for name in balls]


def _of_draws(name: str, figures: Figures, refusals: Mapping[str, str]) -> str:
    """Return what a liar gains at the fewest and at the most draws."""
    own = [row for row in figures["rows"] if row["mechanism"] == name and row["gain_median"] is not None]
    if not own:
        return f"could not be built on any estimate: {refusals.get(name, '')}"
    if all(row["truthful"] == 1 for row in own):
        return "no lie gains anything, whatever was estimated"
    ends = [own[0], own[-1]] if len(own) > 1 else own
    gains = ", ".join(f"{figure(row['gain_median'])} at {row['draws']:,} draws" for row in ends)
    shares = ", ".join(f"{row['truthful']:.0%} at {row['draws']:,}" for row in ends)
    fall = next(entry for entry in figures["slopes"] if entry["mechanism"] == name)
    known = fall["slope"] is not None
    slope = f"; slope {fall['slope']:.2f} ({fall['low']:.2f} to {fall['high']:.2f})" if known else ""
    return f"a lie gains {gains} (median){slope}; exactly truthful in {shares}"


def _of_target(entry: Mapping[str, Any]) -> str:
    """Return from how many draws on the gain that was aimed at is kept."""
    kept = f"95 % of estimates keep the gain at {figure(entry['target'])} or less"
    if entry["draws"] is None:
        return f"with no number of draws that was tried do {kept}"
    return f"from {entry['draws']:,} draws per law on, {kept}"


def _of_balls(name: str, figures: Figures, refusals: Mapping[str, str], tolerance: float) -> str:
    """Return what a lie gains under the worst law, at the largest radius asked for, and the robustness radius."""
    own = [row for row in figures["ball"] if row["mechanism"] == name and row["upper"] is not None]
    if not own:
        return f"no bounds: {refusals.get(name, '')}"
    last = max(own, key=lambda row: row["radius"])
    near = f"of those within {figure(last['radius'])}"
    if last["upper"] <= tolerance:
        text = f"no lie gains anything under any law, {near}"
    else:
        text = f"the best lie gains {_between(last['lower'], last['upper'])} under the worst law, {near}"
    radius = next((row for row in figures["robustness_radius"] if row["mechanism"] == name), None)
    if radius is None or radius["lower"] is None:
        return text
    proved, refuted = radius["lower"], radius["upper"]
    if refuted == 0:
        return f"{text}; a lie gains under the nominal law already"
    rest = "no law was found that breaks it" if refuted is None else f"some law within {figure(refuted)} breaks it"
    held = f"truth is best under every law within {figure(proved)}" if proved else "truth is best under the nominal law"
    return f"{text}; {held}, and {rest}"


def _between(low: float, high: float) -> str:
    """Return both bounds, or the one number that they are."""
    return figure(high) if figure(low) == figure(high) else f"{figure(low)} to {figure(high)}"
