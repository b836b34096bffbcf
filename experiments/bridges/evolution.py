"""α-rank and the Moran process of a tournament's game, computed by OpenSpiel. Optional extra: `dynmech[spiel]`.

Both take payoffs `(N, K_1, …, K_N)` as `dynmech export RUN --to npz` writes them. In the Moran process a mutant
strategy takes over a finite population or dies out: of two random members one imitates the other with a probability
that rises with the difference of their payoffs (Fermi). α-rank is the share of time that such populations, one per
player, spend at each profile while mutants are rare. Source: Omidshafiei et al. 2019, Theorem 2.1.1, (11)–(13).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.ties import scale_of

try:
    from open_spiel.python.egt import alpharank, utils
except ImportError as missing:
    raise InputError("OpenSpiel is not installed; it is the optional extra: pip install dynmech[spiel]") from missing

PROFILES = 1000
"""Profiles up to which a chain over them is solved."""


def alpha_rank(
    payoffs: FloatArray, strategies: Sequence[Sequence[str]], population: int = 50, strength: float = 10.0
) -> pd.DataFrame:
    """Return the share of time spent at each profile, the largest first.

    Args:
        payoffs: by player and the strategies of all players `(N, K_1, …, K_N)`.
        strategies: their names, by player.
        population: members of each population.
        strength: of selection, the larger the surer that what earns more is imitated.

    Returns:
        A row per profile: the strategy of each player (columns 0, 1, …) and `share`.

    Raises:
        Refusal: a profile was not played, there are too many, or selection is too strong to be computed.
    """
    shape = _checked(payoffs, strategies, population)
    if int(np.prod(shape)) > PROFILES:
        raise Refusal(f"alpha-rank: {int(np.prod(shape)):,} profiles are more than {PROFILES:,}")
    shares = _computed(list(payoffs), population, strength)[1]
    places = [utils.get_strat_profile_from_id(np.array(shape), k) for k in range(len(shares))]
    rows = [[names[int(k)] for names, k in zip(strategies, place, strict=True)] for place in places]
    table = pd.DataFrame(rows).assign(share=shares)
    return table.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def fixation(
    payoffs: FloatArray, strategies: Sequence[Sequence[str]], population: int = 50, strength: float = 10.0
) -> pd.DataFrame:
    """Return the probability that one mutant takes over a population, in a symmetric game of two.

    Args:
        payoffs: by player and both strategies `(2, K, K)`.
        strategies: their names, by player.
        population: its members.
        strength: of selection; at 0 every mutant takes over with probability 1 / `population`.

    Returns:
        A row per strategy of the population and a column per mutant; NaN on the diagonal.

    Raises:
        Refusal: it is no symmetric game of two, or selection is too strong to be computed.
    """
    shape = _checked(payoffs, strategies, population)
    near = 1e-9 * scale_of(payoffs)
    if len(shape) != 2 or shape[0] != shape[1] or np.abs(payoffs[0] - payoffs[1].T).max() > near:
        raise Refusal("Moran process: one population plays symmetric games of two")
    chances = _computed([payoffs[0]], population, strength)[0]
    np.fill_diagonal(chances, np.nan)
    names = list(strategies[0])
    return pd.DataFrame(chances, index=pd.Index(names, name="population"), columns=pd.Index(names, name="mutant"))


def _checked(payoffs: FloatArray, strategies: Sequence[Sequence[str]], population: int) -> tuple[int, ...]:
    """Return the numbers of strategies.

    Raises:
        InputError: shapes do not fit, or the population is no population.
        Refusal: a profile was not played.
    """
    shape = payoffs.shape[1:]
    if payoffs.ndim < 2 or len(payoffs) != len(shape) or [len(names) for names in strategies] != list(shape):
        raise InputError(f"payoffs {payoffs.shape}: not a player's payoffs by the strategies of all players")
    if population < 2:
        raise InputError(f"population: {population} is below 2")
    if not np.isfinite(payoffs).all():
        raise Refusal("evolution: needs every profile, and some were not played")
    return shape


def _computed(tables: list[FloatArray], population: int, strength: float) -> tuple[FloatArray, FloatArray]:
    """Return fixation probabilities and shares of profiles as OpenSpiel computes them."""
    strong = Refusal(f"evolution: selection of strength {strength:g} is too strong to be computed; give a smaller one")
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            chances, _, shares, *_ = alpharank.compute(tables, population, strength, use_local_selection_model=False)
        except ValueError:
            raise strong from None
    if not (np.isfinite(chances).all() and np.isfinite(shares).all()):
        raise strong
    return np.asarray(chances, dtype=np.float64), np.asarray(shares, dtype=np.float64)
