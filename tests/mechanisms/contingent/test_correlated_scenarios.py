"""`spectrum` and `common-state`: the laws that their docstrings state, and who loses and who holds on them."""

from itertools import product

import numpy as np
import pytest

from dynmech.agents.oracle.search import Family
from dynmech.agents.strategies.truthful import Truthful
from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.names import load, make_mechanism
from dynmech.experiments.runs.moments import Moments
from dynmech.experiments.scenarios.common_state import CommonState
from dynmech.experiments.scenarios.spectrum import Spectrum
from dynmech.mechanisms.conditions.correlation import spanning
from dynmech.mechanisms.conditions.dependence import independent_types, private_values
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.cremer_mclean import CremerMcLean
from dynmech.mechanisms.planning.planner import plan
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.streams import Streams
from dynmech.sim.play.game import make_game
from dynmech.sim.play.loop import play_shard


def worst(scenario: str, mechanism: str, kind: str = "ex_post") -> float:
    """The largest gain of anybody."""
    environment = load(scenario)
    return audit(environment, make_mechanism(mechanism, environment)).worst(Family.BEST_RESPONSE, kind)[1].gain


# spectrum


def test_on_the_spectrum_everything_loses_but_contingent_transfers() -> None:
    for naive in ("team", "pivot", "static-vcg", "static-vcg-efficient"):
        assert worst("spectrum", naive) > 1, naive
    assert worst("spectrum", "cremer-mclean", "interim") > 0.1, "its own promise is the Bayesian one"
    assert worst("spectrum", "contingent-spanning") < 1e-8
    with pytest.raises(Refusal, match="carrier 1"):
        make_mechanism("generalized-vcg", load("spectrum"))


def test_every_carrier_wins_somewhere_and_awards_steer_what_is_known() -> None:
    environment = Spectrum().build()
    assert set(plan(environment).policy[0].ravel().tolist()) == {0, 1, 2, 3}
    assert plan(environment).gap[0].min() > 0.1
    law = environment.kernel(0).rows()
    assert np.abs(law[1] - law[2]).max() > 0.05
    assert not private_values(environment).holds
    assert not independent_types(environment).holds
    assert spanning(environment).holds


def test_the_law_of_the_spectrum_by_simulation_of_its_story() -> None:
    """A market is drawn, everybody learns it or not: frequencies against the kernel, 40,000 draws of the story."""
    scenario = Spectrum(carriers=2, signals=3, correlation=0.4, keep=0.6, news=0.3, lead=0.5)
    law = scenario.build().kernel(0).rows()[2].reshape(3, 3, 3, 3)  # carrier 2 holds the licence
    rng = np.random.default_rng(5)
    draws, profile = 40_000, np.array([0, 2])
    market = np.where(rng.random(draws) < 0.3, rng.integers(0, 3, draws), profile[rng.integers(0, 2, draws)])
    counts = np.zeros((3, 3))
    following = []
    for own, learns in zip(profile, (0.4, 0.4 + 0.6 * 0.5), strict=True):
        keeps = np.where(rng.random(draws) < 0.6, own, rng.integers(0, 3, draws))
        following.append(np.where(rng.random(draws) < learns, market, keeps))
    np.add.at(counts, tuple(following), 1)
    assert np.abs(counts / draws - law[0, 2]).max() < 5 * (0.25 / draws) ** 0.5


def test_spectrum_without_correlation_is_independent() -> None:
    assert independent_types(Spectrum(correlation=0, lead=0).build()).holds
    with pytest.raises(Refusal, match="no spanning"):
        ContingentSpanning(Spectrum(correlation=0, lead=0).build())


@pytest.mark.parametrize(
    "wrong", ["spectrum:carriers=1", "spectrum:lead=2", "spectrum:signals=9", "common-state:informativeness=-1"]
)
def test_senseless_options_get_one_line(wrong: str) -> None:
    with pytest.raises(InputError, match=r"^scenario '(spectrum|common-state)'"):
        load(wrong)


# common-state


@pytest.mark.parametrize(("crews", "states"), [(2, 2), (2, 3), (3, 2)])
def test_the_law_of_the_common_state_from_first_principles(crews: int, states: int) -> None:
    """P(ω_{t−1}, θ_t, ω_t, θ_{t+1}) by enumeration of the hidden chain, against prior × kernel."""
    kappa, stay = 0.3, 0.7
    environment = CommonState(crews, states, informativeness=kappa, persistence=stay).build()

    def chain(before: int, after: int) -> float:
        return stay if before == after else (1 - stay) / (states - 1)

    def seen(state: int, sightings: tuple[int, ...]) -> float:
        return float(np.prod([kappa * (k == state) + (1 - kappa) / states for k in sightings]))

    law = environment.kernel(0).rows()[0].reshape(environment.stage(0).axes * 2)
    profiles = list(product(range(states), repeat=crews))
    for last, hidden in product(range(states), repeat=2):
        for now, later in product(profiles, repeat=2):
            joint = chain(last, hidden) * seen(hidden, now) / states
            joint *= sum(chain(hidden, following) * seen(following, later) for following in range(states))
            assert environment.prior[(last, *now)] * law[(last, *now, hidden, *later)] == pytest.approx(
                joint, abs=1e-14
            )


def test_in_the_end_the_state_is_public() -> None:
    """Where sightings show the state, next week's survey prints what was sighted: on the event loop."""
    environment = CommonState(informativeness=1).build()
    mechanism = make_mechanism("team", environment)
    game = make_game(environment, mechanism, tail=1.0)
    record = play_shard(game, [Truthful()] * 2, Streams(0, "test", 0, 50, game.periods))
    assert (record.public[1:] == record.signal[:-1, 0]).all()
    assert (record.signal[:, 0] == record.signal[:, 1]).all()


def test_transfers_grow_as_sightings_say_less_and_hold_however_little_they_say() -> None:
    """In the end, halving informativeness doubles what is paid; without any, refused."""
    bounds = []
    for kappa in (0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125):
        environment = CommonState(informativeness=kappa).build()
        mechanism = ContingentSpanning(environment)
        bounds.append(mechanism.transfer_bound())
        assert audit(environment, mechanism).worst(Family.BEST_RESPONSE, "ex_post")[1].gain < 1e-7
    ratios = np.array(bounds[1:]) / np.array(bounds[:-1])
    assert (ratios > 1.2).all()
    assert (np.diff(ratios) > 0).all()
    assert ratios[-1] == pytest.approx(2, abs=0.1)
    with pytest.raises(Refusal, match="no spanning"):
        ContingentSpanning(CommonState(informativeness=0).build())


def test_who_loses_and_who_holds_on_the_common_state() -> None:
    for naive in ("team", "pivot", "static-vcg"):
        assert worst("common-state", naive) > 1, naive
    assert worst("common-state", "cremer-mclean", "interim") < 1e-8, "a published state leaves nothing to manipulate"
    assert worst("common-state", "cremer-mclean") > 1, "but it is not ex post"


def test_lotteries_heed_the_public_state() -> None:
    """A report earns 0 in expectation given what the crew knows when it reports, the public state included."""
    environment = CommonState().build()
    mechanism = CremerMcLean(environment)
    game = make_game(environment, mechanism, tail=1e-2)
    record = play_shard(game, [Truthful()] * 2, Streams(0, "test", 0, 6000, game.periods))
    earned = (record.utility - record.transfer)[3, 0]
    for public, signal in product(range(2), repeat=2):
        here = (record.public[3] == public) & (record.signal[3, 0] == signal)
        mean = Moments.of(earned[here])
        assert abs(float(mean.mean)) <= 5 * float(mean.error)
        assert float(mean.error) < 0.2
