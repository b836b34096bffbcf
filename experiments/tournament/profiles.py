"""Profiles of a tournament: who plays what, symmetric roles counted once, and a sample where they are too many."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, islice, product
from math import comb, prod

from sim.streams import Streams


@dataclass(frozen=True)
class Role:
    """Agents that choose among the same strategies.

    Attributes:
        name: of the role.
        agents: their indices.
        strategies: names of the strategies.
        symmetric: whether only the numbers of agents that play each strategy matter.
    """

    name: str
    agents: tuple[int, ...]
    strategies: tuple[str, ...]
    symmetric: bool = True

    @property
    def size(self) -> int:
        """How many ways to play there are."""
        k, n = len(self.strategies), len(self.agents)
        return comb(n + k - 1, n) if self.symmetric else k**n

    def ways(self) -> Iterator[tuple[str, ...]]:
        """Each way: one strategy per agent of the role."""
        if self.symmetric:
            return combinations_with_replacement(self.strategies, len(self.agents))
        return product(self.strategies, repeat=len(self.agents))


Profile = tuple[tuple[str, ...], ...]
"""Per role, one strategy per agent; in a symmetric role in the order of its strategies."""


def count(roles: Sequence[Role]) -> int:
    """Number of profiles."""
    return prod(role.size for role in roles)


def all_profiles(roles: Sequence[Role]) -> Iterator[Profile]:
    """Every profile."""
    return product(*(role.ways() for role in roles))


def design(roles: Sequence[Role], truth: str, most: int, seed: int) -> tuple[list[Profile], bool]:
    """The profiles to play, and whether they are only a sample.

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
    """One strategy per agent, in the order in which the profile is named."""
    return tuple(sorted(picks, key=role.strategies.index)) if role.symmetric else tuple(picks)


@dataclass(frozen=True)
class Move:
    """One agent of a role goes from one strategy to another, which leads to another profile."""

    role: int
    old: str
    new: str
    to: Profile


def moves(profile: Profile, roles: Sequence[Role]) -> Iterator[Move]:
    """Every way in which one agent can play something else; agents that are alike count once."""
    for r, role in enumerate(roles):
        places = {old: place for place, old in enumerate(profile[r])}.values() if role.symmetric else None
        for place in range(len(role.agents)) if places is None else places:
            for new in role.strategies:
                if new != profile[r][place]:
                    yield Move(r, profile[r][place], new, _moved(profile, r, place, new, role))


def _moved(profile: Profile, r: int, place: int, new: str, role: Role) -> Profile:
    picks = [*profile[r][:place], new, *profile[r][place + 1 :]]
    return (*profile[:r], canonical(picks, role), *profile[r + 1 :])


def label(profile: Profile, roles: Sequence[Role]) -> str:
    """A profile in words that can stand in a path: `2-truth.1-low`, roles parted by `_`.

    >>> label((("truth", "truth", "low"),), [Role("bidder", (0, 1, 2), ("truth", "low"))])
    '2-truth.1-low'
    """
    parts = []
    for way, role in zip(profile, roles, strict=True):
        counts = Counter(way)
        parts.append(".".join(f"{n}-{s}" for s, n in counts.items()) if role.symmetric else ".".join(way))
    return "_".join(parts)


def assigned(profile: Profile, roles: Sequence[Role], agents: int) -> list[str]:
    """A strategy per agent."""
    out = [""] * agents
    for way, role in zip(profile, roles, strict=True):
        for agent, strategy in zip(role.agents, way, strict=True):
            out[agent] = strategy
    return out
