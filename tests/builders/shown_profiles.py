"""Profiles at random, and profiles as trees over histories ask for them."""

from dataclasses import replace

import numpy as np

from dynmech.agents.beliefs.profile_files import own_rows
from dynmech.agents.beliefs.profiles import Profile, prescribed_profile
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from tests.builders.generators import generator
from tests.builders.shown_play import Behaviour, Instant, drawn_chances


def drawn_profile(game: FiniteGame, recall: str, seed: int, periods: int = 1) -> Profile:
    """A profile at random, in which every agent uses what it recalls."""
    rng, base = generator(seed), prescribed_profile(game, recall, periods)
    chances: list[tuple[FloatArray, ...]] = []
    for t, known in enumerate(base.chances):
        columns = []
        for i, one in enumerate(known):
            rows, of_row = own_rows(base, t, i)
            columns.append(drawn_chances(rng, (len(rows), *one.shape[1:]))[of_row])
        chances.append(tuple(columns))
    return replace(base, chances=tuple(chances))


def behaviour_of(profile: Profile) -> Behaviour:
    """What the tree asks: the chances of an agent's messages at an instant."""
    game = profile.game

    def behaviour(agent: int, t: int, now: Instant) -> FloatArray:
        h, before = now.memory if profile.recall == "none" else 0, now.before
        if profile.recall != "none" and before is not None:
            columns: list[int] = [now.memory]
            for back in range(1, profile.periods + 1):
                if before is None:
                    columns += [-1, -1, -1]
                    continue
                stage, shape = game.environment.stage(t - back), game.tables[t - back].shape
                public = before.profile[0] if stage.public else 0
                sent = int(np.ravel_multi_index((public, *before.messages), shape))
                felt = int(np.ravel_multi_index(before.profile, stage.axes)) if profile.recall == "signals" else -1
                columns += [sent, before.decision, felt]
                before = before.before
            h = int(profile.recalled[t].number(*(np.array(k) for k in columns)))
        chances: FloatArray = profile.chances[t][agent][h, now.public, now.signal]
        return chances

    return behaviour
