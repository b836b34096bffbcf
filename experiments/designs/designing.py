"""`design`: goals in, an audited mechanism or the reason why there is none out."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dynmech.experiments.audits.auditing import audit
from dynmech.experiments.catalog.accepted import MechanismLike, as_environment, as_mechanism
from dynmech.experiments.certificates import verify_infeasible
from dynmech.experiments.certificates.certified_audit import certify
from dynmech.experiments.certificates.certifying import save_certificate
from dynmech.experiments.certificates.infeasibility import infeasibility
from dynmech.experiments.designs.design_result import Design
from dynmech.experiments.designs.from_data import (
    CONFIDENCES,
    Safety,
    price,
    safety,
    seek_safe,
    with_data,
)
from dynmech.experiments.designs.safe_designs import GAIN, accepted, proved_safe, read_margin, too_few
from dynmech.experiments.runs.simulation import Progress, silent
from dynmech.mechanisms.design.bill_rows import bills_are_seen
from dynmech.mechanisms.design.clashes import GoalLattice
from dynmech.mechanisms.design.decision_rule import DecisionRule, efficient_rule, rule_of
from dynmech.mechanisms.design.designed_mechanism import designed_mechanism
from dynmech.mechanisms.design.free_seeking import free_task, seek_free
from dynmech.mechanisms.design.given_transfers import repairing
from dynmech.mechanisms.design.goals import MAXIMISED, MINIMISED, Goals, Memory
from dynmech.mechanisms.design.history_rule import FREE
from dynmech.mechanisms.design.seeking import Found, Task, seek, task
from dynmech.mechanisms.tables.mechanism_files import save_mechanism
from dynmech.sim.core.arguments import checked_arguments
from dynmech.sim.core.errors import InputError, Refusal
from dynmech.sim.core.whole_files import require_place
from dynmech.sim.economy.environment import TableEnvironment
from dynmech.sim.economy.estimated import EstimatedEnvironment


@checked_arguments
def design(
    environment: object,
    *,
    rule: MechanismLike = "efficient",
    memory: str | None = None,
    incentive: str = "ex-post",
    participation: str | None = None,
    budget: str = "none",
    budget_level: str = "ex-post",
    largest: float | None = None,
    margin: float | str = 0.0,
    data: str | Path | None = None,
    confidence: float = 0.95,
    observations: Sequence[int] = (),
    maximise: str | None = None,
    minimise: str | None = None,
    near: MechanismLike | None = None,
    out: str | Path | None = None,
    certificate: str | Path | None = None,
    progress: Progress = silent,
) -> Design:
    """Return a mechanism that does what is asked, or the goals that cannot be had together.

    Parameters
    ----------
    environment : str, path or Environment
        A finite economy, or its name or file.
    rule : str, class or Mechanism
        What is decided: `efficient`, or the rule of a mechanism that decides by the current reports alone; `free`
        seeks decisions and transfers together, over a finite horizon.
    memory : str, optional
        What transfers may depend on beside the current reports: `none`, `last` (unless something else is given),
        `lags=L`, or `history` (finite horizons; always under a free rule).
    incentive : str
        `ex-post`: truth is best whatever the others' current signals are; `bayesian`; or `none`.
    participation : str, optional
        `none` (unless something else is given), `ex-ante`, `interim` (under a free rule unless something else is
        given), `ex-post`, `exit` (leaving at any time never pays) or `default` (taking the decision without paying
        never pays; leaving before it may).
    budget : str
        `none`, `no-deficit` or `balanced`.
    budget_level : str
        Where the budget counts: `ex-post`, `period` or `ex-ante`.
    largest : float, optional
        A bound on every transfer; without one feasibility is decided within 1000 times the economy's scale.
    margin : float or str
        By how much every lie must lose; `auto`: by so much that truth is best under every law of motion in the
        confidence set of an estimated economy.
    data : str or Path, optional
        What `estimate` wrote, for `margin="auto"`; not needed where the economy itself was estimated.
    confidence : float
        For `margin="auto"`: that the true laws are among them.
    observations : sequence of int
        For `margin="auto"`: numbers of times that every law might have been seen; what safety would cost then is
        worked out (`Design.price`).
    maximise, minimise : str, optional
        What is best among mechanisms that do it: `revenue`, `margin` or, under a free rule, `welfare`; `largest` (the
        largest transfer, unless something else is asked for; under a free rule `revenue`, or `welfare` with a
        balanced budget) or `deficit`; of a repair `change` (the largest change of a transfer) or `total-change`.
    near : str, class or Mechanism, optional
        A mechanism to repair: its rule is kept, and its transfers are changed as little as possible.
    out : str or Path, optional
        The mechanism file to write.
    certificate : str or Path, optional
        Where to write the proof, for `dynmech verify`, packed where its name ends in `.gz`: of what deviations gain
        under the mechanism, or that there is none.
    progress : callable
        Told what is being done.

    Returns
    -------
    Design
        The mechanism, its transfers and its audit; or what clashes.

    Raises
    ------
    InputError
        A goal is none of those listed, or goals contradict each other.
    Refusal
        The economy is not finite, the rule does not fit, or the program would be too large.

    Notes
    -----
    By the one-shot-deviation principle truth is a best response after every history iff no single lie gains at any
    state that own lies and the others' truth can lead to; that is linear in transfers. Among transfers that are
    best, those with the least sum of squares are returned, so that the tables are unique.

    Examples
    --------
    >>> import dynmech as dm
    >>> result = dm.design("oil-leases", incentive="ex-post")
    >>> result.status, round(result.objective, 6)
    ('possible', 3.25)
    >>> dm.design("oil-leases", memory="none").clashes
    (('truthful firm 1',),)
    """
    require_place(out, certificate)
    economy = as_environment(environment)
    if not isinstance(economy, TableEnvironment):
        raise Refusal(f"design: environment {economy.name!r} is not finite; give a grid of it")
    free = rule == FREE
    best = objective(maximise, minimise)
    if maximise is None and minimise is None:
        best = free_objective(budget) if free else "change" if near is not None else best
    auto = read_margin(margin, data, observations, confidence)
    if auto:
        economy = with_data(economy, data)
    goals = Goals(
        memory=Memory.read(memory or ("history" if free else "last")),
        incentive=incentive,
        participation=participation or ("interim" if free else "none"),
        budget=budget,
        budget_level=budget_level,
        largest=largest,
        margin=0.0 if auto else float(margin),
        objective=best,
    )
    if free:
        refuse_under_a_free_rule(goals, near is not None, auto)
    refuse_what_is_not_offered(goals, near is not None, free)
    if free:
        return _written(answer_free(free_task(economy, goals), progress), out, certificate)
    asked = _asked(economy, rule, near, goals)
    known = _known(asked, confidence, observations) if auto else None
    return _written(answer(asked, progress, known), out, certificate)


def _known(asked: Task, confidence: float, observations: Sequence[int]) -> Safety:
    """Return what data says of the laws, and what safety would cost with other data."""
    economy = asked.environment
    assert isinstance(economy, EstimatedEnvironment)
    known = safety(economy, asked.goals, confidence)
    if not observations:
        return known
    return replace(known, price=price(asked, known, observations, sorted({*CONFIDENCES, confidence})))


def _asked(economy: TableEnvironment, rule: MechanismLike, near: MechanismLike | None, goals: Goals) -> Task:
    """Return what is to be solved, with the mechanism that is to be repaired."""
    if near is None:
        return task(economy, as_rule(rule, economy), goals)
    own = as_mechanism(near, economy)
    return repairing(task(economy, rule_of(own), goals), own)


def _written(result: Design, out: str | Path | None, certificate: str | Path | None) -> Design:
    """Write the files that are asked for, as far as there is something to write."""
    if out is not None and result.mechanism is not None:
        save_mechanism(result.mechanism, out)
        result = replace(result, path=str(out))
    if certificate is None:
        return result
    if result.proof is not None:
        save_certificate(result.proof, Path(certificate))
        return replace(result, certificate=str(certificate))
    if result.audit is not None:
        return replace(result, audit=certify(result.audit, certificate), certificate=str(certificate))
    return result


def objective(maximise: str | None, minimise: str | None) -> str:
    """Return what is best.

    Raises
    ------
    InputError
        Both are given, or one is none of those listed.

    >>> objective(None, None), objective("revenue", None)
    ('largest', 'revenue')
    """
    if maximise is not None and minimise is not None:
        raise InputError("design: --maximise and --minimise: give one of them")
    if maximise is not None and maximise not in MAXIMISED:
        raise InputError(f"maximise {maximise!r}: it is none of {', '.join(MAXIMISED)}")
    if minimise is not None and minimise not in MINIMISED:
        raise InputError(f"minimise {minimise!r}: it is none of {', '.join(MINIMISED)}")
    return maximise or minimise or "largest"


def free_objective(budget: str) -> str:
    """Return what is best under a free rule, unless something else is asked for: a balanced budget leaves no revenue.

    >>> free_objective("balanced"), free_objective("none")
    ('welfare', 'revenue')
    """
    return "welfare" if budget == "balanced" else "revenue"


def refuse_under_a_free_rule(goals: Goals, repair: bool, auto: bool = False) -> None:
    """Refuse what is not linear where decisions are sought as well.

    Raises
    ------
    InputError
        Which goal, and what would be right.
    """
    why = ""
    if goals.objective not in ("revenue", "welfare", "deficit"):
        word = "maximise" if goals.objective == "margin" else "minimise"
        why = f"--{word} {goals.objective}"
    elif goals.memory.kind != "history":
        why = f"--memory {goals.memory.name}"
    elif goals.margin > 0:
        why = "--margin"
    elif auto:
        why = "--margin auto"
    elif repair:
        why = "--near"
    elif goals.participation == "default" and goals.incentive == "bayesian":
        why = "--participation default with --incentive bayesian"
    if why:
        raise InputError(
            f"rule free: {why} is not offered where decisions are sought together with transfers; --memory history "
            "and --maximise revenue or welfare, or --minimise deficit, are, or --rule efficient"
        )


def refuse_what_is_not_offered(goals: Goals, repair: bool, free: bool = False) -> None:
    """Refuse goals that contradict each other.

    Raises
    ------
    InputError
        Which, and what would be right.
    """
    if goals.objective == "welfare" and not free:
        raise InputError("maximise welfare: decisions are given, and with them welfare; --rule free seeks them")
    if goals.budget == "none" and goals.budget_level != "ex-post":
        raise InputError(f"budget-level {goals.budget_level}: of which budget? give --budget no-deficit or balanced")
    changes = goals.objective in ("change", "total-change")
    if repair and not changes:
        raise InputError(f"near: a repair changes little; --minimise change or total-change, not {goals.objective}")
    if repair and (goals.incentive, goals.participation, goals.budget) == ("none", "none", "none"):
        raise InputError(
            "near: nothing is asked, so nothing is to repair; give --incentive, --participation or --budget"
        )
    if changes and not repair:
        raise InputError(f"minimise {goals.objective}: from which mechanism? give --near MECHANISM")


def as_rule(rule: MechanismLike, environment: TableEnvironment) -> DecisionRule:
    """Return the decision rule that is meant.

    Raises
    ------
    InputError
        No such mechanism.
    Refusal
        It does not fit, or decides by what it remembers.
    """
    if rule == "efficient":
        return efficient_rule(environment)
    if rule == FREE:
        raise Refusal("rule free: not offered here; --rule efficient, or a mechanism, would do")
    return rule_of(as_mechanism(rule, environment))


def answer(asked: Task, progress: Progress = silent, known: Safety | None = None) -> Design:
    """Solve, audit what was found, or say what clashes; `known`: what data says of the laws, all of which count."""
    done = progress(f"design of {asked.environment.name}", 3)
    safe, found = (asked, seek(asked)) if known is None else seek_safe(asked, known.radii)
    done(1)
    result = _audited(safe, found) if found.status == "possible" else None
    if result is None and known is not None:
        alone = seek(asked)
        result = too_few(safe, found, known) if alone.status == "possible" else _without(asked, alone)
    elif result is None:
        result = _without(safe, found)
    elif known is not None and result.possible:
        result = proved_safe(result, known)
    done(2)
    return result


LOTS = (
    "The decisions that would earn the most are drawn by lot, and no transfers earn as much with them where an agent "
    "sees what was drawn before it pays or refuses; --participation exit or ex-post, or --rule efficient, would decide."
)
"""Why a default under a free rule is left open."""


def answer_free(asked: Task, progress: Progress = silent) -> Design:
    """Seek decisions as well; what the program finds is audited in the same way."""
    done = progress(f"design of {asked.environment.name}", 2)
    kept, found = seek_free(asked)
    done(1)
    if found.status == "possible":
        result = _audited(kept, found)
    elif found.status == "impossible":
        result = _without(kept, found, free=True)
    else:
        seen = bills_are_seen(kept.inside, kept.problem.rule)
        none = "The solver found decisions, but no transfers that do what is asked with them to all digits."
        reason = LOTS if seen else none
        result = Design(kept, "open", found, reason=reason)
    done(1)
    return result


def _audited(asked: Task, found: Found) -> Design:
    """Return the mechanism with its audit; what the exact search refutes is open."""
    mechanism = designed_mechanism(asked, found)
    verdict = audit(asked.environment, mechanism, exit=asked.goals.participation == "exit")
    searched = [verdict]
    if asked.goals.participation == "default":
        searched.append(audit(asked.environment, mechanism, payments="voluntary"))
    kind = "ex_post" if asked.goals.incentive == "ex-post" else "interim"
    figures = [one for result in searched for one in result.figures]
    gains = [one.gain for one in figures if (one.family, one.information) == ("best_response", kind)]
    most = max(gains, default=0.0)
    if asked.goals.incentive != "none" and not most <= GAIN * asked.unit:
        reason = f"The exact search finds a gain of {most:.3g} in what the program found: an error of the program's."
        return Design(asked, "open", found, reason=reason)
    return Design(asked, "possible", found, mechanism, verdict)


def _without(asked: Task, found: Found, *, free: bool = False) -> Design:
    """Return what clashes, and whether that is proved; `free`: whatever is decided."""
    lattice = GoalLattice(asked.problem, asked.inside, free=free)
    clashes = lattice.minimal_clashes()
    if not clashes:
        return Design(asked, "open", found, reason="The solver gave up, or goals are missed by less than it can tell.")
    names = tuple(tuple(lattice.names[k] for k in sorted(clash)) for clash in clashes)
    gives = {lattice.names[k]: lattice.relaxation(k) for k in sorted(lattice.everything)}
    amounts = {name: None if value is None else value * asked.unit for name, value in gives.items()}
    proof = infeasibility(asked, lattice, clashes)
    if proved(proof):
        return Design(asked, "impossible", found, clashes=names, relaxations=amounts, certified=True, proof=proof)
    reason = "The solver finds no transfers that do it, but no proof that there are none."
    return Design(asked, "open", found, clashes=names, relaxations=amounts, reason=reason)


def proved(proof: dict[str, Any]) -> bool:
    """Return whether the separate checker accepts a proof that goals clash."""
    return accepted(verify_infeasible, proof)
