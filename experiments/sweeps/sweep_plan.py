"""What a sweep is before anything is worked out: economies, mechanisms, and how much is simulated."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dynmech.experiments.catalog.accepted import MechanismLike, as_environment, mechanism_list
from dynmech.experiments.catalog.fingerprint import (
    code_hashes,
    mechanism_files,
    plugin_hash,
    scenario_classes,
    with_plugin_files,
)
from dynmech.experiments.catalog.names import SCENARIOS, is_shipped, names_file
from dynmech.experiments.runs.rerun_command import command_line
from dynmech.experiments.runs.simulation import Sampling
from dynmech.experiments.sweeps.contenders import Contender, contenders_of
from dynmech.experiments.sweeps.variations import Variation, combinations, with_options
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment, TableEnvironment
from dynmech.sim.economy.estimated import EstimatedEnvironment
from dynmech.sim.play.game import ProtocolOptions
from dynmech.sim.play.payment_terms import PaymentTerms

MOST = 100_000
"""Economies times mechanisms that a sweep may have."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One mechanism on one economy.

    Attributes:
        number: its place in the sweep.
        values: the economy's options that vary, with their values.
        environment: the economy, or its text.
        contender: the mechanism.
        sampling: what is simulated where nothing is exact.
        tail: share of all discounted weight that a simulation leaves out.
        terms: of voluntary payments; None: every bill is paid.
    """

    number: int
    values: Mapping[str, str]
    environment: object
    contender: Contender
    sampling: Sampling
    tail: float
    terms: PaymentTerms | None = None

    @property
    def key(self) -> str:
        """Its name in the run folder."""
        return f"cell-{self.number:05d}"

    def users(self) -> list[str]:
        """Return the parts that users wrote."""
        theirs = _users_economy(self.environment)
        if theirs is None:
            return self.contender.users()
        name = self.environment.partition(":")[0] if isinstance(self.environment, str) else theirs.name
        kind = "scenario" if isinstance(self.environment, str) else "economy"
        return [f"{kind} {name!r}", *self.contender.users()]

    def code(self) -> tuple[Any, ...]:
        """Return users' classes, for other processes: what is pickled beside them tells where they come from."""
        return (_users_economy(self.environment), *self.contender.theirs())


@dataclass(frozen=True, eq=False)
class SweepPlan:
    """A sweep, frozen: what it is follows from nothing else.

    Attributes:
        environment: the economy's text, or the economy.
        typed: what it is called.
        variations: what varies.
        mechanisms: as given; none: all that fit.
        contenders: every mechanism with every combination of its own options.
        sampling: what is simulated where nothing is exact.
        tail: share of all discounted weight that a simulation leaves out.
        plugins: files that users' classes come from, those included that were taken in before.
        terms: of voluntary payments; None: every bill is paid.
    """

    environment: object
    typed: str
    variations: tuple[Variation, ...]
    mechanisms: tuple[MechanismLike, ...]
    contenders: tuple[Contender, ...]
    sampling: Sampling
    tail: float
    plugins: tuple[Path, ...]
    terms: PaymentTerms | None = None

    @classmethod
    def of(
        cls,
        environment: object,
        variations: Sequence[Variation],
        mechanisms: MechanismLike | Sequence[MechanismLike],
        sampling: Sampling,
        tail: float,
        plugins: Sequence[Path] = (),
    ) -> "SweepPlan":
        """Return the plan.

        Raises:
            InputError: an option cannot vary, a mechanism is given twice, or there are too many cells.
        """
        given = tuple(mechanism_list(mechanisms))
        if isinstance(environment, Path):
            environment = str(environment)
        typed = environment if isinstance(environment, str) else as_environment(environment).name
        contenders = contenders_of(given, variations)
        parts = [*scenario_classes(typed), *(part for contender in contenders for part in contender.classes())]
        files = with_plugin_files(plugins, parts)
        plan = cls(environment, typed, tuple(variations), given, tuple(contenders), sampling, tail, files)
        if (count := len(plan.points) * len(contenders)) > MOST:
            raise InputError(f"sweep: {count:,} economies times mechanisms are more than {MOST:,}")
        return plan

    @property
    def named(self) -> bool:
        """Whether mechanisms were named, or all that fit are meant."""
        return bool(self.mechanisms) or any(contender.own for contender in self.contenders)

    @cached_property
    def points(self) -> list[dict[str, str]]:
        """Every combination of the economy's options that vary."""
        return list(combinations([variation for variation in self.variations if not variation.mechanism]))

    def economy(self, values: Mapping[str, str]) -> object:
        """Return the economy at a point: its text, or the economy.

        Raises:
            InputError: it has no such option.
        """
        if isinstance(self.environment, str) and not names_file(self.environment):
            return with_options(self.environment, values)
        return _with_discount(as_environment(self.environment), values) if values else self.environment

    def cells(self) -> Iterator[Cell]:
        """Yield every mechanism on every economy, economies first."""
        number = 0
        for values in self.points:
            economy = self.economy(values)
            for contender in self.contenders:
                yield Cell(number, values, economy, contender, self.sampling, self.tail, self.terms)
                number += 1

    def configuration(self, name: str, hashes: Sequence[str]) -> dict[str, Any]:
        """Return what makes two sweeps the same: the economy's name, and the hashes of the points' economies, too."""
        return {
            "command": "sweep",
            "environment": name,
            "varied": {variation.name: list(variation.values) for variation in self.variations},
            "mechanisms": [contender.text for contender in self.contenders],
            "economies": list(hashes),
            "episodes": self.sampling.episodes,
            "seed": self.sampling.seed,
            "tail": self.tail,
            "plugins": [plugin_hash(path) for path in self.plugins],
            "code": code_hashes(cls for contender in self.contenders for cls in contender.classes()),
            **mechanism_files(contender.text for contender in self.contenders),
            **({} if self.terms is None else {"payments": self.terms.data()}),
        }

    def command(self) -> str | None:
        """Return the line that makes the sweep again; None where something was given as an object."""
        texts = [given for given in self.mechanisms if isinstance(given, str)]
        if not isinstance(self.environment, str) or len(texts) < len(self.mechanisms):
            return None
        what = [self.environment, *(f"--vary={variation.typed()}" for variation in self.variations)]
        return command_line(
            "sweep",
            [*what, *(f"--mechanism={text}" for text in texts)],
            self.sampling,
            agents=(),
            protocol=ProtocolOptions(payments=self.terms),
            options={"--tail": self.tail},
            plugins=self.plugins,
        )


def _with_discount(environment: Environment, values: Mapping[str, str]) -> Environment:
    """Return an economy with another discount factor, the one option that a file or an object has."""
    other = [option for option in values if option != "discount"]
    if other or type(environment) not in (TableEnvironment, EstimatedEnvironment):
        option = other[0] if other else "discount"
        raise InputError(
            f"sweep: {option!r}: of an economy that is no scenario by name only a finite one's 'discount' can vary"
        )
    try:
        discount = float(values["discount"])
    except ValueError:
        raise InputError(f"sweep: discount: {values['discount']!r} is no number") from None
    assert isinstance(environment, TableEnvironment)
    return replace(environment, discount=discount)


def _users_economy(environment: object) -> Any:
    """Return a user's scenario that a name means, or an economy with a user's functions; None if it is ours."""
    if not isinstance(environment, str):
        theirs = any(callable(value) and not is_shipped(value) for value in vars(environment).values())
        return environment if theirs else None
    name = environment.partition(":")[0]
    known = not names_file(environment) and name in SCENARIOS.names()
    return SCENARIOS.get(name) if known and not is_shipped(SCENARIOS.get(name)) else None
