"""What the event loop is measured beside plays the same economy: the same payoffs, up to luck; nothing is timed."""

from collections.abc import Callable
from itertools import repeat

import numpy as np
import pytest

from benchmarks.loop import Plain, economy, parallel_loop, play, with_events, with_stores
from dynmech.sim.play.game import Game

GAME = economy()
PLAIN = Plain.of(GAME)


def check_means(other: Callable[[Plain, int], object], game: Game = GAME) -> None:
    ours, theirs = play(game, 4000, 1000, "payoffs").payoffs, np.array(other(PLAIN, 250)).T
    assert theirs.shape == (3, 250)
    spread = np.sqrt(ours.var(axis=1) / 4000 + theirs.var(axis=1) / 250)
    assert (spread > 0).all()
    assert (np.abs(ours.mean(axis=1) - theirs.mean(axis=1)) <= 4 * spread).all()


@pytest.mark.parametrize("other", [with_stores, with_events])
def test_plain_simpy_plays_the_same_economy(other: Callable[[Plain, int], object]) -> None:
    check_means(other)


def test_pettingzoos_loop_plays_the_same_economy() -> None:
    pytest.importorskip("pettingzoo", reason="it is no dependency; the benchmark leaves its row out as well")
    check_means(parallel_loop())


def test_the_first_profile_and_its_moves_have_the_laws_of_the_arrays() -> None:
    """On the numbers between the steps of the distribution functions."""
    stage = GAME.environment.stage(0)  # type: ignore[attr-defined] # it is finite
    for signals in PLAIN.profiles:
        for decision in range(2):
            for u in (0.1, 0.5, 0.9):
                moved = PLAIN.move(signals, decision, repeat(u).__next__)
                for i, factor in enumerate(stage.kernel.factors):
                    below = float(factor[decision, signals[i], : moved[i]].sum())
                    assert below <= u < below + float(factor[decision, signals[i], moved[i]])
