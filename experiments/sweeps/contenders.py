"""A mechanism of a sweep, with the values of its own options, before it is made for an economy."""

import inspect
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dynmech.experiments.catalog.accepted import MechanismLike, as_mechanism, mechanism_text
from dynmech.experiments.catalog.names import MECHANISMS, is_shipped, mechanism_classes
from dynmech.experiments.catalog.options import construct, split
from dynmech.experiments.sweeps.variations import Variation, combinations, with_options
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import Environment


@dataclass(frozen=True, eq=False)
class Contender:
    """One mechanism with one choice of the options that vary.

    Attributes:
        given: as the user gave it: a name with options, a class, or a mechanism.
        own: its options that vary, with their values.
        text: what it is called, options included.
    """

    given: MechanismLike
    own: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    def build(self, environment: Environment) -> Mechanism:
        """Make it for an economy.

        Raises:
            InputError: no such name or option, a value out of range.
            Refusal: it does not fit the economy.
        """
        if isinstance(self.given, str):
            return as_mechanism(self.text, environment)
        if inspect.isclass(self.given):
            return construct(self.given, "mechanism", self.text.partition(":")[0], dict(self.own), environment)
        return as_mechanism(self.given, environment)

    def options(self) -> dict[str, str]:
        """Return its options as typed."""
        return split(self.text, "mechanism")[1]

    def users(self) -> list[str]:
        """Return the parts that users wrote: `mechanism 'mine'`."""
        return [f"mechanism {name_of(cls)!r}" for cls in self.theirs()]

    def theirs(self) -> list[object]:
        """Return what of it users wrote: classes, or the mechanism."""
        return [cls for cls in self.classes() if not is_shipped(cls)]

    def classes(self) -> list[object]:
        """Return its class, and those of the mechanisms that it builds on."""
        return list(mechanism_classes(self.text)) if isinstance(self.given, str) else [self.given]


def name_of(given: object) -> str:
    """Return the name of a mechanism, without options."""
    if isinstance(given, str):
        return split(given, "mechanism")[0]
    cls = given if inspect.isclass(given) else type(given)
    return str(getattr(cls, "name", cls.__name__))


def contenders_of(mechanisms: Sequence[MechanismLike], variations: Sequence[Variation]) -> list[Contender]:
    """Return every mechanism with every combination of its own options, in the order given.

    Where none is given: those whose options vary, else all that there are.

    Raises:
        InputError: an option varies of a mechanism that is not there, or one is given twice.
    """
    owners = list(dict.fromkeys(variation.mechanism for variation in variations if variation.mechanism))
    given = list(mechanisms) or owners or list(MECHANISMS.all())
    for owner in owners:
        if owner not in map(name_of, given):
            raise InputError(f"--vary: {owner!r} is none of the mechanisms; add --mechanism {owner}")
    contenders = [contender for mechanism in given for contender in _each(mechanism, variations)]
    texts = [contender.text for contender in contenders]
    most, times = Counter(texts).most_common(1)[0]
    if times > 1:
        raise InputError(f"mechanism {most!r} is given twice")
    return contenders


def _each(mechanism: MechanismLike, variations: Sequence[Variation]) -> Iterator[Contender]:
    """Yield a mechanism with every combination of its own options."""
    mine = [variation for variation in variations if variation.mechanism == name_of(mechanism)]
    if mine and isinstance(mechanism, Mechanism):
        raise InputError(f"sweep: {mine[0].name}: the mechanism is made already; give its name or its class")
    for own in combinations(mine):
        yield Contender(mechanism, own, with_options(mechanism_text(mechanism), own))
