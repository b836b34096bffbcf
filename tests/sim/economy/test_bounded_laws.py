"""Our bounded laws beside SciPy's frozen distributions, in the middle, at the ends and outside."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dynmech.sim.economy.bounded_laws import BetaLaw, Law, PowerLaw, TruncatedNormalLaw, UniformLaw

CENTRES = np.array([[0.0], [0.3], [0.5], [1.0], [4.0]])
LAWS: dict[str, tuple[Law, Any]] = {
    "uniform": (UniformLaw(), stats.uniform()),
    "uniform moved": (UniformLaw(CENTRES / 4, 0.25), stats.uniform(CENTRES / 4, 0.25)),
    "beta": (BetaLaw(2.5, 0.75), stats.beta(2.5, 0.75)),
    "beta, dense at both ends": (BetaLaw(0.5, 0.5), stats.beta(0.5, 0.5)),
    "beta, even": (BetaLaw(1.0, 1.0), stats.beta(1.0, 1.0)),
    "power": (PowerLaw(1 + CENTRES), stats.powerlaw(1 + CENTRES)),
    "normal": (
        TruncatedNormalLaw(CENTRES, 0.25),
        stats.truncnorm(-CENTRES / 0.25, (1 - CENTRES) / 0.25, CENTRES, 0.25),
    ),
}
POINTS = np.concatenate([[-0.5, 0.0, 1e-9, 1e-3], np.linspace(0.05, 1.2, 24), [1 - 1e-3, 1 - 1e-9, 1.0, 1.5]])
SHARES = np.concatenate([[0.0, 1e-12, 1e-6], np.linspace(0.01, 0.99, 23), [1 - 1e-6, 1.0]])


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(
    ("asked", "of"),
    [
        (lambda law: law.cdf, POINTS),
        (lambda law: law.sf, POINTS),
        (lambda law: law.pdf, POINTS),
        (lambda law: law.ppf, SHARES),
    ],
    ids=["cdf", "sf", "pdf", "ppf"],
)
def test_they_answer_what_scipy_answers(name: str, asked: Callable[[Any], Any], of: Any) -> None:
    own, theirs = LAWS[name]
    np.testing.assert_allclose(asked(own)(of), asked(theirs)(of), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_they_live_where_scipy_s_live(name: str) -> None:
    own, theirs = LAWS[name]
    for end, other in zip(own.support(), theirs.support(), strict=True):
        np.testing.assert_allclose(np.broadcast_to(end, np.shape(other)), other, rtol=0, atol=1e-15)


def test_quantiles_undo_the_distribution_far_from_the_centre() -> None:
    law = TruncatedNormalLaw(np.array(-1.5), 0.25)
    shares = np.linspace(0.05, 0.95, 7)
    np.testing.assert_allclose(law.cdf(law.ppf(shares)), shares, rtol=1e-9)
