"""One side sees more finely than the other can ever echo: where lotteries hold without spanning, or only two lags do.

Every week a lot of ore is refined by one of two firms. The laboratory knows its grade θ^1 (`grades` of them), the
smelter its colour θ^2 (`colours`, no more than there are grades). Grades and colours follow veins, which run round:
next week's grade follows from this week's grade and colour, next week's colour from this week's grade, and who refines
the lot changes nothing. With ring_{m→n}(y | k) = (1 + ρ cos(2π (y/n − k/m) + φ))/n, ρ the `echo`, and C the chain that
keeps a grade with probability .4, moves it on by one with .5, and draws it anew else,

    P(θ′^1 | θ) = ½ C(θ′^1 | θ^1) + ½ ring(θ′^1 | θ^2),      P(θ′^2 | θ) = ring(θ′^2 | θ^1).

The lot is worth u^i(θ) = x^i + γ x^j to firm i, x^1 = θ^1 and x^2 the colour on the same scale from 0 to `grades` − 1.
With γ > 1 it should go to the firm that thinks less of it.

`contingent-spanning` is refused: more grades than colours cannot be told apart by next week's colour through payments
that depend on the decision only. With four grades and three colours (as given) beliefs about the next colour are four
points on a circle, none a mixture of others: the lotteries of `contingent-convex` hold. With `grades=3,colours=2` they
are three points on a line, the one in the middle is a mixture, and lotteries are refused too; but the week after next
the vein has turned, and what the colours of two weeks say together tells all grades apart: `lags=2` holds.

Who would care: whoever deals with somebody who knows more than anybody else will ever let on in one step.

Source: Liu 2014, Assumptions 2 and 3 compared; Liu 2025, Propositions 5.3 and 5.4; the numbers are ours.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage

PHASE = -5 * np.pi / 6
"""φ: of three grades, the highest is then the one in the middle of the line."""


class GradedOre(Scenario):
    """Two firms, one of which sees more finely.

    Args:
        grades: of the laboratory.
        colours: of the smelter.
        interdependence: γ.
        echo: ρ, how much the next colour tells of the grade, and the next grade of the colour.
        discount: δ.
        horizon: number of weeks; none means infinitely many.
    """

    name = "graded-ore"
    source = "Liu 2014 §3.2, Liu 2025 §5; numbers ours"
    summary = "one firm sees more finely than the other can echo: lotteries hold without spanning, or two lags do"

    def __init__(
        self,
        grades: int = 4,
        colours: int = 3,
        interdependence: float = 1.5,
        echo: float = 0.8,
        discount: float = 0.9,
        horizon: int | None = None,
    ) -> None:
        if not 2 <= colours <= grades <= 8:
            raise InputError(f"grades={grades}, colours={colours}: 2 <= colours <= grades <= 8 is needed")
        if not 0 <= echo < 1:
            raise InputError(f"echo: {echo:g} is not in [0, 1)")
        self.grades, self.colours, self.interdependence = grades, colours, interdependence
        self.echo, self.discount, self.horizon = echo, discount, horizon

    def build(self) -> TableEnvironment:
        """One repeated stage, a joint kernel that no decision moves; decision 1 is the laboratory."""
        axes = (self.grades, self.colours)
        grade = np.arange(self.grades, dtype=np.float64)[:, None]
        colour = np.linspace(0, self.grades - 1, self.colours)[None, :]
        utility = np.zeros((2, 2, *axes))
        utility[0, 0] = grade + self.interdependence * colour
        utility[1, 1] = colour + self.interdependence * grade
        law = np.einsum("kog,kc->kogc", self._next_grade(), self._ring(self.grades, self.colours))
        stage = Stage(
            signals=tuple(tuple(str(k) for k in range(width)) for width in axes),
            decisions=("laboratory", "smelter"),
            utility=utility,
            kernel=JointKernel(np.repeat(law[None], 2, axis=0), axes, axes),
        )
        prior = np.full(axes, 1 / (self.grades * self.colours))
        return TableEnvironment(self.name, ("laboratory", "smelter"), prior, (stage,), self.discount, self.horizon)

    def _next_grade(self) -> FloatArray:
        """P(θ′^1 | θ), `(K_1, K_2, K_1)`."""
        stays = np.eye(self.grades)
        chain = 0.4 * stays + 0.5 * np.roll(stays, 1, axis=1) + 0.1 / self.grades
        return 0.5 * chain[:, None, :] + 0.5 * self._ring(self.colours, self.grades)[None]

    def _ring(self, before: int, after: int) -> FloatArray:
        """ring_{m→n}, `(m, n)`."""
        k, y = np.arange(before)[:, None], np.arange(after)[None, :]
        return np.asarray((1 + self.echo * np.cos(2 * np.pi * (y / after - k / before) - PHASE)) / after)
