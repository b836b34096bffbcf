"""Profiles of a tournament: who plays what, symmetric roles counted once, and a sample where they are too many.

Agents of a role are alike, so only the numbers that play each strategy matter; an agent that is like no other has a
role of its own. A mechanism may still tell agents apart that are alike (ties go to the first): a profile is therefore
played in every order of the agents of each role, equally often, and what counts is the mean. That game is symmetric.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, islice, permutations, product
from math import comb, factorial, prod

import numpy as np

from dynmech.sim.core.streams import Streams

ORDERS = 24
"""Orders of the agents that are played at most; where there are more, as many are drawn."""


@dataclass(frozen=True)
class Role:
    """Agents that are alike and choose among the same strategies.

    Attributes:
        name: of the role.
        agents: their indices.
        strategies: names of the strategies.
    """

    name: str
    agents: tuple[int, ...]
    strategies: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many ways to play there are."""
        k, n = len(self.strategies), len(self.agents)
        return comb(n + k - 1, n)

    def ways(self) -> Iterator[tuple[str, ...]]:
        """Yield each way to play a role: one strategy per agent."""
        return combinations_with_replacement(self.strategies, len(self.agents))


Profile = tuple[tuple[str, ...], ...]
"""Per role, one strategy per agent, in the order of the role's strategies."""


def count(roles: Sequence[Role]) -> int:
    """Return the number of profiles."""
    return prod(role.size for role in roles)


def all_profiles(roles: Sequence[Role]) -> Iterator[Profile]:
    """Yield every profile."""
    return product(*(role.ways() for role in roles))


def design(roles: Sequence[Role], truth: str, most: int, seed: int) -> tuple[list[Profile], bool]:
    """Return the profiles to play, and whether they are only a sample.

    A sample holds truth by all, every deviation of one agent from it, then profiles drawn at random, each with every
    deviation of one agent from it, until `most` is reached: so that the regret of what was drawn is known.
    """
    if count(roles) <= most:
        return list(all_profiles(roles)), False
    chosen: dict[Profile, None] = {}
    for center in _centers(roles, truth, seed):
        for profile in (center, *(move.to for move in moves(center, roles))):
            chosen.setdefault(profile)
            if len(chosen) >= most:
                return list(chosen), True
    return list(chosen), True


def _centers(roles: Sequence[Role], truth: str, seed: int) -> Iterator[Profile]:
    if all(truth in role.strategies for role in roles):
        yield tuple((truth,) * len(role.agents) for role in roles)
    players = sum(len(role.agents) for role in roles)
    tape = Streams(seed, "design", 0, 100_000, 1).tape("profiles", players, 0, 100_000).at(0)
    for luck in tape:
        drawn, rest = [], iter(luck)
        for role in roles:
            picks = [role.strategies[int(u * len(role.strategies))] for u in islice(rest, len(role.agents))]
            drawn.append(canonical(picks, role))
        yield tuple(drawn)


def canonical(picks: Sequence[str], role: Role) -> tuple[str, ...]:
    """Return one strategy per agent, in the order in which the profile is named."""
    return tuple(sorted(picks, key=role.strategies.index))


@dataclass(frozen=True)
class Move:
    """One agent of a role goes from one strategy to another, which leads to another profile."""

    role: int
    old: str
    new: str
    to: Profile


def moves(profile: Profile, roles: Sequence[Role]) -> Iterator[Move]:
    """Yield every deviation of one agent from a profile; agents that are alike count once."""
    for r, role in enumerate(roles):
        for old, place in {old: place for place, old in enumerate(profile[r])}.items():
            for new in role.strategies:
                if new != old:
                    yield Move(r, old, new, _moved(profile, r, place, new, role))


def _moved(profile: Profile, r: int, place: int, new: str, role: Role) -> Profile:
    picks = [*profile[r][:place], new, *profile[r][place + 1 :]]
    return (*profile[:r], canonical(picks, role), *profile[r + 1 :])


def label(profile: Profile, roles: Sequence[Role]) -> str:
    """Return a profile as a word for paths: `2-truth.1-low`, roles separated by `_`.

    >>> buyers, seller = Role("buyer", (0, 1, 2), ("truth", "low")), Role("seller", (3,), ("late",))
    >>> label((("truth", "truth", "low"), ("late",)), [buyers, seller])
    '2-truth.1-low_late'
    """
    parts = []
    for way, role in zip(profile, roles, strict=True):
        counts = Counter(way).items()
        parts.append(".".join(f"{n}-{s}" for s, n in counts) if len(role.agents) > 1 else way[0])
    return "_".join(parts)


def parse_label(name: str, roles: Sequence[Role]) -> Profile:
    """Return the profile of a name, as `label` gives it.

    >>> parse_label("2-truth.1-low", [Role("buyer", (0, 1, 2), ("truth", "low"))])
    (('truth', 'truth', 'low'),)
    """
    profile: list[tuple[str, ...]] = []
    for part, role in zip(name.split("_"), roles, strict=True):
        if len(role.agents) == 1:
            profile.append((part,))
            continue
        counts = (piece.split("-", 1) for piece in part.split("."))
        profile.append(tuple(strategy for n, strategy in counts for _ in range(int(n))))
    return tuple(profile)


def assigned(profile: Profile, roles: Sequence[Role], agents: int) -> list[str]:
    """Return one strategy per agent, in the order of the agents."""
    out = [""] * agents
    for way, role in zip(profile, roles, strict=True):
        for agent, strategy in zip(role.agents, way, strict=True):
            out[agent] = strategy
    return out


def orders(roles: Sequence[Role], agents: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """Return the orders in which profiles are played: agent a takes the place of agent `order[a]`.

    All permutations within the roles if there are at most `ORDERS`; else the identity and others drawn at random.
    """
    if prod(factorial(len(role.agents)) for role in roles) <= ORDERS:
        ways = product(*(permutations(role.agents) for role in roles))
        return tuple(_order(roles, way, agents) for way in ways)
    tape = Streams(seed, "design", 0, ORDERS, 1).tape("orders", agents, 0, ORDERS).at(0)
    drawn = [[[role.agents[k] for k in np.argsort(luck[list(role.agents)])] for role in roles] for luck in tape[1:]]
    return (tuple(range(agents)), *(_order(roles, way, agents) for way in drawn))


def _order(roles: Sequence[Role], way: Sequence[Sequence[int]], agents: int) -> tuple[int, ...]:
    out = list(range(agents))
    for role, places in zip(roles, way, strict=True):
        for agent, place in zip(role.agents, places, strict=True):
            out[agent] = place
    return tuple(out)
