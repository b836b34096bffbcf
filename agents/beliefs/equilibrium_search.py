"""Where truth breaks: a profile from which nobody gains much, by replies and, where they cycle, by their average.

Agents reply in turn until nobody changes anything. Where that cycles, everybody replies at once to the average of what
has been played so far, strategies being averaged by how often they are in each situation (fictitious play in behaviour
strategies; Heinrich, Lanctot and Silver 2015, §3). Profiles on the way are judged by the search over beliefs: the
largest gain ex ante of any agent, whatever it recalls, is ε. The best of them is returned.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from dynmech.agents.beliefs.belief_gains import BoundedGain, search_beliefs
from dynmech.agents.beliefs.period_outcomes import Shown
from dynmech.agents.beliefs.played_profile import PlayedProfile
from dynmech.agents.beliefs.profile_files import own_rows
from dynmech.agents.beliefs.profiles import Profile, prescribed_profile
from dynmech.agents.beliefs.table_replies import best_reply, with_strategy
from dynmech.agents.oracle.search import Family
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray

TURNS = 24
"""Rounds of replies in turn."""

TRIMMED = 0.02
"""Chances below this are dropped from a profile to try."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A profile and what every agent gains from it at most, ex ante.

    Attributes:
        rounds: of replies that led to it; 0: what is prescribed.
    """

    profile: Profile
    gains: tuple[BoundedGain, ...]
    rounds: int

    @property
    def epsilon(self) -> float:
        """The largest gain, or an upper bound of it, its error included."""
        return max(gain.upper + gain.error for gain in self.gains)

    @property
    def at_least(self) -> float:
        """The largest gain, or a lower bound of it."""
        return max(0.0, *(gain.lower - gain.error for gain in self.gains))


def judge(profile: Profile, rounds: int = 0) -> Judged:
    """Return a profile with what everybody gains from it, whatever it recalls.

    Raises:
        Refusal: see `belief_graph`.
    """
    agents = range(len(profile.game.environment.agents))
    families = (Family.BEST_RESPONSE,)
    gains = [
        search_beliefs(Shown(profile, (i,)), families=families, ex_post=False).figures[families[0]]["ex_ante"]
        for i in agents
    ]
    return Judged(profile, tuple(gains), rounds)


def find_equilibrium(
    game: FiniteGame,
    recall: str,
    tolerance: float,
    rounds: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Judged:
    """Return the best profile found.

    Args:
        recall: what strategies may depend on, see `recall`.
        tolerance: in units of utility; the search ends where ε is no larger.
        rounds: of fictitious play, at most.
        advance: called with 1 after every profile that was judged.

    Raises:
        Refusal: the mechanism is not finite, acts on replies or observed actions, or is too large.
    """
    best = judge(prescribed_profile(game, recall))
    for profile, number in _candidates(best.profile, rounds):
        if best.epsilon <= tolerance:
            break
        judged = judge(profile, number)
        advance(1)
        best = judged if judged.epsilon < best.epsilon else best
    return best


def _candidates(start: Profile, rounds: int) -> Iterator[tuple[Profile, int]]:
    """Yield profiles worth judging, and the round that each is from."""
    profile, seen, turn = start, {_key(start)}, 0
    for turn in range(1, TURNS + 1):
        before = _key(profile)
        for agent in range(len(profile.game.environment.agents)):
            profile = with_strategy(profile, agent, best_reply(profile, agent).chances)
        if _key(profile) == before:
            return  # nobody changes anything: what is left is beyond what strategies recall
        if _key(profile) in seen:
            break
        seen.add(_key(profile))
        yield profile, turn
    yield from _averages(profile, rounds, turn)


def _key(profile: Profile) -> bytes:
    """Return what tells profiles apart."""
    return b"".join(np.round(one, 9).tobytes() for entry in profile.chances for one in entry)


def _averages(profile: Profile, rounds: int, turns: int) -> Iterator[tuple[Profile, int]]:
    """Yield averages of fictitious play at rounds 1, 2, 4, …, as they are and without what is hardly ever sent.

    Args:
        turns: rounds of replies in turn that were played before.
    """
    average = profile
    for number in range(1, rounds + 1):
        weight, current = 1 / (number + 1), average
        for agent in range(len(profile.game.environment.agents)):
            average = with_strategy(average, agent, _averaged(current, agent, weight))
        if number & (number - 1) == 0 or number == rounds:
            yield average, turns + number
            yield _trimmed(average), turns + number


def _averaged(profile: Profile, agent: int, weight: float) -> list[FloatArray]:
    """Return an agent's strategy with some weight on its best reply, by how often each is in a situation."""
    reply = best_reply(profile, agent).chances
    old, new = (
        PlayedProfile.of(with_strategy(profile, agent, chances)).visits
        for chances in ([entry[agent] for entry in profile.chances], reply)
    )
    out = []
    for t, chances in enumerate(reply):
        given = profile.chances[t][agent]
        often = [_situations(profile, t, agent, visits[t]) for visits in (old, new)]
        total = (1 - weight) * often[0] + weight * often[1]
        share = np.where(total > 0, weight * often[1] / np.where(total > 0, total, 1.0), 1.0)
        out.append(given + share[..., None] * (chances - given))
    return out


def _situations(profile: Profile, t: int, agent: int, visits: FloatArray) -> FloatArray:
    """Return how often an agent is in each situation that it can tell apart, `(H, O, K)`."""
    stage = profile.game.environment.stage(t)
    of_row = own_rows(profile, t, agent)[1]
    table = visits.reshape(len(of_row), *stage.axes)
    own = stage.offset + agent
    others = tuple(1 + k for k in range(len(stage.axes)) if k != own and k >= stage.offset)
    kept = table.sum(axis=others).reshape(len(of_row), max(len(stage.public), 1), -1)
    total = np.zeros((of_row.max() + 1, *kept.shape[1:]))
    np.add.at(total, of_row, kept)
    return total[of_row]


def _trimmed(profile: Profile) -> Profile:
    """Return the profile without messages that are hardly ever sent."""
    chances = []
    for entry in profile.chances:
        kept = [np.where(one >= TRIMMED, one, 0.0) for one in entry]
        chances.append(tuple(one / one.sum(axis=3, keepdims=True) for one in kept))
    return replace(profile, chances=tuple(chances))
