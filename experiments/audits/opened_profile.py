"""A profile, however it is given: a file, its data, or the object."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from os import PathLike
from pathlib import Path

from dynmech.agents.beliefs.profile_files import load_profile, profile_from_data
from dynmech.agents.beliefs.profiles import Profile, prescribed_profile
from dynmech.experiments.catalog.names import make_strategy
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.errors import InputError


def opened_profile(given: object, game: FiniteGame) -> Profile:
    """Return the profile that is meant by a path, a file's data, or a profile.

    Raises:
        InputError: it is none of these, or a field is wrong.
        Refusal: it does not fit the game.
    """
    if isinstance(given, str | PathLike):
        return load_profile(Path(given), game, make_strategy)
    if isinstance(given, Mapping):
        return profile_from_data(dict(given), game, make_strategy)
    if isinstance(given, Profile):
        base = prescribed_profile(game, given.recall, given.periods)
        if [one.shape for one in chain(*given.chances)] != [one.shape for one in chain(*base.chances)]:
            raise InputError("profile: it was made for another game")
        return replace(given, game=game)
    raise InputError(f"profile: a {type(given).__name__} is neither a path, nor a file's data, nor a profile")


def profile_name(given: object) -> str:
    """Return what a profile is called: its path, or `given`."""
    return str(given) if isinstance(given, str | PathLike) else "given"
