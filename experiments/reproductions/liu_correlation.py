"""Liu 2014, §3.2: when signals are correlated enough. Remark 3.3, and a hidden state as the motivation of Assumption 3.

Signals that are independent of each other given everything that is known still tell about each other's next ones, as
long as last period's signals move all of them. A hidden Markov state does that, and tells no more than it has values.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.figures import largest_gain
from dynmech.mechanisms.conditions.correlation import spanning
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.builders import from_arrays
from dynmech.sim.economy.environment import TableEnvironment

ECONOMIES = 20
"""Random economies of each kind."""

_claim = partial(Claim, "liu")


def correlation() -> Iterator[Claim]:
    """Yield the claims."""
    yield from _remark()
    yield from _hidden_state()


def _given_everything(seed: int, axes: tuple[int, ...], decisions: int = 2) -> TableEnvironment:
    """Signals independent of each other given decision and last profile, which moves every one of them."""
    draw, agents = np.random.default_rng(seed), len(axes)
    law = np.ones((decisions, *axes))
    for width in axes:
        own = draw.dirichlet(np.ones(width), (decisions, *axes))
        law = law[..., None] * own.reshape(decisions, *axes, *(1,) * (law.ndim - 1 - agents), width)
    utility = draw.uniform(-1, 1, (agents, decisions, *axes))
    prior = draw.dirichlet(np.ones(int(np.prod(axes)))).reshape(axes)
    return from_arrays(utility, law, prior, 0.8)


def _ranks(environment: TableEnvironment) -> bool:
    """Whether every matrix of beliefs has independent columns, by the determinant of their products."""
    kernel = environment.stage(0).kernel
    assert kernel is not None
    agents, stage = len(environment.agents), environment.stage(0)
    law = kernel.rows().reshape(len(stage.decisions), *stage.axes, *stage.axes)
    for i in range(agents):
        others = np.moveaxis(law.sum(axis=1 + agents + i), 1 + i, -1)
        width = stage.axes[i]
        beliefs = others.reshape(len(stage.decisions), *(n for j, n in enumerate(stage.axes) if j != i), -1, width)
        if (np.abs(np.linalg.det(np.swapaxes(beliefs, -1, -2) @ beliefs)) < 1e-14).any():
            return False
    return True


def _count(economies: list[TableEnvironment]) -> tuple[float, float]:
    """In how many spanning holds, by the laboratory and by determinants."""
    return float(sum(spanning(one).holds is True for one in economies)), float(sum(map(_ranks, economies)))


def _remark() -> Iterator[Claim]:
    """Remark 3.3: |Θ^i| ≤ |Θ^{-i}|."""
    way = "determinants of MᵀM"
    for axes, printed in (((3, 3), ECONOMIES), ((2, 2, 2), ECONOMIES), ((3, 2), None)):
        economies = [_given_everything(seed, axes) for seed in range(ECONOMIES)]
        found, by_hand = _count(economies)
        sizes = " × ".join(map(str, axes))
        text = f"2014 Remark 3.3: economies of {ECONOMIES}, signals independent given what is known, {sizes}, that span"
        yield _claim(text, printed, found, by_hand, way)
    gains = [largest_gain(one, ContingentSpanning(one)) for one in (_given_everything(k, (2, 2)) for k in range(4))]
    yield _claim("2014 Remark 3.3: on 4 of these, 2 × 2, the best deviation gains under Theorem 3.2", 0.0, max(gains))


def _hidden(seed: int, states: int, signals: int, *, anew: bool = False) -> TableEnvironment:
    """Two periods; each agent's signal tells about a hidden state, and signals are independent given it.

    Args:
        anew: whether the state is drawn anew in the second period.
    """
    draw = np.random.default_rng(seed)
    first = draw.dirichlet(np.ones(states))
    chain = np.tile(draw.dirichlet(np.ones(states)), (states, 1))
    if not anew:
        chain = 0.6 * np.eye(states) + 0.4 * draw.dirichlet(np.ones(states), states)
    tells = 0.6 * np.eye(states, signals) + 0.4 * draw.dirichlet(np.ones(signals), (2, states))
    seen = np.einsum("w,wj,wk->wjk", first, *tells)
    prior = seen.sum(axis=0)
    law = np.einsum("wjk,wv,vl,vm->jklm", seen / prior, chain, *tells)
    utility: FloatArray = draw.uniform(-1, 1, (2, 2, signals, signals))
    return from_arrays(utility, np.stack([law] * 2), prior, 0.9, horizon=2)


def _hidden_state() -> Iterator[Claim]:
    """What a hidden state's values, and its persistence, are good for."""
    way = "determinants of MᵀM"
    cases = (
        ("3 values and 3 signals", {"states": 3, "signals": 3}, None),
        ("2 values and 3 signals", {"states": 2, "signals": 3}, None),
        ("3 values and 3 signals, the state drawn anew", {"states": 3, "signals": 3, "anew": True}, 0.0),
    )
    for label, options, printed in cases:
        economies = [_hidden(seed, **options) for seed in range(ECONOMIES)]  # type: ignore[arg-type]
        found, by_hand = _count(economies)
        yield _claim(
            f"2014 §3.2: economies of {ECONOMIES} with a hidden state of {label} that span",
            printed,
            found,
            by_hand,
            way,
        )
