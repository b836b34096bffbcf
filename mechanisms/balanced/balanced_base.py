"""A base mechanism, balanced: see `dynmech.mechanisms.balanced.balancing`."""

from dynmech.mechanisms.balanced.balancing import Balancing
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.sim.core.registry import Registry
from dynmech.sim.economy.environment import Environment


class Balanced(Balancing):
    """Balances the budget of a base mechanism.

    Args:
        base: any mechanism that asks for signals, or the name of one that needs no options. As text with options:
            `base=groves:phi=pivot`, several joined by `+`.
        force: also where types are not independent; the promises then fail.
    """

    name = "balanced"
    source = "Athey–Segal 2007 §5, (5.1)–(5.2), Proposition 2"

    def __init__(self, environment: Environment, base: str | Mechanism = "team", force: bool = False) -> None:
        known = Registry("mechanism", Mechanism, "dynmech.mechanisms")  # type: ignore[type-abstract]
        made = known.get(base)(environment) if isinstance(base, str) else base
        super().__init__(environment, made, force)
