"""Environments of every kind that a file can hold, drawn by Hypothesis."""

import numpy as np
from hypothesis import strategies as st

from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import IndependentKernel, JointKernel
from dynmech.sim.economy.stage import Stage


@st.composite
def environments(draw: st.DrawFn) -> TableEnvironment:
    """Small economies of every kind the format knows."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    agents = draw(st.integers(1, 3))
    horizon = draw(st.sampled_from([None, 1, 2, 3]))
    periods = draw(st.sampled_from([1, horizon or 1]))  # one stage repeated, or one for each period
    widths = [tuple(draw(st.integers(1, 3)) for _ in range(agents)) for _ in range(periods)]
    publics = [draw(st.integers(0, 2))] * periods
    stages = []
    for t in range(periods):
        after = t + 1 if t + 1 < periods else t
        last = horizon is not None and t == periods - 1 and (periods > 1 or horizon == 1)
        stages.append(_stage(draw, generator, widths[t], widths[after], publics[t], kernel=not last))
    prior = generator.dirichlet(np.ones(stages[0].size)).reshape(stages[0].axes)
    discount = draw(st.floats(0.01, 0.99) | (st.just(1.0) if horizon else st.nothing()))
    names = tuple(draw(st.lists(_text(), min_size=agents, max_size=agents, unique=True)))
    return TableEnvironment(draw(_text()), names, prior, tuple(stages), discount, horizon)


def _text() -> st.SearchStrategy[str]:
    """Names of any characters a file can hold, quotes, newlines and all."""
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)


def _stage(
    draw: st.DrawFn,
    generator: np.random.Generator,
    now: tuple[int, ...],
    then: tuple[int, ...],
    public: int,
    kernel: bool,
) -> Stage:
    axes, after = ((public, *now), (public, *then)) if public else (now, then)
    decisions = draw(st.integers(1, 2))
    actions: tuple[tuple[str, ...], ...] = ()
    if draw(st.booleans()):
        actions = (("shirk", "work"), *([("-",)] * (len(now) - 1)))
        decisions *= 2
    law: JointKernel | IndependentKernel | None = None
    if kernel and draw(st.booleans()):
        size, after_size = int(np.prod(axes)), int(np.prod(after))
        rows = generator.dirichlet(np.ones(after_size), (decisions, size))
        law = JointKernel(rows.reshape(decisions, *axes, *after), axes, after)
    elif kernel:
        law = IndependentKernel(
            tuple(generator.dirichlet(np.ones(b), (decisions, a)) for a, b in zip(axes, after, strict=True))
        )
    cost: FloatArray | None = None
    if draw(st.booleans()):
        cost = generator.normal(size=(decisions, public) if public and draw(st.booleans()) else decisions)
    scale = draw(st.sampled_from([1.0, 1e-300, 1e300]))
    return Stage(
        signals=tuple(tuple(f"s{k}" for k in range(width)) for width in now),
        decisions=tuple(f"d{k}" for k in range(decisions)),
        utility=generator.normal(size=(len(now), decisions, *axes)) * scale,
        kernel=law,
        public=tuple(f"o{k}" for k in range(public)),
        cost=cost,
        private_actions=actions,
    )
