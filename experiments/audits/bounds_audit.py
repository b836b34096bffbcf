"""The audit by bounds: the gain ex ante between an upper and a lower bound along drawn paths, `dynmech.agents.bounds`.

Before anything is known, both bounds hold at once for all deviators with 95 % confidence. At the worst state the gain
is bounded without drawing, and surely, where the values that stand for what follows are on tables; promises rest on
that. A deviator that sees the others' current signals in every period, a *spy*, is bounded apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dynmech.agents.bounds.bracket import Bracket, Candidate, Effort, bracket_gain
from dynmech.agents.bounds.finite_candidates import tabled_candidates, worst_state_bounds
from dynmech.agents.bounds.policy_candidate import PolicyCandidate, policy_candidates
from dynmech.agents.oracle.gains import participation
from dynmech.agents.oracle.problem import build_problem
from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import Audit, AuditedGain
from dynmech.experiments.audits.bracket_text import CONFIDENCE, bracket_data, ended, sentence
from dynmech.experiments.audits.exact_search import prescribed_play
from dynmech.experiments.audits.promise_verdicts import judge_prescribed_play
from dynmech.experiments.audits.sampled_bounds import audit_by_sampled_bounds
from dynmech.experiments.catalog.accepted import as_strategy
from dynmech.experiments.runs.simulation import Progress
from dynmech.experiments.runs.verdicts import BREAKS, HOLDS, NOT_PROMISED, UNDECIDED, Verdict, excused, violated
from dynmech.experiments.workers.bound_effort import each_deviator, kept, prepare_folder
from dynmech.mechanisms.conditions.general import all_conditions
from dynmech.mechanisms.rules.finite_game import FiniteGame
from dynmech.mechanisms.rules.values_of_truth import budget, largest_transfer
from dynmech.sim.core.errors import FalseDeclaration, InputError, Refusal
from dynmech.sim.core.ties import first_largest
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.play.game import make_game

STEPS = 3e7
"""Elementary steps of work per deviator and information: some ten seconds where there are many periods."""

TAIL = 2e-3
"""Where an infinite horizon is cut when a policy is played; what is left out is taken from its bound."""


@dataclass(frozen=True)
class DeviatorBounds:
    """What is known of one deviator.

    Attributes:
        name: its name.
        ex_ante: the gain before anything is known.
        interim, ex_post: between which the gain at the worst state lies, for certain.
        spy: the gain ex ante of a deviator that sees the others' current signals in every period.
    """

    name: str
    ex_ante: Bracket
    interim: tuple[float, float]
    ex_post: tuple[float, float]
    spy: Bracket


def audit_by_bounds(request: AuditRequest, progress: Progress) -> Audit:
    """Bound every deviator's gain from both sides: on tables, or else by asking rules along paths.

    Raises:
        Refusal: neither is possible; why, and what would make it possible.
    """
    if not isinstance(request.environment, TableEnvironment):
        return audit_by_sampled_bounds(request, f"environment {request.environment.name!r} is not finite", progress)
    try:
        return audit_by_tabled_bounds(request, request.environment, progress)
    except FalseDeclaration:
        raise
    except Refusal as error:
        try:
            return audit_by_sampled_bounds(request, str(error), progress)
        except Refusal as second:
            raise Refusal(f"{str(error).removeprefix('bounds: ')}; {second}") from None


def audit_by_tabled_bounds(request: AuditRequest, environment: TableEnvironment, progress: Progress) -> Audit:
    """Bound every deviator's gain from both sides where the game can be put on tables.

    Raises:
        Refusal: it is not finite or too large, or the others' messages do not reveal their signals.
    """
    mechanism = request.mechanism
    if request.features is not None:
        raise InputError("features: on tables the value of prescribed play is known; leave them out, or give penalties")
    game = FiniteGame(environment, mechanism)
    truth, largest = prescribed_play(game, progress("prescribed play", 3)), largest_transfer(environment, game.truthful)
    advance = progress("bounds", len(request.deviators))
    prepare_folder(request)
    found = each_deviator(request, _bound, (request, game), len(request.deviators), advance)
    advance = progress("participation", len(environment.agents))
    result = Audit(
        request=request,
        backend="bounds",
        method=METHOD + ended([(bounds.name, bounds.ex_ante) for bounds in found]),
        reason="bounds were asked for instead",
        figures=[gain for bounds in found for gain in _gains(bounds)],
        truth=truth,
        verdicts=[],
        conditions=all_conditions(environment, mechanism.sees),
        said=sentence(request, [(bounds.name, bounds.ex_ante) for bounds in found]),
        budget=budget(environment, game.truthful, silent=game.silence),
        participation=participation(game, all_states=False, advance=advance),
        largest_transfer=largest,
        verified=game.tables[0 if environment.horizon == 1 else 1].verified,
        game=game,
        details={"brackets": [bracket_data(bounds.name, bounds.ex_ante, bounds.spy) for bounds in found]},
    )
    verdicts = [_incentive(result, found), *judge_prescribed_play(result)]
    return replace(result, verdicts=excused(verdicts, violated(mechanism.promises.assumptions, result.conditions)))


METHOD = (
    "Gains ex ante lie between the bounds with 95 % confidence, all at once: from above by a deviator that sees all "
    "signals in advance and pays for that, from below by a deviation on the same draws. On path, interim and ex post: "
    "bounds at the worst state, for certain."
)


def _bound(thing: tuple[AuditRequest, FiniteGame], k: int) -> DeviatorBounds:
    """Bound one deviator's gains; where one of them is an average of others, the bounds of these bind it, too."""
    request, game = thing
    who = request.deviators[k]
    problem, name = build_problem(game, who), request.name(who)
    effort = Effort(request.width, STEPS * request.playing.effort, 1 - (1 - CONFIDENCE) / len(request.deviators))
    given = request.penalties
    tried = [tabled_candidates(problem, request.seed, given, spying=spying) for spying in (False, True)]
    interim, ex_post = ordered_bounds(*map(worst_state_bounds, tried))
    scope = "+".join(map(str, who))
    lists: tuple[list[Candidate], ...] = ([*tried[0], *_policies(request, who)], [*tried[1]])
    offered = [kept(request, scope, one) for one in lists]
    ex_ante, spy = (
        bracket_gain(candidates, request.scale, effort, scope=scope + suffix, most=most)
        for candidates, suffix, most in zip(offered, ("", " spying"), (interim[1], ex_post[1]), strict=True)
    )
    return DeviatorBounds(name, ex_ante, interim, ex_post, spy)


def _policies(request: AuditRequest, who: tuple[int, ...]) -> list[PolicyCandidate]:
    """Return what is to be tried from below for a deviator that is one agent."""
    if not request.policies or len(who) > 1:
        return []
    game = make_game(request.environment, request.mechanism, None, tail=TAIL)
    return policy_candidates(game, who[0], request.policies, as_strategy, request.seed)


def ordered_bounds(
    interim: tuple[float, float], ex_post: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the bounds at the worst state, where the gain interim is an average of gains ex post."""
    return (interim[0], min(interim[1], ex_post[1])), (max(interim[0], ex_post[0]), ex_post[1])


def _gains(bounds: DeviatorBounds) -> list[AuditedGain]:
    """Return one deviator's gains; a gain ex ante is one at some state, and other families are part of the best."""
    name, best, low = bounds.name, Family.BEST_RESPONSE, bounds.ex_ante.lower
    upper = {"ex_ante": bounds.ex_ante.upper, "on_path": bounds.interim[1], "interim": bounds.interim[1]}
    upper["ex_post"] = bounds.ex_post[1]
    fewer = [
        AuditedGain.between(name, family, kind, 0.0, high, "reachable", CONFIDENCE if kind == "ex_ante" else 1.0)
        for family in (Family.ONE_SHOT, Family.BELIEF_MANIPULATION)
        for kind, high in upper.items()
    ]
    lower = {"on_path": bounds.interim[0], "interim": bounds.interim[0], "ex_post": bounds.ex_post[0]}
    return [
        *fewer,
        AuditedGain.between(name, best, "ex_ante", low, upper["ex_ante"], "reachable", CONFIDENCE),
        *(AuditedGain.between(name, best, kind, least, upper[kind], "reachable") for kind, least in lower.items()),
    ]


def _incentive(audit: Audit, found: Sequence[DeviatorBounds]) -> Verdict:
    """Hold the bounds at the worst state against the promise."""
    promised, tolerance = audit.mechanism.promises.incentive, audit.tolerance
    pairs = [bounds.ex_post if promised == "periodic ex post" else bounds.interim for bounds in found]
    lowest, highest = (first_largest([pair[side] for pair in pairs], audit.scale) for side in (0, 1))
    low, high = pairs[lowest][0], pairs[highest][1]
    broken = low > tolerance
    status = BREAKS if broken else HOLDS if high <= tolerance else UNDECIDED
    where = {"agent": found[lowest if broken else highest].name}
    worst = low if broken else high
    if promised == "none":
        return Verdict("incentive", NOT_PROMISED, worst, high - low, where)
    return Verdict(f"incentive: {promised}", status, worst, high - low, where)
