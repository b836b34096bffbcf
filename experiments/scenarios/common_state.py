"""A hidden state of nature behind everybody's signals, published when it is too late to use it.

Every week one crew gets the fishing ground. The abundance ω_t of the sea follows a Markov chain and is hidden; each
crew's sightings θ_t^i tell something about it; at the end of the week a survey publishes it. Timing: everybody knows
ω_{t−1}, last week's survey (the *public* state of week t); crews learn and report their sightings; the ground is given
away; ω_t is published. In formulas, with Q the chain and f(k | ω) = κ 1{k = ω} + (1 − κ)/K for `informativeness` κ:

    ω_t ~ Q(· | ω_{t−1}),   θ_t^i ~ f(· | ω_t), each crew for itself given ω_t,
    P(ω_t, θ_{t+1} | ω_{t−1}, θ_t) = P(ω_t | ω_{t−1}, θ_t) Σ_ω′ Q(ω′ | ω_t) Π_j f(θ_{t+1}^j | ω′),
    P(ω_t | ω_{t−1}, θ_t) ∝ Q(ω_t | ω_{t−1}) Π_j f(θ_t^j | ω_t).

The ground is worth u^i(θ) = θ^i + γ Σ_{j≠i} θ^j to crew i. With γ > 1 what the others have seen counts for more than
one's own sightings (where one has just fished), so the ground should go to the crew that has seen *least*, and no
static payment makes crews admit that they have seen much.

Who would care: whoever wonders where correlation over time comes from, and what it costs to use. However weak it is,
contingent transfers hold; but they grow, in the end like 1/κ, because so little tells a lie from the truth (a sweep
over `informativeness` shows it). With the state published no belief can be manipulated: `cremer-mclean` holds here too,
in the Bayesian sense.

Source: Liu 2014, §3.2, the motivation of Assumptions 2 and 3; the numbers are ours.
"""

import numpy as np

from dynmech.experiments.scenarios.base import Scenario
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.core.errors import InputError
from dynmech.sim.economy.chains import persistent_chain
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.kernels import JointKernel
from dynmech.sim.economy.stage import Stage


class CommonState(Scenario):
    """Signals about a hidden Markov state that becomes public a period later.

    Args:
        crews: N.
        states: of the sea, and sightings of each crew.
        interdependence: γ.
        informativeness: κ, from 0 (sightings are noise, every transfer is in vain) to 1 (they show the state).
        persistence: probability that the sea stays as it is; otherwise it goes to one of the other states, each with
            the same chance. none: 0.8 + 0.2 / states, as if the state was drawn anew, evenly, in 20 % of all weeks.
        discount: δ.
        horizon: number of weeks; none means infinitely many.
    """

    name = "common-state"
    source = "Liu 2014 §3.2, numbers ours"
    summary = "signals about a hidden Markov state that is published a period later; how informative is an option"

    def __init__(
        self,
        crews: int = 2,
        states: int = 2,
        interdependence: float = 1.5,
        informativeness: float = 0.5,
        persistence: float | None = None,
        discount: float = 0.9,
        horizon: int | None = None,
    ) -> None:
        if crews < 2 or states < 2:
            raise InputError("crews and states: at least 2 of each are needed")
        if states ** (2 * crews + 2) * crews > 2_000_000:
            raise InputError(f"crews={crews}, states={states}: too many profiles for a joint law; take fewer")
        if persistence is None:
            persistence = 0.8 + 0.2 / states
        for label, p in (("informativeness", informativeness), ("persistence", persistence)):
            if not 0 <= p <= 1:
                raise InputError(f"{label}: {p:g} is not in [0, 1]")
        self.crews, self.states, self.interdependence = crews, states, interdependence
        self.informativeness, self.persistence = informativeness, persistence
        self.discount, self.horizon = discount, horizon

    def build(self) -> TableEnvironment:
        """One repeated stage with a public state, a joint kernel; decision j gives the ground to crew j + 1."""
        count, width = self.crews, self.states
        sightings = np.indices((width,) * count).astype(np.float64)
        utility = np.zeros((count, count, width, *(width,) * count))
        for i in range(count):
            utility[i, i] = sightings[i] + self.interdependence * (sightings.sum(axis=0) - sightings[i])
        chain = persistent_chain(width, self.persistence)
        seen = self.informativeness * np.eye(width) + (1 - self.informativeness) / width
        sights = self._together(seen)
        axes = (width,) * (count + 1)
        labels = tuple(str(k) for k in range(width))
        stage = Stage(
            signals=(labels,) * count,
            decisions=tuple(str(i + 1) for i in range(count)),
            utility=utility,
            kernel=JointKernel(self._law(chain, sights), axes, axes),
            public=labels,
        )
        names = tuple(f"crew {i + 1}" for i in range(count))
        prior = np.einsum("pw,ws->ps", chain / width, sights).reshape(axes)
        return TableEnvironment(self.name, names, prior, (stage,), self.discount, self.horizon)

    def _together(self, seen: FloatArray) -> FloatArray:
        """Π_j f(θ^j | ω), `(states, S)`."""
        law = np.ones((self.states, 1))
        for _ in range(self.crews):
            law = np.einsum("ws,wk->wsk", law, seen).reshape(self.states, -1)
        return law

    def _law(self, chain: FloatArray, sights: FloatArray) -> FloatArray:
        """P(ω_t, θ_{t+1} | a_t, ω_{t−1}, θ_t), `(D, states, *K, states, *K)`; the same for every decision."""
        joint = np.einsum("pw,ws->psw", chain, sights)
        mass = joint.sum(axis=2, keepdims=True)
        seen_before = chain[:, None, :]  # sightings that cannot occur tell nothing
        posterior = np.where(mass > 0, joint / np.where(mass > 0, mass, 1.0), seen_before)
        law = np.einsum("psw,wv,vq->pswq", posterior, chain, sights)
        axes = (self.states,) * (self.crews + 1)
        return np.broadcast_to(law.reshape(1, *axes, *axes), (self.crews, *axes, *axes)).copy()
