"""The actual-externality mechanism: one informed agent is charged what its report costs the others.

As `expected-externality`, but for one agent, which has learnt the others' types when it reports: with k that agent,

    g_k(r) = Σ_{j≠k} u^j(a*(r), r) − c,    g_i(r_i) = E_f[Σ_{j≠i} u^j − c]  for i ≠ k,
    p^i = −g_i + (1/(N − 1)) Σ_{j≠i} g_j.

Guarantee: Σ_i p^i = 0, and with private values agent k has no reason to lie in the last period, whatever it knows. For
the others truth is a Bayesian equilibrium only where g_k does not depend on their reports, which is next to nowhere:
even in a single period their reports move what they pay to k. In the trading game the seller, who pays the buyer's
−g_2 = the cost *at its own report* to itself, over-reports θ_1 (understates its unit cost, raises the quantity and the
sum that it is reimbursed).

Assumptions: those of `expected-externality`; others' reports do not move what the informed agent is paid.

Source: Athey–Segal 2007, §2 (which says that the seller over-reports its *cost*: θ_1 is an inverse cost).
"""

from dataclasses import replace

from dynmech.mechanisms.balanced.expected_externality import Beliefs, ExpectedExternality
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.environment import Environment


class ActualExternality(ExpectedExternality):
    """One agent pays the actual externality, all others the expected one.

    Args:
        informed: name of the agent that is charged the actual externality (None: the last one).
        beliefs: as in `expected-externality`, for the others.

    Raises:
        Refusal: there is no such agent; and as `expected-externality`.
    """

    name = "actual-externality"
    source = "Athey–Segal 2007 §2"
    promises = replace(
        ExpectedExternality.promises,
        assumptions=(
            *ExpectedExternality.promises.assumptions,
            "others' reports do not move what the informed one is paid",
        ),
    )

    def __init__(self, environment: Environment, informed: str | None = None, beliefs: Beliefs | None = None) -> None:
        super().__init__(environment, beliefs)
        names = environment.agents
        if informed is not None and informed not in names:
            raise self.refuse(f"there is no agent {informed!r}; agents: {', '.join(names)}")
        self.informed = names.index(informed) if informed is not None else len(names) - 1

    def paid(self, t: int) -> FloatArray:
        """Return g at every reported profile, `(N, *A)`."""
        out = super().paid(t)
        out[self.informed] = self.externality(t)[self.informed]
        return out
