"""The walk of a mechanism through an audit: which modules it visits, and how often it climbs back up a floor.

Counted are the modules in which a function is entered between the request and the result. Not counted are

- what is about the economy alone, and works without any mechanism: the floor `sim`, the rooms `planning`, `numerics`
  and `conditions`;
- the mechanism itself: the modules of its class and base classes, and all that its own rules call;
- the two ends, `audit_request` and `audit_result`: the data that go in and come out;
- the caller's progress bar.

It climbs whenever the next function that is entered stands on a higher floor than the last one.
"""

import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import FrameType

import pytest

import dynmech
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.auditing import run_audit
from dynmech.mechanisms.rules.finite_game import FiniteGame

ROOT = Path(dynmech.__file__).resolve().parent.parent
FLOORS = ("mechanisms", "agents", "experiments")
ECONOMY = ("mechanisms.planning", "mechanisms.numerics", "mechanisms.conditions")
ENDS = ("experiments.audits.audit_request", "experiments.audits.audit_result")
MOST = 12
RULES = ("decide", "charge", "due", "remember", "prescribed")

ANY = [
    ("oil-leases-prior", "linked"),  # nothing gains
    ("oil-leases-prior", "cremer-mclean"),  # a promise breaks
    ("repeated-auction:values=3", "balanced"),  # endless, built on another mechanism
    ("random:agents=2,signals=3,decisions=3", "contingent-convex"),
]


class Walk:
    """The modules in which functions are entered, in order, while it watches."""

    def __init__(self, own: set[str]) -> None:
        self.own, self.entered, self.muted = own, list[str](), 0
        self.asked_by: set[str] = set()
        self._names: dict[str, str] = {}

    def module(self, frame: FrameType) -> str:
        """Return the module of a frame as `room.module`; empty for those that are not ours."""
        file = frame.f_code.co_filename
        if file not in self._names:
            path = Path(file).resolve()
            ours = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in FLOORS
            self._names[file] = ".".join(path.relative_to(ROOT).with_suffix("").parts) if ours else ""
        return self._names[file]

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note what is entered; nothing below the mechanism's own rules and the conditions of the economy."""
        if event not in ("call", "return"):
            return
        module = self.module(frame)
        if module in self.own and event == "call" and not self.muted and frame.f_code.co_name in RULES:
            assert frame.f_back is not None
            self.asked_by.add(self.module(frame.f_back))
        if module in self.own or module.startswith(ECONOMY):
            self.muted += 1 if event == "call" else -1
        elif event == "call" and module and module not in ENDS and not self.muted:
            self.entered.append(module)

    @property
    def stops(self) -> list[str]:
        """The modules in the order in which they are first visited."""
        return list(dict.fromkeys(self.entered))

    @property
    def climbs(self) -> int:
        """How often a function on a higher floor follows."""
        floors = [FLOORS.index(module.split(".")[0]) for module in self.entered]
        return sum(after > before for before, after in pairwise(floors))


def silent(_name: str, _count: int) -> Callable[[int], None]:
    """Take no notice of progress; the caller's."""
    return lambda _done: None


def walk(environment: str, mechanism: str) -> Walk:
    """Return the walk of a mechanism from the request to the result."""
    request = AuditRequest.of(environment, mechanism)
    own = {kind.__module__.removeprefix("dynmech.") for kind in type(request.mechanism).__mro__}
    watched = Walk(own)
    run_audit(request, silent)  # modules are imported, what the economy keeps is there
    request = AuditRequest.of(environment, mechanism)
    before = sys.getprofile()
    sys.setprofile(watched)
    try:
        run_audit(request, silent)
    finally:
        sys.setprofile(before)
    assert watched.muted == 0
    return watched


@pytest.mark.parametrize(("environment", "mechanism"), ANY, ids=[rule for _, rule in ANY])
def test_an_audit_visits_few_modules_and_never_goes_back(environment: str, mechanism: str) -> None:
    """At most twelve stops; down to the game once, then up to the search and up to the verdicts."""
    found = walk(environment, mechanism)
    assert len(found.stops) <= MOST, found.stops
    assert found.climbs <= 2
    assert found.asked_by == {"mechanisms.rules.tabulation"}  # once the tables are there, nobody asks the rules again


def test_the_design_tells_the_walk_in_ten_lines() -> None:
    """The modules that the design names in its account are those that are visited, in this order."""
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    account = text.split("## The walk of a mechanism through an audit\n")[1].split("\n## ")[0].strip().splitlines()
    assert len(account) <= 10
    stops = [stop.split(".")[-1] for stop in walk(*ANY[0]).stops]
    told = " ".join(account)
    places = [told.find(f"`{stop}`") for stop in stops]
    assert -1 not in places, dict(zip(stops, places, strict=True))
    assert places == sorted(places)


def test_a_detour_is_seen() -> None:
    """A module more, and a climb, are counted."""
    found = walk(*ANY[0])
    stops, climbs = len(found.stops), found.climbs
    found.entered += ["mechanisms.rules.elsewhere", "experiments.audits.auditing"]
    assert (len(found.stops), found.climbs) == (stops + 1, climbs + 1)


@pytest.mark.parametrize("mechanism", ["linked", "balanced", "balanced:base=pay-your-report", "pivot-with-fees"])
def test_a_game_is_written_out_once(mechanism: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One game for the mechanism; what it builds on is another mechanism, with one of its own."""
    environment = "oil-leases-prior" if mechanism == "linked" else "repeated-auction:values=2"
    written, begin = list[object](), FiniteGame.__init__

    def noted(self: FiniteGame, *args: object, **options: object) -> None:
        begin(self, *args, **options)  # type: ignore[arg-type]
        written.append(self.mechanism)

    monkeypatch.setattr(FiniteGame, "__init__", noted)
    request = AuditRequest.of(environment, mechanism)
    run_audit(request, silent)
    assert sum(one is request.mechanism for one in written) == 1
    assert len(written) == len(set(map(id, written))) <= 2
