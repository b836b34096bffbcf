"""How much a tournament plays at a time, and where its runs lie."""

from collections.abc import Iterable
from math import ceil
from pathlib import Path

from dynmech.experiments.runs.simulation import Sampling, default_folder, slug
from dynmech.experiments.tournament.study import Study
from dynmech.sim.play.game import Game

BATCHES = 40
"""Batches that the first round's episodes are cut into, about."""


def sampling_of(study: Study, games: Iterable[Game], ways: int) -> tuple[Sampling, int]:
    """Return the sampling and the size of a batch; a round's shards are a multiple of the number of orders.

    All shards are full, and all batches of a shard; the episodes are rounded up for that.
    """
    natural = min([Sampling(study.episodes).shard_size(game) for game in games], default=study.episodes)
    turns = ceil(study.episodes / (ways * natural))
    least = max(2, ceil(study.episodes / (ways * turns)))
    batch = min(least // 2, max(1, least * turns // BATCHES))
    size = ceil(least / batch) * batch
    most = max(study.episodes, study.most if study.width is not None else 0)
    episodes = max(turns, ceil(most / (ways * size))) * ways * size
    return Sampling(episodes, study.seed, shard=size), batch


def run_folder(study: Study, text: str, digest: str) -> Path:
    """Return where a study on one economy lies: in the study's folder, one of its own if there are several."""
    if study.out is None:
        return default_folder("tournament", text, digest)
    texts = study.environment.texts()
    if len(texts) == 1:
        return Path(study.out)
    slugs = [slug(one).casefold() for one in texts]
    unique = len(set(slugs)) == len(slugs)
    return Path(study.out) / (slug(text) if unique else f"{slug(text)}-{texts.index(text)}")
