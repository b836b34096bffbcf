"""A value of the wrong kind is one line, whichever public function it is given to."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dynmech as dm
from dynmech.experiments.audits.audit_result import Audit
from dynmech.experiments.runs.results import Run
from dynmech.experiments.runs.shown_result import DrawnResult, ShownResult
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import DynmechError, InputError

FACE: Any = dm
"""The face without its types, which the calls below offend."""

ECONOMY = {"environment": "oil-leases-prior"}
GAME = {**ECONOMY, "mechanism": "linked"}
NEEDED: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("audit", "equilibrium", "certify", "simulate", "run"), GAME),
    **dict.fromkeys(("relaxation", "bound", "design", "possibility_map", "check_environment"), ECONOMY),
    "stress": {**ECONOMY, "mechanisms": "linked"},
    "robust": {**ECONOMY, "mechanisms": "linked"},
    "sweep": {**ECONOMY, "vary": {"discount": [0.5]}, "mechanisms": "linked"},
}
"""What stands beside a wrong value, so that it is looked at."""

FUNCTIONS = {name: one for name in dm.__all__ if inspect.isfunction(one := getattr(dm, name))}
PLACES = [(name, parameter) for name, one in FUNCTIONS.items() for parameter in inspect.signature(one).parameters]


class Thing:
    """A value of no kind that anything takes."""


@pytest.mark.parametrize(("name", "parameter"), PLACES, ids=[".".join(place) for place in PLACES])
def test_a_thing_of_no_kind_is_refused_in_one_line(
    name: str, parameter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    function = FUNCTIONS[name]
    parameters = inspect.signature(function).parameters
    needed = [one.name for one in parameters.values() if one.default is one.empty]
    given = dict.fromkeys(needed, Thing()) | NEEDED.get(name, {}) | {parameter: Thing()}
    with pytest.raises(DynmechError) as caught:
        function(**given)
    assert len(str(caught.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == [], "nothing is written"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: FACE.estimate(3, "oil-leases-prior"), "estimate: "),
        (lambda: FACE.read_run(None), "read_run: folder: None is a NoneType, expected a text or a path"),
        (lambda: FACE.check_plugins(4), "check_plugins: paths: 4 is an int, expected "),
        (lambda: FACE.audit(**GAME, tolerance="much"), "audit: tolerance: 'much' is a str, expected a number or None"),
        (lambda: FACE.audit("oil-leases-prior"), "audit: missing a required argument: 'mechanism'"),
        (lambda: FACE.run(**GAME, episodes="x"), "run: episodes: 'x' is a str, expected a whole number"),
        (lambda: FACE.run(**GAME, episodes=True), "run: episodes: True is a bool, expected a whole number"),
        (
            lambda: FACE.stress(**ECONOMY, workers="two"),
            "stress: workers: 'two' is a str, expected a Workers or a whole number or None",
        ),
        (lambda: FACE.run(**GAME, plugins="mine.py"), "run: plugins: 'mine.py' is a str, expected a sequence"),
    ],
)
def test_the_line_says_what_would_be_right(call: Callable[[], object], says: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).startswith(says)


def test_what_is_declared_passes() -> None:
    @checked_arguments
    def taken(number: float, path: Path | str | None = None, names: "list[str] | tuple[int, ...]" = ()) -> object:
        return number, path, names

    call: Any = taken
    for number in (1, 1.5, np.float64(2), np.int64(3)):
        assert call(number)[0] == number
    assert call(1, "x", (1, 2)) == (1, "x", (1, 2))
    for bad in (
        {"number": np.True_},
        {"number": 1, "path": 3},
        {"number": 1, "names": "abc"},
        {"number": 1, "names": {"x": 1}},
    ):
        with pytest.raises(InputError, match="taken: "):
            call(**bad)


INNER = {"show", "name", "worst"}
"""Methods for the command line's console and for parts of a search, which nobody has in hand."""


def public_methods() -> list[tuple[type, str, Any]]:
    """The methods of results that take anything, by class."""
    kinds = [*ShownResult.__subclasses__(), *DrawnResult.__subclasses__(), DrawnResult, Audit, Run]
    found = [
        (kind, name, method) for kind in kinds for name, method in vars(kind).items() if inspect.isfunction(method)
    ]
    return [one for one in found if not one[1].startswith("_") and _asks(one[2]) and one[1] not in INNER]


def _asks(method: Callable[..., Any]) -> bool:
    return len(inspect.signature(method).parameters) > 1


def test_methods_of_results_look_at_what_they_are_given_as_well() -> None:
    methods = public_methods()
    assert {"deviation", "plot", "save", "outcomes", "table"} <= {name for _, name, _ in methods}
    for kind, name, method in methods:
        wanted = [one for one in inspect.signature(method).parameters.values() if one.name != "self"]
        given = [3.5j for one in wanted if one.kind is one.POSITIONAL_OR_KEYWORD]
        with pytest.raises(InputError, match=f"^{name}: .* is a complex, expected "):
            method(object.__new__(kind), *given, **({} if given else {"only": 3.5j}))
