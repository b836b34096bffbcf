"""The audit by bounds where nothing can be put on tables: rules are asked along drawn paths, `sampled_paths`.

Gains ex ante only are bounded from both sides; a gain ex ante is also one at some state. Whatever promises say of
prescribed play stays open.
"""

from dynmech.agents.bounds.bracket import Bracket, Candidate, Effort, bracket_gain
from dynmech.agents.bounds.message_sets import MessageSets, Reach, require_true_breaks
from dynmech.agents.bounds.policy_candidate import policy_candidates
from dynmech.agents.bounds.rule_calls import RuleCalls
from dynmech.agents.bounds.sampled_candidates import GRID, Ideas, sampled_candidates
from dynmech.agents.bounds.sampled_conditions import require_sampled_bounds
from dynmech.agents.oracle.gains import KINDS
from dynmech.agents.oracle.search import Family
from dynmech.experiments.audits.audit_request import AuditRequest
from dynmech.experiments.audits.audit_result import UNKNOWN, Audit, AuditedGain, Truth
from dynmech.experiments.audits.bracket_text import CONFIDENCE, bracket_data, ended, sentence
from dynmech.experiments.catalog.accepted import as_strategy
from dynmech.experiments.runs.simulation import Progress, blaming
from dynmech.experiments.runs.verdicts import BREAKS, NOT_PROMISED, UNDECIDED, Verdict
from dynmech.experiments.workers.bound_effort import each_deviator, kept, prepare_folder
from dynmech.sim.core.errors import Refusal
from dynmech.sim.core.ties import first_largest
from dynmech.sim.play.game import Game, make_game

TAIL = 2e-3
"""What may be left out of a payoff by cutting an infinite horizon, relative to the economy's scale; it is added."""

STEPS = 6e7
"""Elementary steps of work for all deviators together: about a minute."""


def audit_by_sampled_bounds(request: AuditRequest, reason: str, progress: Progress) -> Audit:
    """Bound every agent's gain from both sides by asking rules along paths.

    Args:
        reason: why there are no tables.

    Raises:
        Refusal: decisions move signals, agents act after them, coalitions deviate, or signals are drawn together.
    """
    if request.coalitions:
        raise Refusal("bounds: coalitions are bounded on tables only; a smaller game would make it possible")
    with blaming(f"mechanism {request.mechanism.name!r}"):
        game = make_game(request.environment, request.mechanism, None, tail=TAIL)
        require_sampled_bounds(game, request.seed)
        sets = [MessageSets(RuleCalls(game, i), GRID) for i in range(len(game.environment.agents))]
        for one in sets:
            require_true_breaks(one, request.seed)
        found = _brackets(request, game, progress)
    return Audit(
        request=request,
        backend="bounds",
        method=METHOD + _reach_text([one.reach for one in sets]) + ended(found),
        reason=reason,
        figures=[gain for name, bracket in found for gain in _gains(name, bracket)],
        truth=Truth(),
        verdicts=_verdicts(request, found),
        conditions=[],
        said=sentence(request, found),
        verified="not verified",
        details={
            "brackets": [
                bracket_data(name, bracket, None, one.reach) for (name, bracket), one in zip(found, sets, strict=True)
            ]
        },
    )


METHOD = (
    "Gains ex ante lie between the bounds with 95 % confidence, all at once, as far as normal limits hold: from above "
    "by a deviator that sees all signals in advance and pays for knowing the others' of its own period, from below by "
    "a deviation on the same draws. A gain ex ante is one at some state."
)


REACHES = {
    "all": "",
    "breaks": " Messages: all of them, as the mechanism declares where they change anything.",
    "lipschitz": f" Messages: all of them; what lies between {GRID} of them is added as declared.",
    "grid": (
        f" Messages: on a grid of {GRID} messages, the prescribed one added; message_breaks or message_lipschitz, "
        "declared by the mechanism, would bound all messages."
    ),
}
"""What bounds hold for, in words."""


def _reach_text(reaches: list[Reach]) -> str:
    """Return for which messages bounds hold, in words: the least that is said of any agent."""
    return REACHES[max(reaches, key=list(REACHES).index)]


def _brackets(request: AuditRequest, game: Game, progress: Progress) -> list[tuple[str, Bracket]]:
    """Return every agent's bracket."""
    agents = game.environment.agents
    prepare_folder(request)
    advance = progress("bounds", len(agents))
    found = each_deviator(request, _bracket, (request, game), len(agents), advance)
    return list(zip(agents, found, strict=True))


def _bracket(thing: tuple[AuditRequest, Game], agent: int) -> Bracket:
    """Return one agent's bracket."""
    request, game = thing
    count = len(game.environment.agents)
    effort = Effort(request.width, STEPS * request.playing.effort / count, 1 - (1 - CONFIDENCE) / count)
    ideas = Ideas(request.penalties, request.features)
    candidates: list[Candidate] = [
        *sampled_candidates(game, agent, request.seed, ideas),
        *policy_candidates(game, agent, request.policies, as_strategy, request.seed),
    ]
    return bracket_gain(kept(request, str(agent), candidates), request.scale, effort, scope=str(agent))


def _gains(name: str, bracket: Bracket) -> list[AuditedGain]:
    """Return one agent's gains."""
    best, states = Family.BEST_RESPONSE, "reachable"
    fewer = (Family.ONE_SHOT, Family.BELIEF_MANIPULATION)
    out = [AuditedGain.between(name, f, "ex_ante", 0.0, bracket.upper, states, CONFIDENCE) for f in fewer]
    refused = (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, "refused", states)
    out += [AuditedGain(name, f.value, kind, *refused) for f in fewer for kind in KINDS if kind != "ex_ante"]
    out.append(AuditedGain.between(name, best, "ex_ante", bracket.lower, bracket.upper, states, CONFIDENCE))
    known = (UNKNOWN, UNKNOWN, bracket.lower, UNKNOWN, "lower_bound", states, CONFIDENCE)
    return out + [AuditedGain(name, best.value, kind, *known) for kind in KINDS if kind != "ex_ante"]


def _verdicts(request: AuditRequest, found: list[tuple[str, Bracket]]) -> list[Verdict]:
    """Return a verdict per promise: one on incentives breaks where a gain is sure, everything else is open."""
    promises, tolerance = request.mechanism.promises, request.relative_tolerance * request.scale
    name, worst = found[first_largest([bracket.lower for _, bracket in found])]
    broken = worst.lower > tolerance
    where = {"agent": name} if broken else {}
    figure = worst.lower if broken else max(bracket.upper for _, bracket in found)
    if promises.incentive == "none":
        verdicts = [Verdict("incentive", NOT_PROMISED, figure, UNKNOWN, where)]
    else:
        verdicts = [
            Verdict(f"incentive: {promises.incentive}", BREAKS if broken else UNDECIDED, figure, UNKNOWN, where)
        ]
    other = {"budget": promises.budget, "participation": promises.participation}
    names = [f"{kind}: {promised}" for kind, promised in other.items() if promised != "none"]
    names += ["efficient"] if promises.efficient else []
    return verdicts + [Verdict(one, UNDECIDED, UNKNOWN, UNKNOWN, {}) for one in names]
