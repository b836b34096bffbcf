"""A base mechanism given by name, balanced: see `mechanisms.balancing`."""

from typing import Self

from mechanisms.balancing import Balancing
from mechanisms.base import BaseMechanism, DirectMechanism
from sim.environment import Environment
from sim.registry import Registry


class Balanced(Balancing):
    """Balances a base mechanism given by name.

    Args:
        base: any mechanism that asks for signals and takes no options.
        force: also where types are not independent; the promises then fail.
    """

    name = "balanced"
    source = "Athey–Segal 2007 §5, (5.1)–(5.2), Proposition 2"

    def __init__(self, environment: Environment, base: str = "team", force: bool = False) -> None:
        known = Registry("mechanism", BaseMechanism, "mechanisms")  # type: ignore[type-abstract]
        super().__init__(environment, known.get(base)(environment), force)

    @classmethod
    def of(cls, base: DirectMechanism, *, force: bool = False) -> Self:
        """Balances a mechanism that is there already, whatever its options."""
        made = cls.__new__(cls)
        Balancing.__init__(made, base.environment, base, force)
        return made
