"""A game ready to be played: environment, mechanism, options of the event loop, and how long it lasts."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil, isfinite, log
from typing import Any

from dynmech.sim.core.checks import shown
from dynmech.sim.core.errors import InputError, PlayError
from dynmech.sim.core.near_names import near_name
from dynmech.sim.economy.environment import Environment
from dynmech.sim.economy.units import money_scale
from dynmech.sim.play.disclosure import POLICIES
from dynmech.sim.play.latency import Latency
from dynmech.sim.play.payment_terms import AUTO, PaymentTerms
from dynmech.sim.play.roles import GameSpaces, MechanismProtocol

LEAST_TAIL = 1e-12
"""Least part of a payoff that can be asked to be left out: below it only rounding is left."""

LONGEST = 100_000
"""Periods to which an infinite horizon may be cut."""


@dataclass(frozen=True)
class ProtocolOptions:
    """Options of the event loop.

    Attributes:
        deadline: when in a period the designer settles, 0 ≤ deadline < 1; a message arriving then is on time.
        latency: how long each agent's messages take; empty: no time at all.
        disclosure: what agents are told, see `disclosure`.
        payments: the terms on which bills are sent and answered; None: agents are debited.
        exit: whether deviators that are searched for may leave; whoever else leaves does so by its strategy.
    """

    deadline: float = 0.0
    latency: tuple[Latency, ...] = ()
    disclosure: str = "everything"
    payments: PaymentTerms | None = None
    exit: bool = False

    def __post_init__(self) -> None:
        if not (isfinite(self.deadline) and 0 <= self.deadline < 1):
            raise InputError(f"deadline: {self.deadline:g} is not in [0, 1)")
        if self.disclosure not in POLICIES:
            hint = near_name(self.disclosure, POLICIES)
            raise InputError(f"disclosure: {self.disclosure!r} is none of {', '.join(POLICIES)}{hint}")
        if self.exit and self.payments is not None:
            raise InputError(f"exit: nobody leaves where {self.instead_of_leaving}; ask for one of them")

    @property
    def instead_of_leaving(self) -> str:
        """Why nobody leaves where bills are sent and answered, in words."""
        if self.voluntary is not None:
            return "payments=voluntary: not to pay is the way out"
        return "payments=billed: every bill is answered"

    @property
    def voluntary(self) -> PaymentTerms | None:
        """The terms of voluntary payments; None: every bill is paid."""
        return self.payments if self.payments is not None and self.payments.voluntary else None

    def data(self) -> dict[str, Any]:
        """Plain data, for a run's configuration."""
        return {
            "deadline": self.deadline,
            "latency": [f"{latency.kind}:{latency.value!r}" for latency in self.latency],
            "disclosure": self.disclosure,
            **({} if self.payments is None else {"payments": self.payments.data()}),
            **({"exit": True} if self.exit else {}),
        }


@dataclass(frozen=True, eq=False)
class Game:
    """Environment, mechanism and protocol options, played for `periods` periods.

    Attributes:
        periods: T, periods with reports and decisions.
        closing: periods after T in which only transfers still due are booked, from prescribed messages.
        tail: bound on what is left out of a discounted payoff by stopping at T (0 for finite horizons).
        deposits: what each agent loses at default; empty where bills are always paid, or deposits are still to be
            worked out.
    """

    environment: Environment
    mechanism: MechanismProtocol
    protocol: ProtocolOptions
    periods: int
    closing: int
    tail: float
    game_spaces: GameSpaces = field(repr=False)
    deposits: tuple[float, ...] = ()

    @cached_property
    def weights(self) -> tuple[float, ...]:
        """δ^t for every period, closing ones included, by repeated multiplication (the same on every platform)."""
        out = [1.0]
        for _ in range(self.periods + self.closing - 1):
            out.append(out[-1] * self.environment.discount)
        return tuple(out)


def make_game(
    environment: Environment,
    mechanism: MechanismProtocol,
    protocol: ProtocolOptions | None = None,
    *,
    tail: float = 1e-4,
) -> Game:
    """Fix how long the game lasts.

    An infinite horizon is cut at the smallest T with δ^T · B / (1 − δ) ≤ `tail` times the economy's scale, B the bound
    on |utility| + |transfer|; transfers still due then are booked in closing periods.

    Raises:
        InputError: `tail` is not positive, or the latencies do not match the agents.
        PlayError: the horizon is infinite and the mechanism's bound on transfers is no number.
    """
    protocol = protocol or ProtocolOptions()
    if protocol.latency and len(protocol.latency) != len(environment.agents):
        raise InputError(f"latency: {len(protocol.latency)} given for {len(environment.agents)} agents")
    if not (isfinite(tail) and tail >= LEAST_TAIL):
        raise InputError(f"tail: {tail:g} is not a number of at least {LEAST_TAIL:g}")
    if environment.horizon is not None:
        periods, closing, left = environment.horizon, 0, 0.0
    else:
        discount = environment.discount
        outside = max(map(abs, getattr(environment, "outside", ())), default=0.0)
        total = (max(environment.utility_bound(), outside) + _bound(mechanism)) / (1 - discount)
        allowed = tail * money_scale(environment)
        periods = max(1, ceil(log(allowed / total) / log(discount))) if total > allowed else 1
        if periods > LONGEST:
            raise InputError(
                f"tail: cutting discount {discount:g} at {tail:g} takes {periods:,} periods, more than {LONGEST:,}; "
                "give a larger tail or a finite horizon"
            )
        closing, left = mechanism.lags, discount**periods * total
    agents = environment.agents
    game_spaces = GameSpaces(
        agents,
        tuple(environment.decision_space(t) for t in range(periods)),
        tuple(tuple(mechanism.messages(t, i) for i in range(len(agents))) for t in range(periods)),
        tuple(environment.public_space(t) for t in range(periods)),
        tuple(tuple(environment.signal_space(t, i) for i in range(len(agents))) for t in range(periods)),
        environment.discount,
    )
    deposit = None if protocol.payments is None else protocol.payments.deposit
    deposits = (float(deposit),) * len(agents) if deposit is not None and deposit != AUTO else ()
    return Game(environment, mechanism, protocol, periods, closing, left, game_spaces, deposits)


def _bound(mechanism: MechanismProtocol) -> float:
    """The bound on transfers, if it is one."""
    bound: object = mechanism.transfer_bound()
    if not (isinstance(bound, int | float) and isfinite(bound) and bound >= 0):
        what = f"transfer_bound() is {shown(bound)}, expected a finite number of at least 0"
        raise PlayError(f"mechanism {mechanism.name!r}: {what}")
    return float(bound)


def shortened(game: Game, left: float) -> Game:
    """The same game cut where discounting leaves a share `left` of all weight, if that is sooner (for a pilot)."""
    discount = game.environment.discount
    if game.environment.horizon is not None:
        return game
    periods = min(game.periods, max(2, ceil(log(left) / log(discount))))
    return replace(game, periods=periods)
