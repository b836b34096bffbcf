"""Liu 2014, Theorems 3.1 and 3.2, Propositions 3.7 and 4.1, and what is printed wrong on the way to them.

A theorem becomes a number on a fixed set of random economies: the largest gain of any deviation at any profile, the
largest distance of a payoff from its stated level, a sum of transfers. A misprint becomes the number of economies on
which what is printed holds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np

from dynmech.experiments.reproductions.base import Claim
from dynmech.experiments.reproductions.figures import largest_gain, mean, payoffs, play
from dynmech.experiments.reproductions.liu_misprints import (
    FlippedStep,
    OpenLoop,
    PaidTeam,
    PrintedFee,
    UndiscountedTarget,
    Untransposed,
)
from dynmech.mechanisms.conditions.correlation import convex_independence
from dynmech.mechanisms.contingent.average_externality import AverageExternality
from dynmech.mechanisms.contingent.contingent_convex import ContingentConvex
from dynmech.mechanisms.contingent.contingent_spanning import ContingentSpanning
from dynmech.mechanisms.contingent.surplus_extraction import SurplusExtraction
from dynmech.mechanisms.groves.team import Team
from dynmech.mechanisms.planning.planner import plan
from dynmech.mechanisms.rules.base import Mechanism
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.sim.core.arrays import FloatArray
from dynmech.sim.economy.builders import from_arrays, random_environment
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.laws_of_motion import WrittenLaw

claim = partial(Claim, "liu")

CLOSE = 1e-7
"""Up to which gains and levels count as what they should be."""

DISCOUNT = 0.8


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


@cache
def correlated(seed: int, agents: int = 2, horizon: int | None = None) -> TableEnvironment:
    """Interdependent values, correlated signals; belief matrices have singular values of at least 0.1."""
    return random_environment(
        _generator(seed),
        agents=agents,
        signals=2,
        decisions=2,
        discount=DISCOUNT,
        horizon=horizon,
        singular_value=0.1,
        name="correlated",
    )


@cache
def private(seed: int) -> TableEnvironment:
    """Independent private values, decisions that move signals."""
    return random_environment(
        _generator(seed), signals=2, decisions=3, discount=DISCOUNT, correlation=0, interdependence=0, name="private"
    )


@cache
def unmoved(seed: int) -> TableEnvironment:
    """As `correlated`, but no decision moves signals."""
    base = correlated(seed)
    law = base.kernel(0).rows()[:1].reshape(1, 2, 2, 2, 2)
    return from_arrays(base.stage(0).utility, np.repeat(law, 2, axis=0), base.prior, DISCOUNT, name="unmoved")


MANY = range(6)

SOME = 10_000
"""Episodes of an endless game."""


def environments() -> list[TableEnvironment]:
    """Six with two agents, two with three."""
    return [*(correlated(seed) for seed in MANY), correlated(0, 3), correlated(1, 3)]


def first_best(environment: TableEnvironment) -> float:
    """E W."""
    return float((plan(environment).value[0] * environment.prior).sum())


def off_level(environment: TableEnvironment, mechanism: Mechanism, share: float) -> float:
    """Largest |V_t^i − (λ W − p_t^i)| after any history, fees of period 0 aside."""
    surplus, worst = plan(environment).value, 0.0
    for t, page in enumerate(FiniteGame(environment, mechanism).truthful.periods):
        level = share * surplus[plan(environment).at(t)].reshape(-1) - page.transfer
        worst = max(worst, float(np.abs(page.stay - level).max()))
    return worst


Rule = Callable[[TableEnvironment], Mechanism]


def theorems() -> Iterator[Claim]:
    """What is promised."""
    rules: tuple[tuple[str, Rule, Callable[[int], float]], ...] = (
        ("Theorem 3.1", ContingentConvex, lambda _: 1.0),
        ("Theorem 3.2", ContingentSpanning, lambda _: 1.0),
        ("Proposition 3.7", AverageExternality, lambda agents: 1 / agents),
        ("Proposition 3.7 (convex)", partial(AverageExternality, solver="convex"), lambda agents: 1 / agents),
    )
    for name, rule, share in rules:
        built = [(environment, rule(environment)) for environment in environments()]
        level = "W/N − p" if name.startswith("Proposition") else "W − p"
        off = max(off_level(environment, mechanism, share(len(environment.agents))) for environment, mechanism in built)
        gain = max(largest_gain(environment, mechanism) for environment, mechanism in built)
        yield claim(f"2014 {name}: the best deviation gains, on 8 economies", 0.0, gain, tolerance=CLOSE)
        yield claim(f"2014 {name}: payoffs are off {level} by, after any history", 0.0, off, tolerance=CLOSE)
    yield from _size()
    yield from _transfers()
    yield from _balance()
    yield from _extraction()
    yield from _finite()


def _size() -> Iterator[Claim]:
    """Lemma A.3(iii)."""
    over = []
    for environment in environments():
        others = np.abs(environment.stage(0).welfare - environment.stage(0).utility).max()
        limit = (1 + 4 / convex_independence(environment).value) * others / environment.discount
        over.append(max(0.0, ContingentConvex(environment).transfer_bound() - float(limit)))
    yield claim("2025 Lemma A.3(iii): largest |p| exceeds its bound by, on 8 economies", 0.0, max(over))


def _transfers() -> Iterator[Claim]:
    """Payoffs and transfers in sum, simulated too."""
    for agents in (2, 3):
        environment = correlated(0, agents)
        total = -(agents - 1) * first_best(environment)
        for name, rule in (("3.1", ContingentConvex), ("3.2", ContingentSpanning)):
            mechanism = rule(environment)
            truthful, record = FiniteGame(environment, mechanism).truthful, play(environment, mechanism, episodes=SOME)
            simulated, error = mean(record.discounted(record.transfer).sum(axis=0))
            yield claim(
                f"2014 Theorem {name}: expected transfers, −(N − 1) E W with N = {agents}",
                None,
                float(truthful.transfer.sum()),
                total,
                "the planner",
                simulated=simulated,
                error=error,
                tolerance=CLOSE,
            )
            if agents == 2:
                simulated, error = mean(record.payoffs[0])
                yield claim(
                    f"2014 Theorem {name}: expected payoff of agent 1, E W",
                    None,
                    float(payoffs(truthful)[0]),
                    -total,
                    "the planner",
                    simulated=simulated,
                    error=error,
                    tolerance=CLOSE,
                )


def _balance() -> Iterator[Claim]:
    """§3.3: fees, and Proposition 3.7."""
    environment = correlated(0)
    without = first_best(environment)  # what is paid out where nothing is balanced
    for name, rule in (("3.1", ContingentConvex), ("3.2", ContingentSpanning)):
        mechanism = rule(environment, budget="ex-ante")
        record = play(environment, mechanism, episodes=SOME)
        simulated, error = mean(record.discounted(record.transfer).sum(axis=0))
        exact = float(FiniteGame(environment, mechanism).truthful.transfer.sum())
        text = f"2014 §3.3: revenue of Theorem {name} with participation fees"
        yield claim(text, 0.0, exact, simulated=simulated, error=error, tolerance=CLOSE, effect=without)
        yield claim(f"{text}: the best deviation gains", 0.0, largest_gain(environment, mechanism), tolerance=CLOSE)
    exact = float(FiniteGame(environment, PrintedFee(environment)).truthful.transfer.sum())
    slip = "the sign of η in its second form: revenue is −2(N − 1) E W"
    text = "2014 §3.3: the same with η as printed"
    yield claim(text, 0.0, exact, -2 * first_best(environment), "the planner", slip, tolerance=CLOSE)
    average = AverageExternality(environment)
    worst = max(float(np.abs(_expected_totals(e, AverageExternality(e))).max()) for e in environments())
    yield claim("2014 Proposition 3.7: largest |expected transfers of a period|", 0.0, worst, tolerance=CLOSE)
    record = play(environment, average, episodes=SOME)
    simulated, error = mean(record.discounted(record.transfer).sum(axis=0))
    exact = float(FiniteGame(environment, average).truthful.transfer.sum())
    text = "2014 Proposition 3.7: expected discounted transfers"
    yield claim(text, 0.0, exact, simulated=simulated, error=error, tolerance=CLOSE, effect=without)


def _expected_totals(environment: TableEnvironment, mechanism: Mechanism) -> FloatArray:
    """E[Σ_i p_{t+1}^i | θ_t] under truth, `(S,)`."""
    page = FiniteGame(environment, mechanism).truthful.periods[1]
    assert isinstance(page.law, WrittenLaw)
    profiles = np.arange(page.law.size)
    laws = page.law.rows[page.decision[0, :, 0], profiles]
    return np.asarray((laws * page.transfer.sum(axis=0)[page.following[0, :, 0]]).sum(axis=1), dtype=np.float64)


def _extraction() -> Iterator[Claim]:
    """Proposition 4.1."""
    for way in ("convex", "spanning"):
        built = [(environment, SurplusExtraction(environment, solver=way)) for environment in environments()]
        pages = [FiniteGame(environment, mechanism).truthful.periods for environment, mechanism in built]
        where = f"2014 Proposition 4.1 ({way})"
        gain = max(largest_gain(environment, mechanism) for environment, mechanism in built)
        yield claim(f"{where}: the best deviation gains, on 8 economies", 0.0, gain, tolerance=CLOSE)
        first = max(float(np.abs(page[0].stay[:, 0]).max()) for page in pages)
        yield claim(f"{where}: largest |payoff| from the first period on, any profile", 0.0, first, tolerance=CLOSE)
        least = min(float(page[1].stay.min()) for page in pages)
        text = f"{where}: least payoff from a later period on falls below 0 by, after any history"
        yield claim(text, 0.0, max(0.0, -least), tolerance=CLOSE)
    environment = correlated(0)
    mechanism = SurplusExtraction(environment)
    record = play(environment, mechanism, episodes=SOME)
    simulated, error = mean(record.discounted(record.transfer).sum(axis=0) / first_best(environment))
    exact = float(FiniteGame(environment, mechanism).truthful.transfer.sum()) / first_best(environment)
    text = "2014 Proposition 4.1: share of the expected surplus that is extracted"
    yield claim(text, 1.0, exact, simulated=simulated, error=error, tolerance=CLOSE)


def _finite() -> Iterator[Claim]:
    """Corollary 3.3 and Remark 3.5."""
    built = [
        (environment, ContingentSpanning(environment, last="d0"))
        for environment in (correlated(seed, 2, 4) for seed in MANY)
    ]
    gain = max(largest_gain(environment, mechanism) for environment, mechanism in built)
    text = "2014 Remark 3.5, four periods, the last decision held"
    yield claim(f"{text}: the best deviation gains", 0.0, gain, tolerance=CLOSE)
    off = max(
        float(
            np.abs(
                FiniteGame(environment, m).truthful.periods[0].stay[:, 0] - plan(environment).value[0].reshape(-1)
            ).max()
        )
        for environment, m in built
    )
    yield claim(f"{text}: payoffs in the first are off W by", 0.0, off, tolerance=CLOSE)


# What is printed wrong


def misprints() -> Iterator[Claim]:
    """Signs, transposes and discounting."""
    alone = [private(seed) for seed in MANY]
    pairs = [correlated(seed) for seed in MANY]
    last = [correlated(seed, 2, 4) for seed in MANY]
    slip = "the sign is missing: p^i = −Σ u^j"
    text = "2014 §3.2: private-value economies of 6 on which eq. (3) leaves everybody W"
    yield _counted(text, [_level(environment, PaidTeam(environment)) for environment in alone], slip)
    signed = [
        _level(environment, Team(environment)) and _truthful(environment, Team(environment)) for environment in alone
    ]
    yield _counted(f"{text}, with its sign, and nobody gains", signed)
    level = "economies of 6 on which payoffs are W − p"
    slip = "δ is missing in Lemma 7.3"
    yield _counted(
        f"2014 Lemma 7.3: {level}",
        [_level(environment, UndiscountedTarget(environment)) for environment in pairs],
        slip,
    )
    gainful = [_shifted(environment) for environment in pairs]
    slip = "with utilities above 0 some transfers must be negative: the codomain is R"
    text = "2014 Lemma 7.3: economies of 6 with utilities above 0 in which transfers are in R_+"
    tables = [ContingentSpanning(environment).tables[0] for environment in gainful]
    yield _counted(text, [all(float(one[0].min()) >= 0 for one in table) for table in tables], slip)
    text = "2025, what Theorem 3.2 subtracts from W: economies of 6 in which i's reports do not move it"
    free = float(sum(not _moved_by_own_past(environment) for environment in pairs))
    yield claim(
        text, None, free, 0.0, "the past decision, which i's past report moves and the slides' W^{−i} leaves out"
    )
    text = "2025, the same for given past decisions: i's report matters only through the allocation"
    yield _counted(text, [not _moved_by_own_past(environment, given_decision=True) for environment in pairs])
    slip = "the transpose is missing: (1/δ)(M⁺)ᵀu"
    yield _counted(
        f"2025 Lemma A.4: {level}", [_level(environment, Untransposed(environment)) for environment in pairs], slip
    )
    slip = "the sign is missing: −Σ u^j = δ E p"
    text = "2014 proof of Theorem 3.2, step t < T: economies of 6 with four periods on which payoffs are W"
    yield _counted(text, [_level(environment, FlippedStep(environment, last="d0")) for environment in last], slip)
    yield from _lags(pairs)


def _shifted(environment: TableEnvironment) -> TableEnvironment:
    """The same with utilities raised above 0."""
    stage = environment.stage(0)
    raised = replace(stage, utility=stage.utility - stage.utility.min() + 0.1)
    return replace(environment, stages=(raised,))


def _moved_by_own_past(environment: TableEnvironment, *, given_decision: bool = False) -> bool:
    """Whether a transfer differs between two past reports of its payer, the others' past and present ones the same."""
    mechanism = ContingentSpanning(environment)
    policy = mechanism.policy(0).reshape(2, 2)
    for agent, (table,) in enumerate(mechanism.tables[0]):
        own_first = np.moveaxis(table.reshape(2, 2, -1), agent, 0)  # own past report, the others' past, their present
        differs = np.abs(own_first[0] - own_first[1]).max(axis=1) > CLOSE
        same = np.equal(*np.moveaxis(policy, agent, 0)) if given_decision else True
        if (differs & same).any():
            return True
    return False


def _counted(text: str, holds: Sequence[bool], slip: str = "") -> Claim:
    """A count of economies; it should be all of them, or none where the print is wrong."""
    wrong, way = (0.0, "the corrected formula, which differs on each") if slip else (None, "")
    return claim(text, float(len(holds)), float(sum(holds)), wrong, way, slip)


def _truthful(environment: TableEnvironment, mechanism: Mechanism) -> bool:
    return largest_gain(environment, mechanism) <= CLOSE


def _level(environment: TableEnvironment, mechanism: Mechanism) -> bool:
    """V_0 = W."""
    stay = FiniteGame(environment, mechanism).truthful.periods[0].stay[:, 0]
    return bool(np.abs(stay - plan(environment).value[0].reshape(-1)).max() <= CLOSE)


def _lags(pairs: Sequence[TableEnvironment]) -> Iterator[Claim]:
    """Propositions 5.3 and 5.4 on finite signals, everything paid after two periods."""
    built = [OpenLoop(environment) for environment in pairs]
    text = "2025 Propositions 5.3, 5.4, payment after two periods"
    missed = max(mechanism.printed_identity for mechanism in built)
    yield claim(f"{text}: the printed identity is missed by, on 6 economies", 0.0, missed, tolerance=CLOSE)
    slip = "later decisions depend on later signals and reports; decisions must not move signals"
    holds = [_truthful(environment, mechanism) for environment, mechanism in zip(pairs, built, strict=True)]
    yield _counted(f"{text}: economies of 6 on which truth is optimal", holds, slip)
    still = [unmoved(seed) for seed in MANY]
    holds = [_truthful(environment, OpenLoop(environment)) for environment in still]
    yield _counted(f"{text}: the same where no decision moves signals", holds)
