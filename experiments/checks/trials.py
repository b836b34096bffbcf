"""Where users' mechanisms and strategies are tried: their own economies first, then shipped ones that they fit."""

from collections.abc import Callable, Collection, Iterator, Sequence

from dynmech.experiments.catalog.names import load
from dynmech.sim.core.errors import DynmechError, FalseDeclaration, Refusal
from dynmech.sim.economy.environment import Environment

ECONOMIES = (
    "oil-leases-prior",
    "repeated-auction:horizon=4",
    "bilateral-trade",
    "two-period-sale:grid=3",
    "ar1-additive:horizon=2",
    "public-good",
    "power-plants",
    "trading-game",
    "lowest-bid-auction",
    "trading-game-continuous",
    "two-period-sale",
    "continuous-licence",
)
"""Shipped economies of many kinds, in the order in which they are tried."""

ENOUGH = 2
"""Economies that a mechanism is tried on, of those that it fits."""


def places(own: Sequence[str], environment: Environment | str | None) -> Iterator[tuple[str, Environment]]:
    """Yield economies by name: the one that was asked for; else the user's own, where they work, and shipped ones."""
    if environment is not None:
        yield (environment, load(environment)) if isinstance(environment, str) else (environment.name, environment)
        return
    for name in own:
        try:
            economy = load(name)
        except DynmechError:  # its own check says what is wrong with it
            continue
        yield name, economy
    for name in ECONOMIES:
        yield name, load(name)


def try_where_it_fits(
    economies: Iterator[tuple[str, Environment]], check: Callable[[Environment], None], own: Collection[str] = ()
) -> tuple[str, ...]:
    """Call a check on the first economies that what is checked fits, and return their names.

    What holds on one of the user's `own` economies is meant for these: an error on a shipped one does not count.

    Raises:
        Refusal: it fits none; the reason of the first.
        DynmechError: what the check has found; the line begins with the economy.
    """
    tried: list[str] = []
    refusal: Refusal | None = None
    for name, economy in economies:
        try:
            check(economy)
        except DynmechError as error:
            if isinstance(error, Refusal) and not isinstance(error, FalseDeclaration):
                refusal = refusal or error
                continue
            if name not in own and not set(own).isdisjoint(tried):
                break
            raise type(error)(f"on {name}: {error}") from error
        tried.append(name)
        if len(tried) == ENOUGH:
            break
    if refusal is not None and not tried:
        raise Refusal(f"it fits no economy that was tried; the first: {refusal}")
    return tuple(tried)
