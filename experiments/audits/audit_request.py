"""What an audit is asked: the economy, the mechanism, and the options that a backend must honour or refuse."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

from dynmech.experiments.audits.opened_profile import profile_name
from dynmech.experiments.catalog.accepted import (
    MechanismLike,
    as_environment,
    as_mechanism,
    described,
    mechanism_text,
)
from dynmech.experiments.catalog.fingerprint import scenario_classes, with_plugin_files
from dynmech.experiments.catalog.names import mechanism_class, mechanism_classes
from dynmech.experiments.catalog.options import split
from dynmech.experiments.runs.agent_profiles import agent_index
from dynmech.experiments.workers.bound_effort import BoundEffort
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.game import ProtocolOptions
from dynmech.sim.play.payment_terms import PaymentTerms

TOLERANCE = 1e-6
"""Up to which a promise holds unless said otherwise, relative to the economy's scale."""


@dataclass(frozen=True, eq=False)
class AuditRequest:
    """What is audited, and how.

    Attributes:
        names: economy and mechanism as typed, or their own names.
        options: the mechanism's options as typed.
        typed: economy and mechanism as the command line takes them; None where they are objects that have no name.
        plugins: plug-in files that were given; `plugin_files` has those that are needed, too.
        coalitions: members by index; none: every agent alone.
        exit: deviators may leave.
        tolerance: relative to the scale; None: not asked for, `TOLERANCE`.
        all_states: maxima over all states, not only those that some play leads to.
        seed: of a sampled search.
        terms: of voluntary payments; None: every bill is paid.
        bounds: bounds from both sides by sampling in place of the exact search.
        width: how close these are to be.
        penalties: functions that may stand for the value of a state in these.
        features: on which that value is regressed; None: what the mechanism declares, or the default ones.
        policies: by agent, what is tried as a deviation from below.
        playing: how much is played for bounds, and by whom.
        profile: what everybody plays, a path, a file's data or a profile; None: what the mechanism asks.
        disclosure: what agents are told of a period once it is over, as in a run.
    """

    environment: Environment
    mechanism: Mechanism
    names: tuple[str, str]
    options: dict[str, str]
    coalitions: tuple[tuple[int, ...], ...] = ()
    exit: bool = False
    tolerance: float | None = None
    all_states: bool = False
    seed: int = 0
    terms: PaymentTerms | None = None
    bounds: bool = False
    width: float | None = None
    penalties: tuple[Callable[..., Any], ...] = ()
    features: Callable[..., Any] | None = None
    policies: Mapping[str, Any] = field(default_factory=dict)
    playing: BoundEffort = field(default_factory=BoundEffort)
    typed: tuple[str, str] | None = None
    plugins: tuple[Path, ...] = ()
    profile: object = None
    disclosure: str = "everything"

    @classmethod
    def of(cls, environment: object, mechanism: MechanismLike) -> "AuditRequest":
        """Open what is named, with the default options.

        Raises:
            InputError: no such name.
        """
        economy = as_environment(environment)
        rules = as_mechanism(mechanism, economy)
        names = described(environment, economy.name), described(mechanism, rules.name)
        options = split(mechanism, "mechanism")[1] if isinstance(mechanism, str) else {}
        return cls(rules.environment, rules, names, options, typed=_typed(environment, mechanism))

    def with_options(
        self, coalitions: Sequence[Sequence[int | str]] = (), tolerance: float | None = None, **flags: Any
    ) -> "AuditRequest":
        """Return the request with options, checked.

        Raises:
            InputError: a coalition that names nobody or an agent twice, a tolerance below 0, no such disclosure,
                options that exclude each other.
        """
        if tolerance is not None and not tolerance >= 0:
            raise InputError(f"tolerance: {tolerance:g} is below 0")
        if (width := flags.get("width")) is not None and not width > 0:
            raise InputError(f"width: {width:g} is not above 0")
        if width is not None and not flags.get("bounds"):
            raise InputError("width: it says how close bounds are to be; ask for these (--bounds) too")
        _require_bounds(flags)
        if given := flags.get("policies"):
            flags["policies"] = {
                self.environment.agents[agent_index(self.environment.agents, str(who))]: one
                for who, one in given.items()
            }
        ProtocolOptions(disclosure=flags.get("disclosure", self.disclosure))  # which checks it
        if (terms := flags.get("terms")) is not None and not terms.voluntary:
            flags = {**flags, "terms": None}  # bills that are always paid change no figure
        asked = replace(self, coalitions=_members(self.environment, coalitions), tolerance=tolerance, **flags)
        _require_terms_alone(asked)
        return asked

    @property
    def scale(self) -> float:
        """The economy's scale; of one that is not finite, its bound on utilities."""
        return money_scale(self.environment)

    @property
    def relative_tolerance(self) -> float:
        """The tolerance in force, relative to the scale."""
        return TOLERANCE if self.tolerance is None else self.tolerance

    @property
    def deviators(self) -> tuple[tuple[int, ...], ...]:
        """Who deviates: the coalitions asked for, else every agent alone."""
        return self.coalitions or tuple((i,) for i in range(len(self.environment.agents)))

    def name(self, who: Sequence[int]) -> str:
        """An agent, or a coalition, by the names of its members."""
        return " + ".join(self.environment.agents[i] for i in who)

    @property
    def plugin_files(self) -> tuple[Path, ...]:
        """The plug-in files that were given, and those that the economy and the mechanism come from."""
        classes: list[type] = [type(self.mechanism)]
        if self.typed is not None:
            classes += [*scenario_classes(self.typed[0]), *mechanism_classes(self.typed[1])]
        return with_plugin_files(self.plugins, classes)

    def given(self) -> list[str]:
        """The options that were asked for, as the command line calls them."""
        asked = {
            "--coalition": bool(self.coalitions),
            "--exit": self.exit,
            "--tolerance": self.tolerance is not None,
            "--all-states": self.all_states,
            "--payments": self.terms is not None,
            "--bounds": self.bounds,
            "--width": self.width is not None,
            "penalties": bool(self.penalties),
            "features": self.features is not None,
            "policies": bool(self.policies),
            **dict.fromkeys(self.playing.asked, True),
            "--profile": self.profile is not None,
            "--disclosure": self.disclosure != "everything",
        }
        return [name for name, present in asked.items() if present]

    def require_only(self, honoured: Sequence[str], backend: str) -> None:
        """Raise where an option was asked for that a backend cannot honour.

        Raises:
            InputError: which option, and why.
        """
        ignored = [name for name in self.given() if name not in honoured]
        if ignored:
            raise InputError(f"audit: {', '.join(ignored)}: {backend} cannot honour that; leave it out")

    def to_dict(self) -> dict[str, Any]:
        """The options as plain data."""
        return {
            "mechanism": self.options,
            "coalitions": [[self.environment.agents[i] for i in who] for who in self.coalitions],
            "exit": self.exit,
            "all_states": self.all_states,
            "payments": "enforced" if self.terms is None else "voluntary",
            "bounds": self.bounds,
            "width": self.width,
            "disclosure": self.disclosure,
            "profile": None if self.profile is None else profile_name(self.profile),
        }


def _require_bounds(flags: dict[str, Any]) -> None:
    """Raise where something is given for bounds that nobody asks for, or is no function."""
    functions: tuple[object, ...] = tuple(flags.get("penalties") or ())
    given: dict[str, object] = {"penalties": functions, "features": flags.get("features")}
    given |= {"policies": flags.get("policies")}
    given |= dict.fromkeys([name.strip("-") for name in flags.get("playing", BoundEffort()).asked], True)
    for name, value in given.items():
        if value and not flags.get("bounds"):
            raise InputError(f"{name}: for bounds only; ask for these (bounds=True) too")
    for function in functions:
        if not callable(function):
            raise InputError(f"penalties: {shown(function, 60)} is no function H(t, agent, memory, last, own)")


def _require_terms_alone(request: AuditRequest) -> None:
    """Raise where voluntary payments are asked for beside what they are not searched with."""
    if request.terms is None:
        return
    if request.exit:
        raise InputError("exit: not with payments=voluntary, where who does not pay is in default; ask for one of them")
    if any(len(who) > 1 for who in request.coalitions):
        raise InputError("coalition: payments=voluntary is searched for one agent at a time; leave one of them out")
    if request.all_states and not request.terms.excludes:
        raise InputError("all-states: not with default=ignore, as nothing is prescribed after a default; leave it out")


def _typed(environment: object, mechanism: MechanismLike) -> tuple[str, str] | None:
    """Return economy and mechanism as they are typed; None where one of them has no name on the command line."""
    if not isinstance(environment, str | PathLike):
        return None
    cls = mechanism if inspect.isclass(mechanism) else type(mechanism)
    try:
        text = mechanism_text(mechanism)
        known = isinstance(mechanism, str) or mechanism_class(text) is cls
    except InputError:
        return None
    return (str(environment), text) if known else None


def _members(environment: Environment, coalitions: Sequence[Sequence[int | str]]) -> tuple[tuple[int, ...], ...]:
    """Return every coalition's members by index, in order."""
    deviators = []
    for members in [[coalition] if isinstance(coalition, str) else coalition for coalition in coalitions]:
        who = [agent_index(environment.agents, str(member)) for member in members]
        if not who or len(set(who)) < len(who):
            raise InputError(f"coalition {' + '.join(map(str, members))}: name at least one agent, each once")
        deviators.append(tuple(sorted(who)))
    return tuple(deviators)
